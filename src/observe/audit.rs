use crate::base::{ClientAddr, SessionId, Timestamp};
use crate::identity::UserId;

/// Something that happened to a login, a session or an account, for the audit table and the log.
#[derive(Clone, Debug)]
pub struct AuditEvent {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: AuditKind,
    /// To whom, when known. For a refused login: whom the caller claimed to be.
    pub user: Option<UserId>,
    /// In which session, if in one.
    pub session: Option<SessionId>,
    /// From where, if over the network.
    pub address: Option<ClientAddr>,
    /// The id of the request in the access log, if there was one.
    pub request: Option<String>,
    /// One short phrase more for the operator (a provider's name, a reason). Never a secret.
    pub detail: String,
}

/// The kinds of audit events. The words are stable: they stand in the table and in logs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum AuditKind {
    /// A person logged in; a session began.
    LoginAccepted,
    /// The provider said no, or the id could not be one.
    LoginRefused,
    /// Refused before anybody was asked: too many attempts.
    LoginThrottled,
    /// The provider could not be asked, or its answer could not be understood.
    ProviderFailed,
    /// A session ended; the detail tells by whom or why.
    SessionEnded,
    /// A refresh token came back after its successor was used: the session was ended as stolen.
    TokenReused,
    /// All sessions of a person ended.
    PersonLoggedOut,
    /// All sessions of everybody ended.
    EverybodyLoggedOut,
    /// An account was made.
    PersonAdded,
    /// Role, groups, name or the disabled flag of a person changed.
    PersonChanged,
    /// An account was removed.
    PersonRemoved,
    /// A password was changed or reset.
    PasswordChanged,
    /// The configuration was reloaded, or a reload was refused.
    Reloaded,
}

impl AuditKind {
    /// Every kind, in the order of their declaration.
    pub const ALL: [Self; 13] = [
        Self::LoginAccepted,
        Self::LoginRefused,
        Self::LoginThrottled,
        Self::ProviderFailed,
        Self::SessionEnded,
        Self::TokenReused,
        Self::PersonLoggedOut,
        Self::EverybodyLoggedOut,
        Self::PersonAdded,
        Self::PersonChanged,
        Self::PersonRemoved,
        Self::PasswordChanged,
        Self::Reloaded,
    ];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LoginAccepted => "login_accepted",
            Self::LoginRefused => "login_refused",
            Self::LoginThrottled => "login_throttled",
            Self::ProviderFailed => "provider_failed",
            Self::SessionEnded => "session_ended",
            Self::TokenReused => "token_reused",
            Self::PersonLoggedOut => "person_logged_out",
            Self::EverybodyLoggedOut => "everybody_logged_out",
            Self::PersonAdded => "person_added",
            Self::PersonChanged => "person_changed",
            Self::PersonRemoved => "person_removed",
            Self::PasswordChanged => "password_changed",
            Self::Reloaded => "reload",
        }
    }

    /// Reads the stable word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// Writes an audit event to the operator's log, as one event of target `audit` at level INFO. Texts are written quoted, so
/// that none of them can begin a line of its own.
pub fn audit_log(event: &AuditEvent) {
    tracing::info!(
        target: "audit",
        kind = event.kind.as_str(),
        at = event.at.millis(),
        user = event.user.as_ref().map(tracing::field::display),
        session = event.session.map(tracing::field::display),
        address = event.address.map(tracing::field::display),
        request = event.request.as_deref(),
        detail = (!event.detail.is_empty()).then_some(event.detail.as_str()),
    );
}
