use reqwest::Url;

use super::settings::{BandiSsoSettings, PageParts};
use crate::provider::reach::origin_of;
use crate::provider::text::plain_words;
use crate::provider::{ProviderFault, SetupFault};

/// What is known of the SSO before anybody logs in: which addresses mean what.
pub(super) struct Site {
    auth_url: Url,
    /// Where the code goes. Never visited.
    service: Url,
    allowed: Vec<(String, u16)>,
    parts: PageParts,
    notice_path: Option<String>,
    logout_path: Option<String>,
    max_steps: usize,
}

/// Whether the browser is sent to the service, and with what.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// Somewhere else.
    Elsewhere,
    /// To the service, with a code and with our state.
    Code,
    /// To the service, but not so. Why.
    Wrong(String),
}

impl Site {
    pub(super) fn new(settings: &BandiSsoSettings) -> Result<Self, SetupFault> {
        let service = settings.auth_url.query_pairs().find(|(name, _)| name == "redirect_uri").map(|(_, value)| value.into_owned());
        let service = service.and_then(|service| Url::parse(&service).ok()).filter(Url::has_host).ok_or(SetupFault::RedirectUri)?;
        for (text, what) in [
            (&settings.parts.key, "the id of the key's input"),
            (&settings.parts.token, "the id of the token's input"),
            (&settings.parts.form, "the id of the sign-in form"),
        ] {
            if text.is_empty() {
                return Err(SetupFault::Empty(what));
            }
        }
        let own = host_of(&settings.auth_url).ok_or_else(|| SetupFault::Url(settings.auth_url.to_string()))?;
        let default_port = if settings.auth_url.scheme() == "https" { 443 } else { 80 };
        let mut allowed = vec![own];
        for host in &settings.allowed_hosts {
            // Read as a URL's authority, so that it is spelt as addresses on pages will be.
            let url = Url::parse(&format!("{}://{host}/", settings.auth_url.scheme())).map_err(|_| SetupFault::Host(host.clone()))?;
            let plain = url.path() == "/" && url.query().is_none() && url.username().is_empty();
            let known = url.host_str().filter(|_| plain).ok_or_else(|| SetupFault::Host(host.clone()))?;
            allowed.push((known.to_owned(), url.port().unwrap_or(default_port)));
        }
        Ok(Self {
            auth_url: settings.auth_url.clone(),
            service,
            allowed,
            parts: settings.parts.clone(),
            notice_path: settings.notice_path.clone(),
            logout_path: settings.logout_path.clone(),
            max_steps: settings.max_steps,
        })
    }

    pub(super) const fn parts(&self) -> &PageParts {
        &self.parts
    }

    pub(super) const fn max_steps(&self) -> usize {
        self.max_steps
    }

    /// The sign-in address for one login.
    pub(super) fn auth_url(&self, state: &str) -> Url {
        let mut url = self.auth_url.clone();
        url.query_pairs_mut()
            .clear()
            .extend_pairs(self.auth_url.query_pairs().filter(|(name, _)| name != "state"))
            .append_pair("state", state);
        url
    }

    /// The address that ends a session.
    pub(super) fn logout_url(&self) -> Option<Url> {
        let mut url = self.auth_url.join(self.logout_path.as_deref()?).ok()?;
        let service = self.auth_url.query_pairs().filter(|(name, _)| name == "client_id" || name == "redirect_uri");
        url.query_pairs_mut().extend_pairs(service);
        Some(url)
    }

    /// Refuses an address that must not be asked.
    pub(super) fn allow(&self, url: &Url) -> Result<(), ProviderFault> {
        let known = host_of(url).is_some_and(|host| self.allowed.contains(&host));
        if known && url.scheme() == self.auth_url.scheme() {
            return Ok(());
        }
        let origin = origin_of(url);
        Err(ProviderFault::Changed(format!("it sends the browser to {origin}, which is not allowed (allowed_hosts adds to what is)")))
    }

