use std::collections::HashMap;
use std::sync::Arc;

use crate::identity::{Group, Profile, UserId};

/// Who is in which group according to a file, besides what the store says. Part of the snapshot: a reload acts at once.
#[derive(Clone, Debug, Default)]
pub struct FileGroups(Arc<HashMap<UserId, Member>>);

#[derive(Debug)]
struct Member {
    groups: Vec<Group>,
    /// The profile of somebody of whom nothing else is known, made once.
    alone: Arc<Profile>,
}

impl FileGroups {
    /// From groups with their people.
    pub fn new(groups: impl IntoIterator<Item = (Group, Vec<UserId>)>) -> Self {
        let mut people: HashMap<UserId, Vec<Group>> = HashMap::new();
        for (group, members) in groups {
            for user in members {
                people.entry(user).or_default().push(group.clone());
            }
        }
        let member = |(user, groups): (UserId, Vec<Group>)| {
            let alone = Arc::new(with(&Profile::default(), &groups));
            (user, Member { groups, alone })
        };
        Self(Arc::new(people.into_iter().map(member).collect()))
    }

    /// A person's profile with the groups of the file in it.
    pub(super) fn join(&self, user: &UserId, profile: Arc<Profile>) -> Arc<Profile> {
        match self.0.get(user) {
            None => profile,
            Some(member) if *profile == Profile::default() => Arc::clone(&member.alone),
            Some(member) => Arc::new(with(&profile, &member.groups)),
        }
    }
}

fn with(profile: &Profile, groups: &[Group]) -> Profile {
    let mut joined = profile.clone();
    joined.groups.extend_from_slice(groups);
    joined.groups.sort();
    joined.groups.dedup();
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Role;

    #[test]
    fn both_sources_count() {
        let (staff, grades) = (Group::new("staff").unwrap(), Group::new("grades").unwrap());
        let kim = UserId::parse("mju:kim").unwrap();
        let file = FileGroups::new([(staff.clone(), vec![kim.clone()]), (grades.clone(), vec![kim.clone()])]);
        assert_eq!(file.join(&kim, Arc::default()).groups, [grades.clone(), staff.clone()]);
        let stored = Profile { role: Role::Admin, groups: vec![Group::new("a").unwrap(), staff.clone()], ..Profile::default() };
        let joined = file.join(&kim, Arc::new(stored.clone()));
        assert_eq!((joined.role, &*joined.groups), (Role::Admin, &[Group::new("a").unwrap(), grades, staff][..]));
        let stranger = UserId::parse("guests:kim").unwrap();
        assert_eq!(file.join(&stranger, Arc::new(stored.clone())), Arc::new(stored), "a namesake of another realm gets nothing");
    }
}
