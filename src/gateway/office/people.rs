use std::sync::Arc;

use secrecy::SecretString;
use serde::Deserialize;

use super::{Actor, OfficeFault};
use crate::gateway::{Gateway, reset_link};
use crate::identity::{DisplayName, Email, Group, NameError, Profile, Role, UserId};
use crate::observe::AuditKind;
use crate::provider::{AccountFault, Local};
use crate::store::{AccountStatus, Change, EndReason, Person, PersonState};

/// What is to hold of a person from now on. What is not said stays.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub(in crate::gateway) struct Wanted {
    /// Who, when somebody is entered.
    user: Option<String>,
    role: Option<String>,
    groups: Option<Vec<String>>,
    add_groups: Vec<String>,
    remove_groups: Vec<String>,
    name: Option<String>,
    email: Option<String>,
    disabled: Option<bool>,
    /// Of an account of our own that is made; without one a one-time link is.
    password: Option<String>,
}

/// What came of a change.
pub(in crate::gateway) struct Altered {
    pub(in crate::gateway) person: Person,
    /// Whether anything is different now.
    pub(in crate::gateway) changed: bool,
    /// How many sessions ended by it.
    pub(in crate::gateway) ended: usize,
}

impl Gateway {
    /// Somebody who is known.
    pub(in crate::gateway) async fn person(&self, user: UserId) -> Result<Person, OfficeFault> {
        self.shared.store.person(user.clone()).await?.ok_or(OfficeFault::Nobody(user))
    }

    /// What a person is to the gateway: what the store says, and the configuration besides.
    pub(in crate::gateway) fn role_of(&self, person: &Person) -> Role {
        if self.settings.groups.makes_admin(&person.user) { Role::Admin } else { person.state.profile.role }
    }

    /// Enters somebody beforehand, so that a role or groups hold from the first login on. In a realm of our own that makes
    /// an account, and unless its password is given, a one-time link to set one.
    pub(in crate::gateway) async fn enter_person(
        &self,
        mut wanted: Wanted,
        actor: &Actor,
    ) -> Result<(Person, Option<String>), OfficeFault> {
        let who = wanted.user.as_deref().ok_or_else(|| OfficeFault::Wrong("user is missing: who is to be entered".to_owned()))?;
        let user = self.whom(who).await?;
        let password = wanted.password.take().map(SecretString::from);
        let local = self.local_of(&user).cloned();
        if password.is_some() && local.is_none() {
            return Err(OfficeFault::NoAccount(user));
        }
        let state = wanted.applied_to(&PersonState::default())?;
        let told = told(&PersonState::default(), &state);
        let _alone = self.shared.changing.lock().await;
        let known = self.shared.store.person(user.clone()).await?;
        if known.is_some_and(|person| local.is_none() || person.account.is_some()) {
            return Err(OfficeFault::Known(user));
        }
        if self.shared.store.is_blocked(user.clone()).await? {
            return Err(OfficeFault::Blocked(user));
        }
        let mut link = None;
        if let Some(local) = local {
            let (whose, chosen) = (user.clone(), password.is_some());
            let entering = async move { local.enter(whose, state, password).await };
            // Hashing takes long, and the pages are served on the data path.
            self.shared.services.spawn(entering).await.unwrap_or(Err(AccountFault::Hashing))?;
            if !chosen {
                link = self.make_link(&user).await?;
            }
        } else {
            self.shared.log.end(vec![Change::PersonChanged { user: user.clone(), state }]).await?;
        }
        self.note(actor, AuditKind::PersonAdded, Some(user.clone()), None, &told).await;
        Ok((self.person(user).await?, link))
    }

    /// Changes role, groups, name, e-mail or the disabled flag. Who is disabled is out at once.
    pub(in crate::gateway) async fn alter(&self, user: UserId, wanted: &Wanted, actor: &Actor) -> Result<Altered, OfficeFault> {
        if wanted.user.is_some() {
            return Err(OfficeFault::Wrong("a person's id cannot be changed".to_owned()));
        }
        if wanted.password.is_some() {
            return Err(OfficeFault::Wrong("a password is changed by its owner; a one-time link lets them set a new one".to_owned()));
        }
        let _alone = self.shared.changing.lock().await;
        let person = self.person(user.clone()).await?;
        let state = wanted.applied_to(&person.state)?;
        if wanted.role.is_some() && state.profile.role != Role::Admin && self.settings.groups.makes_admin(&user) {
            return Err(OfficeFault::Configured(user));
        }
        let loses = person.state.profile.role == Role::Admin && state.profile.role != Role::Admin;
        if state.disabled || loses {
            actor.must_not_be(&user)?;
        }
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
        Ok(Altered { person: Person { state, ..person }, changed: !told.is_empty(), ended })
    }

