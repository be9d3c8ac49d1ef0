//! `munjigi import flask FILE`: reads the settings of an application with flask-jwt-extended as text, and prints the `[auth]`
//! part of a `gateway.toml`. It runs nothing, and it never prints a secret: it says where to put it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// Largest file read.
const LARGEST: usize = 1 << 20;

/// What the library's settings become here. The order is that of the printed part.
const NAMES: &[(&str, Becomes)] = &[
    ("JWT_ACCESS_TOKEN_EXPIRES", Becomes::Life("access_ttl")),
    ("JWT_REFRESH_TOKEN_EXPIRES", Becomes::Life("refresh_ttl")),
    ("JWT_TOKEN_LOCATION", Becomes::Places),
    ("JWT_HEADER_NAME", Becomes::Text("token_header")),
    ("JWT_HEADER_TYPE", Becomes::Text("token_scheme")),
    ("JWT_QUERY_STRING_NAME", Becomes::Text("token_query")),
    ("JWT_ERROR_MESSAGE_KEY", Becomes::Text("error_message_key")),
    ("JWT_SECRET_KEY", Becomes::Secret),
    ("SECRET_KEY", Becomes::Secret),
    ("JWT_PRIVATE_KEY", Becomes::Note("put it into a file and name it as `private_key_file` of the scoped key")),
    ("JWT_PUBLIC_KEY", Becomes::Note("put it into a file and name it as `public_key_file` of a scoped, `verify_only` key")),
    ("JWT_ALGORITHM", Becomes::Key("algorithm")),
    ("JWT_DECODE_ALGORITHMS", Becomes::Note("each key has one algorithm here: one entry of `keys` for each")),
    ("JWT_DECODE_AUDIENCE", Becomes::Key("audience")),
    ("JWT_ENCODE_AUDIENCE", Becomes::Key("audience")),
    ("JWT_DECODE_ISSUER", Becomes::Key("iss")),
    ("JWT_ENCODE_ISSUER", Becomes::Key("iss")),
    ("JWT_DECODE_LEEWAY", Becomes::Key("leeway")),
    ("JWT_IDENTITY_CLAIM", Becomes::Key("identity_claim")),
    ("JWT_ENCODE_NBF", Becomes::Note("our tokens always have nbf, dated back by `backdate`")),
    ("JWT_VERIFY_SUB", Becomes::Note("our sub is always a text; a number in it is refused")),
    (
        "JWT_COOKIE_SECURE",
        Becomes::Note(
            "our cookies are always Secure: the gateway speaks TLS. Only with [server] `listen_plain` there is dangerous_cookie_insecure",
        ),
    ),
    ("JWT_COOKIE_SAMESITE", Becomes::SameSite),
    (
        "JWT_COOKIE_DOMAIN",
        Becomes::Note(
            "our cookies belong to the one host that makes them; dangerous_cookie_domain = \"…\" shares them with a whole domain",
        ),
    ),
    (
        "JWT_COOKIE_CSRF_PROTECT",
        Becomes::Note("cookies = \"flask\" always asks for the double submit, cookies = \"host\" never: there the page's origin counts"),
    ),
    ("JWT_SESSION_COOKIE", Becomes::Note("a login with \"remember me\" keeps its cookies, any other loses them with the browser")),
    ("JWT_CSRF_METHODS", Becomes::Note("every method but GET, HEAD and OPTIONS")),
    ("JWT_CSRF_IN_COOKIES", Becomes::Note("always, with cookies = \"flask\"")),
    ("JWT_CSRF_CHECK_FORM", Becomes::FormField),
    ("JWT_QUERY_STRING_VALUE_PREFIX", Becomes::Note("a token in the query stands without a prefix")),
    ("JWT_JSON_KEY", Becomes::Note("a body is read only at /refresh, where the token is `refresh_token`")),
    ("JWT_REFRESH_JSON_KEY", Becomes::Note("the token in the body of /refresh is `refresh_token`")),
    ("JWT_ACCESS_COOKIE_NAME", Becomes::Note("the name is the library's default, access_token_cookie")),
    ("JWT_REFRESH_COOKIE_NAME", Becomes::Note("the name is the library's default, refresh_token_cookie")),
    ("JWT_ACCESS_CSRF_COOKIE_NAME", Becomes::Note("the name is the library's default, csrf_access_token")),
    ("JWT_REFRESH_CSRF_COOKIE_NAME", Becomes::Note("the name is the library's default, csrf_refresh_token")),
    ("JWT_ACCESS_CSRF_HEADER_NAME", Becomes::Note("the name is the library's default, X-CSRF-TOKEN")),
    ("JWT_REFRESH_CSRF_HEADER_NAME", Becomes::Note("the name is the library's default, X-CSRF-TOKEN")),
    ("JWT_ACCESS_CSRF_FIELD_NAME", Becomes::Note("the name of the field is csrf_form_field, which JWT_CSRF_CHECK_FORM = True switches on")),
    ("JWT_REFRESH_CSRF_FIELD_NAME", Becomes::Note("a form is looked into on its way to the application only; /refresh takes the header")),
    ("JWT_ACCESS_COOKIE_PATH", Becomes::Note("the path is the library's default, /")),
    ("JWT_REFRESH_COOKIE_PATH", Becomes::Note("the path is the library's default, /")),
    ("JWT_ACCESS_CSRF_COOKIE_PATH", Becomes::Note("the path is the library's default, /")),
    ("JWT_REFRESH_CSRF_COOKIE_PATH", Becomes::Note("the path is the library's default, /")),
];