    /// Whether an address is the service's, and whether it carries what proves a login. Both schemes count: nothing is
    /// sent there, and the address itself came over TLS.
    pub(super) fn arrival(&self, url: &Url, body: Option<&[(String, String)]>, state: &str) -> Arrival {
        if url.host() != self.service.host() || url.path() != self.service.path() {
            return Arrival::Elsewhere;
        }
        let in_url = url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned()));
        let pairs: Vec<_> = in_url.chain(body.into_iter().flatten().cloned()).collect();
        let values = |wanted: &str| pairs.iter().filter(|(name, _)| name == wanted).map(|(_, value)| value.as_str()).collect::<Vec<_>>();
        if let [error, ..] = values("error")[..] {
            return Arrival::Wrong(format!(
                "it sends the browser to the service with the error {:?}",
                plain_words(error).unwrap_or_default()
            ));
        }
        match (&values("code")[..], &values("state")[..]) {
            ([code], [known]) if !code.is_empty() && *known == state => Arrival::Code,
            ([code], _) if !code.is_empty() => {
                Arrival::Wrong("it sends the browser to the service with a code, but not with our state".into())
            }
            _ => Arrival::Wrong("it sends the browser to the service, but without a code".into()),
        }
    }

    /// Whether this is the page that asks for a new password.
    pub(super) fn asks_for_a_new_password(&self, url: &Url) -> bool {
        let path = url.path().split(';').next();
        self.notice_path.is_some() && path == self.notice_path.as_deref() && self.allow(url).is_ok()
    }

    /// Where the "later" button of that page goes: back to the sign-in address, with the same `cm_cg_id` (as public clients
    /// have found).
    pub(super) fn later(&self, url: &Url) -> Option<Url> {
        if !self.asks_for_a_new_password(url) {
            return None;
        }
        let (_, id) = url.query_pairs().find(|(name, _)| name == "cm_cg_id")?;
        let mut later = self.auth_url.clone();
        later.query_pairs_mut().clear().append_pair("cm_cg_id", &id);
        Some(later)
    }
}

/// An address found on a page or in a header. The SSO writes `http://` for itself now and then; what came over TLS goes on
/// over TLS.
pub(super) fn resolve(page: &Url, target: &str) -> Result<Url, ProviderFault> {
    let mut url = page.join(target.trim()).map_err(|_| ProviderFault::Changed("it sends the browser to an address that is none".into()))?;
    if url.scheme() == "http" && page.scheme() == "https" {
        // Between two schemes of the web this cannot fail; and if it did, the host would not be asked.
        let _ = url.set_scheme("https");
    }
    Ok(url)
}

