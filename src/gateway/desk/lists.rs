use http::StatusCode;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::Clerk;
use crate::gateway::office::OfficeFault;
use crate::gateway::reply::Reply;
use crate::gateway::{Gateway, Refusal};
use crate::identity::{DisplayName, Group, UserId};
use crate::observe::AuditKind;
use crate::pages::{AuditFilter, AuditPage, AuditRow, MemberRow, MemberState, MembersPage, Paging};
use crate::store::{AccountStatus, AuditEntry, AuditQuery, PeoplePage, PeopleQuery, Person};
use crate::web::{ReturnTo, field};

impl Gateway {
    /// The list of members, one page of it.
    pub(super) async fn members(&self, clerk: &Clerk<'_>) -> Result<Reply, Refusal> {
        let text = |name| field(clerk.query(), name).unwrap_or_default();
        let (query, only_awaiting) = (text("q"), text("awaiting") == "1");
        let beside = |name| UserId::parse(&text(name)).ok();
        let page = match (beside("after"), beside("before"), text("last") == "1") {
            (Some(user), _, _) => PeoplePage::After(user),
            (None, Some(user), _) => PeoplePage::Before(user),
            (None, None, true) => PeoplePage::Last,
            (None, None, false) => PeoplePage::First,
        };
        let search = Some(query.trim().to_owned()).filter(|text| !text.is_empty());
        // One more than is shown tells whether there are more.
        let limit = MembersPage::MOST_ROWS + 1;
        let wanted = PeopleQuery { search, awaiting: only_awaiting, page: page.clone(), limit: u32::try_from(limit).unwrap_or(u32::MAX) };
        let mut people = self.shared.store.people(wanted).await?;
        let more = people.len() == limit;
        let (before, after) = match page {
            PeoplePage::First => (false, more),
            PeoplePage::After(_) => (true, more),
            PeoplePage::Before(_) => (more, true),
            PeoplePage::Last => (more, false),
        };
        if more {
            // The one too many is at the end that the page was not reached from.
            people.remove(if matches!(page, PeoplePage::Before(_) | PeoplePage::Last) { 0 } else { limit - 1 });
        }
        let count = self.shared.store.count_people().await?;
        let filter = [("q", &*query), ("awaiting", if only_awaiting { "1" } else { "" })];
        let at = |name: &str, value: String| address("", filter.into_iter().chain([(name, &*value)]));
        let edge = |person: Option<&Person>| person.map(|person| person.user.to_string()).unwrap_or_default();
        let links = [
            before.then(|| address("", filter.into_iter())),
            before.then(|| at("before", edge(people.first()))),
            after.then(|| at("after", edge(people.last()))),
            after.then(|| at("last", "1".to_owned())),
        ];
        let [first, before, after, last] = links.each_ref().map(Option::as_deref);
        let shown: Vec<Shown> = people.iter().map(|person| Shown::new(self, person)).collect();
        let rows: Vec<MemberRow<'_>> = people.iter().zip(&shown).map(|(person, shown)| self.row(person, shown)).collect();
        let page = MembersPage {
            console: clerk.console(),
            query: &query,
            only_awaiting,
            awaiting: count.awaiting,
            removed: text("done") == "removed",
            rows: &rows,
            total: (query.is_empty() && !only_awaiting).then_some(count.everybody),
            paging: Paging { first, before, after, last },
        };
        Ok(self.own_page(StatusCode::OK, clerk.lang, self.pages.members(clerk.lang, &page)))
    }

    fn row<'a>(&self, person: &'a Person, shown: &'a Shown) -> MemberRow<'a> {
        MemberRow {
            href: &shown.href,
            subject: &shown.subject,
            name: person.state.profile.name.as_ref().map(DisplayName::as_str),
            role: self.role_of(person),
            groups: &shown.groups,
            state: state(person),
            last_login: person.last_login,
        }
    }

