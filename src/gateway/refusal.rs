use std::time::Duration;

use http::{Method, StatusCode};

use super::AccountRefusal;
use crate::provider::ProviderFault;
use crate::routing::{NoRoute, PathFault};
use crate::store::{EndReason, StoreError};
use crate::token::TokenFault;
use crate::upstream::SendError;
use crate::web::{BodyFault, CrossSite, DoubleSubmit};

/// Every way to say no. Each becomes a page or JSON, a log line and a count in one place; there is no other way out of the
/// pipeline.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The request does not say which one host it is for.
    #[error("host: {0}")]
    Host(#[from] HostFault),
    /// The length of the body can be read in two ways.
    #[error("the transfer encoding is not exactly chunked")]
    Framing,
    /// The target is longer than allowed.
    #[error("the request target is too long")]
    TargetTooLong,
    /// More header lines than allowed.
    #[error("too many header lines")]
    TooManyHeaders,
    /// Another certificate is for this host, and the connection was made with this one (RFC 9110, section 15.5.20).
    #[error("the host belongs to another certificate")]
    Misdirected,
    /// The path has no one reading.
    #[error("path: {0}")]
    Path(#[from] PathFault),
    /// No route.
    #[error("no route")]
    NotFound,
    /// The method is not taken here.
    #[error("method not allowed")]
    Method {
        /// What is.
        allowed: Vec<Method>,
    },
    /// No token was shown.
    #[error("no token")]
    NoToken,
    /// A token was shown that is not good.
    #[error("token: {0}")]
    Token(#[from] TokenFault),
    /// More than one token in one place, or a Bearer header without exactly one.
    #[error("more than one token, or none, where one belongs")]
    Ambiguous,
    /// The session is over.
    #[error("the session ended: {}", .0.as_str())]
    Ended(EndReason),
    /// The session reached its idle limit or its absolute end, or is not known.
    #[error("the session is over")]
    SessionOver,
    /// Logged in and allowed, had the password been given more recently.
    #[error("the password was given too long ago")]
    PasswordTooOld,
    /// A browser comes back from a login without the cookies it was just given.
    #[error("the browser does not send back the cookies of its login")]
    CookiesNotKept,
    /// Logged in, but not allowed here.
    #[error("not allowed here")]
    Forbidden {
        /// Who is logged in.
        subject: String,
    },
    /// A page of another site may have sent it.
    #[error("{0}")]
    CrossSite(#[from] CrossSite),
    /// The double-submit value of the flask profile is missing or another one.
    #[error("{0}")]
    DoubleSubmit(#[from] DoubleSubmit),
    /// The request's body.
    #[error("{0}")]
    Body(#[from] BodyFault),
    /// The body is not what this endpoint reads.
    #[error("the form cannot be read")]
    Form,
    /// Id or password is missing.
    #[error("id or password is missing")]
    CredentialsMissing,
    /// The provider said no.
    #[error("wrong id or password")]
    LoginRefused {
        /// In these words, if it had any.
        message: Option<String>,
    },
    /// The account is disabled.
    #[error("the account is disabled")]
    AccountDisabled,
    /// About an account of our own.
    #[error("{0}")]
    Account(AccountRefusal),
    /// Too many attempts.
    #[error("too many attempts")]
    Throttled {
        /// Come back after this.
        wait: Duration,
    },
    /// The provider could not say.
    #[error("the provider {0}")]
    Provider(ProviderFault),
    /// The store could not do it.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The upstream gave no answer.
    #[error("{0}")]
    Upstream(Box<SendError>),
    /// Something of ours is broken.
    #[error("internal fault: {0}")]
    Internal(&'static str),
}

/// Why a request names no one host.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
pub enum HostFault {
    /// None at all (RFC 9112, section 3.2).
    #[error("the request names none")]
    Missing,
    /// Two `Host` lines.
    #[error("the request names two")]
    Doubled,
    /// Something that is no host.
    #[error("what the request names is no host")]
    NoHost,
    /// `Host` and the target say different things.
    #[error("Host and the request target contradict each other")]
    Contradiction,
}

impl From<NoRoute> for Refusal {
    fn from(none: NoRoute) -> Self {
        match none {
            NoRoute::NotFound => Self::NotFound,
            NoRoute::Method { allowed } => Self::Method { allowed },
            NoRoute::EmptySegment => Self::Path(PathFault::EmptySegment),
        }
    }
}

impl From<SendError> for Refusal {
    fn from(error: SendError) -> Self {
        if let SendError::RequestBody(fault) = error { Self::Body(fault) } else { Self::Upstream(Box::new(error)) }
    }
}

impl Refusal {
    /// The status code.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Host(_)
            | Self::Framing
            | Self::Path(_)
            | Self::Form
            | Self::CredentialsMissing
            | Self::CookiesNotKept
            | Self::Body(BodyFault::Client) => StatusCode::BAD_REQUEST,
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::TooManyHeaders => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::NoToken
            | Self::Token(_)
            | Self::Ambiguous
            | Self::Ended(_)
            | Self::SessionOver
            | Self::PasswordTooOld
            | Self::LoginRefused { .. }
            | Self::DoubleSubmit(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden { .. } | Self::CrossSite(_) | Self::AccountDisabled => StatusCode::FORBIDDEN,
            Self::Body(BodyFault::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Body(BodyFault::TooSlow) => StatusCode::REQUEST_TIMEOUT,
            Self::Account(refusal) => refusal.status(),
            Self::Throttled { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Provider(ProviderFault::TimedOut(_)) => StatusCode::GATEWAY_TIMEOUT,
            Self::Store(StoreError::Full) => StatusCode::INSUFFICIENT_STORAGE,
            Self::Store(_) | Self::Provider(ProviderFault::Overloaded(_) | ProviderFault::Resting { .. }) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Upstream(error) if error.is_timeout() => StatusCode::GATEWAY_TIMEOUT,
            Self::Upstream(_) | Self::Provider(_) => StatusCode::BAD_GATEWAY,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The stable word in JSON answers, the log and the counters.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Host(_) => "bad_host",
            Self::Framing => "bad_framing",
            Self::TargetTooLong => "target_too_long",
            Self::TooManyHeaders => "too_many_headers",
            Self::Misdirected => "misdirected",
            Self::Path(_) => "bad_path",
            Self::NotFound => "not_found",
            Self::Method { .. } => "method_not_allowed",
            Self::NoToken => "token_missing",
            Self::Token(fault) => match fault {
                TokenFault::Malformed => "token_malformed",
                TokenFault::Critical => "token_bad_crit",
                TokenFault::UnknownKey => "token_unknown_key",
                TokenFault::WrongAlgorithm => "token_wrong_algorithm",
                TokenFault::BadSignature => "token_bad_signature",
                TokenFault::Expired => "token_expired",
                TokenFault::NotYetValid => "token_not_yet_valid",
                TokenFault::WrongType => "token_wrong_type",
                TokenFault::NotForUs => "token_not_accepted",
            },
            Self::Ambiguous => "token_ambiguous",
            Self::Ended(_) => "token_revoked",
            Self::SessionOver => "session_ended",
            Self::PasswordTooOld => "fresh_token_required",
            Self::CookiesNotKept => "cookies_not_kept",
            Self::Forbidden { .. } => "forbidden",
            Self::CrossSite(_) => "cross_site",
            Self::DoubleSubmit(DoubleSubmit::Missing) => "csrf_missing",
            Self::DoubleSubmit(DoubleSubmit::Mismatch) => "csrf_mismatch",
            Self::Body(BodyFault::TooLarge) => "body_too_large",
            Self::Body(BodyFault::TooSlow) => "body_too_slow",
            Self::Body(BodyFault::Client) => "client_closed",
            Self::Form => "bad_form",
            Self::CredentialsMissing => "missing_credentials",
            Self::LoginRefused { .. } => "login_refused",
            Self::AccountDisabled => "account_disabled",
            Self::Account(refusal) => refusal.word(),
            Self::Throttled { .. } => "too_many_attempts",
            Self::Provider(ProviderFault::TimedOut(_)) => "provider_timeout",
            Self::Provider(
                ProviderFault::Unreachable(_)
                | ProviderFault::Changed(_)
                | ProviderFault::Refused(_)
                | ProviderFault::NotUnderstood(_)
                | ProviderFault::Resting { .. },
            ) => "provider_unavailable",
            Self::Provider(ProviderFault::Overloaded(_)) => "provider_overloaded",
            Self::Store(_) => "store_unavailable",
            Self::Upstream(error) if error.is_timeout() => "upstream_timeout",
            Self::Upstream(_) => "upstream_unavailable",
            Self::Internal(_) => "internal",
        }
    }

    /// Whether logging in (again) is what to do about it.
    pub const fn asks_for_login(&self) -> bool {
        match self {
            Self::NoToken | Self::Token(_) | Self::Ambiguous | Self::Ended(_) | Self::SessionOver | Self::PasswordTooOld => true,
            Self::Host(_)
            | Self::Framing
            | Self::TargetTooLong
            | Self::TooManyHeaders
            | Self::Misdirected
            | Self::Path(_)
            | Self::NotFound
            | Self::Method { .. }
            | Self::CookiesNotKept
            | Self::Forbidden { .. }
            | Self::CrossSite(_)
            | Self::DoubleSubmit(_)
            | Self::Body(_)
            | Self::Form
            | Self::CredentialsMissing
            | Self::LoginRefused { .. }
            | Self::AccountDisabled
            | Self::Account(_)
            | Self::Throttled { .. }
            | Self::Provider(_)
            | Self::Store(_)
            | Self::Upstream(_)
            | Self::Internal(_) => false,
        }
    }
}
