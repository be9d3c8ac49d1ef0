//! The administration's pages: members, one member, the audit trail, what goes on.
//!
//! They are served in two places, and nowhere where a script of an application could press their buttons: on the portal,
//! a host that no route has, and on the admin listener, which only this machine reaches. There is no TLS there, so it has
//! a login and cookies of its own, is asked only under this machine's names (DNS rebinding), and takes changes only from
//! its own pages. In both, only administrators see anything, and whoever changes something has given the password within
//! the last minutes.

mod lists;
mod login;
mod member;
mod overview;

use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request};
use hyper::body::Incoming;

use super::admit::{Known, Shown};
use super::forward::REQUEST_ID;
use super::record::Record;
use super::reply::{self, Reply};
use super::voice::{Asker, Manner, chosen_language, language};
use super::{Gateway, Intake, Refusal};
use crate::base::Timestamp;
use crate::identity::Role;
use crate::pages::{Console, Lang};
use crate::web::{CsrfSettings, Peer, ReturnTo, Seen, SessionCookies, from_our_pages, wants_page};

/// A password given longer ago than this is asked for again before anything is changed.
const FRESH: Duration = Duration::from_secs(5 * 60);

/// A page of the administration.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    Overview,
    Members,
    Member,
    Audit,
}

impl Place {
    /// Which page a canonical path is.
    pub(super) fn of(path: &str) -> Option<Self> {
        match path {
            ReturnTo::OVERVIEW => Some(Self::Overview),
            ReturnTo::MEMBERS => Some(Self::Members),
            ReturnTo::MEMBER => Some(Self::Member),
            ReturnTo::AUDIT => Some(Self::Audit),
            _ => None,
        }
    }

    /// What may be done there.
    pub(super) const fn methods(self) -> &'static [Method] {
        match self {
            Self::Overview | Self::Members | Self::Audit => &[Method::GET, Method::HEAD],
            Self::Member => &[Method::GET, Method::HEAD, Method::POST],
        }
    }
}

/// An administrator at work.
struct Clerk<'a> {
    known: Known,
    intake: &'a Intake,
    cookies: &'a SessionCookies,
    /// Where the logout button posts to.
    logout: &'static str,
    lang: Lang,
    now: Timestamp,
}

impl Clerk<'_> {
    fn console(&self) -> Console<'_> {
        Console {
            subject: &self.known.verified.subject,
            overview: ReturnTo::OVERVIEW,
            members: ReturnTo::MEMBERS,
            audit: ReturnTo::AUDIT,
            logout: self.logout,
        }
    }

    fn query(&self) -> &[u8] {
        self.intake.query.as_deref().unwrap_or_default().as_bytes()
    }

    fn is_fresh(&self) -> bool {
        self.known.verified.fresh && self.now.since(self.known.verified.issued) <= FRESH
    }
}

impl Gateway {
    /// A page of the administration on the portal.
    pub(super) async fn desk_on_portal(&self, place: Place, intake: Intake, record: &mut Record, now: Timestamp) -> Result<Reply, Refusal> {
        if !self.is_portal(&intake.host) {
            return Err(Refusal::NotFound);
        }
        self.desk(place, intake, &self.cookies, Self::logout_path(false), record, now).await
    }

