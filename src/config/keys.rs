use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp as Moment;
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};

use super::ToGenerate;
use super::secret::{Given, NEW_SECRET};
use super::section::Section;
use super::value::At;
use super::weak::weakness;
use crate::base::{Fault, Timestamp, random_bytes};
use crate::token::{Algorithm, KeyMaterial, KeySettings};

/// The key that is made and used when nothing else is said.
const DEFAULT_KID: &str = "k1";
const DEFAULT_SECRET_FILE: &str = "certs/jwt.secret";

/// Reads `keys` of `[auth]`.
pub(super) fn read(auth: &Section<'_>, generate: bool) -> Vec<KeySettings> {
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
    for entry in &entries {
        let for_tokens_without_kid = entry.flag("for_tokens_without_kid", false);
        if let (true, true, Some(at)) = (without_kid, for_tokens_without_kid, entry.value_span("for_tokens_without_kid")) {
            auth.reader.mismatch(Fault::new("another key checks the tokens that name none already").at(at).help("only one can"));
        }
        without_kid |= for_tokens_without_kid;
        keys.extend(key(entry, generate, &mut kids).map(|key| KeySettings { for_tokens_without_kid, ..key }));
    }
    let can_sign = |key: &KeySettings| !key.verify_only && !matches!(key.material, KeyMaterial::Public(_));
    if keys.len() == entries.len() && !keys.iter().any(can_sign) {
        let fault = auth.at(Fault::new("none of the keys can sign"));
        auth.reader.mismatch(fault.help("one has to have a `secret` or a `private_key` and not be `verify_only`"));
    }
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
    let material = material(entry, algorithm.as_ref().map(|at| at.value), generate);
    Some(KeySettings {
        kid: kid?.value,
        algorithm: algorithm?.value,
        material: material?,
        sign_from,
        verify_only,
        for_tokens_without_kid: false,
    })
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
fn material(entry: &Section<'_>, algorithm: Option<Algorithm>, generate: bool) -> Option<KeyMaterial> {
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
                (Some(secret), None) => hmac(entry, secret, generate),
                (None, Some(encoded)) => hmac(entry, decoded(entry, encoded)?, false),
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
                (Some(private), _) => pem(entry, private),
                (None, public) => public.map(|pem| KeyMaterial::Public(pem.value)),
            }
        }
    }
}

/// A secret for HMAC, if it is one. While its file is still to be made, a random one stands in.
fn hmac(entry: &Section<'_>, secret: At<Given>, generate: bool) -> Option<KeyMaterial> {
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
        let which = file.map_or_else(|| "this secret".to_owned(), |path| format!("the secret in {}", path.display()));
        entry.reader.fault(Fault::new(format!("{which} is refused: {weakness}")).at(secret.span).help(NEW_SECRET));
        return None;
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

fn pem(entry: &Section<'_>, private: At<Given>) -> Option<KeyMaterial> {
    let bytes = match private.value {
        Given::Bytes { secret, file: _ } => secret,
        Given::Absent(path) => {
            let fault = Fault::new(format!("{} is not there", path.display())).at(private.span);
            entry.reader.fault(fault.help("only secrets for HS256 are generated; put a private key in PEM (PKCS#8) there"));
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

fn default_key(auth: &Section<'_>) -> Option<KeySettings> {
    let secret = auth.default_secret(DEFAULT_SECRET_FILE)?;
    Some(KeySettings {
        kid: DEFAULT_KID.to_owned(),
        algorithm: Algorithm::Hs256,
        material: hmac(auth, secret, true)?,
        sign_from: None,
        verify_only: false,
        for_tokens_without_kid: false,
    })
}
