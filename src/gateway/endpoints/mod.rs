//! The gateway's own addresses. They are looked for before the routes, so that no route can shadow them.

mod account;
mod accounts;
mod carry;
mod check;
mod confirm;
mod login;
mod logout;
mod me;
mod password;
mod refresh;
mod refresh_otherwise;
mod sessions;
mod sign_up;

use http::{Method, StatusCode};
use serde::Serialize;

pub(super) use account::session_row;
pub(super) use carry::Tickets;
pub(super) use check::Told;

use super::desk::Place;
use super::record::Record;
use super::reply::{self, Reply};
use super::voice::chosen_language;
use super::{Gateway, Intake, Refusal};
use crate::base::{SessionId, Timestamp};
use crate::web::ReturnTo;

/// Where accounts are made.
const SIGN_UP: &str = "/.auth/signup";

/// Where a one-time link for a new password leads.
pub(super) const RESET: &str = "/.auth/reset";

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
    AssertionKeys,
    Check,
    Desk(Place),
    Enter,
    SignUp,
    Password,
    Reset,
    SignUpApi,
    PasswordApi,
    WithdrawApi,
    ResetApi,
}

impl Endpoint {
    /// The keys of our tokens.
    const KEYS: &'static str = "/.well-known/jwks.json";
    /// The keys of our assertions: apart, so that whoever takes the one takes nothing of the other.
    const ASSERTION_KEYS: &'static str = "/.well-known/assertion-jwks.json";

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
            carry::ENTER => Some(Self::Enter),
            SIGN_UP => Some(Self::SignUp),
            ReturnTo::PASSWORD => Some(Self::Password),
            RESET => Some(Self::Reset),
            "/.auth/api/signup" => Some(Self::SignUpApi),
            "/.auth/api/password" => Some(Self::PasswordApi),
            "/.auth/api/withdraw" => Some(Self::WithdrawApi),
            "/.auth/api/reset" => Some(Self::ResetApi),
            ReturnTo::ACCOUNT => Some(Self::Account),
            ReturnTo::OTHER_TAB => Some(Self::OtherTab),
            Self::KEYS => Some(Self::Keys),
            Self::ASSERTION_KEYS => Some(Self::AssertionKeys),
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
            Self::AssertionKeys => "assertion-jwks",
            Self::Check => "check",
            Self::Desk(_) => "desk",
            Self::Enter => "enter",
            Self::SignUp | Self::SignUpApi => "signup",
            Self::Password | Self::PasswordApi => "password",
            Self::WithdrawApi => "withdraw",
            Self::Reset | Self::ResetApi => "reset",
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
            | Self::AssertionKeys
            | Self::SignUpApi
            | Self::PasswordApi
            | Self::WithdrawApi
            | Self::ResetApi => true,
            Self::Login
            | Self::Logout
            | Self::LogoutAll
            | Self::Me
            | Self::Account
            | Self::OtherTab
            | Self::Enter
            | Self::SignUp
            | Self::Password
            | Self::Reset => false,
        }
    }

    /// Whether it is only there where no application is, if there is a portal. (The login has its own way there.)
    const fn lives_at_portal(self) -> bool {
        match self {
            Self::Account | Self::SignUp | Self::Password | Self::Reset | Self::Desk(_) => true,
            Self::Login
            | Self::Refresh
            | Self::Logout
            | Self::LogoutAll
            | Self::Me
            | Self::OwnSessions
            | Self::OwnSession(_)
            | Self::OtherTab
            | Self::Keys
            | Self::AssertionKeys
            | Self::Check
            | Self::Enter
            | Self::SignUpApi
            | Self::PasswordApi
            | Self::WithdrawApi
            | Self::ResetApi => false,
        }
    }

    const fn methods(self) -> &'static [Method] {
        match self {
            Self::Login | Self::Logout | Self::Account | Self::SignUp | Self::Password | Self::Reset => {
                &[Method::GET, Method::HEAD, Method::POST]
            }
            Self::Refresh | Self::LogoutAll | Self::SignUpApi | Self::PasswordApi | Self::WithdrawApi | Self::ResetApi => &[Method::POST],
            Self::OwnSessions => &[Method::GET, Method::HEAD, Method::DELETE],
            Self::OwnSession(_) => &[Method::DELETE],
            Self::Desk(place) => place.methods(),
            Self::Me | Self::OtherTab | Self::Enter | Self::Keys | Self::AssertionKeys => &[Method::GET, Method::HEAD],
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
        if let Some(portal) = self.portal_elsewhere(&intake).filter(|_| endpoint.lives_at_portal()) {
            // Pages that act share no origin with an application.
            return if reads { Ok(reply::see_other(&format!("{portal}{}", intake.target()))) } else { Err(Refusal::NotFound) };
        }
        let chosen = chosen_language(intake.query.as_deref()).filter(|_| reads);
        let mut reply = match endpoint {
            Endpoint::Login if reads => self.login_page(&intake, record, now).await,
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
            Endpoint::Keys => public_keys(&self.keys.public()),
            Endpoint::AssertionKeys => self.asserter.as_ref().map_or(Err(Refusal::NotFound), |asserter| public_keys(&asserter.public())),
            Endpoint::Check => self.check(intake, record, now),
            Endpoint::Desk(place) => self.desk_on_portal(place, intake, record, now).await,
            Endpoint::Enter => self.take_ticket(&intake, record, now).await,
            Endpoint::SignUp if reads => self.sign_up_page(&intake),
            Endpoint::SignUp => self.sign_up_from_page(intake, record, now).await,
            Endpoint::Password if reads => self.password_page(&intake, record, now).await,
            Endpoint::Password => self.password_from_page(intake, record, now).await,
            Endpoint::Reset if reads => self.reset_page(&intake).await,
            Endpoint::Reset => self.reset_from_page(intake, record, now).await,
            Endpoint::SignUpApi => self.sign_up(intake, record, now).await,
            Endpoint::PasswordApi => self.change_password(intake, record, now).await,
            Endpoint::WithdrawApi => self.withdraw(intake, record, now).await,
            Endpoint::ResetApi => self.reset_password(intake, record, now).await,
        }?;
        if let Some(lang) = chosen.filter(|_| !endpoint.is_for_programs()) {
            self.cookies.keep_language(reply.headers_mut(), lang.as_str());
        }
        self.harden(reply.headers_mut());
        Ok(reply)
    }

    /// The address of our own that a request is for, if it is. The portal has no application, so its root is ours too.
    pub(super) fn own_endpoint(&self, intake: &Intake) -> Option<Result<Endpoint, Refusal>> {
        let path = intake.path.as_str();
        let root = || (path == "/" && self.is_portal(&intake.host)).then_some(Ok(Endpoint::Account));
        Endpoint::of(path, intake.aliases).or_else(|| self.renamed(path)).or_else(root)
    }

    /// Where people log in on this host.
    pub(super) const fn login_path(aliases: bool) -> &'static str {
        if aliases { "/login" } else { "/.auth/login" }
    }

    /// Where people log out on this host.
    pub(super) const fn logout_path(aliases: bool) -> &'static str {
        if aliases { "/logout" } else { "/.auth/logout" }
    }
}

/// Public keys (RFC 7517, section 5). May be kept for five minutes.
fn public_keys(keys: &impl Serialize) -> Result<Reply, Refusal> {
    let keys = serde_json::to_value(keys).map_err(|_| Refusal::Internal("the public keys are no JSON"))?;
    let mut reply = reply::json(StatusCode::OK, &keys);
    reply.headers_mut().insert(http::header::CACHE_CONTROL, http::HeaderValue::from_static("public, max-age=300"));
    Ok(reply)
}
