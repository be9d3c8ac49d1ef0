use std::time::Duration;

use reqwest::Url;

use crate::identity::{IdRule, ProviderName, Realm};
use crate::provider::ReachSettings;

/// What the operator wants of a provider of the kind `bandi-sso`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BandiSsoSettings {
    /// Its name in the configuration.
    pub name: ProviderName,
    /// Whose ids it knows.
    pub realm: Realm,
    /// How they look.
    pub id_rule: IdRule,
    /// The sign-in address as a service of the university gives it to browsers, with `client_id`, `response_type=code` and
    /// `redirect_uri`. Its `state` is replaced by a fresh one for each login. The service itself is never visited.
    pub auth_url: Url,
    /// Hosts (`host` or `host:port`) that may be asked besides that of `auth_url`.
    pub allowed_hosts: Vec<String>,
    /// What the parts of the page are called.
    pub parts: PageParts,
    /// The path of the page that asks for a new password. It is passed by as its "later" button does; the person is told.
    pub notice_path: Option<String>,
    /// The path that ends a session at the SSO, if there is one.
    pub logout_path: Option<String>,
    /// Most pages and redirects after the password was sent.
    pub max_steps: usize,
    /// How long a login waits for another one of the same person with the same password.
    pub person_wait: Duration,
    /// How it is reached. The total timeout is for all requests of one login together.
    pub reach: ReachSettings,
}

/// The ids of the parts of the sign-in page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageParts {
    /// The input with the RSA key.
    pub key: String,
    /// The input with the one-time token; also the name under which it is sent.
    pub token: String,
    /// The form.
    pub form: String,
    /// The form that asks for a second factor.
    pub second_factor: String,
}

impl Default for PageParts {
    fn default() -> Self {
        Self { key: "public-key".into(), token: "c_r_t".into(), form: "signin-form".into(), second_factor: "two-factor-form".into() }
    }
}

impl BandiSsoSettings {
    /// The preset `mju`: the login of Myongji University since 2025-11-27, by the way of its service MSI.
    ///
    /// Known from public clients and their notes, not from the maker. The logout path is that of another installation
    /// of the same product; whether Myongji's has it too has not been seen.
    #[must_use]
    #[expect(clippy::expect_used, clippy::missing_panics_doc, reason = "constants, and a test builds them")]
    pub fn mju(name: ProviderName) -> Self {
        let auth_url = "https://sso.mju.ac.kr/sso/auth?client_id=msi&response_type=code&tkn_type=normal\
                        &redirect_uri=https%3A%2F%2Fmsi.mju.ac.kr%2Findex_Myiweb.jsp";
        Self {
            name,
            realm: Realm::new("mju").expect("a good name"),
            id_rule: IdRule::default(),
            auth_url: Url::parse(auth_url).expect("a good URL"),
            allowed_hosts: Vec::new(),
            parts: PageParts::default(),
            notice_path: Some("/sso/change/pw".into()),
            logout_path: Some("/sso/logout".into()),
            max_steps: 10,
            person_wait: Duration::from_secs(10),
            reach: ReachSettings {
                total_timeout: Duration::from_secs(20),
                max_body: 1024 * 1024,
                // A firewall in front of a login page may let only browsers pass; the end says who it really is.
                user_agent: concat!(
                    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36 munjigi/",
                    env!("CARGO_PKG_VERSION")
                )
                .into(),
                ..ReachSettings::default()
            },
        }
    }
}
