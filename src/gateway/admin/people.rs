use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::api::Query;
use super::who::Actor;
use super::{Admin, Fault, sessions};
use crate::identity::{DisplayName, Email, Group, NameError, Profile, Role, UserId};
use crate::observe::AuditKind;
use crate::store::{Change, EndReason, PeopleQuery, Person, PersonState};

/// What is to hold of a person from now on. What is not said stays.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Wanted {
    /// Who, when somebody is entered.
    user: Option<String>,
    role: Option<String>,
    groups: Option<Vec<String>>,
    add_groups: Vec<String>,
    remove_groups: Vec<String>,
    name: Option<String>,
    email: Option<String>,
    disabled: Option<bool>,
}

impl Admin {
    /// People in the order of realm and id, a page at a time.
    pub(super) async fn list_people(&self, query: &Query) -> Result<Value, Fault> {
        let after = query.get("after").map(|user| UserId::parse(&user)).transpose();
        let after = after.map_err(|_| Fault::Wrong("after is a user, as in mju:60241234".to_owned()))?;
        let limit = query.limit()?;
        let people = self.shared.store.people(PeopleQuery { search: query.get("search"), after, limit }).await?;
        let full = people.len() == usize::try_from(limit).unwrap_or(usize::MAX);
        let next = people.last().filter(|_| full).map(|person| person.user.to_string());
        Ok(json!({ "users": people.iter().map(|person| self.shown(person)).collect::<Vec<_>>(), "next": next }))
    }

    /// One person with their sessions.
    pub(super) async fn show_person(&self, who: &str) -> Result<Value, Fault> {
        let person = self.known(self.whom(who).await?).await?;
        let live = self.shared.store.sessions_of(person.user.clone(), self.shared.clock.now()).await?;
        let mut shown = self.shown(&person);
        shown["sessions"] = live.iter().map(sessions::shown).collect();
        Ok(shown)
    }

    /// Enters somebody beforehand, so that a role or groups hold from the first login on.
    pub(super) async fn add_person(&self, wanted: Wanted, actor: &Actor) -> Result<Value, Fault> {
        let who = wanted.user.as_deref().ok_or_else(|| Fault::Wrong("user is missing: who is to be entered".to_owned()))?;
        let user = self.whom(who).await?;
        let state = wanted.applied_to(&PersonState::default())?;
        let _alone = self.changing.lock().await;
        if self.shared.store.person(user.clone()).await?.is_some() {
            return Err(Fault::Known(user));
        }
        let told = told(&PersonState::default(), &state);
        self.shared.log.end(vec![Change::PersonChanged { user: user.clone(), state }]).await?;
        self.note(actor, AuditKind::PersonAdded, Some(user.clone()), None, &told).await;
        Ok(self.shown(&self.known(user).await?))
    }

    /// Changes role, groups, name, e-mail or the disabled flag. Who is disabled is out at once.
    pub(super) async fn change_person(&self, who: &str, wanted: Wanted, actor: &Actor) -> Result<Value, Fault> {
        if wanted.user.is_some() {
            return Err(Fault::Wrong("a person's id cannot be changed".to_owned()));
        }
        let user = self.whom(who).await?;
        let _alone = self.changing.lock().await;
        let person = self.known(user.clone()).await?;
        let state = wanted.applied_to(&person.state)?;
        let told = told(&person.state, &state);
        let mut ended = 0;
        if state != person.state {
            let mut changes = vec![Change::PersonChanged { user: user.clone(), state: state.clone() }];
            if state.disabled {
                ended = self.shared.store.sessions_of(user.clone(), self.shared.clock.now()).await?.len();
                changes.push(Change::PersonEnded { user: user.clone(), reason: EndReason::Disabled });
            }
            self.shared.log.end(changes).await?;
            self.note(actor, AuditKind::PersonChanged, Some(user), None, &told).await;
        }
        let mut shown = self.shown(&Person { state, ..person });
        shown["changed"] = (!told.is_empty()).into();
        shown["sessions_ended"] = ended.into();
        Ok(shown)
    }

