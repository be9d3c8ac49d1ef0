use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp as Moment;
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};

use super::ToGenerate;
use super::issuer;
use super::provider::Providers;
use super::secret::{Given, NEW_SECRET};
use super::section::Section;
use super::value::At;
use super::weak::weakness;
use crate::base::{Clock as _, Fault, SystemClock, Timestamp, random_bytes};
use crate::gateway::ScopedKey;
use crate::identity::Realm;
use crate::token::{Algorithm, KeyMaterial, KeySettings, new_signing_key};

/// The key that is made and used when nothing else is said.
const DEFAULT_KID: &str = "k1";
const DEFAULT_SECRET_FILE: &str = "certs/jwt.secret";

/// The same for assertions.
const DEFAULT_ASSERTION_KID: &str = "a1";
const DEFAULT_ASSERTION_FILE: &str = "certs/assertion.key";

/// The way to a pair of keys.
const NEW_PAIR: &str =
    "`munjigi gen-key` prints a private key for ES256 in PEM (PKCS#8); with generate = true in [tls], `munjigi run` makes one";
/// What to do about a weak secret that an application has.
const OLD_SECRET: &str =
    "give the application a new one (`munjigi gen-secret`), or let this one live on until a day: dangerous_weak_secret = \"2027-03-01\"";

/// Reads `keys` of `[auth]`.
pub(super) fn read(
    auth: &Section<'_>,
    generate: bool,
    providers: &Providers,
    primary: Option<&Realm>,
) -> (Vec<KeySettings>, Vec<ScopedKey>) {
    let mut scoped = Vec::new();
    let keys = entries(auth, generate, |entry, key| scoped.extend(issuer::scoped(entry, key, providers, primary)));
    for (own, theirs) in keys.iter().flat_map(|own| scoped.iter().map(move |theirs| (own, theirs))) {
        if same_secret(&own.material, &theirs.key.material) {
            let note = format!("the key {:?} of an application is the gateway's own {:?}", theirs.key.kid, own.kid);
            let help = "one team may want that: whoever has it can make tokens for everybody, on every route. If not, give the gateway a secret of its own";
            auth.reader.warn(auth.at(Fault::new(note)).help(help));
        }
    }
    (keys, scoped)
}

fn same_secret(one: &KeyMaterial, other: &KeyMaterial) -> bool {
    match (one, other) {
        (KeyMaterial::Secret(one), KeyMaterial::Secret(other)) => one.expose_secret() == other.expose_secret(),
        (KeyMaterial::Secret(_) | KeyMaterial::Private(_) | KeyMaterial::Public(_), _) => false,
    }
}

/// Keys of another issuer, which only check.
pub(super) fn of_others(section: &Section<'_>) -> Vec<KeySettings> {
    let mut kids = BTreeSet::new();
    let entries = section.tables("keys", "[[issuer.keys]]").unwrap_or_default();
    entries.iter().filter_map(|entry| key(entry, false, &mut kids)).collect()
}

/// Keys for assertions: pairs, since an application that could check a secret's word could also make one.
pub(super) fn of_assertions(section: &Section<'_>, generate: bool) -> Vec<KeySettings> {
    let Some(entries) = section.tables("keys", "[[assertion.keys]]") else {
        if section.has("keys") {
            return Vec::new();
        }
        if generate {
            return default_pair(section).into_iter().collect();
        }
        let fault = section.at(Fault::new("[assertion] needs `keys`: nothing signs"));
        section.reader.mismatch(fault.help(NEW_PAIR));
        return Vec::new();
    };
    let mut kids = BTreeSet::new();
    let mut keys = Vec::new();
    for entry in &entries {
        let Some(key) = key(entry, generate, &mut kids) else { continue };
        if key.algorithm == Algorithm::Hs256 {
            let fault = entry.at(Fault::new("an application that can check HS256 can also make it, and so be anybody"));
            entry.reader.mismatch(fault.help("use \"ES256\""));
        }
        keys.push(key);
    }
    one_signs(section, &keys, entries.len());
    keys
}

