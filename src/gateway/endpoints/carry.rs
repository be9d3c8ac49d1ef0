//! One login for all hosts: the way from an application's host to the portal and back.
//!
//! ```text
//! wiki.example/a?b   no session                → wiki.example/login?next=/a?b
//! wiki.example/login marks the browser         → portal/.auth/login?next=https://wiki.example/a?b&mark=…
//! portal             logged in, now or before  → wiki.example/.auth/enter?ticket=…&next=/a?b
//! wiki.example       takes the ticket, sets the cookies → /a?b
//! ```
//!
//! A ticket is good once, for half a minute, on one host and in the browser that began the way there: nobody can carry a
//! login of their own into somebody else's browser, and nobody can use a ticket they overheard (Tinyauth CVE-2026-32245).
//! What it stands for never leaves this process; the address holds a random number and nothing else.

use std::sync::Arc;
use std::time::Duration;

use crate::base::{AccessToken, RefreshToken, Timestamp, TokenId};
use crate::gateway::admit::{Known, Shown};
use crate::gateway::portal::port_of;
use crate::gateway::record::Record;
use crate::gateway::renew::life;
use crate::gateway::reply::{self, Reply};
use crate::gateway::{Gateway, Intake, Refusal};
use crate::pages::{Lang, WhyHere};
use crate::store::TokenHash;
use crate::web::{CookieLife, FarPlace, ReturnTo, SessionCookies, field, in_query};

/// Where a ticket is taken.
pub(super) const ENTER: &str = "/.auth/enter";

/// Says that a login has just led here: whoever comes without cookies then keeps none.
pub(super) const ON: &str = "on";

/// How long a ticket is good.
const GOOD: Duration = Duration::from_secs(30);

/// Logins on their way from the portal to another host, by the hashes of their tickets.
pub(in crate::gateway) struct Tickets(moka::sync::Cache<[u8; 32], Arc<Ticket>>);

impl Default for Tickets {
    fn default() -> Self {
        Self(moka::sync::Cache::builder().max_capacity(10_000).time_to_live(GOOD).build())
    }
}

/// A login on its way.
struct Ticket {
    /// The host and port that may take it.
    authority: String,
    /// The browser that may take it.
    mark: Mark,
    until: Timestamp,
    access: (AccessToken, Box<str>),
    refresh: Option<(RefreshToken, Box<str>)>,
    life: CookieLife,
}

/// A browser as the portal knows it: the hash of the number in its cookie, which the portal never sees.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Mark(String);

impl Mark {
    fn of(browser: &TokenId) -> Self {
        use std::fmt::Write as _;
        let hex = |mut text: String, byte: &u8| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        };
        Self(TokenHash::of(browser).bytes().iter().fold(String::new(), hex))
    }

    fn parse(text: &str) -> Option<Self> {
        (text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())).then(|| Self(text.to_owned()))
    }
}

/// Where one goes on to after a login.
pub(super) enum Next {
    /// A place on this host.
    Here(ReturnTo),
    /// From the portal to another host, for this browser.
    There(FarPlace, Mark),
}

impl Next {
    /// Its parameters, as they stand in the login page's address and form.
    pub(super) fn parameters(&self) -> (String, Option<&str>) {
        match self {
            Self::Here(place) => (place.as_str().to_owned(), None),
            Self::There(far, mark) => (far.url(), Some(&mark.0)),
        }
    }

    /// Where to send somebody who is logged in on this host now. A way to another host begins at the login page again,
    /// which hands out the ticket: one that waits on a page somebody reads would be too old.
    pub(super) fn href(&self) -> String {
        match self {
            Self::Here(place) => place.as_str().to_owned(),
            Self::There(..) => format!("{}&{ON}=1", self.kept_at("/.auth/login")),
        }
    }

    /// The address of a page of ours that leads on to it.
    pub(super) fn kept_at(&self, page: &str) -> String {
        let (place, mark) = self.parameters();
        let mark = mark.map_or_else(String::new, |mark| format!("&mark={mark}"));
        format!("{page}?next={}{mark}", in_query(&place))
    }

    /// The other host's origin, which a form on the page before must be allowed to lead to.
    pub(super) fn origin(&self) -> Option<String> {
        match self {
            Self::Here(_) => None,
            Self::There(far, _) => Some(far.origin()),
        }
    }
}

impl Gateway {
    /// Where a login page's address or form says to go on to.
    pub(super) fn next(&self, intake: &Intake, encoded: &[u8]) -> Option<Next> {
        let next = field(encoded, "next")?;
        if let Some(place) = ReturnTo::parse(&next) {
            return Some(Next::Here(place));
        }
        if !self.is_portal(&intake.host) {
            return None;
        }
        let mark = field(encoded, "mark").and_then(|mark| Mark::parse(&mark))?;
        FarPlace::parse(&next, port_of(intake), |host| self.is_served(host)).map(|far| Next::There(far, mark))
    }