    /// Removes a person's data and ends their sessions. The trail says that it happened, and no more to whom.
    pub(super) async fn remove_person(&self, who: &str, actor: &Actor) -> Result<Value, Fault> {
        let user = self.whom(who).await?;
        let _alone = self.changing.lock().await;
        self.known(user.clone()).await?;
        let live = self.shared.store.sessions_of(user.clone(), self.shared.clock.now()).await?.len();
        self.shared.log.end(vec![Change::PersonRemoved { user: user.clone() }]).await?;
        self.note(actor, AuditKind::PersonRemoved, None, None, &format!("somebody of realm {}", user.realm())).await;
        Ok(json!({ "user": user.to_string(), "removed": true, "sessions_ended": live }))
    }

    async fn known(&self, user: UserId) -> Result<Person, Fault> {
        self.shared.store.person(user.clone()).await?.ok_or(Fault::Nobody(user))
    }

    /// A person as they are told. Times are seconds since 1970.
    fn shown(&self, person: &Person) -> Value {
        let Profile { role, groups, name, email } = &*person.state.profile;
        json!({
            "user": person.user.to_string(),
            "subject": self.current.load().issuer.subjects().write(&person.user),
            "role": role.as_str(),
            "groups": groups.iter().map(Group::as_str).collect::<Vec<_>>(),
            "name": name.as_ref().map(DisplayName::as_str),
            "email": email.as_ref().map(Email::as_str),
            "disabled": person.state.disabled,
            "created": person.created.secs(),
            "last_login": person.last_login.map(crate::base::Timestamp::secs),
        })
    }
}

impl Wanted {
    fn applied_to(&self, state: &PersonState) -> Result<PersonState, Fault> {
        let mut profile = Profile::clone(&state.profile);
        if let Some(word) = &self.role {
            profile.role = Role::parse(word).ok_or_else(|| Fault::Wrong(format!("{word:?} is no role; the roles are member, admin")))?;
        }
        if let Some(groups) = &self.groups {
            profile.groups = groups_of(groups)?;
        }
        profile.groups.extend(groups_of(&self.add_groups)?);
        let removed = groups_of(&self.remove_groups)?;
        profile.groups.retain(|group| !removed.contains(group));
        profile.groups.sort();
        profile.groups.dedup();
        if let Some(name) = &self.name {
            profile.name = kept(name, DisplayName::new)?;
        }
        if let Some(email) = &self.email {
            profile.email = kept(email, Email::new)?;
        }
        Ok(PersonState { disabled: self.disabled.unwrap_or(state.disabled), profile: Arc::new(profile) })
    }
}

fn groups_of(texts: &[String]) -> Result<Vec<Group>, Fault> {
    texts.iter().map(|text| Group::new(text).map_err(|error| Fault::Wrong(format!("{text:?} is no group: {error}")))).collect()
}

/// An empty text takes away what was there.
fn kept<T>(text: &str, new: impl Fn(&str) -> Result<T, NameError>) -> Result<Option<T>, Fault> {
    if text.is_empty() { Ok(None) } else { new(text).map(Some).map_err(|error| Fault::Wrong(format!("{text:?} cannot be taken: {error}"))) }
}

/// What became different, for the audit trail. Names and addresses are not told there.
fn told(before: &PersonState, after: &PersonState) -> String {
    let (old, new) = (&before.profile, &after.profile);
    let groups = || new.groups.iter().map(Group::as_str).collect::<Vec<_>>().join(" ");
    [
        (before.disabled != after.disabled).then(|| if after.disabled { "disabled" } else { "enabled" }.to_owned()),
        (old.role != new.role).then(|| format!("role {}", new.role)),
        (old.groups != new.groups).then(|| if new.groups.is_empty() { "no groups".to_owned() } else { format!("groups {}", groups()) }),
        (old.name != new.name).then(|| "name".to_owned()),
        (old.email != new.email).then(|| "e-mail".to_owned()),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join(", ")
}
