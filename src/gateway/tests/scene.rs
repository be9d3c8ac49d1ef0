use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use secrecy::{ExposeSecret as _, SecretSlice};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::base::{ClientAddr, Clock, ManualClock, Timestamp, TrustedProxies};
use crate::gateway::{AliasSettings, FileGroups, Gateway, Parts, Rotation, SessionSettings, Settings, Shared};
use crate::identity::{DisplayName, IdRule, ProviderName, Realm, Subjects};
use crate::observe::{AccessLog, Metrics};
use crate::pages::{Brand, Pages};
use crate::provider::{Checking, Login, Provider, Verdict};
use crate::routing::{Access, HeaderEdits, HostName, HostPattern, PathPattern, Rewrite, RouteSettings, Target, Unauthenticated};
use crate::store::{ChangeLog, Sqlite, sqlite};
use crate::throttle::Throttle;
use crate::token::{self, Algorithm, ForeignSettings, KeyMaterial, KeySettings};
use crate::upstream::{Address, Balancing, Endpoints, Upstream};
use crate::web::{CookieSettings, CsrfSettings, IdentityHeaderSettings, Peer};

pub(super) const MINUTE: Duration = Duration::from_secs(60);
pub(super) const HOUR: Duration = Duration::from_secs(3600);
pub(super) const DAY: Duration = Duration::from_secs(86_400);
/// Nothing here takes this long, unless it is broken.
pub(super) const BOUND: Duration = Duration::from_secs(30);

/// What a scene is set up with.
#[derive(Clone)]
pub(super) struct Plan {
    pub(super) sessions: SessionSettings,
    pub(super) keys: Vec<KeySettings>,
    /// Another issuer, whose tokens the one route takes.
    pub(super) issuer: Option<ForeignSettings>,
    /// Logins are made at `gate.test`, and the application is at `app.test`; else any host is the application's.
    pub(super) portal: bool,
}

impl Default for Plan {
    fn default() -> Self {
        let sessions = SessionSettings {
            rotation: Rotation::Cookies,
            grace: Duration::from_secs(10),
            idle: 30 * DAY,
            idle_forgotten: 12 * HOUR,
            absolute: 30 * DAY,
            per_user: None,
            renew_window: 5 * MINUTE,
            stream_grace: MINUTE,
        };
        Self { sessions, keys: vec![key("k1")], issuer: None, portal: false }
    }
}

/// A signing key of this name.
pub(super) fn key(kid: &str) -> KeySettings {
    let secret = KeyMaterial::Secret(SecretSlice::from(format!("{kid:x<40}").into_bytes()));
    KeySettings {
        kid: kid.into(),
        algorithm: Algorithm::Hs256,
        material: secret,
        sign_from: None,
        verify_only: false,
        for_tokens_without_kid: false,
    }
}

/// One gateway, its clock, and an application behind it.
pub(super) struct Scene {
    pub(super) gateway: Arc<Gateway>,
    pub(super) shared: Arc<Shared>,
    pub(super) clock: Arc<ManualClock>,
    place: Arc<tempfile::TempDir>,
    origin: SocketAddr,
}