    /// Lets somebody in who made an account for themselves. Whether they waited.
    pub(in crate::gateway) async fn approve(&self, user: UserId, actor: &Actor) -> Result<Altered, OfficeFault> {
        let _alone = self.shared.changing.lock().await;
        let person = self.person(user.clone()).await?;
        let status = person.account.ok_or_else(|| OfficeFault::NoAccount(user.clone()))?;
        let changed = status == AccountStatus::Awaiting;
        if changed {
            self.shared.store.set_status(user.clone(), AccountStatus::Active).await?;
            self.note(actor, AuditKind::PersonChanged, Some(user), None, "approved").await;
        }
        Ok(Altered { person: Person { account: Some(AccountStatus::Active), ..person }, changed, ended: 0 })
    }

    /// A one-time link to set a new password: shown to whoever asks, this once.
    pub(in crate::gateway) async fn reset_link(&self, user: UserId, actor: &Actor) -> Result<String, OfficeFault> {
        self.person(user.clone()).await?;
        let link = self.make_link(&user).await?.ok_or_else(|| OfficeFault::NoAccount(user.clone()))?;
        self.note(actor, AuditKind::PersonChanged, Some(user), None, "one-time link for a new password").await;
        Ok(link)
    }

    /// Removes a person's data and ends their sessions, and tells how many those were. The trail says that it happened, and
    /// no more to whom. Blocked ids are hashed, and come back for nobody.
    pub(in crate::gateway) async fn remove(&self, user: UserId, keep_blocked: bool, actor: &Actor) -> Result<usize, OfficeFault> {
        actor.must_not_be(&user)?;
        let _alone = self.shared.changing.lock().await;
        self.person(user.clone()).await?;
        let live = self.shared.store.sessions_of(user.clone(), self.shared.clock.now()).await?.len();
        let realm = user.realm().clone();
        if keep_blocked {
            // First: should the second step fail, nobody has slipped through between the two.
            self.shared.store.block(user.clone(), self.shared.clock.now()).await?;
        }
        self.shared.log.end(vec![Change::PersonRemoved { user }]).await?;
        let blocked = if keep_blocked { ", kept blocked" } else { "" };
        self.note(actor, AuditKind::PersonRemoved, None, None, &format!("somebody of realm {realm}{blocked}")).await;
        Ok(live)
    }

    /// Lets an id come back that was removed and blocked.
    pub(in crate::gateway) async fn unblock(&self, user: UserId, actor: &Actor) -> Result<(), OfficeFault> {
        if !self.shared.store.unblock(user.clone()).await? {
            return Err(OfficeFault::NotBlocked(user));
        }
        self.note(actor, AuditKind::PersonChanged, None, None, &format!("an id of realm {} is blocked no more", user.realm())).await;
        Ok(())
    }

    async fn make_link(&self, user: &UserId) -> Result<Option<String>, OfficeFault> {
        let Some(local) = self.local_of(user) else { return Ok(None) };
        let secret = local.make_reset(user.clone()).await?;
        Ok(secret.map(|secret| reset_link(self.issuer.name(), self.settings.portal.as_ref(), &secret)))
    }

    fn local_of(&self, user: &UserId) -> Option<&Local> {
        self.providers.iter().filter_map(|provider| provider.accounts()).find(|local| &local.settings().realm == user.realm())
    }
}

impl Wanted {
    /// Keeping somebody out, or letting them in again.
    pub(in crate::gateway) fn disabled(disabled: bool) -> Self {
        Self { disabled: Some(disabled), ..Self::default() }
    }

    /// Another role or other groups; what is `None` stays.
    pub(in crate::gateway) fn rights(role: Option<String>, groups: Option<Vec<String>>) -> Self {
        Self { role, groups, ..Self::default() }
    }

    fn applied_to(&self, state: &PersonState) -> Result<PersonState, OfficeFault> {
        let mut profile = Profile::clone(&state.profile);
        if let Some(word) = &self.role {
            profile.role =
                Role::parse(word).ok_or_else(|| OfficeFault::Wrong(format!("{word:?} is no role; the roles are member, admin")))?;
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

fn groups_of(texts: &[String]) -> Result<Vec<Group>, OfficeFault> {
    texts.iter().map(|text| Group::new(text).map_err(|error| OfficeFault::Wrong(format!("{text:?} is no group: {error}")))).collect()
}

/// An empty text takes away what was there.
fn kept<T>(text: &str, new: impl Fn(&str) -> Result<T, NameError>) -> Result<Option<T>, OfficeFault> {
    if text.is_empty() {
        Ok(None)
    } else {
        new(text).map(Some).map_err(|error| OfficeFault::Wrong(format!("{text:?} cannot be taken: {error}")))
    }
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
