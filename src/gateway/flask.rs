//! The library's answers: what flask-jwt-extended says, in its order of checks, about a request that was refused here. It
//! words a refusal that has been made; it never makes one and never takes one back.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use http::{HeaderMap, Method, Request, StatusCode, header};
use serde_json::Value;

use super::library::TokenPlaces;
use super::words::words;
use super::{Gateway, Refusal};
use crate::base::Timestamp;
use crate::pages::Lang;
use crate::store::EndReason;
use crate::token::TokenFault;
use crate::web::{CSRF_HEADER, CookieProfile, DoubleSubmit};

/// What the library would have looked at, in the order of its places.
pub(super) struct Facts {
    locations: Vec<Location>,
    names: Vec<&'static str>,
    refresh: bool,
    now: Timestamp,
}

/// What stands in one place.
enum Location {
    /// No token; the library goes on to the next place with these words.
    Nothing(String),
    /// It stops here.
    Stop(StatusCode, String),
    /// A token, and the double-submit value that came with it where one counts.
    Token(String, Option<String>),
}

impl Gateway {
    /// Takes note of a request, for a refusal in the library's words. `None`: this gateway has words of its own.
    pub(super) fn facts<B>(&self, request: &Request<B>) -> Option<Facts> {
        let library = &self.settings.library;
        if !library.errors {
            return None;
        }
        let path = request.uri().path();
        let refresh = path == "/refresh" || path == "/.auth/refresh" || library.refresh_paths.iter().any(|other| other == path);
        let (mut locations, mut names) = (Vec::new(), Vec::new());
        if library.places.headers {
            locations.push(in_header(request.headers(), &library.places));
            names.push("headers");
        }
        if library.places.cookies {
            let location = self.in_cookie(request, refresh);
            // Of cookies that are ours alone the library has never heard; clients of a header are told of the header.
            let ours_alone = self.settings.cookies.profile == CookieProfile::Host && library.places.headers;
            if !(ours_alone && matches!(location, Location::Nothing(_))) {
                locations.push(location);
                names.push("cookies");
            }
        }
        if let Some(name) = &library.places.query {
            let token = request.uri().query().and_then(|query| crate::web::field(query.as_bytes(), name));
            let missing = || Location::Nothing(format!("Missing '{name}' query paramater"));
            locations.push(token.map_or_else(missing, |token| Location::Token(token.into_owned(), None)));
            names.push("query_string");
        }
        Some(Facts { locations, names, refresh, now: self.shared.clock.now() })
    }

    fn in_cookie<B>(&self, request: &Request<B>, refresh: bool) -> Location {
        let name = if refresh { "refresh_token_cookie" } else { "access_token_cookie" };
        let cookies = self.cookies.read(request.headers()).unwrap_or_default();
        let token = if refresh {
            cookies.refresh.map(|token| token.expose().to_owned())
        } else {
            cookies.access.map(|token| token.expose().to_owned())
        };
        let Some(token) = token.filter(|token| !token.is_empty()) else { return Location::Nothing(format!("Missing cookie \"{name}\"")) };
        let unsafe_method = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE].contains(request.method());
        let flask = self.settings.cookies.profile == CookieProfile::Flask;
        let header = request.headers().get(CSRF_HEADER).filter(|value| !value.is_empty());
        // It may stand in a form, whose body is not read yet.
        if flask && unsafe_method && header.is_none() && self.settings.csrf.form_field.is_none() {
            return Location::Stop(StatusCode::UNAUTHORIZED, "Missing CSRF token".to_owned());
        }
        let submitted = header.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        Location::Token(token, submitted.filter(|_| flask && unsafe_method))
    }
}

fn in_header(headers: &HeaderMap, places: &TokenPlaces) -> Location {
    let name = if places.header == header::AUTHORIZATION { "Authorization" } else { places.header.as_str() };
    let Some(value) =
        headers.get(&places.header).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).filter(|text| !text.is_empty())
    else {
        return Location::Nothing(format!("Missing {name} Header"));
    };
    let Some(scheme) = &places.scheme else {
        return if value.split_whitespace().count() == 1 {
            Location::Token(value, None)
        } else {
            Location::Stop(StatusCode::UNPROCESSABLE_ENTITY, format!("Bad {name} header. Expected '{name}: <JWT>'"))
        };
    };
    let fields: Vec<&str> = value.split(',').map(str::trim).filter(|field| field.split_whitespace().next() == Some(scheme)).collect();
    let [field] = fields[..] else {
        return Location::Nothing(format!("Missing '{scheme}' type in '{name}' header. Expected '{name}: {scheme} <JWT>'"));
    };
    let parts: Vec<&str> = field.split_whitespace().collect();
    match parts[..] {
        [_, token] => Location::Token(token.to_owned(), None),
        _ => Location::Stop(StatusCode::UNPROCESSABLE_ENTITY, format!("Bad {name} header. Expected '{name}: {scheme} <JWT>'")),
    }
}

