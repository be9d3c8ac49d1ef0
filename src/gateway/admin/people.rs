use serde_json::{Value, json};

use super::api::Query;
use super::{Admin, Fault, sessions};
use crate::gateway::Gateway;
use crate::gateway::office::{Actor, Wanted};
use crate::identity::{DisplayName, Email, Group, Profile, UserId};
use crate::store::{AccountStatus, PeoplePage, PeopleQuery, Person};

impl Admin {
    /// People in the order of realm and id, a page at a time.
    pub(super) async fn list_people(&self, gateway: &Gateway, query: &Query) -> Result<Value, Fault> {
        let after = query.get("after").map(|user| UserId::parse(&user)).transpose();
        let after = after.map_err(|_| Fault::Wrong("after is a user, as in mju:60241234".to_owned()))?;
        let limit = query.limit()?;
        let page = after.map_or(PeoplePage::First, PeoplePage::After);
        let awaiting = query.flag("awaiting")?;
        let people = self.shared.store.people(PeopleQuery { search: query.get("search"), awaiting, page, limit }).await?;
        let full = people.len() == usize::try_from(limit).unwrap_or(usize::MAX);
        let next = people.last().filter(|_| full).map(|person| person.user.to_string());
        Ok(json!({ "users": people.iter().map(|person| shown(gateway, person)).collect::<Vec<_>>(), "next": next }))
    }

    /// One person with their sessions.
    pub(super) async fn show_person(&self, gateway: &Gateway, who: &str) -> Result<Value, Fault> {
        let person = gateway.person(gateway.whom(who).await?).await?;
        let live = self.shared.store.sessions_of(person.user.clone(), self.shared.clock.now()).await?;
        let mut told = shown(gateway, &person);
        told["sessions"] = live.iter().map(sessions::shown).collect();
        Ok(told)
    }
}

pub(super) async fn add(gateway: &Gateway, wanted: Wanted, actor: &Actor) -> Result<Value, Fault> {
    let (person, link) = gateway.enter_person(wanted, actor).await?;
    let mut told = shown(gateway, &person);
    if let Some(link) = link {
        told["link"] = link.into();
    }
    Ok(told)
}

pub(super) async fn change(gateway: &Gateway, who: &str, wanted: &Wanted, actor: &Actor) -> Result<Value, Fault> {
    let altered = gateway.alter(gateway.whom(who).await?, wanted, actor).await?;
    let mut told = shown(gateway, &altered.person);
    told["changed"] = altered.changed.into();
    told["sessions_ended"] = altered.ended.into();
    Ok(told)
}

pub(super) async fn approve(gateway: &Gateway, who: &str, actor: &Actor) -> Result<Value, Fault> {
    let altered = gateway.approve(gateway.whom(who).await?, actor).await?;
    let mut told = shown(gateway, &altered.person);
    told["changed"] = altered.changed.into();
    Ok(told)
}

pub(super) async fn reset(gateway: &Gateway, who: &str, actor: &Actor) -> Result<Value, Fault> {
    let user = gateway.whom(who).await?;
    let link = gateway.reset_link(user.clone(), actor).await?;
    Ok(json!({ "user": user.to_string(), "link": link }))
}

pub(super) async fn remove(gateway: &Gateway, who: &str, keep_blocked: bool, actor: &Actor) -> Result<Value, Fault> {
    let user = gateway.whom(who).await?;
    let ended = gateway.remove(user.clone(), keep_blocked, actor).await?;
    Ok(json!({ "user": user.to_string(), "removed": true, "blocked": keep_blocked, "sessions_ended": ended }))
}

pub(super) async fn unblock(gateway: &Gateway, who: &str, actor: &Actor) -> Result<Value, Fault> {
    let user = gateway.whom(who).await?;
    gateway.unblock(user.clone(), actor).await?;
    Ok(json!({ "user": user.to_string(), "blocked": false }))
}

/// A person as they are told. Times are seconds since 1970.
fn shown(gateway: &Gateway, person: &Person) -> Value {
    let Profile { role: _, groups, name, email } = &*person.state.profile;
    json!({
        "user": person.user.to_string(),
        "subject": gateway.issuer.subjects().write(&person.user),
        "role": gateway.role_of(person).as_str(),
        "groups": groups.iter().map(Group::as_str).collect::<Vec<_>>(),
        "name": name.as_ref().map(DisplayName::as_str),
        "email": email.as_ref().map(Email::as_str),
        "disabled": person.state.disabled,
        "account": person.account.map(AccountStatus::as_str),
        "created": person.created.secs(),
        "last_login": person.last_login.map(crate::base::Timestamp::secs),
    })
}
