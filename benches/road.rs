//! What each step on the road of a proxied request costs by itself. `cargo bench --bench road`.

#![expect(clippy::unwrap_used, reason = "a measurement that fails may panic")]

use std::sync::Arc;
use std::time::Duration;

use divan::{Bencher, black_box};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use munjigi::base::{AccessToken, ClientAddr, Position, SessionId, Timestamp, TokenId};
use munjigi::identity::{ProviderName, Realm, Subjects, UserId};
use munjigi::routing::{CanonicalPath, PathPattern, RouteTable};
use munjigi::store::{Change, EndReason, LoggedChange, View, ViewStart};
use munjigi::token::{Algorithm, Grant, KeyMaterial, KeyRing, KeySettings, Settings, TokenIssuer, TokenVerifier};
use munjigi::web::{CookieProfile, CookieSettings, IdentityHeaderSettings, IdentityHeaders, Seen, SessionCookies, strip_hop_by_hop};
use rcgen::KeyPair;
use secrecy::{SecretSlice, SecretString};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn main() {
    munjigi::token::install_crypto();
    divan::main();
}

/// Who makes and who checks tokens of one algorithm, and a good token.
struct Tokens {
    issuer: TokenIssuer,
    keys: Arc<KeyRing>,
    settings: Settings,
}

impl Tokens {
    fn of(algorithm: Algorithm) -> Self {
        let material = match algorithm {
            Algorithm::Hs256 => KeyMaterial::Secret(SecretSlice::from(vec![7_u8; 32])),
            Algorithm::Es256 | Algorithm::EdDsa | Algorithm::Rs256 => {
                KeyMaterial::Private(SecretString::from(KeyPair::generate().unwrap().serialize_pem()))
            }
        };
        let key = KeySettings { kid: "k1".into(), algorithm, material, sign_from: None, verify_only: false, for_tokens_without_kid: false };
        let keys = Arc::new(KeyRing::new(std::slice::from_ref(&key)).unwrap());
        let settings = Settings {
            issuer: "https://gate.example.ac.kr".into(),
            audience: None,
            access_ttl: Duration::from_secs(900),
            refresh_ttl: Duration::from_secs(86_400),
            backdate: Duration::from_secs(5),
            keys: vec![key],
            subjects: Subjects::new(Realm::new("mju").unwrap()),
            providers: vec![(ProviderName::new("mju").unwrap(), Realm::new("mju").unwrap())],
            cache: 100_000,
        };
        Self { issuer: TokenIssuer::new(Arc::clone(&keys), settings.clone()), keys, settings }
    }

    /// Remembers so many tokens; none: every check is a miss.
    fn verifier(&self, cache: u64) -> TokenVerifier {
        TokenVerifier::new(Arc::clone(&self.keys), Settings { cache, ..self.settings.clone() })
    }

    fn token(&self) -> AccessToken {
        let grant = Grant {
            user: UserId::parse("mju:60241234").unwrap(),
            provider: ProviderName::new("mju").unwrap(),
            session: SessionId::random(),
            session_end: NOW.plus(Duration::from_secs(86_400)),
            position: Position(1),
            generation: None,
            fresh: true,
        };
        self.issuer.access(&grant, NOW).unwrap().token
    }

    fn bad(&self) -> AccessToken {
        let good = self.token();
        let (message, signature) = good.expose().rsplit_once('.').unwrap();
        let first = if signature.starts_with('A') { 'B' } else { 'A' };
        AccessToken::new(format!("{message}.{first}{}", &signature[1..]))
    }
}

const ALGORITHMS: [Algorithm; 2] = [Algorithm::Hs256, Algorithm::Es256];

#[divan::bench(args = ALGORITHMS)]
fn token_hit(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
    let tokens = Tokens::of(algorithm);
    let (verifier, token) = (tokens.verifier(100_000), tokens.token());
    bencher.bench(|| verifier.access(black_box(&token), NOW).unwrap());
}

#[divan::bench(args = ALGORITHMS)]
fn token_miss(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
    let tokens = Tokens::of(algorithm);
    let (verifier, token) = (tokens.verifier(0), tokens.token());
    bencher.bench(|| verifier.access(black_box(&token), NOW).unwrap());
}

#[divan::bench(args = ALGORITHMS)]
fn token_bad(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
    let tokens = Tokens::of(algorithm);
    let (verifier, token) = (tokens.verifier(100_000), tokens.bad());
    bencher.bench(|| verifier.access(black_box(&token), NOW).unwrap_err());
}

#[divan::bench(args = [1, 100, 10_000])]
fn route(bencher: Bencher<'_, '_>, count: usize) {
    let mut table = RouteTable::default();
    for number in 0..count {
        let path = if number == 0 { "/".to_owned() } else { format!("/faculty{}/course{number}/papers/", number % 10) };
        table.insert(None, PathPattern::parse(&path).unwrap(), None, number).unwrap();
    }
    bencher.bench(|| table.find("grades.example.ac.kr", black_box("/faculty1/course1/papers/2026/7"), &Method::GET).unwrap());
}

#[divan::bench(args = ["/", "/faculty1/course1/papers/2026/7", "/%EA%B0%95%EC%9D%98/%7e2026/a%20b"])]
fn canonical_path(path: &str) -> CanonicalPath {
    CanonicalPath::parse(black_box(path)).unwrap()
}

/// What a browser sends.
fn browser() -> HeaderMap {
    let lines = [
        ("host", "grades.example.ac.kr"),
        (
            "user-agent",
            "Mozilla/5.0 (Linux; Android 15; SM-S931N) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Mobile Safari/537.36",
        ),
        ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
        ("accept-language", "ko-KR,ko;q=0.9,en-US;q=0.8"),
        ("accept-encoding", "gzip, deflate, br, zstd"),
        ("referer", "https://grades.example.ac.kr/"),
        (
            "cookie",
            "session=0123456789abcdef; __Host-munjigi_access=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI2MDI0MTIzNCJ9.c2lnbmF0dXJl; theme=dark",
        ),
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
        ("upgrade-insecure-requests", "1"),
        ("connection", "keep-alive"),
    ];
    lines.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
}

#[divan::bench]
fn scrub_headers(bencher: Bencher<'_, '_>) {
    let identity = IdentityHeaders::new(&IdentityHeaderSettings::preset("x-auth").unwrap());
    let cookies = SessionCookies::new(&CookieSettings { profile: CookieProfile::Host, ..CookieSettings::default() });
    bencher.with_inputs(browser).bench_values(|mut headers| {
        let seen = Seen::of(&headers);
        strip_hop_by_hop(&mut headers, seen);
        identity.strip(&mut headers);
        cookies.strip(&mut headers);
        headers
    });
}

#[divan::bench(args = [0, 100_000])]
fn view(bencher: Bencher<'_, '_>, entries: u64) {
    let ended = |position| LoggedChange {
        position: Position(position),
        at: NOW,
        change: Change::SessionEnded { session: SessionId::random(), user: somebody(position), reason: EndReason::LoggedOut },
    };
    let view = View::load(ViewStart { position: Position(entries), changes: (1..=entries).map(ended).collect(), people: Vec::new() });
    let (user, session, token) = (somebody(0), SessionId::random(), TokenId::random());
    bencher.bench(|| view.check(black_box(&user), &session, &token, Position(entries)).unwrap());
}

fn somebody(number: u64) -> UserId {
    UserId::parse(&format!("mju:{}", 60_000_000 + number % 20_000)).unwrap()
}

/// The address stands in the access log and in two headers.
#[divan::bench]
fn address_text() -> String {
    black_box(ClientAddr::new([203, 0, 113, 77].into())).to_string()
}
