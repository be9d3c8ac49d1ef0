use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use crate::gateway::Refusal;
use crate::gateway::office::OfficeFault;
use crate::gateway::reply::{self, Reply};
use crate::identity::UserId;
use crate::store::StoreError;

/// Every way in which the administration says no. The texts are for operators.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("there is nothing at this address; the administration is below /.auth/api/")]
    NotFound,
    #[error("this address takes {0}")]
    Method(&'static str),
    #[error("the request names a host that is not this machine; use an address, as in 127.0.0.1, or localhost")]
    Host,
    #[error("only the user that owns the gateway's socket may use it")]
    Stranger,
    #[error("an administrator's access token is needed here, in Authorization: Bearer; the operator's socket needs none")]
    NoToken,
    #[error("{0}; log in again")]
    Token(Refusal),
    #[error("{0} is no administrator; `munjigi users role {0} admin` makes one")]
    NotAdmin(UserId),
    #[error("{0}")]
    Wrong(String),
    #[error(transparent)]
    Office(#[from] OfficeFault),
}

impl Fault {
    /// The answer.
    pub(super) fn reply(&self) -> Reply {
        let (status, word) = match self {
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            Self::Method(_) => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::Host => (StatusCode::MISDIRECTED_REQUEST, "bad_host"),
            Self::Stranger => (StatusCode::FORBIDDEN, "not_owner"),
            Self::NoToken => (StatusCode::UNAUTHORIZED, "token_missing"),
            Self::Token(refusal) => (StatusCode::UNAUTHORIZED, refusal.word()),
            Self::NotAdmin(_) => (StatusCode::FORBIDDEN, "not_admin"),
            Self::Wrong(_) => (StatusCode::BAD_REQUEST, "bad_request"),
            Self::Office(fault) => office(fault),
        };
        let mut body = json!({ "error": word, "msg": self.to_string() });
        if let Self::Office(OfficeFault::Ambiguous { candidates, .. }) = self {
            body["candidates"] = candidates.iter().map(ToString::to_string).collect::<Vec<_>>().into();
        }
        let mut reply = reply::json(status, &body);
        if status == StatusCode::UNAUTHORIZED {
            reply.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"munjigi administration\""));
        }
        if let Self::Method(allowed) = self {
            reply.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
        }
        reply
    }
}

const fn office(fault: &OfficeFault) -> (StatusCode, &'static str) {
    match fault {
        OfficeFault::Wrong(_) => (StatusCode::BAD_REQUEST, "bad_request"),
        OfficeFault::Nobody(_) => (StatusCode::NOT_FOUND, "unknown_user"),
        OfficeFault::Known(_) => (StatusCode::CONFLICT, "known_user"),
        OfficeFault::Ambiguous { .. } => (StatusCode::CONFLICT, "ambiguous_user"),
        OfficeFault::NoSession(_) => (StatusCode::NOT_FOUND, "unknown_session"),
        OfficeFault::NoAccount(_) => (StatusCode::CONFLICT, "no_local_account"),
        OfficeFault::Blocked(_) => (StatusCode::CONFLICT, "blocked_user"),
        OfficeFault::NotBlocked(_) => (StatusCode::NOT_FOUND, "not_blocked"),
        OfficeFault::Configured(_) => (StatusCode::CONFLICT, "admin_by_configuration"),
        OfficeFault::Oneself(_) => (StatusCode::CONFLICT, "oneself"),
        OfficeFault::Store(StoreError::Full) => (StatusCode::INSUFFICIENT_STORAGE, "store_unavailable"),
        OfficeFault::Store(_) => (StatusCode::SERVICE_UNAVAILABLE, "store_unavailable"),
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Office(error.into())
    }
}
