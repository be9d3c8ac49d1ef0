//! The demo's stand-in for the university's login, with TLS: the second generation cannot be told on a raw socket, since it
//! has to decrypt. It shares no code with the providers that ask it.

use std::ops::Deref;

use munjigi::cli::demo::{StandIn, StandInOptions};
use tokio::runtime::Runtime;

use super::gateway::Builder;

/// Both generations of the university's login, on a runtime of their own.
pub struct University {
    sso: StandIn,
    _runtime: Runtime,
}

impl University {
    /// Starts it.
    pub fn start() -> Self {
        munjigi::app::install_crypto();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let options = StandInOptions { tls: true, ..StandInOptions::default() };
        let sso = runtime.block_on(StandIn::start(options)).unwrap();
        Self { sso, _runtime: runtime }
    }

    /// A gateway that asks its second generation, by TLS, as the provider `mju-sso`, which `providers` then has to name.
    pub fn asked_by(&self, builder: Builder) -> Builder {
        let url = self.sso.auth_url();
        let section = format!("[provider.mju-sso]\nkind = \"bandi-sso\"\npreset = \"mju\"\nca = \"certs/sso-ca.pem\"\nurl = \"{url}\"");
        builder.file("certs/sso-ca.pem", self.sso.ca_pem().unwrap()).toml(&section)
    }
}

impl Deref for University {
    type Target = StandIn;

    fn deref(&self) -> &StandIn {
        &self.sso
    }
}