    /// From the login page of an application's host on to the portal's.
    pub(super) fn to_portal(portal: &str, intake: &Intake) -> Reply {
        let query = intake.query.as_deref().unwrap_or_default().as_bytes();
        let next = field(query, "next").and_then(|next| ReturnTo::parse(&next)).unwrap_or_default();
        let back = format!("https://{}{}{}", intake.host, port_of(intake), next.as_str());
        // Tabs share the mark: a second one does not break the first.
        let known = SessionCookies::browser(&intake.headers);
        let browser = known.unwrap_or_else(TokenId::random);
        let mut place = format!("{portal}/.auth/login?next={}&mark={}", in_query(&back), Mark::of(&browser).0);
        let mut keep = |name: &str, value: &str| place.extend(["&", name, "=", value]);
        if let Some(why) = field(query, WhyHere::PARAMETER).and_then(|word| WhyHere::parse(&word)) {
            keep(WhyHere::PARAMETER, why.as_str());
        }
        if let Some(lang) = field(query, Lang::PARAMETER).and_then(|tag| Lang::parse(&tag)) {
            keep(Lang::PARAMETER, lang.as_str());
        }
        if field(query, "switch").is_some() {
            keep("switch", "1");
        }
        let mut reply = reply::see_other(&place);
        if known.is_none() {
            SessionCookies::mark_browser(reply.headers_mut(), &browser);
        }
        reply
    }

    /// On to where somebody who is logged in here wanted to go.
    pub(super) async fn go_on(&self, next: Option<Next>, known: &Known, intake: &Intake, now: Timestamp) -> Result<Reply, Refusal> {
        let place = match next {
            None => "/".to_owned(),
            Some(Next::Here(place)) => place.as_str().to_owned(),
            Some(Next::There(far, mark)) => {
                let ticket = self.ticket(&far, mark, known, intake, now).await?;
                format!("{}{ENTER}?ticket={ticket}&next={}", far.origin(), far.place().in_query())
            }
        };
        Ok(self.with_renewed(reply::see_other(&place), known, now))
    }

    async fn ticket(&self, far: &FarPlace, mark: Mark, known: &Known, intake: &Intake, now: Timestamp) -> Result<TokenId, Refusal> {
        let cookies = &intake.credentials.cookies;
        let access = match (&known.renewed, &cookies.access) {
            (Some(renewed), _) => (AccessToken::new(renewed.access.token.expose()), renewed.access.csrf.as_str().into()),
            (None, Some(access)) if known.shown == Shown::Cookie => (AccessToken::new(access.expose()), known.verified.csrf.clone()),
            // Only a login in cookies can be carried to where cookies are wanted.
            (None, _) => return Err(Refusal::Form),
        };
        let session = known.verified.session;
        let refresh = cookies.refresh.as_ref().and_then(|token| {
            let verified = self.verifier.refresh(token, now).ok().filter(|verified| verified.session == session)?;
            Some((RefreshToken::new(token.expose()), verified.csrf.clone()))
        });
        let life = life(&self.shared.store.session(session).await?.ok_or(Refusal::SessionOver)?);
        let ticket = TokenId::random();
        let until = now.plus(GOOD);
        let carried = Ticket { authority: far.authority().to_owned(), mark, until, access, refresh, life };
        self.shared.tickets.0.insert(*TokenHash::of(&ticket).bytes(), Arc::new(carried));
        Ok(ticket)
    }

    /// `GET /.auth/enter?ticket=…`: takes a ticket and goes on.
    pub(super) async fn take_ticket(&self, intake: &Intake, record: &mut Record, now: Timestamp) -> Result<Reply, Refusal> {
        if self.portal_elsewhere(intake).is_none() {
            return Err(Refusal::NotFound);
        }
        let query = intake.query.as_deref().unwrap_or_default().as_bytes();
        let next = field(query, "next").and_then(|next| ReturnTo::parse(&next)).unwrap_or_default();
        let browser = SessionCookies::browser(&intake.headers);
        // Whoever shows it, and wherever: it is used up.
        let ticket = field(query, "ticket").and_then(|text| TokenId::parse(&text));
        let ticket = ticket.and_then(|ticket| self.shared.tickets.0.remove(TokenHash::of(&ticket).bytes()));
        let ours = |ticket: &Arc<Ticket>| {
            ticket.authority.as_bytes() == intake.authority.as_bytes()
                && browser.is_some_and(|browser| Mark::of(&browser) == ticket.mark)
                && now < ticket.until
        };
        if let Some(ticket) = ticket.filter(ours) {
            // A login that has ended meanwhile is not carried anywhere.
            let verified = self.verifier.access(&ticket.access.0, now)?;
            record.person = Some(Arc::clone(&verified.subject));
            self.standing(verified, Shown::Cookie, now)?;
            let mut reply = reply::see_other(next.as_str());
            let (token, csrf) = &ticket.access;
            self.cookies.set_access(reply.headers_mut(), token, csrf, ticket.life, now);
            if let Some((token, csrf)) = &ticket.refresh {
                self.cookies.set_refresh(reply.headers_mut(), token, csrf, ticket.life, now);
            }
            return Ok(reply);
        }
        if self.know(intake, None, now).await.is_ok() {
            // The address once more, from the browser's history.
            return Ok(reply::see_other(next.as_str()));
        }
        if browser.is_none() {
            // It was marked on the way out. One more round would end here again.
            return Err(Refusal::CookiesNotKept);
        }
        Ok(reply::see_other(&format!("{}?next={}", Self::login_path(intake.aliases), next.in_query())))
    }
}