impl Scene {
    pub(super) async fn new(plan: Plan) -> Self {
        let origin = origin().await;
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_800_000_000)));
        Self::over(plan, Arc::new(tempfile::tempdir().unwrap()), clock, origin).await
    }

    /// Another process on the same file, or the same after a restart.
    pub(super) async fn another(&self, plan: Plan) -> Self {
        Self::over(plan, Arc::clone(&self.place), Arc::clone(&self.clock), self.origin).await
    }

    async fn over(plan: Plan, place: Arc<tempfile::TempDir>, clock: Arc<ManualClock>, origin: SocketAddr) -> Self {
        token::install_crypto();
        let store = Arc::new(Sqlite::open(sqlite::Settings::new(place.path().join("munjigi.db"))).unwrap());
        let log = ChangeLog::start(store, Arc::<ManualClock>::clone(&clock), 15 * MINUTE).await.unwrap();
        let services = tokio::runtime::Handle::current();
        let time: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
        let shared = Shared::new(
            time,
            log,
            Throttle::new(crate::throttle::Settings::default()),
            services,
            AccessLog::off(),
            Arc::new(Metrics::new()),
        );
        let gateway = Arc::new(Gateway::build(parts(plan, origin, &shared)).unwrap());
        tokio::spawn(Arc::clone(&shared.streams).follow(Arc::clone(&shared.view)));
        Self { gateway, shared, clock, place, origin }
    }

    /// Sends a request over a connection of its own.
    pub(super) async fn send(&self, request: Request<Full<Bytes>>) -> http::Response<Incoming> {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let gateway = Arc::clone(&self.gateway);
        let client = ClientAddr::new("192.0.2.7".parse().unwrap());
        let local = "192.0.2.1:443".parse().unwrap();
        let peer = Arc::new(Peer {
            address: client,
            port: 4000,
            local,
            secure: true,
            server_name: None,
            worker: 0,
            uid: None,
            known: crate::web::Known::Address,
        });
        let service = service_fn(move |request| {
            let answering = Arc::clone(&gateway).handle(request, &peer);
            async move { Ok::<_, std::convert::Infallible>(answering.await) }
        });
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(far), service).with_upgrades());
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(near)).await.unwrap();
        tokio::spawn(connection.with_upgrades());
        tokio::time::timeout(BOUND, sender.send_request(request)).await.unwrap().unwrap()
    }

    /// Sends it and reads the whole answer.
    pub(super) async fn ask(&self, request: http::request::Builder, body: Option<&Value>) -> Answer {
        let elsewhere = request.headers_ref().is_some_and(|headers| headers.contains_key("host"));
        let request = if elsewhere { request } else { request.header("host", "gate.test") };
        let request = request.header("content-type", "application/json");
        let body = body.map(Value::to_string).unwrap_or_default();
        let (head, body) = self.send(request.body(Full::from(body)).unwrap()).await.into_parts();
        let body = tokio::time::timeout(BOUND, body.collect()).await.unwrap().unwrap().to_bytes();
        Answer { status: head.status, headers: head.headers, body: serde_json::from_slice(&body).unwrap_or_default() }
    }

    /// Logs `id` in as a program does, with more wishes.
    pub(super) async fn log_in(&self, id: &str, wishes: &Value) -> Answer {
        let mut said = json!({ "id": id, "password": "right" });
        said.as_object_mut().unwrap().extend(wishes.as_object().into_iter().flatten().map(|(k, v)| (k.clone(), v.clone())));
        let answer = self.ask(Request::post("/login"), Some(&said)).await;
        assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
        answer
    }

    /// GET with a token in the header.
    pub(super) async fn get(&self, token: &str) -> Answer {
        self.ask(Request::get("/page").header("authorization", format!("Bearer {token}")), None).await
    }

    /// `POST /refresh` with a token in the header.
    pub(super) async fn refresh(&self, token: &str) -> Answer {
        self.ask(Request::post("/refresh").header("authorization", format!("Bearer {token}")), None).await
    }
}

/// A whole answer.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

impl Answer {
    /// A text in the JSON of the body.
    #[track_caller]
    pub(super) fn text(&self, name: &str) -> String {
        self.body[name].as_str().unwrap_or_else(|| panic!("no {name} in {} {:?}", self.status, self.body)).to_owned()
    }

    /// The cookies it sets: name, value, attributes.
    pub(super) fn cookies(&self) -> Vec<(String, String, String)> {
        let lines = self.headers.get_all("set-cookie").into_iter().map(|line| line.to_str().unwrap());
        lines
            .map(|line| {
                let (pair, attributes) = line.split_once(';').unwrap();
                let (name, value) = pair.split_once('=').unwrap();
                (name.to_owned(), value.to_owned(), attributes.to_owned())
            })
            .collect()
    }
}

/// A browser's cookies.
#[derive(Clone, Default)]
pub(super) struct Jar(HashMap<String, String>);

pub(super) const ACCESS: &str = "__Host-munjigi_access";
pub(super) const REFRESH: &str = "__Host-munjigi_refresh";

impl Jar {
    pub(super) async fn logged_in(scene: &Scene, id: &str, remember: bool) -> (Self, Answer) {
        let mut jar = Self::default();
        let answer = scene.log_in(id, &json!({ "cookies": true, "remember": remember })).await;
        jar.learn(&answer);
        (jar, answer)
    }

    pub(super) fn learn(&mut self, answer: &Answer) {
        for (name, value, _) in answer.cookies() {
            if value.is_empty() {
                self.0.remove(&name)
            } else {
                self.0.insert(name, value)
            };
        }
    }

    pub(super) fn lose(&mut self, name: &str) {
        self.0.remove(name);
    }

