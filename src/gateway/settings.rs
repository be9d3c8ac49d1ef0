use std::time::Duration;

use http::{HeaderName, HeaderValue};

use super::{FileGroups, LibrarySettings};
use crate::base::TrustedProxies;
use crate::routing::{HostName, RouteSettings};
use crate::tls::Coverage;
use crate::web::{CookieSettings, CsrfSettings, IdentityHeaderSettings};

/// What the operator wants of the gateway itself.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The routes.
    pub routes: Vec<RouteSettings>,
    /// Groups of people according to a file.
    pub groups: FileGroups,
    /// Headers every answer carries that does not say otherwise itself.
    pub security_headers: Vec<(HeaderName, HeaderValue)>,
    /// Whose `X-Forwarded-*` are believed.
    pub trusted_proxies: TrustedProxies,
    /// Names and flags of the session cookies.
    pub cookies: CookieSettings,
    /// What makes the gateway look like flask-jwt-extended.
    pub library: LibrarySettings,
    /// Where unsafe requests with cookie identity may come from.
    pub csrf: CsrfSettings,
    /// How applications are told who is asking.
    pub identity_headers: IdentityHeaderSettings,
    /// Lifetimes and rotation.
    pub sessions: SessionSettings,
    /// Where `/login`, `/refresh` and `/logout` at the root are ours, besides `/.auth/…`.
    pub aliases: AliasSettings,
    /// The host of the login, the account and the administration. No route has it.
    pub portal: Option<HostName>,
    /// Sends `Strict-Transport-Security` with this `max-age`; `None`: not at all (self-made certificates).
    pub hsts: Option<Duration>,
    /// Which certificate is for which hosts.
    pub certificates: Coverage,
    /// Largest request body in bytes, unless a route says otherwise.
    pub max_body: u64,
    /// How long a request body may stand still.
    pub body_timeout: Duration,
    /// Bytes of a request body for each second over all, unless a route says otherwise; 0: none.
    pub body_min_rate: u64,
    /// How much of a body that nobody wants is read, so that its sender sees the answer.
    pub drain_body: u64,
    /// Most header lines of a request.
    pub max_headers: usize,
    /// Longest request target in bytes.
    pub max_target: usize,
}

/// Whether `/login`, `/refresh` and `/logout` at the root are the gateway's, beside their places below `/.auth/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliasSettings {
    /// For hosts that are not named.
    pub default: bool,
    /// For these hosts.
    pub hosts: Vec<(HostName, bool)>,
}

impl AliasSettings {
    /// The paths of the aliases.
    pub const PATHS: [&'static str; 3] = ["/login", "/refresh", "/logout"];

    /// Whether the aliases are served on a host.
    pub fn active(&self, host: Option<&HostName>) -> bool {
        self.hosts.iter().find(|(named, _)| Some(named) == host).map_or(self.default, |(_, on)| *on)
    }
}

/// Lifetimes and rotation of sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionSettings {
    /// When refresh tokens rotate.
    pub rotation: Rotation,
    /// How long a predecessor stays good after its successor was used.
    pub grace: Duration,
    /// Unused for longer than this, a remembered session is over. Never shorter than an access token lives, or a token
    /// could outlive its session.
    pub idle: Duration,
    /// The same for a session with "remember me" unticked, whose cookies go with the browser.
    pub idle_forgotten: Duration,
    /// The end that nothing slides past, from the login on.
    pub absolute: Duration,
    /// How many sessions one person may have; the oldest end. `None`: any number.
    pub per_user: Option<u32>,
    /// How long before its end a cookie's access token is renewed on the way through.
    pub renew_window: Duration,
    /// How long websockets, event streams and downloads go on when their session reaches its own end (not when somebody
    /// ends it).
    pub stream_grace: Duration,
}

/// When a used refresh token is replaced by a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Rotation {
    /// When it came in a cookie; a client that sends it in a header keeps it, as clients of flask-jwt-extended expect.
    #[default]
    Cookies,
    /// At every `POST /refresh`.
    Always,
    /// Only for a login that asked for it.
    Off,
}
