use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use crate::base::SessionId;
use crate::gateway::Refusal;
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
    #[error("{0} is not known here: nobody of that id has logged in yet; `munjigi users add {0}` enters them beforehand")]
    Nobody(UserId),
    #[error("{0} is known already")]
    Known(UserId),
    #[error("{id} may be any of {}; write which", .candidates.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    Ambiguous { id: String, candidates: Vec<UserId> },
    #[error("{0} is not a live session; `munjigi sessions list` shows those that are")]
    NoSession(SessionId),
    #[error("{0}; nothing was confirmed, try again")]
    Store(#[from] StoreError),
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
            Self::Nobody(_) => (StatusCode::NOT_FOUND, "unknown_user"),
            Self::Known(_) => (StatusCode::CONFLICT, "known_user"),
            Self::Ambiguous { .. } => (StatusCode::CONFLICT, "ambiguous_user"),
            Self::NoSession(_) => (StatusCode::NOT_FOUND, "unknown_session"),
            Self::Store(StoreError::Full) => (StatusCode::INSUFFICIENT_STORAGE, "store_unavailable"),
            Self::Store(_) => (StatusCode::SERVICE_UNAVAILABLE, "store_unavailable"),
        };
        let mut body = json!({ "error": word, "msg": self.to_string() });
        if let Self::Ambiguous { candidates, .. } = self {
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
