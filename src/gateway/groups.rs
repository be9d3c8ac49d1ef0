use std::collections::HashMap;
use std::sync::Arc;

use crate::identity::{Group, Profile, Role, UserId};

/// Who is in which group according to a file, and who is an administrator according to the configuration, besides what the
/// store says. Part of the snapshot: a reload acts at once.
#[derive(Clone, Debug, Default)]
pub struct FileGroups(Arc<HashMap<UserId, Member>>);

#[derive(Clone, Debug, Default)]
struct Member {
    groups: Vec<Group>,
    role: Role,
    /// The profile of somebody of whom nothing else is known, made once.
    alone: Arc<Profile>,
}

impl FileGroups {
    /// From groups with their people.
    pub fn new(groups: impl IntoIterator<Item = (Group, Vec<UserId>)>) -> Self {
        let mut people: HashMap<UserId, Member> = HashMap::new();
        for (group, members) in groups {
            for user in members {
                people.entry(user).or_default().groups.push(group.clone());
            }
        }
        Self::of(people)
    }

    /// The same, with these people as administrators.
    #[must_use]
    pub fn with_admins(self, admins: impl IntoIterator<Item = UserId>) -> Self {
        let mut people = Arc::unwrap_or_clone(self.0);
        for user in admins {
            people.entry(user).or_default().role = Role::Admin;
        }
        Self::of(people)
    }

    fn of(mut people: HashMap<UserId, Member>) -> Self {
        for member in people.values_mut() {
            member.alone = Arc::new(member.join(&Profile::default()));
        }
        Self(Arc::new(people))
    }

    /// Whether the configuration makes this person an administrator: then nothing else can take the role away.
    pub(super) fn makes_admin(&self, user: &UserId) -> bool {
        self.0.get(user).is_some_and(|member| member.role == Role::Admin)
    }

    /// A person's profile with the groups of the file in it.
    pub(super) fn join(&self, user: &UserId, profile: Arc<Profile>) -> Arc<Profile> {
        match self.0.get(user) {
            None => profile,
            Some(member) if *profile == Profile::default() => Arc::clone(&member.alone),
            Some(member) => Arc::new(member.join(&profile)),
        }
    }
}

impl Member {
    fn join(&self, profile: &Profile) -> Profile {
        let mut joined = profile.clone();
        joined.groups.extend_from_slice(&self.groups);
        joined.groups.sort();
        joined.groups.dedup();
        if self.role == Role::Admin {
            joined.role = Role::Admin;
        }
        joined
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sources_count() {
        let (staff, grades) = (Group::new("staff").unwrap(), Group::new("grades").unwrap());
        let kim = UserId::parse("mju:kim").unwrap();
        let file = FileGroups::new([(staff.clone(), vec![kim.clone()]), (grades.clone(), vec![kim.clone()])]);
        assert_eq!(file.join(&kim, Arc::default()).groups, [grades.clone(), staff.clone()]);
        let stored = Profile { role: Role::Admin, groups: vec![Group::new("a").unwrap(), staff.clone()], ..Profile::default() };
        let joined = file.join(&kim, Arc::new(stored.clone()));
        assert_eq!((joined.role, &*joined.groups), (Role::Admin, &[Group::new("a").unwrap(), grades, staff][..]));
        let admins = file.with_admins([kim.clone()]);
        let both = admins.join(&kim, Arc::default());
        assert_eq!((both.role, both.groups.len(), admins.makes_admin(&kim)), (Role::Admin, 2, true));
        let stranger = UserId::parse("guests:kim").unwrap();
        assert_eq!(admins.join(&stranger, Arc::default()), Arc::default(), "a namesake of another realm gets nothing");
        assert!(!admins.makes_admin(&stranger));
    }
}