    async fn desk(
        &self,
        place: Place,
        mut intake: Intake,
        cookies: &SessionCookies,
        logout: &'static str,
        record: &mut Record,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        let known = self.know(&intake, None, now).await?;
        record.person = Some(Arc::clone(&known.verified.subject));
        if known.profile.role != Role::Admin {
            return Err(Refusal::Forbidden { subject: known.verified.subject.to_string() });
        }
        // A program has the API: these pages act for nobody who is not in front of them.
        if known.shown != Shown::Cookie {
            return Err(Refusal::Form);
        }
        let acts = intake.method == Method::POST;
        if acts {
            // No other origin is trusted here, whatever the applications' pages may do.
            from_our_pages(&intake.headers, &intake.origin(), &CsrfSettings::default())?;
        }
        let body = if acts { intake.take_body() } else { None };
        let lang = language(intake.query.as_deref(), &intake.headers);
        let renewed = known.renewed.clone();
        let clerk = Clerk { known, intake: &intake, cookies, logout, lang, now };
        let mut reply = match place {
            Place::Overview => self.overview(&clerk).await,
            Place::Members => self.members(&clerk).await,
            Place::Member if acts => self.change_member(&clerk, body, record).await,
            Place::Member => self.member(&clerk, None).await,
            Place::Audit => self.audit_trail(&clerk).await,
        }?;
        // A fresh cookie that the change gave is not covered up by an older one.
        if let Some(renewed) = renewed.filter(|_| !reply.headers().contains_key(http::header::SET_COOKIE)) {
            cookies.set_access(reply.headers_mut(), &renewed.access.token, &renewed.access.csrf, renewed.life, now);
        }
        if let Some(chosen) = chosen_language(intake.query.as_deref()).filter(|_| !acts) {
            cookies.keep_language(reply.headers_mut(), chosen.as_str());
        }
        Ok(reply)
    }

    /// Whether the admin listener has something at this path besides what programs ask for there.
    pub(super) fn is_at_desk(path: &str) -> bool {
        path == "/" || path == ReturnTo::OVERVIEW || path.strip_prefix(ReturnTo::OVERVIEW).is_some_and(|rest| rest.starts_with('/'))
    }

    /// Answers a browser at the admin listener.
    pub(super) async fn handle_at_desk(&self, request: Request<Incoming>, peer: &Peer) -> Reply {
        let seen = Seen::of(request.headers());
        let mut record = Box::new(Record::begin(&self.shared, &request, seen, peer.address));
        let asker = Asker::of(&request, seen);
        let here = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
        let headers = request.headers().clone();
        let mut reply = match self.answer_at_desk(request, seen, peer, &mut record).await {
            Ok(reply) => reply,
            Err(refusal) if refusal.asks_for_login() && asker.manner != Manner::Program => {
                record.refusal = Some(refusal.word());
                login::sent_to(&here)
            }
            Err(Refusal::Forbidden { subject }) if asker.manner != Manner::Program => {
                record.refusal = Some("not_admin");
                self.not_for_members(&subject, language(here.split_once('?').map(|(_, query)| query), &headers), &record)
            }
            Err(refusal) => self.refuse(&refusal, &asker, &mut record),
        };
        reply.headers_mut().insert(REQUEST_ID, record.id_header.clone());
        record.answered(reply.status());
        reply.body_mut().carry(record);
        reply
    }

    async fn answer_at_desk(&self, request: Request<Incoming>, seen: Seen, peer: &Peer, record: &mut Record) -> Result<Reply, Refusal> {
        let now = record.began;
        record.route = Some("desk".into());
        let (head, body) = request.into_parts();
        let intake = self.intake(head, seen, Some(body), peer)?.at_desk(&SessionCookies::desk());
        let path = intake.path.as_str().to_owned();
        let allowed: &[Method] = match (Place::of(&path), path.as_str()) {
            (Some(place), _) => place.methods(),
            (None, login::LOGIN) => &[Method::GET, Method::HEAD, Method::POST],
            (None, login::LOGOUT) => &[Method::POST],
            (None, "/") if wants_page(&intake.method, &intake.headers) => return Ok(reply::see_other(ReturnTo::OVERVIEW)),
            (None, _) => return Err(Refusal::NotFound),
        };
        if !allowed.contains(&intake.method) {
            return Err(Refusal::Method { allowed: allowed.to_vec() });
        }
        match Place::of(&path) {
            Some(place) => self.desk(place, intake, &SessionCookies::desk(), login::LOGOUT, record, now).await,
            None if path == login::LOGOUT => self.desk_logout(&intake, record, now).await,
            None if intake.method == Method::POST => self.desk_login(intake, record, now).await,
            None => self.desk_login_page(&intake, now).await,
        }
    }
}
