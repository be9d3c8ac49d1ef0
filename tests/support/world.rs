//! The usual scene: one application, the SSO, and a gateway that guards `/` and leaves `/open` open.

use super::gateway::{Builder, Gateway};
use super::origin::Origin;
use super::sso::{RIGHT, Sso};
use super::tokens::Pair;

/// An application behind a gateway that asks an SSO.
pub struct World {
    /// The application.
    pub origin: Origin,
    /// The SSO.
    pub sso: Sso,
    /// The gateway.
    pub gateway: Gateway,
}

impl World {
    /// The usual one.
    #[track_caller]
    pub fn start() -> Self {
        Self::with("")
    }

    /// With more configuration.
    #[track_caller]
    pub fn with(toml: &str) -> Self {
        let (origin, sso) = (Origin::start(), Sso::start());
        let gateway = Self::builder(&origin, &sso).toml(toml).start();
        Self { origin, sso, gateway }
    }

    /// With another application.
    #[track_caller]
    pub fn around(origin: Origin) -> Self {
        let sso = Sso::start();
        let gateway = Self::builder(&origin, &sso).start();
        Self { origin, sso, gateway }
    }

    /// The gateway of the usual scene, before its start.
    #[track_caller]
    pub fn builder(origin: &Origin, sso: &Sso) -> Builder {
        Builder::new().sso(sso).upstream("app", origin).toml(
            r#"
            [[route]]
            path = "/open"
            access = "public"
            upstream = "app"

            [[route]]
            path = "/"
            upstream = "app"
            "#,
        )
    }

    /// Logs [`RIGHT`] in.
    #[track_caller]
    pub fn login(&self) -> Pair {
        self.gateway.login(RIGHT.0, RIGHT.1)
    }
}
