//! The gateway's own addresses. They are looked for before the routes, so that no route can shadow them.

mod account;
mod accounts;
mod check;
mod confirm;
mod login;
mod logout;
mod me;
mod refresh;
mod refresh_otherwise;
mod sessions;

use http::{Method, StatusCode};

pub(super) use account::session_row;
pub(super) use check::Told;

use super::desk::Place;
use super::record::Record;
use super::reply::{self, Reply};
use super::voice::chosen_language;
use super::{Gateway, Intake, Refusal};
use crate::base::{SessionId, Timestamp};
use crate::web::ReturnTo;

/// An address of our own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Endpoint {
    Login,
    Refresh,
    Logout,
    LogoutAll,
    Me,
    OwnSessions,
    OwnSession(SessionId),
    Account,
    OtherTab,
    Keys,
    Check,
    Desk(Place),
    SignUp,
    Password,
    Withdraw,
    Reset,
}

impl Endpoint {
    /// Which endpoint a canonical path is: `None` when it is not ours, a refusal when it is ours but nothing is there.
    pub(super) fn of(path: &str, aliases: bool) -> Option<Result<Self, Refusal>> {
        let found = match path {
            "/login" if aliases => Some(Self::Login),
            "/refresh" if aliases => Some(Self::Refresh),
            "/logout" if aliases => Some(Self::Logout),
            "/.auth/login" => Some(Self::Login),
            "/.auth/refresh" => Some(Self::Refresh),
            "/.auth/logout" => Some(Self::Logout),
            "/.auth/logout/all" => Some(Self::LogoutAll),
            "/.auth/me" => Some(Self::Me),
            "/.auth/api/signup" => Some(Self::SignUp),
            "/.auth/api/password" => Some(Self::Password),
            "/.auth/api/withdraw" => Some(Self::Withdraw),
            "/.auth/api/reset" => Some(Self::Reset),
            ReturnTo::ACCOUNT => Some(Self::Account),
            ReturnTo::OTHER_TAB => Some(Self::OtherTab),
            "/.well-known/jwks.json" => Some(Self::Keys),
            "/.auth/check" => Some(Self::Check),
            longer if longer.starts_with(check::WITH_PATH) => Some(Self::Check),
            "/.auth/api/sessions" => Some(Self::OwnSessions),
            _ if let Some(place) = Place::of(path) => Some(Self::Desk(place)),
            _ => path.strip_prefix("/.auth/api/sessions/").and_then(SessionId::parse).map(Self::OwnSession),
        };
        match found {
            Some(endpoint) => Some(Ok(endpoint)),
            None if path == "/.auth" || path.starts_with("/.auth/") => Some(Err(Refusal::NotFound)),
            None => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Refresh => "refresh",
            Self::Logout => "logout",
            Self::LogoutAll => "logout-all",
            Self::Me => "me",
            Self::OwnSessions | Self::OwnSession(_) => "sessions",
            Self::Account => "account",
            Self::OtherTab => "logged-in",
            Self::Keys => "jwks",
            Self::Check => "check",
            Self::Desk(_) => "desk",
            Self::SignUp => "signup",
            Self::Password => "password",
            Self::Withdraw => "withdraw",
            Self::Reset => "reset",
        }
    }

    /// Whether no person ever looks at it: its answers may be kept by caches, and there is no language to choose.
    const fn is_for_programs(self) -> bool {
        match self {
            // The desk keeps the language by itself.
            Self::Desk(_)
            | Self::Refresh
            | Self::Check
            | Self::OwnSessions
            | Self::OwnSession(_)
            | Self::Keys
            | Self::SignUp
            | Self::Password
            | Self::Withdraw
            | Self::Reset => true,
            Self::Login | Self::Logout | Self::LogoutAll | Self::Me | Self::Account | Self::OtherTab => false,
        }
    }

