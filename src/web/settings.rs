use http::HeaderName;

/// Which cookies carry a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum CookieProfile {
    /// `__Host-munjigi_access` and `__Host-munjigi_refresh`: `HttpOnly`, `Secure`, `SameSite=Lax`, `Path=/`.
    #[default]
    Host,
    /// The four names of flask-jwt-extended, with its double-submit CSRF check.
    Flask,
}

/// What the operator wants of cookies. All but the profile is for the flask profile alone: what `__Host-` promises is fixed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CookieSettings {
    /// Names and flags.
    pub profile: CookieProfile,
    /// With which requests of other sites browsers send them (`JWT_COOKIE_SAMESITE`).
    pub same_site: SameSite,
    /// Over connections without TLS too (`JWT_COOKIE_SECURE = False`).
    pub insecure: bool,
    /// For all hosts of this domain (`JWT_COOKIE_DOMAIN`); `None`: for the one that sets them.
    pub domain: Option<Box<str>>,
}

/// `SameSite` of a cookie (RFC 6265bis, section 5.5.7).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SameSite {
    /// With links from elsewhere, and nothing else from there.
    #[default]
    Lax,
    /// With nothing from elsewhere.
    Strict,
    /// With everything.
    None,
}

impl SameSite {
    /// As browsers read it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lax => "Lax",
            Self::Strict => "Strict",
            Self::None => "None",
        }
    }
}

/// Where unsafe requests with cookie identity may come from, besides the gateway's own origin.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct CsrfSettings {
    /// Further origins (`https://host[:port]`) whose pages may send them. Neighbours under one registrable domain are strangers.
    pub trusted_origins: Vec<String>,
    /// The field of a form in which the double-submit value may stand instead of the header (`JWT_CSRF_CHECK_FORM`).
    pub form_field: Option<Box<str>>,
}

/// What stands in one identity header.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum IdentityItem {
    /// The person, as in `sub`.
    User,
    /// What the person is called.
    Name,
    /// Where the person gets mail.
    Email,
    /// Groups, separated by commas.
    Groups,
    /// Who checked the password.
    Provider,
    /// The session's id.
    Session,
}

/// How names, addresses and groups stand in a header, whose bytes are ASCII by custom.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum HeaderEncoding {
    /// UTF-8 with every byte outside of visible ASCII, and `%`, as `%XX` (RFC 3986, section 2.1).
    #[default]
    Percent,
    /// UTF-8 as it is, for applications that read headers so.
    Utf8,
    /// UTF-8 in base64url without padding (RFC 4648, section 5).
    Base64Url,
}

/// Which headers tell the application who is asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityHeaderSettings {
    /// The headers written, each with what stands in it.
    pub write: Vec<(HeaderName, IdentityItem)>,
    /// How what need not be ASCII stands in them.
    pub encoding: HeaderEncoding,
    /// The header for the signed assertion, if one is made.
    pub assertion: HeaderName,
}

impl Default for IdentityHeaderSettings {
    /// Nothing is written.
    fn default() -> Self {
        Self { write: Vec::new(), encoding: HeaderEncoding::default(), assertion: HeaderName::from_static(Self::ASSERTION) }
    }
}

impl IdentityHeaderSettings {
    /// The names every preset knows, in all of which a client could try to speak for itself: stripped whatever is written.
    pub const KNOWN: [&'static str; 21] = [
        "x-auth-user",
        "x-auth-name",
        "x-auth-email",
        "x-auth-groups",
        "x-auth-provider",
        "x-auth-session",
        "remote-user",
        "remote-name",
        "remote-email",
        "remote-groups",
        "x-remote-user",
        "x-forwarded-user",
        "x-forwarded-email",
        "x-forwarded-groups",
        "x-forwarded-preferred-username",
        "x-auth-request-user",
        "x-auth-request-email",
        "x-auth-request-groups",
        "x-auth-request-preferred-username",
        "x-webauth-user",
        Self::ASSERTION,
    ];

    /// Where an assertion stands unless said.
    const ASSERTION: &'static str = "x-munjigi-assertion";

    /// The headers of a preset: `x-auth`, `remote`, `forwarded`, `auth-request`, `webauth`.
    pub fn preset(name: &str) -> Option<Self> {
        use IdentityItem::{Email, Groups, Name, Provider, Session, User};
        let list: &[(&'static str, IdentityItem)] = match name {
            "x-auth" => &[
                ("x-auth-user", User),
                ("x-auth-name", Name),
                ("x-auth-email", Email),
                ("x-auth-groups", Groups),
                ("x-auth-provider", Provider),
                ("x-auth-session", Session),
            ],
            "remote" => &[("remote-user", User), ("remote-name", Name), ("remote-email", Email), ("remote-groups", Groups)],
            "forwarded" => &[
                ("x-forwarded-user", User),
                ("x-forwarded-preferred-username", Name),
                ("x-forwarded-email", Email),
                ("x-forwarded-groups", Groups),
            ],
            "auth-request" => &[
                ("x-auth-request-user", User),
                ("x-auth-request-preferred-username", Name),
                ("x-auth-request-email", Email),
                ("x-auth-request-groups", Groups),
            ],
            "webauth" => &[("x-webauth-user", User)],
            _ => return None,
        };
        let write = list.iter().map(|(name, item)| (HeaderName::from_static(name), *item)).collect();
        Some(Self { write, ..Self::default() })
    }
}