impl Facts {
    /// Code and text. `issuer` is what our own tokens say in `iss`.
    pub(super) fn answer(&self, refusal: &Refusal, lang: Lang, issuer: &str) -> (StatusCode, String) {
        let unauthorized = |text: &str| (StatusCode::UNAUTHORIZED, text.to_owned());
        if let Refusal::Provider(_) = refusal {
            return (StatusCode::INTERNAL_SERVER_ERROR, words(refusal, lang).into_owned());
        }
        if let Refusal::Forbidden { .. } = refusal {
            // The library's custom check of claims is what an access rule is here.
            return (StatusCode::BAD_REQUEST, "User claims verification failed".to_owned());
        }
        if !refusal.asks_for_login() && !matches!(refusal, Refusal::DoubleSubmit(_)) {
            return (refusal.status(), words(refusal, lang).into_owned());
        }
        if let Refusal::LoginRefused { .. } = refusal {
            return unauthorized(&words(refusal, lang));
        }
        let (token, submitted) = match self.token() {
            Ok(found) => found,
            Err(answer) => return answer,
        };
        // Of an expired token the library still looks at the double submit, and says that first.
        let crossed =
            matches!(refusal, Refusal::Token(TokenFault::Expired)) && submitted.is_some_and(|value| !Claims::submits(token, value));
        if crossed || matches!(refusal, Refusal::DoubleSubmit(DoubleSubmit::Mismatch)) {
            unauthorized("CSRF double submit tokens do not match")
        } else if let Refusal::Token(fault) = refusal {
            self.fault(*fault, token, issuer)
        } else if matches!(refusal, Refusal::DoubleSubmit(DoubleSubmit::Missing)) {
            unauthorized("Missing CSRF token")
        } else if matches!(refusal, Refusal::PasswordTooOld) {
            unauthorized("Fresh token required")
        } else if matches!(refusal, Refusal::Ended(EndReason::Disabled | EndReason::Removed)) {
            let subject = Claims::of(token).and_then(|claims| claims.0.get("sub")?.as_str().map(str::to_owned)).unwrap_or_default();
            unauthorized(&format!("Error loading the user {subject}"))
        } else {
            unauthorized("Token has been revoked")
        }
    }

    /// The token the library would have judged, or what it says when there is none.
    fn token(&self) -> Result<(&str, Option<&str>), (StatusCode, String)> {
        let mut missing = Vec::new();
        for location in &self.locations {
            match location {
                Location::Nothing(text) => missing.push(text.as_str()),
                Location::Stop(status, text) => return Err((*status, text.clone())),
                Location::Token(token, submitted) => return Ok((token, submitted.as_deref())),
            }
        }
        let text = match (&missing[..], &self.names[..]) {
            ([only], _) => (*only).to_owned(),
            (all, [first @ .., last]) => format!("Missing JWT in {} or {last} ({})", first.join(", "), all.join("; ")),
            (_, []) => "Missing JWT".to_owned(),
        };
        Err((StatusCode::UNAUTHORIZED, text))
    }

    fn fault(&self, fault: TokenFault, token: &str, issuer: &str) -> (StatusCode, String) {
        let text = match fault {
            TokenFault::Expired => return (StatusCode::UNAUTHORIZED, "Token has expired".to_owned()),
            TokenFault::UnknownKey | TokenFault::BadSignature => structure(token).err().unwrap_or_else(|| {
                // Without a key of that name nobody has looked at the algorithm.
                let text = if is_unsigned(token) { "The specified alg value is not allowed" } else { "Signature verification failed" };
                text.to_owned()
            }),
            TokenFault::WrongAlgorithm => structure(token).err().unwrap_or_else(|| "The specified alg value is not allowed".to_owned()),
            TokenFault::Critical => "Unsupported critical extension".to_owned(),
            TokenFault::WrongType if self.refresh => "Only refresh tokens are allowed".to_owned(),
            TokenFault::WrongType => "Only non-refresh tokens are allowed".to_owned(),
            TokenFault::NotYetValid => {
                let claim = if Claims::of(token).is_some_and(|claims| claims.is_ahead("iat", self.now)) { "iat" } else { "nbf" };
                format!("The token is not yet valid ({claim})")
            }
            TokenFault::NotForUs => Claims::of(token).map_or("Invalid issuer", |claims| claims.names_at_fault(issuer)).to_owned(),
            TokenFault::Malformed => structure(token).map_or_else(|text| text, |payload| claims_at_fault(&payload)),
        };
        (StatusCode::UNPROCESSABLE_ENTITY, text)
    }
}

/// The claims of a token, unchecked: only for wording.
struct Claims(Value);

impl Claims {
    fn of(token: &str) -> Option<Self> {
        let json = decode(token.split('.').nth(1)?)?;
        serde_json::from_slice(&json).ok().filter(Value::is_object).map(Self)
    }