/// Says so when none of the keys signs, unless one could not be read: it may be the one.
fn one_signs(section: &Section<'_>, keys: &[KeySettings], entries: usize) {
    let can_sign = |key: &KeySettings| !key.verify_only && !matches!(key.material, KeyMaterial::Public(_));
    if keys.len() == entries && !keys.iter().any(can_sign) {
        let fault = section.at(Fault::new("none of the keys can sign"));
        section.reader.mismatch(fault.help("one has to have a `secret` or a `private_key` and not be `verify_only`"));
    }
}

/// The keys of our own tokens; those with a `scope` are handed to `application`.
fn entries(auth: &Section<'_>, generate: bool, mut application: impl FnMut(&Section<'_>, KeySettings)) -> Vec<KeySettings> {
    let Some(entries) = auth.tables("keys", "[[auth.keys]]") else {
        if auth.has("keys") {
            return Vec::new();
        }
        if generate {
            return default_key(auth).into_iter().collect();
        }
        let fault = auth.at(Fault::new("[auth] needs `keys`: nothing signs the tokens"));
        let help = "write keys = [{ kid = \"k1\", algorithm = \"HS256\", secret_file = \"certs/jwt.secret\" }]; `munjigi gen-secret` prints a secret";
        auth.reader.mismatch(fault.help(help));
        return Vec::new();
    };
    let mut kids = BTreeSet::new();
    let mut without_kid = false;
    let mut keys = Vec::new();
    let mut elsewhere = 0;
    for entry in &entries {
        let for_tokens_without_kid = entry.flag("for_tokens_without_kid", false);
        if let (true, true, Some(at)) = (without_kid, for_tokens_without_kid, entry.value_span("for_tokens_without_kid")) {
            auth.reader.mismatch(Fault::new("another key checks the tokens that name none already").at(at).help("only one can"));
        }
        without_kid |= for_tokens_without_kid;
        let key = key(entry, generate, &mut kids).map(|key| KeySettings { for_tokens_without_kid, ..key });
        if entry.has("scope") {
            elsewhere += 1;
            // Taken, so that a fault of the key does not make the rest look unknown.
            if let Some(key) = key { application(entry, key) } else { entry.silence() }
        } else {
            keys.extend(key);
        }
    }
    one_signs(auth, &keys, entries.len() - elsewhere);
    keys
}

fn key(entry: &Section<'_>, generate: bool, kids: &mut BTreeSet<String>) -> Option<KeySettings> {
    entry.holds_secrets();
    entry.require("kid", "a name that is put into each token, such as \"k1\"; it never changes");
    entry.require("algorithm", "\"HS256\", or \"ES256\", \"EdDSA\" or \"RS256\" with a key pair");
    let kid = entry.read("kid", kid);
    if let Some(kid) = kid.as_ref().filter(|kid| !kids.insert(kid.value.clone())) {
        entry.reader.mismatch(Fault::new(format!("two keys have the kid {:?}", kid.value)).at(kid.span.clone()));
    }
    let algorithm = entry.read("algorithm", |text| {
        let help = "use \"HS256\", \"ES256\", \"EdDSA\" or \"RS256\"";
        Algorithm::parse(text).ok_or_else(|| Fault::new(format!("{text:?} is no algorithm for keys here")).help(help))
    });
    let sign_from = entry.take("sign_from").and_then(|value| value.read(moment)).map(|at| at.value);
    let verify_only = entry.flag("verify_only", false);
    let until = weak_until(entry);
    let material = material(entry, until, algorithm.as_ref().map(|at| at.value), generate);
    Some(KeySettings {
        kid: kid?.value,
        algorithm: algorithm?.value,
        material: material?,
        sign_from,
        verify_only,
        for_tokens_without_kid: false,
    })
}

