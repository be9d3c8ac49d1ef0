use std::collections::{HashMap, HashSet};

use super::asked::Asked;
use super::{Account, random_text};

/// More visits than this are forgotten all at once: a demo that runs for weeks does not grow.
const MOST: usize = 10_000;

/// Who is visiting, and who is logged in: one session per account.
#[derive(Default)]
pub(super) struct Visits {
    by_id: HashMap<String, Visit>,
    /// Codes, each good once, with the session they stand for.
    codes: HashMap<String, (&'static Account, String)>,
    /// Sealed keys that were seen: none is taken twice.
    seen: HashSet<String>,
    /// The services' sessions, each with the SSO's login it came from.
    served: HashMap<String, (&'static Account, String)>,
    pub(super) ended_by_another: usize,
}

/// One browser at the SSO.
pub(super) struct Visit {
    service: String,
    state: String,
    query: String,
    token: Option<String>,
    /// The password was right, but the person was asked for a new one first.
    passed: Option<&'static Account>,
    /// Who is logged in, and in which login.
    person: Option<(&'static Account, String)>,
}

impl Visit {
    pub(super) const fn new(service: String, state: String, query: String) -> Self {
        Self { service, state, query, token: None, passed: None, person: None }
    }

    pub(super) fn of_query(asked: &Asked<'_>) -> Self {
        let query = asked.head.uri.query().unwrap_or_default();
        let query = query.split("&cm_cg_id=").next().unwrap_or_default();
        Self::new(asked.query("redirect_uri").to_owned(), asked.query("state").to_owned(), query.to_owned())
    }
}

impl Visits {
    /// A visit under its old id, if it has one, or under a new one.
    pub(super) fn enter(&mut self, known: &str, visit: Visit) -> String {
        if self.by_id.len() + self.seen.len() + self.codes.len() + self.served.len() > MOST {
            *self = Self::default();
        }
        if let Some(old) = self.by_id.get_mut(known) {
            *old = Visit { person: old.person.take(), ..visit };
            return known.to_owned();
        }
        let id = random_text();
        self.by_id.insert(id.clone(), visit);
        id
    }

    pub(super) fn knows(&self, id: &str) -> bool {
        self.by_id.contains_key(id)
    }

    pub(super) fn new_token(&mut self, id: &str) -> String {
        let token = random_text();
        if let Some(visit) = self.by_id.get_mut(id) {
            visit.token = Some(token.clone());
        }
        token
    }

    /// Whether this is the token of the visit's page. It is used up either way.
    pub(super) fn take_token(&mut self, id: &str, token: &str) -> bool {
        self.by_id.get_mut(id).and_then(|visit| visit.token.take()).is_some_and(|known| known == token)
    }

    pub(super) fn first_use(&mut self, sealed: &str) -> bool {
        self.seen.insert(sealed.to_owned())
    }

    pub(super) fn pass(&mut self, id: &str, account: &'static Account) {
        if let Some(visit) = self.by_id.get_mut(id) {
            visit.passed = Some(account);
        }
    }

    /// Whose password was right before a new one was asked for; once.
    pub(super) fn passed(&mut self, id: &str, named: &str) -> Option<&'static Account> {
        if id != named { None } else { self.by_id.get_mut(id)?.passed.take() }
    }

    /// Logs somebody in under a new id and ends the login the account had before.
    pub(super) fn log_in(&mut self, id: &str, account: &'static Account) -> String {
        for other in self.by_id.values_mut() {
            if other.person.as_ref().is_some_and(|(known, _)| *known == account) {
                other.person = None;
                self.ended_by_another += 1;
            }
        }
        let new_id = random_text();
        if let Some(mut visit) = self.by_id.remove(id) {
            visit.person = Some((account, random_text()));
            self.by_id.insert(new_id.clone(), visit);
        }
        new_id
    }

    pub(super) fn log_out(&mut self, id: &str) {
        if let Some(visit) = self.by_id.get_mut(id) {
            visit.person = None;
        }
    }

    pub(super) fn person(&self, id: &str) -> Option<&'static Account> {
        self.by_id.get(id)?.person.as_ref().map(|(account, _)| *account)
    }

    pub(super) fn sessions_of(&self, id: &str) -> usize {
        let logged_in = self.by_id.values().filter_map(|visit| visit.person.as_ref());
        logged_in.filter(|(account, _)| account.id.eq_ignore_ascii_case(id)).count()
    }

    pub(super) fn query(&self, id: &str) -> String {
        self.by_id.get(id).map(|visit| visit.query.clone()).unwrap_or_default()
    }

    pub(super) fn service(&self, id: &str) -> (String, String) {
        self.by_id.get(id).map(|visit| (visit.service.clone(), visit.state.clone())).unwrap_or_default()
    }

    /// A code for the account's login.
    pub(super) fn code(&mut self, account: &'static Account) -> String {
        let login = self.by_id.values().filter_map(|visit| visit.person.as_ref()).find(|(known, _)| *known == account);
        let login = login.map(|(_, login)| login.clone()).unwrap_or_default();
        let code = random_text();
        self.codes.insert(code.clone(), (account, login));
        code
    }

    /// A session of the service for a code.
    pub(super) fn redeem(&mut self, code: &str) -> Option<String> {
        let known = self.codes.remove(code)?;
        let session = random_text();
        self.served.insert(session.clone(), known);
        Some(session)
    }

    /// Whose session of the service this is, while the login it came from lasts.
    pub(super) fn served(&self, session: &str) -> Option<&'static Account> {
        let (account, login) = self.served.get(session)?;
        let lasts = self.by_id.values().any(|visit| visit.person.as_ref().is_some_and(|(_, known)| known == login));
        lasts.then_some(*account)
    }
}
