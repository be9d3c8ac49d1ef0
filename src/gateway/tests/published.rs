use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::scene::{BOUND, HOUR, Plan, Scene};
use crate::base::Clock as _;
use crate::gateway::foreign::fetch;
use crate::identity::{IdRule, ProviderName, Realm};
use crate::token::{ClaimMap, ForeignKeys, ForeignSettings, Needs};

/// A key of another issuer.
struct Key(&'static str, EcdsaKeyPair);

impl Key {
    fn new(kid: &'static str) -> Self {
        Self(kid, EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    fn public(&self) -> Value {
        let half = |from: usize| URL_SAFE_NO_PAD.encode(&self.1.public_key().as_ref()[from..from + 32]);
        json!({ "kty": "EC", "crv": "P-256", "kid": self.0, "use": "sig", "alg": "ES256", "x": half(1), "y": half(33) })
    }

    fn token(&self, scene: &Scene) -> String {
        let now = scene.clock.now().secs();
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let claims = json!({ "iss": "https://idp.test", "aud": "gate", "sub": "kim", "iat": now, "exp": now + 600 });
        let signed = format!("{}.{}", part(&json!({ "alg": "ES256", "typ": "JWT", "kid": self.0 })), part(&claims));
        let signature = self.1.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// Where keys are published: what it answers can be changed, and every time it is asked counts.
struct Place {
    url: String,
    asked: Arc<AtomicUsize>,
    answer: Arc<Mutex<(u16, String)>>,
}

impl Place {
    async fn start(first: &Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
        let place = Self { url, asked: Arc::default(), answer: Arc::new(Mutex::new((200, first.to_string()))) };
        let (asked, answer) = (Arc::clone(&place.asked), Arc::clone(&place.answer));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = [0; 4096];
                let _ = stream.read(&mut head).await;
                let (status, body) = answer.lock().unwrap().clone();
                asked.fetch_add(1, Ordering::SeqCst);
                let length = body.len();
                let head = format!("HTTP/1.1 {status} X\r\nLocation: /\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
                let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
            }
        });
        place
    }

    fn says(&self, status: u16, body: &impl ToString) {
        *self.answer.lock().unwrap() = (status, body.to_string());
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn set(keys: &[&Key]) -> Value {
    json!({ "keys": keys.iter().map(|key| key.public()).collect::<Vec<_>>() })
}

fn plan(place: &Place) -> Plan {
    let issuer = ForeignSettings {
        name: ProviderName::new("idp").unwrap(),
        issuer: Some("https://idp.test".into()),
        audience: Some("gate".into()),
        realm: Realm::new("idp").unwrap(),
        id_rule: IdRule::default(),
        keys: ForeignKeys::Url(place.url.clone()),
        leeway: Duration::ZERO,
        longest: HOUR,
        claims: ClaimMap::default(),
        needs: Needs { id: false, kind: false, end: true },
        kept: Vec::new(),
        application: false,
    };
    Plan { issuer: Some(issuer), ..Plan::default() }
}

async fn passes(scene: &Scene, key: &Key) -> bool {
    scene.get(&key.token(scene)).await.status == 200
}

/// Waits for what a fetch behind the requests brings.
async fn becomes_good(scene: &Scene, key: &Key) {
    let waiting = async {
        while !passes(scene, key).await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(BOUND, waiting).await.expect("the key is fetched");
}

async fn asked_times(place: &Place, times: usize) {
    let waiting = async {
        while place.asked() < times {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(BOUND, waiting).await.expect("the place is asked");
}

/// A key that another issuer has begun to use is found by its unknown `kid`, at most one fetch in half a minute whatever
/// `kid` strangers invent, and keys outlive a place that fails.
#[tokio::test]
async fn an_unknown_kid_has_the_keys_fetched_again_at_most_every_half_minute() {
    let (first, second, stranger) = (Key::new("e1"), Key::new("e2"), Key::new("e9"));
    let place = Place::start(&set(&[&first])).await;
    let scene = Scene::new(plan(&place)).await;
    becomes_good(&scene, &first).await;
    assert_eq!(place.asked(), 1, "at the start");
    place.says(200, &set(&[&first, &second]));
    for _ in 0..20 {
        assert!(!passes(&scene, &second).await);
    }
    assert_eq!(place.asked(), 1, "too soon");
    scene.clock.advance(Duration::from_secs(30));
    assert!(!passes(&scene, &second).await, "refused now, and fetched behind it");
    becomes_good(&scene, &second).await;
    assert_eq!(place.asked(), 2);
    for _ in 0..20 {
        assert!(!passes(&scene, &stranger).await);
    }
    assert_eq!(place.asked(), 2, "invented kids");
    scene.clock.advance(Duration::from_secs(30));
    for _ in 0..20 {
        assert!(!passes(&scene, &stranger).await);
    }
    asked_times(&place, 3).await;
    assert_eq!(place.asked(), 3);
    // An hour later the place fails.
    place.says(500, &"");
    scene.clock.advance(HOUR);
    assert!(passes(&scene, &first).await);
    asked_times(&place, 4).await;
    for key in [&first, &second] {
        assert!(passes(&scene, key).await, "keys are better stale than none");
    }
    assert_eq!(place.asked(), 4, "and its failing is not asked about again and again");
}

#[tokio::test]
async fn what_is_no_short_plain_answer_is_no_key_set() {
    let key = Key::new("e1");
    let place = Place::start(&set(&[&key])).await;
    assert!(fetch(&place.url).await.is_ok());
    let long = format!("{}{}", set(&[&key]), " ".repeat(300 * 1024));
    for (status, body, said) in [(200, long.as_str(), "longer than"), (302, "", "302"), (404, "", "404")] {
        place.says(status, &body);
        let error = fetch(&place.url).await.unwrap_err();
        assert!(error.contains(said), "{error}");
    }
}
