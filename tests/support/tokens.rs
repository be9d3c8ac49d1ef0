//! Tokens as a client sees them, and tokens as a forger or a clock would make them. Times in tests are moved inside
//! tokens signed with the gateway's own secret, so that nothing waits.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use munjigi::base::{Clock as _, SystemClock};
use serde_json::{Value, json};

use super::gateway::SECRET;

/// What a login by JSON answers.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The access token.
    pub access: String,
    /// The refresh token.
    pub refresh: String,
}

/// The present second.
pub fn now() -> u64 {
    SystemClock::new().now().secs()
}

/// A token's claims, its signature unchecked.
#[track_caller]
pub fn claims(token: &str) -> Value {
    part(token, 1)
}

/// A token's header.
#[track_caller]
pub fn header(token: &str) -> Value {
    part(token, 0)
}

#[track_caller]
fn part(token: &str, index: usize) -> Value {
    assert_eq!(token.split('.').count(), 3, "a compact JWT has three parts: {token:?}");
    let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap()).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// Signs anything with HMAC-SHA256, whatever its header says. Text rather than `Value`, so that duplicate names can be told.
pub fn hs256(header: &str, claims: &str, secret: &[u8]) -> String {
    let signed = unsigned(header, claims);
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The first two parts of a token, with no signature behind them.
pub fn unsigned(header: &str, claims: &str) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
}

/// A token of the gateway with other claims (a `null` takes the claim away) and a good signature, as the gateway itself
/// would have made it at another time.
#[track_caller]
pub fn resigned(token: &str, change: &Value) -> String {
    let mut claims = claims(token);
    for (name, value) in change.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    hs256(&header(token).to_string(), &claims.to_string(), SECRET.as_bytes())
}

impl Pair {
    /// The same access token with `exp` so many seconds from now (before now, when negative), issued a life earlier.
    #[track_caller]
    pub fn access_ending_in(&self, seconds: i64) -> String {
        let exp = now().saturating_add_signed(seconds);
        resigned(&self.access, &json!({ "exp": exp, "iat": exp - 900, "nbf": exp - 900 }))
    }
}