    /// Only for wording: the refusal has been made.
    fn submits(token: &str, value: &str) -> bool {
        Self::of(token).is_some_and(|claims| claims.0.get("csrf").and_then(Value::as_str) == Some(value))
    }

    fn is_ahead(&self, claim: &str, now: Timestamp) -> bool {
        self.0.get(claim).and_then(Value::as_u64).is_some_and(|at| at > now.secs())
    }

    /// The issuer is looked at before the audience.
    fn names_at_fault(&self, issuer: &str) -> &'static str {
        match (self.0.get("iss"), self.0.get("aud")) {
            (None, _) => "Token is missing the \"iss\" claim",
            (Some(said), _) if said != issuer => "Invalid issuer",
            (Some(_), None) => "Token is missing the \"aud\" claim",
            (Some(_), Some(_)) => "Audience doesn't match",
        }
    }
}

/// Python reads base64 without its padding and whatever its last bits are.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true).with_decode_padding_mode(NO_PAD_MODE),
);
const NO_PAD_MODE: base64::engine::DecodePaddingMode = base64::engine::DecodePaddingMode::Indifferent;

fn decode(part: &str) -> Option<Vec<u8>> {
    // Python leaves out characters that are none of the alphabet.
    let known: String = part.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect();
    if known.len() % 4 == 1 { None } else { LENIENT.decode(known).ok() }
}

/// The payload, or what is wrong with the form of a token, in the order in which `PyJWT` looks.
fn structure(token: &str) -> Result<Vec<u8>, String> {
    let say = |text: &str| Err(text.to_owned());
    let Some((header, payload, signature)) =
        token.rsplit_once('.').and_then(|(signed, signature)| signed.split_once('.').map(|(header, payload)| (header, payload, signature)))
    else {
        return say("Not enough segments");
    };
    let Some(header) = decode(header) else { return say("Invalid header padding") };
    let header: Value = match serde_json::from_slice(&header) {
        Ok(header) => header,
        Err(_) if std::str::from_utf8(&header).is_err() => return say("Invalid header string: it is not UTF-8"),
        Err(_) => return say("Invalid header string: Expecting value: line 1 column 1 (char 0)"),
    };
    if !header.is_object() {
        return say("Invalid header string: must be a json object");
    }
    let Some(payload) = decode(payload) else { return say("Invalid payload padding") };
    if decode(signature).is_none() {
        return say("Invalid crypto padding");
    }
    if header.get("kid").is_some_and(|kid| !kid.is_string()) {
        return say("Key ID header parameter must be a string");
    }
    if !header.get("alg").is_some_and(Value::is_string) {
        return say("Algorithm not specified");
    }
    Ok(payload)
}

/// Whether the header says that there is no signature.
fn is_unsigned(token: &str) -> bool {
    let header = token.split('.').next().and_then(decode).and_then(|header| serde_json::from_slice::<Value>(&header).ok());
    header.is_some_and(|header| header.get("alg").and_then(Value::as_str) == Some("none"))
}

/// What is wrong with the claims of a token whose form and signature are good.
fn claims_at_fault(payload: &[u8]) -> String {
    match serde_json::from_slice::<Value>(payload) {
        Ok(claims @ Value::Object(_)) => claim_at_fault(&claims),
        Ok(_) => "Invalid payload string: must be a json object".to_owned(),
        Err(_) => "Invalid payload string: Expecting value: line 1 column 1 (char 0)".to_owned(),
    }
}

fn claim_at_fault(claims: &Value) -> String {
    let times = [
        ("iat", "Issued At claim (iat) must be an integer."),
        ("nbf", "Not Before claim (nbf) must be an integer."),
        ("exp", "Expiration Time claim (exp) must be an integer."),
    ];
    for (name, text) in times {
        if claims.get(name).is_some_and(|value| value.as_f64().is_none()) {
            return text.to_owned();
        }
    }
    if claims.get("sub").is_some_and(|value| !value.is_string()) {
        return "Subject must be a string".to_owned();
    }
    if claims.get("jti").is_some_and(|value| !value.is_string()) {
        return "JWT ID must be a string".to_owned();
    }
    let required = ["sub", "csrf", "exp", "iat", "nbf", "jti", "type", "fresh"];
    match required.into_iter().find(|name| claims.get(*name).is_none()) {
        Some(name) => format!("Missing claim: {name}"),
        None if claims.get("iss").is_none() => "Token is missing the \"iss\" claim".to_owned(),
        None => "Invalid payload string: must be a json object".to_owned(),
    }
}

/// The body: one member, as the library's.
pub(super) fn body(key: &str, text: &str) -> Value {
    let mut body = serde_json::Map::new();
    body.insert(key.to_owned(), text.into());
    Value::Object(body)
}