/// Until when a weak secret of an existing application lives on. Only where our own tokens are not signed with it.
fn weak_until(entry: &Section<'_>) -> Option<Timestamp> {
    let until = entry.take("dangerous_weak_secret").and_then(|value| value.read(day))?;
    let shared = entry.has("scope") || entry.table_says("verify_only");
    if !shared {
        let fault = Fault::new("a weak secret cannot sign this gateway's own tokens").at(until.span);
        entry.reader.mismatch(fault.help("give the key a `scope` (the application's routes), or make it `verify_only`"));
        return None;
    }
    if until.value <= SystemClock::new().now() {
        entry.reader.mismatch(Fault::new("the time of this weak secret is over").at(until.span).help(NEW_SECRET));
        return None;
    }
    Some(until.value)
}

/// A date: its end in UTC counts.
fn day(text: &str) -> Result<Timestamp, Fault> {
    moment(&format!("{text}T23:59:59Z"))
        .map_err(|_| Fault::new(format!("{text:?} is not a date")).help("write the day on which it ends, as in \"2027-03-01\""))
}

fn kid(text: &str) -> Result<String, Fault> {
    if (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(text.to_owned());
    }
    Err(Fault::new("a kid is 1 to 64 visible ASCII characters"))
}

fn moment(text: &str) -> Result<Timestamp, Fault> {
    let wrong =
        || Fault::new(format!("{text:?} is not a moment")).help("write a date, a time and an offset, as in 2027-03-01T04:00:00+09:00");
    let moment: Moment = text.parse().map_err(|_| wrong())?;
    u64::try_from(moment.as_millisecond()).map(Timestamp::from_millis).map_err(|_| wrong())
}

/// What the algorithm needs. Everything is taken, so that what does not fit is named as such and not as unknown.
fn material(entry: &Section<'_>, until: Option<Timestamp>, algorithm: Option<Algorithm>, generate: bool) -> Option<KeyMaterial> {
    let secret = entry.secret("secret", "secret_file");
    let encoded = entry.secret("secret_base64", "secret_base64_file");
    let private = entry.secret("private_key", "private_key_file");
    let public = entry.public("public_key", "public_key_file");
    let has = |names: [&str; 4]| names.into_iter().any(|name| entry.has(name));
    let has_secret = has(["secret", "secret_file", "secret_base64", "secret_base64_file"]);
    let has_pair = has(["private_key", "private_key_file", "public_key", "public_key_file"]);
    match algorithm? {
        Algorithm::Hs256 => {
            if has_pair {
                entry.reader.fault(entry.at(Fault::new("HS256 has one secret, not a pair of keys").help("use `secret_file`")));
                return None;
            }
            if !has_secret {
                entry.require("secret_file", NEW_SECRET);
            }
            match (secret, encoded) {
                (Some(_), Some(encoded)) => {
                    entry.reader.fault(Fault::new("a key has one secret, and this one has two").at(encoded.span));
                    None
                }
                (Some(secret), None) => hmac(entry, secret, generate, until),
                (None, Some(encoded)) => hmac(entry, decoded(entry, encoded)?, false, until),
                (None, None) => None,
            }
        }
        Algorithm::Es256 | Algorithm::EdDsa | Algorithm::Rs256 => {
            if has_secret {
                let fault = entry.at(Fault::new("this algorithm has a pair of keys, not a secret"));
                entry.reader.fault(fault.help("use `private_key_file`, or `public_key_file` for a key that only checks"));
                return None;
            }
            if !has_pair {
                entry.require("private_key_file", "a PEM file with a PKCS#8 private key, or `public_key_file` for a key that only checks");
            }
            match (private, public) {
                (Some(private), _) => pem(entry, private, generate && algorithm == Some(Algorithm::Es256)),
                (None, public) => public.map(|pem| KeyMaterial::Public(pem.value)),
            }
        }
    }
}