#[derive(Clone, Copy)]
enum Becomes {
    /// A life of tokens.
    Life(&'static str),
    /// A text of `[auth]`.
    Text(&'static str),
    /// `token_places` and `cookies`.
    Places,
    /// A key of the scoped key.
    Key(&'static str),
    /// The secret of the scoped key.
    Secret,
    /// `cookie_samesite`.
    SameSite,
    /// `csrf_form_field`, when it is switched on.
    FormField,
    /// Nothing; this is why.
    Note(&'static str),
}

/// Reads a file and makes the part of the configuration.
///
/// # Errors
/// When the file cannot be read, or holds none of the library's settings.
#[expect(clippy::disallowed_methods, reason = "a command reads the file it is given")]
pub(super) fn flask(path: &Path) -> Result<String, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    if bytes.len() > LARGEST {
        return Err(format!("{}: more than {LARGEST} bytes", path.display()));
    }
    let text = String::from_utf8(bytes).map_err(|_| format!("{}: it is not UTF-8 text", path.display()))?;
    translate(&text).ok_or_else(|| format!("{}: no setting of flask-jwt-extended (JWT_…) was found", path.display()))
}

/// The part of the configuration, from what an application's settings say.
fn translate(text: &str) -> Option<String> {
    let said = assignments(text);
    let library = said.keys().any(|name| name.starts_with("JWT_")) || said.contains_key("SECRET_KEY");
    if !library {
        return None;
    }
    let mut out = String::from("# From an application's flask-jwt-extended settings. `issuer` and `providers` are yours to say.\n[auth]\n");
    let mut notes = String::new();
    let mut key = vec!["kid = \"app\"".to_owned()];
    if !said.contains_key("JWT_ALGORITHM") {
        key.push("algorithm = \"HS256\"".to_owned());
    }
    let mut secret = false;
    let in_cookies = said.get("JWT_TOKEN_LOCATION").is_some_and(|value| has(value, "cookies"));
    let unprotected = said.get("JWT_COOKIE_CSRF_PROTECT").is_some_and(|value| is_false(value));
    let ours_are_flask = in_cookies && !unprotected;
    let only_cookies = in_cookies && said.get("JWT_TOKEN_LOCATION").is_some_and(|value| !has(value, "headers"));
    let _ = writeln!(out, "error_profile = \"flask\"");
    for (name, becomes) in NAMES {
        let Some(value) = said.get(*name) else { continue };
        match becomes {
            Becomes::Life(ours) => match seconds(value).map(|seconds| seconds.to_string()).or_else(|| from_environment(value)) {
                Some(seconds) => _ = writeln!(out, "{ours} = {seconds}                # {name}"),
                None => _ = writeln!(notes, "# {name}: not a plain number or timedelta; write {ours} yourself. Tokens always end here."),
            },
            Becomes::Text(ours) => match quoted(value) {
                Some(text) => _ = writeln!(out, "{ours} = {}                # {name}", toml::Value::from(text)),
                None => _ = writeln!(notes, "# {name}: not a plain text; write {ours} yourself"),
            },
            Becomes::Places => places(value, unprotected, &mut out),
            Becomes::Key(ours) => {
                let number = value.parse::<u64>().ok().map(|number| number.to_string());
                match number.or_else(|| quoted(value).map(|text| toml::Value::from(text).to_string())) {
                    Some(text) if !key.iter().any(|part| part.starts_with(ours)) => key.push(format!("{ours} = {text}")),
                    Some(_) => {}
                    None => _ = writeln!(notes, "# {name}: not a plain value; write {ours} of the scoped key yourself"),
                }
            }
            Becomes::Secret => secret = true,
            Becomes::SameSite if ours_are_flask => same_site(value, &mut out, &mut notes),
            Becomes::SameSite | Becomes::FormField if !ours_are_flask => {
                let _ = writeln!(notes, "# {name}: no effect without cookies = \"flask\"");
            }
            Becomes::FormField if is_true(value) => {
                let field = said.get("JWT_ACCESS_CSRF_FIELD_NAME").and_then(|field| quoted(field)).unwrap_or("csrf_token");
                let _ = writeln!(out, "csrf_form_field = {}                # {name}", toml::Value::from(field));
            }
            Becomes::SameSite | Becomes::FormField => {}
            Becomes::Note(why) => _ = writeln!(notes, "# {name}: {why}"),
        }
    }
    for name in said.keys().filter(|name| name.starts_with("JWT_") && !NAMES.iter().any(|(known, _)| known == name)) {
        let _ = writeln!(notes, "# {name}: no setting of flask-jwt-extended 4");
    }
    if secret {
        let _ = writeln!(
            notes,
            "# The secret is not copied: write it into certs/app.secret (chmod 600), byte for byte and without a newline of its own."
        );
    }
    key.push("secret_file = \"certs/app.secret\"".to_owned());
    key.push("scope = [\"/\"]".to_owned());
    let own = "    { kid = \"k1\", algorithm = \"HS256\", secret_file = \"certs/jwt.secret\" },   # the gateway's own";
    let _ = writeln!(out, "keys = [\n{own}\n    {{ {} }},\n]", key.join(", "));
    out.push_str(&notes);
    out.push_str("\n[[route]]\npath = \"/\"\nupstream = \"app\"\naccept = \"flask\"      # tokens the application made before\n");
    let form = if only_cookies { "\"cookies\"" } else { "true" };
    let _ = writeln!(out, "pass_token = {form}     # and ours, made for it under its own key");
    Some(out)
}

fn same_site(value: &str, out: &mut String, notes: &mut String) {
    match quoted(value).map(str::to_ascii_lowercase).as_deref() {
        Some(word @ ("lax" | "strict")) => _ = writeln!(out, "cookie_samesite = \"{word}\"                # JWT_COOKIE_SAMESITE"),
        Some("none") => {
            let _ = writeln!(
                notes,
                "# JWT_COOKIE_SAMESITE: None sends cookies with requests of every site. If a front end needs that: dangerous_cookie_samesite_none = true"
            );
        }
        Some(_) | None => _ = writeln!(notes, "# JWT_COOKIE_SAMESITE: our cookies are SameSite=Lax unless cookie_samesite says \"strict\""),
    }
}

fn is_false(value: &str) -> bool {
    matches!(value.trim_matches(['"', '\'']).to_ascii_lowercase().as_str(), "false" | "0" | "no" | "off")
}

fn is_true(value: &str) -> bool {
    matches!(value.trim_matches(['"', '\'']).to_ascii_lowercase().as_str(), "true" | "1" | "yes" | "on")
}

fn has(value: &str, place: &str) -> bool {
    value.contains(&format!("\"{place}\"")) || value.contains(&format!("'{place}'")) || value == place
}

/// `unprotected`: the application does without the double submit.
fn places(value: &str, unprotected: bool, out: &mut String) {
    let has = |place: &str| has(value, place);
    let places: Vec<&str> = [("headers", "headers"), ("cookies", "cookies"), ("query_string", "query")]
        .iter()
        .filter(|(theirs, _)| has(theirs))
        .map(|(_, ours)| *ours)
        .collect();
    if !places.is_empty() {
        let _ = writeln!(out, "token_places = {places:?}                # JWT_TOKEN_LOCATION");
    }
    if has("cookies") {
        let profile =
            if unprotected { "host\"                # JWT_COOKIE_CSRF_PROTECT = False: clients send no X-CSRF-TOKEN" } else { "flask\"" };
        let _ = writeln!(out, "cookies = \"{profile}");
    }
    if has("json") {
        let _ = writeln!(out, "# JWT_TOKEN_LOCATION json: a body is read only at /refresh");
    }
}

/// Every `NAME = value`, `app.config["NAME"] = value`, `NAME=value` and `"NAME": value` that stands on a line of its own.
fn assignments(text: &str) -> BTreeMap<String, String> {
    if let Ok(serde_json::Value::Object(members)) = serde_json::from_str(text) {
        return members.into_iter().map(|(name, value)| (name, value.to_string())).collect();
    }
    let mut said = BTreeMap::new();
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        let line = line.strip_prefix("export ").unwrap_or(line);
        let Some(at) = line.find("JWT_").or_else(|| line.find("SECRET_KEY")) else { continue };
        let before = &line[..at];
        let name: String = line[at..].chars().take_while(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || *c == '_').collect();
        let rest = line[at + name.len()..].trim_start_matches(['"', '\'', ']']).trim_start();
        let value = rest.strip_prefix('=').or_else(|| rest.strip_prefix(':')).filter(|rest| !rest.starts_with('='));
        // Only where the name is what is assigned to: an expression that reads it says nothing.
        let assigned = before.is_empty() || before.ends_with(['"', '\'', '.']) && !before.contains('=');
        if let (Some(value), true) = (value, assigned) {
            said.insert(name, value.split(" #").next().unwrap_or_default().trim().trim_end_matches(',').to_owned());
        }
    }
    said
}

/// A text in quotes, or a bare word of an environment file.
fn quoted(value: &str) -> Option<&str> {
    let inner = [('"', '"'), ('\'', '\'')].iter().find_map(|(open, close)| value.strip_prefix(*open)?.strip_suffix(*close));
    let bare = value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '/'));
    inner
        .filter(|text| !text.contains(['"', '\'', '\\']))
        .or_else(|| bare.then_some(value).filter(|_| !matches!(value, "None" | "null" | "")))
}