    /// The audit trail, one page of it.
    pub(super) async fn audit_trail(&self, clerk: &Clerk<'_>) -> Result<Reply, Refusal> {
        let text = |name| field(clerk.query(), name).unwrap_or_default();
        let (typed, kind, from, to) = (text("person"), AuditKind::parse(&text("kind")), text("from"), text("to"));
        let whom = if typed.trim().is_empty() { None } else { Some(self.meant(&typed).await?) };
        let before = text("before").parse::<u64>().ok();
        let limit = AuditPage::MOST_ROWS + 1;
        let query = AuditQuery {
            user: whom.clone().flatten(),
            kind,
            since: self.pages.day(&from).map(|(begins, _)| begins),
            until: self.pages.day(&to).map(|(_, ends)| ends),
            before,
            limit: u32::try_from(limit).unwrap_or(u32::MAX),
        };
        // What was typed is nobody's id: nothing happened to them.
        let nobody = whom.is_some_and(|whom| whom.is_none());
        let mut entries = if nobody { Vec::new() } else { self.shared.store.audit_trail(query).await? };
        let more = entries.len() == limit;
        entries.truncate(AuditPage::MOST_ROWS);
        let kind_word = kind.map_or("", AuditKind::as_str);
        let filter = [("person", &*typed), ("kind", kind_word), ("from", &*from), ("to", &*to)];
        let next = entries.last().filter(|_| more).map(|entry| entry.number.to_string());
        let after = next.map(|number| address("", filter.into_iter().chain([("before", &*number)])));
        let first = before.map(|_| address("", filter.into_iter()));
        let shown: Vec<Option<(String, String)>> = entries.iter().map(|entry| self.whose(entry)).collect();
        let rows: Vec<AuditRow<'_>> = entries.iter().zip(&shown).map(|(entry, whose)| event(entry, whose.as_ref())).collect();
        let page = AuditPage {
            console: clerk.console(),
            filter: AuditFilter { person: &typed, kind, from: &from, to: &to },
            rows: &rows,
            paging: Paging { first: first.as_deref(), before: None, after: after.as_deref(), last: None },
        };
        Ok(self.own_page(StatusCode::OK, clerk.lang, self.pages.audit(clerk.lang, &page)))
    }

    /// Whom somebody looks for in the trail. Of people of one id in several realms it is the first; a made-up id of
    /// somebody who was removed is taken as it stands.
    async fn meant(&self, typed: &str) -> Result<Option<UserId>, Refusal> {
        match self.whom(typed).await {
            Ok(user) => Ok(Some(user)),
            Err(OfficeFault::Ambiguous { candidates, .. }) => Ok(candidates.into_iter().next()),
            Err(OfficeFault::Store(error)) => Err(error.into()),
            Err(_) => Ok(UserId::parse(typed.trim()).ok()),
        }
    }

    /// The person of an event, and the address of all of theirs.
    fn whose(&self, entry: &AuditEntry) -> Option<(String, String)> {
        let user = entry.event.user.as_ref()?;
        Some((self.issuer.subjects().write(user), address("", [("person", &*user.to_string())].into_iter())))
    }
}

fn event<'a>(AuditEntry { number: _, event }: &'a AuditEntry, whose: Option<&'a (String, String)>) -> AuditRow<'a> {
    AuditRow {
        at: event.at,
        kind: event.kind,
        person: whose.map(|(subject, _)| subject.as_str()),
        href: whose.map(|(_, href)| href.as_str()),
        address: event.address,
        request_id: event.request.as_deref(),
        detail: &event.detail,
    }
}

/// What a row borrows.
struct Shown {
    href: String,
    subject: String,
    groups: String,
}

impl Shown {
    fn new(gateway: &Gateway, person: &Person) -> Self {
        Self { href: member_address(&person.user), subject: gateway.issuer.subjects().write(&person.user), groups: groups(person) }
    }
}

/// The groups that the store knows, as they are typed.
pub(super) fn groups(person: &Person) -> String {
    person.state.profile.groups.iter().map(Group::as_str).collect::<Vec<_>>().join(", ")
}

/// Whether an account can be used.
pub(super) fn state(person: &Person) -> MemberState {
    match person.account {
        _ if person.state.disabled => MemberState::Disabled,
        Some(AccountStatus::Awaiting) => MemberState::AwaitingApproval,
        Some(AccountStatus::Active) | None => MemberState::Active,
    }
}

/// Where one member is.
pub(super) fn member_address(user: &UserId) -> String {
    address(ReturnTo::MEMBER, [("id", &*user.to_string())].into_iter())
}

/// A place with those parameters that say something.
pub(super) fn address<'a>(place: &str, parameters: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut address = format!("{place}?");
    for (name, value) in parameters.filter(|(_, value)| !value.is_empty()) {
        if !address.ends_with('?') {
            address.push('&');
        }
        address.push_str(name);
        address.push('=');
        address.extend(utf8_percent_encode(value, NON_ALPHANUMERIC));
    }
    address
}