    const fn methods(self) -> &'static [Method] {
        match self {
            Self::Login | Self::Logout | Self::Account => &[Method::GET, Method::HEAD, Method::POST],
            Self::Refresh | Self::LogoutAll | Self::SignUp | Self::Password | Self::Withdraw | Self::Reset => &[Method::POST],
            Self::OwnSessions => &[Method::GET, Method::HEAD, Method::DELETE],
            Self::OwnSession(_) => &[Method::DELETE],
            Self::Desk(place) => place.methods(),
            Self::Me | Self::OtherTab | Self::Keys => &[Method::GET, Method::HEAD],
            // The asking proxy may use the method of the request it asks about.
            Self::Check => &[],
        }
    }
}

impl Gateway {
    /// Answers at an address of our own.
    pub(super) async fn serve(&self, endpoint: Endpoint, intake: Intake, record: &mut Record, now: Timestamp) -> Result<Reply, Refusal> {
        record.route = Some(endpoint.name().into());
        if let Some(preflight) = self.preflight(&intake.method, intake.path.as_str(), &intake.headers) {
            return Ok(preflight);
        }
        if endpoint != Endpoint::Check && !endpoint.methods().contains(&intake.method) {
            return Err(Refusal::Method { allowed: endpoint.methods().to_vec() });
        }
        let reads = intake.method != Method::POST;
        let chosen = chosen_language(intake.query.as_deref()).filter(|_| reads);
        let mut reply = match endpoint {
            Endpoint::Login if reads => Ok(self.login_page(&intake, now).await),
            Endpoint::Login => self.login(intake, record, now).await,
            Endpoint::Refresh => self.refresh(intake, record, now).await,
            Endpoint::Logout if reads => self.logout_link(&intake, record, now).await,
            Endpoint::Logout => self.logout(intake, record, now).await,
            Endpoint::LogoutAll => self.logout_everywhere(&intake, record, now).await,
            Endpoint::Me => self.me(&intake, record, now).await,
            Endpoint::OwnSessions => self.own_sessions(intake, record, now).await,
            Endpoint::OwnSession(id) => self.end_own_session(id, intake, record, now).await,
            Endpoint::Account if reads => self.account(&intake, record, now).await,
            Endpoint::Account => self.change_account(intake, record, now).await,
            Endpoint::OtherTab => Ok(self.logged_in_elsewhere(&intake)),
            Endpoint::Keys => self.public_keys(),
            Endpoint::Check => self.check(intake, record, now),
            Endpoint::Desk(place) => self.desk_on_portal(place, intake, record, now).await,
            Endpoint::SignUp => self.sign_up(intake, record, now).await,
            Endpoint::Password => self.change_password(intake, record, now).await,
            Endpoint::Withdraw => self.withdraw(intake, record, now).await,
            Endpoint::Reset => self.reset_password(intake, record, now).await,
        }?;
        if let Some(lang) = chosen.filter(|_| !endpoint.is_for_programs()) {
            self.cookies.keep_language(reply.headers_mut(), lang.as_str());
        }
        self.harden(reply.headers_mut());
        Ok(reply)
    }

    /// Where people log in on this host.
    pub(super) const fn login_path(aliases: bool) -> &'static str {
        if aliases { "/login" } else { "/.auth/login" }
    }

    /// Where people log out on this host.
    pub(super) const fn logout_path(aliases: bool) -> &'static str {
        if aliases { "/logout" } else { "/.auth/logout" }
    }

    /// The public keys (RFC 7517, section 5). May be kept for five minutes.
    fn public_keys(&self) -> Result<Reply, Refusal> {
        let keys = serde_json::to_value(self.keys.public()).map_err(|_| Refusal::Internal("the public keys are no JSON"))?;
        let mut reply = reply::json(StatusCode::OK, &keys);
        reply.headers_mut().insert(http::header::CACHE_CONTROL, http::HeaderValue::from_static("public, max-age=300"));
        Ok(reply)
    }
}