/// A number that the application takes from its environment: `int(os.environ.get("NAME", 900))`. We take it from there too.
fn from_environment(value: &str) -> Option<String> {
    let inner = value.strip_prefix("int(").and_then(|value| value.strip_suffix(')')).unwrap_or(value);
    let inner = ["os.environ.get(", "os.getenv("].iter().find_map(|call| inner.strip_prefix(call))?.strip_suffix(')')?;
    let (name, default) = inner.split_once(',')?;
    let name = quoted(name.trim()).filter(|name| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))?;
    let default: u64 = quoted(default.trim()).unwrap_or(default.trim()).parse().ok()?;
    Some(format!("\"${{{name}:-{default}}}\""))
}

/// A number of seconds, or a `timedelta` of plain numbers.
fn seconds(value: &str) -> Option<u64> {
    let value = quoted(value).unwrap_or(value);
    if let Ok(seconds) = value.parse() {
        return Some(seconds);
    }
    let inner = value.strip_suffix(')')?.split_once("timedelta(")?.1;
    let mut sum = 0_u64;
    for part in inner.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (unit, count) = part.split_once('=')?;
        let unit = match unit.trim() {
            "weeks" => 604_800,
            "days" => 86_400,
            "hours" => 3600,
            "minutes" => 60,
            "seconds" => 1,
            _ => return None,
        };
        sum = sum.checked_add(count.trim().parse::<u64>().ok()?.checked_mul(unit)?)?;
    }
    (sum > 0).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: &str = "