fn host_of(url: &Url) -> Option<(String, u16)> {
    Some((url.host_str()?.to_owned(), url.port_or_known_default()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::ProviderName;

    fn site(allowed_hosts: &[&str]) -> Site {
        let allowed_hosts = allowed_hosts.iter().map(|host| (*host).to_owned()).collect();
        Site::new(&BandiSsoSettings { allowed_hosts, ..BandiSsoSettings::mju(ProviderName::new("mju-sso").unwrap()) }).unwrap()
    }

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn only_a_code_with_our_state_at_the_service_is_an_arrival() {
        let site = site(&[]);
        let arrival = |address: &str| site.arrival(&url(address), None, "S");
        for address in
            ["https://msi.mju.ac.kr/index_Myiweb.jsp?code=C&state=S", "http://MSI.mju.ac.kr/index_Myiweb.jsp?state=S&x=1&code=C#f"]
        {
            assert_eq!(arrival(address), Arrival::Code, "{address}");
        }
        for address in [
            "https://msi.mju.ac.kr/index_Myiweb.jsp?code=C&state=T",
            "https://msi.mju.ac.kr/index_Myiweb.jsp?code=C",
            "https://msi.mju.ac.kr/index_Myiweb.jsp?code=&state=S",
            "https://msi.mju.ac.kr/index_Myiweb.jsp?state=S",
            "https://msi.mju.ac.kr/index_Myiweb.jsp?code=C&code=D&state=S",
            "https://msi.mju.ac.kr/index_Myiweb.jsp?code=C&state=T&state=S",
            "https://msi.mju.ac.kr/index_Myiweb.jsp?error=access_denied&code=C&state=S",
        ] {
            assert!(matches!(arrival(address), Arrival::Wrong(_)), "{address}");
        }
        for address in [
            "https://evil.example/index_Myiweb.jsp?code=C&state=S",
            "https://msi.mju.ac.kr.evil.example/index_Myiweb.jsp?code=C&state=S",
            "https://msi.mju.ac.kr/other?code=C&state=S",
            "https://sso.mju.ac.kr/sso/auth?redirect_uri=https://msi.mju.ac.kr/index_Myiweb.jsp?code=C&state=S",
        ] {
            assert_eq!(arrival(address), Arrival::Elsewhere, "{address}");
        }
        let posted = [("code".to_owned(), "C".to_owned()), ("state".to_owned(), "S".to_owned())];
        assert_eq!(site.arrival(&url("https://msi.mju.ac.kr/index_Myiweb.jsp"), Some(&posted), "S"), Arrival::Code);
    }

    #[test]
    fn only_allowed_hosts_are_asked_and_only_over_tls() {
        let site = site(&["SSO2.mju.ac.kr", "sso3.mju.ac.kr:8443"]);
        for address in ["https://sso.mju.ac.kr/x", "https://sso2.mju.ac.kr:443/", "https://sso3.mju.ac.kr:8443/"] {
            assert_eq!(site.allow(&url(address)), Ok(()), "{address}");
        }
        for address in [
            "http://sso.mju.ac.kr/",
            "https://sso.mju.ac.kr:444/",
            "https://sso3.mju.ac.kr/",
            "https://msi.mju.ac.kr/",
            "https://127.0.0.1/",
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
        ] {
            assert!(matches!(site.allow(&url(address)), Err(ProviderFault::Changed(_))), "{address}");
        }
        let page = url("https://sso.mju.ac.kr/sso/auth");
        assert_eq!(resolve(&page, " http://sso.mju.ac.kr/y ").unwrap().as_str(), "https://sso.mju.ac.kr/y");
        assert_eq!(resolve(&page, "//sso.mju.ac.kr/z").unwrap().as_str(), "https://sso.mju.ac.kr/z");
    }

    #[test]
    fn the_page_for_a_new_password_has_a_way_past_it() {
        let site = site(&[]);
        let later = site.later(&url("https://sso.mju.ac.kr/sso/change/pw;jsessionid=1?cm_cg_id=A%261")).unwrap();
        assert_eq!(later.as_str(), "https://sso.mju.ac.kr/sso/auth?cm_cg_id=A%261");
        assert_eq!(site.later(&url("https://sso.mju.ac.kr/sso/change/pw")), None);
        assert_eq!(site.later(&url("https://evil.example/sso/change/pw?cm_cg_id=A")), None);
    }

    #[test]
    fn addresses_are_made_from_that_of_the_service() {
        let site = site(&[]);
        let pairs: Vec<_> = site.auth_url("S").query_pairs().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(
            pairs,
            ["client_id=msi", "response_type=code", "tkn_type=normal", "redirect_uri=https://msi.mju.ac.kr/index_Myiweb.jsp", "state=S"]
        );
        let logout = site.logout_url().unwrap();
        assert!(logout.as_str().starts_with("https://sso.mju.ac.kr/sso/logout?client_id=msi&redirect_uri=https"), "{logout}");
    }

    #[test]
    fn what_cannot_work_is_said_at_once() {
        let mju = || BandiSsoSettings::mju(ProviderName::new("mju-sso").unwrap());
        let fault = |settings: BandiSsoSettings| Site::new(&settings).map(drop).unwrap_err();
        assert_eq!(
            fault(BandiSsoSettings { auth_url: url("https://sso.mju.ac.kr/sso/auth?client_id=msi"), ..mju() }),
            SetupFault::RedirectUri
        );
        for host in ["", "a/b", "a b", "u@h", "https://h"] {
            let settings = BandiSsoSettings { allowed_hosts: vec![host.into()], ..mju() };
            assert_eq!(fault(settings), SetupFault::Host(host.into()), "{host:?}");
        }
    }
}