    pub(super) fn kept(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A request of this browser from our own page.
    pub(super) fn request(&self, method: &str, path: &str) -> http::request::Builder {
        let cookies: Vec<_> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = Request::builder().method(method).uri(path).header("sec-fetch-site", "same-origin");
        if cookies.is_empty() { request } else { request.header("cookie", cookies.join("; ")) }
    }

    /// Sends one and keeps the cookies of its answer.
    pub(super) async fn ask(&mut self, scene: &Scene, method: &str, path: &str) -> Answer {
        let answer = scene.ask(self.request(method, path), None).await;
        self.learn(&answer);
        answer
    }
}

fn parts(plan: Plan, origin: SocketAddr, shared: &Arc<Shared>) -> Parts {
    let (name, realm) = (ProviderName::new("mju").unwrap(), Realm::new("mju").unwrap());
    let route = RouteSettings {
        tokens: crate::routing::RouteTokens {
            issuers: plan.issuer.iter().map(|issuer| issuer.name.clone()).collect(),
            ..crate::routing::RouteTokens::default()
        },
        host: plan.portal.then(|| HostPattern::Exact(HostName::new("app.test").unwrap())),
        path: PathPattern::parse("/").unwrap(),
        methods: None,
        access: Access::SignedIn,
        target: Target::Upstream(name.clone()),
        rewrite: Rewrite::default(),
        request_headers: HeaderEdits::default(),
        response_headers: HeaderEdits::default(),
        host_header: None,
        preflight: false,
        response_timeout: None,
        idle_timeout: None,
        unauthenticated: Unauthenticated::Refuse,
        allow_empty_segments: false,
        allow_underscore_headers: false,
        max_body: None,
        body_min_rate: None,
        request_timeout: None,
    };
    let settings = Settings {
        library: crate::gateway::LibrarySettings::default(),
        routes: vec![route],
        groups: FileGroups::default(),
        security_headers: Vec::new(),
        trusted_proxies: TrustedProxies::default(),
        cookies: CookieSettings::default(),
        csrf: CsrfSettings::default(),
        identity_headers: IdentityHeaderSettings::preset("x-auth").unwrap(),
        sessions: plan.sessions,
        aliases: AliasSettings { default: true, hosts: Vec::new() },
        portal: plan.portal.then(|| HostName::new("gate.test").unwrap()),
        hsts: None,
        max_body: 1 << 20,
        body_timeout: BOUND,
        body_min_rate: 0,
        drain_body: 1 << 20,
        max_headers: 100,
        certificates: crate::tls::Coverage::default(),
        max_target: 8192,
    };
    let tokens = token::Settings {
        issuer: "https://gate.test".into(),
        audience: None,
        access_ttl: 15 * MINUTE,
        refresh_ttl: 30 * DAY,
        backdate: Duration::from_secs(5),
        keys: plan.keys,
        subjects: Subjects::new(realm.clone()),
        providers: vec![(name.clone(), realm.clone())],
        cache: 1000,
    };
    let endpoint = Address::Http { host: origin.ip().to_string(), port: origin.port() };
    let upstream = crate::upstream::Settings {
        name: name.clone(),
        endpoints: vec![endpoint],
        connect_timeout: BOUND,
        response_timeout: BOUND,
        idle_timeout: BOUND,
        keep_alive: BOUND,
        max_idle: 8,
        balancing: Balancing::default(),
    };
    let upstream = Arc::new(Upstream::new(upstream, &Endpoints::new(1)).unwrap());
    let rule = IdRule { extra: "._-".into(), longest: 32, fold_case: true };
    Parts {
        others: crate::gateway::Others { issuers: plan.issuer.into_iter().collect(), scoped: Vec::new() },
        asserter: None,
        settings,
        tokens,
        providers: vec![Arc::new(Sayer { name: name.clone(), realm, rule })],
        upstreams: HashMap::from([(name, upstream)]),
        pages: Pages::new(Brand::new(DisplayName::new("gate").unwrap())),
        shared: Arc::clone(shared),
    }
}

/// Takes the password `right` from anybody.
struct Sayer {
    name: ProviderName,
    realm: Realm,
    rule: IdRule,
}

impl Provider for Sayer {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn realm(&self) -> &Realm {
        &self.realm
    }

    fn id_rule(&self) -> &IdRule {
        &self.rule
    }

    fn check(&self, login: Login) -> Checking<'_> {
        let right = login.password.expose_secret() == "right";
        Box::pin(async move { Ok(if right { Verdict::Right { notice: None } } else { Verdict::Wrong { message: None } }) })
    }
}

/// An application that answers `{}`, streams for ever below `/stream`, and switches protocols at `/ws`.
async fn origin() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream));
        }
    });
    address
}

async fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await?);
        }
        let (answer, waits): (&[u8], bool) = match head.split(|byte| *byte == b' ').nth(1) {
            Some(b"/stream") => {
                (b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n", true)
            }
            Some(b"/ws") => (b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n\x81\x02hi", true),
            _ => (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", false),
        };
        stream.write_all(answer).await?;
        if waits {
            // Until the gateway hangs up.
            while stream.read(&mut [0; 1024]).await? > 0 {}
            return Ok(());
        }
    }
}