/// A secret for HMAC, if it is one. While its file is still to be made, a random one stands in.
fn hmac(entry: &Section<'_>, secret: At<Given>, generate: bool, until: Option<Timestamp>) -> Option<KeyMaterial> {
    let (bytes, file) = match secret.value {
        Given::Bytes { secret, file } => (secret, file),
        Given::Absent(path) if generate => {
            let note = format!("{} is not there yet; `munjigi run` will make a random secret", path.display());
            entry.reader.missing(ToGenerate::Secret(path), Fault::new(note).at(secret.span));
            return Some(KeyMaterial::Secret(stand_in()));
        }
        Given::Absent(path) => {
            let fault = Fault::new(format!("{} is not there", path.display())).at(secret.span);
            entry.reader.fault(fault.help("`munjigi gen-secret` prints a secret to put into it; or write generate = true in [tls]"));
            return None;
        }
    };
    if let Some(weakness) = weakness(bytes.expose_secret()) {
        if until.is_some() {
            let note = format!("this secret is weak ({weakness}) and taken nevertheless until the day `dangerous_weak_secret` says");
            entry.reader.warn(Fault::new(note).at(secret.span).help("whoever guesses it can make a token for anybody on these routes"));
            return Some(KeyMaterial::Secret(bytes));
        }
        let which = file.map_or_else(|| "this secret".to_owned(), |path| format!("the secret in {}", path.display()));
        let help = if entry.has("scope") { OLD_SECRET } else { NEW_SECRET };
        entry.reader.fault(Fault::new(format!("{which} is refused: {weakness}")).at(secret.span).help(help));
        // It goes on as the key it is meant to be, so that nothing else is said to be missing.
    }
    Some(KeyMaterial::Secret(bytes))
}

fn stand_in() -> SecretSlice<u8> {
    random_bytes::<32>().to_vec().into()
}

fn decoded(entry: &Section<'_>, encoded: At<Given>) -> Option<At<Given>> {
    let At { value: Given::Bytes { secret, file }, span } = encoded else { return Some(encoded) };
    let text = secret.expose_secret().trim_ascii();
    let Ok(bytes) = STANDARD.decode(text).or_else(|_| URL_SAFE_NO_PAD.decode(text)) else {
        entry.reader.fault(Fault::new("this secret is not base64").at(span).help("`secret` takes a secret as it is"));
        return None;
    };
    Some(At { value: Given::Bytes { secret: bytes.into(), file }, span })
}

/// A private key. While its file is still to be made, one that nobody keeps stands in.
fn pem(entry: &Section<'_>, private: At<Given>, generate: bool) -> Option<KeyMaterial> {
    let bytes = match private.value {
        Given::Bytes { secret, file: _ } => secret,
        Given::Absent(path) if generate => {
            let note = format!("{} is not there yet; `munjigi run` will make a key for ES256", path.display());
            entry.reader.missing(ToGenerate::SigningKey(path), Fault::new(note).at(private.span));
            return new_signing_key().ok().map(KeyMaterial::Private);
        }
        Given::Absent(path) => {
            let fault = Fault::new(format!("{} is not there", path.display())).at(private.span);
            entry.reader.fault(fault.help(NEW_PAIR));
            return None;
        }
    };
    match std::str::from_utf8(bytes.expose_secret()) {
        Ok(text) if text.contains("-----BEGIN ") => Some(KeyMaterial::Private(SecretString::from(text))),
        Ok(_) | Err(_) => {
            entry.reader.fault(Fault::new("this is not a private key in PEM").at(private.span));
            None
        }
    }
}

fn default_pair(section: &Section<'_>) -> Option<KeySettings> {
    let private = section.default_secret(DEFAULT_ASSERTION_FILE)?;
    Some(KeySettings {
        kid: DEFAULT_ASSERTION_KID.to_owned(),
        algorithm: Algorithm::Es256,
        material: pem(section, private, true)?,
        sign_from: None,
        verify_only: false,
        for_tokens_without_kid: false,
    })
}

fn default_key(auth: &Section<'_>) -> Option<KeySettings> {
    let secret = auth.default_secret(DEFAULT_SECRET_FILE)?;
    Some(KeySettings {
        kid: DEFAULT_KID.to_owned(),
        algorithm: Algorithm::Hs256,
        material: hmac(auth, secret, true, None)?,
        sign_from: None,
        verify_only: false,
        for_tokens_without_kid: false,
    })
}