import os
from datetime import timedelta
app.config[\"JWT_SECRET_KEY\"] = os.environ.get('JWT_SECRET_KEY', 'super-secret')  # Change this!
app.config['JWT_ACCESS_TOKEN_EXPIRES'] = timedelta(hours=1)
JWT_REFRESH_TOKEN_EXPIRES = 2592000
app.config[\"JWT_TOKEN_LOCATION\"] = [\"headers\", \"cookies\"]
JWT_COOKIE_SECURE = False
JWT_HEADER_TYPE = 'JWT'
JWT_DECODE_LEEWAY = 3
JWT_NO_SUCH_THING = 1
";

    #[test]
    fn settings_of_an_application_become_a_part_of_the_configuration() {
        let made = translate(SETTINGS).unwrap();
        for line in [
            "access_ttl = 3600 ",
            "refresh_ttl = 2592000 ",
            "token_places = [\"headers\", \"cookies\"] ",
            "cookies = \"flask\"",
            "token_scheme = \"JWT\" ",
            "# JWT_COOKIE_SECURE: ",
            "# JWT_NO_SUCH_THING: ",
            "leeway = 3",
        ] {
            assert!(made.contains(line), "{line}\n{made}");
        }
        assert!(!made.contains("super-secret"), "a secret is not printed");
        let read: toml::Table = made.parse().unwrap();
        assert_eq!(read["auth"]["keys"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn what_is_said_of_cookies_counts_for_an_application_with_cookies() {
        let cookies = "JWT_TOKEN_LOCATION = ['cookies']\nJWT_COOKIE_SAMESITE = 'Strict'\nJWT_CSRF_CHECK_FORM = True\nJWT_ACCESS_CSRF_FIELD_NAME = 'csrf'\n";
        let made = translate(cookies).unwrap();
        for line in ["cookies = \"flask\"\n", "cookie_samesite = \"strict\" ", "csrf_form_field = \"csrf\" ", "pass_token = \"cookies\" "] {
            assert!(made.contains(line), "{line}\n{made}");
        }
        let open = translate(&format!("{cookies}JWT_COOKIE_CSRF_PROTECT = False\n")).unwrap();
        assert!(open.contains("cookies = \"host\" ") && !open.contains("\ncsrf_form_field"), "{open}");
        let elsewhere = translate(&format!("{cookies}JWT_COOKIE_SAMESITE = 'None'\n")).unwrap();
        assert!(elsewhere.contains("dangerous_cookie_samesite_none"), "{elsewhere}");
        let header = translate("JWT_COOKIE_SAMESITE = 'Strict'\nJWT_CSRF_CHECK_FORM = True\n").unwrap();
        assert!(!header.contains("\ncookie_samesite") && !header.contains("\ncsrf_form_field"), "{header}");
    }

    #[test]
    fn a_life_from_the_environment_stays_there() {
        let made =
            translate("JWT_ACCESS_TOKEN_EXPIRES = int(os.environ.get(\"LIFE\", 900))\nJWT_REFRESH_TOKEN_EXPIRES = os.getenv('R', '60')\n");
        let made = made.unwrap();
        assert!(made.contains("access_ttl = \"${LIFE:-900}\"") && made.contains("refresh_ttl = \"${R:-60}\""), "{made}");
        assert_eq!(from_environment("int(os.environ.get('A', 'never'))"), None);
        assert_eq!(from_environment("int(os.environ['A'])"), None);
    }

    #[test]
    fn environment_files_and_json_dumps_are_read_too() {
        let env = translate("export JWT_ACCESS_TOKEN_EXPIRES=900\nJWT_HEADER_TYPE=Token\n").unwrap();
        assert!(env.contains("access_ttl = 900") && env.contains("token_scheme = \"Token\""), "{env}");
        let json = translate(r#"{"JWT_ACCESS_TOKEN_EXPIRES": 900, "JWT_HEADER_NAME": "X-Token", "SECRET_KEY": "s"}"#).unwrap();
        assert!(json.contains("access_ttl = 900") && json.contains("token_header = \"X-Token\""), "{json}");
        assert_eq!(translate("DEBUG = True"), None);
    }

    #[test]
    fn every_name_of_the_library_is_known_once() {
        let mut names: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), NAMES.len());
        assert_eq!(names.iter().filter(|name| name.starts_with("JWT_")).count(), 43);
    }
}
