use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use serde::Deserialize;
use serde_json::Value;

use super::{Admin, Fault};
use crate::base::ClientAddr;
use crate::web::{Known, Peer};

/// A request that nobody sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Supposed {
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    /// Who asks; whoever the headers show unless said.
    #[serde(default)]
    user: Option<String>,
    /// The login was renewed since the password was given.
    #[serde(default)]
    renewed: bool,
    #[serde(default)]
    from: Option<IpAddr>,
}

impl Admin {
    /// What the configuration in place would do with a request now, people and ended sessions included. Nothing is renewed,
    /// sent or written down.
    pub(super) async fn explain(&self, supposed: Supposed) -> Result<Value, Fault> {
        let gateway = self.current.load_full();
        let user = match &supposed.user {
            Some(written) => Some(gateway.whom(written).await?),
            None => None,
        };
        let wrong = |what: &str, text: &str| Fault::Wrong(format!("{text:?} is no {what}"));
        let mut request = Request::new(());
        *request.method_mut() = Method::from_bytes(supposed.method.as_bytes()).map_err(|_| wrong("method", &supposed.method))?;
        *request.uri_mut() = supposed.url.parse::<Uri>().map_err(|_| wrong("URL", &supposed.url))?;
        for (name, value) in &supposed.headers {
            let name = name.parse::<HeaderName>().map_err(|_| wrong("header's name", name))?;
            let value = HeaderValue::from_str(value).map_err(|_| wrong("header's value", value))?;
            request.headers_mut().append(name, value);
        }
        if let Some(user) = &user {
            let token = gateway.token_to_explain(user, !supposed.renewed).map_err(|refusal| Fault::Wrong(refusal.to_string()))?;
            let bearer = HeaderValue::try_from(format!("Bearer {}", token.expose()));
            request.headers_mut().insert(AUTHORIZATION, bearer.map_err(|_| Fault::Wrong("the token is no header".to_owned()))?);
        }
        let address = ClientAddr::new(supposed.from.unwrap_or(Ipv4Addr::LOCALHOST.into()));
        let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 443));
        let known = Known::Address;
        let peer = Peer { address, port: 0, local, secure: true, server_name: None, worker: 0, uid: None, known };
        let explanation = gateway.explain(request.into_parts().0, &peer);
        serde_json::to_value(explanation).map_err(|error| Fault::Wrong(error.to_string()))
    }
}
