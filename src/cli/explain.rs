use std::io::Write as _;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue, Method, Uri};

use super::operate::{self, Trouble};
use crate::app::{self, Failure, Question};
use crate::gateway::{Explanation, Refused, Sent};
use crate::identity::{Group, Profile, Role};

/// Exit codes besides those of every command: the decision.
const LOGIN_NEEDED: u8 = 4;
const NOT_ALLOWED: u8 = 5;
const NO_REQUEST: u8 = 6;

#[derive(Args)]
pub(super) struct Options {
    /// The configuration
    #[arg(short, long, value_name = "FILE", default_value = "gateway.toml", env = "MUNJIGI_CONFIG")]
    config: PathBuf,
    /// The request's method
    method: Method,
    /// Where it goes, as in <https://grades.example.ac.kr/staff/1?term=2>
    url: Uri,
    /// Who asks: an id of the primary realm, or realm:id
    #[arg(long, conflicts_with = "token")]
    user: Option<String>,
    /// A token, as in Authorization
    #[arg(long)]
    token: Option<String>,
    /// A header, as in 'Accept: text/html'
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(HeaderName, HeaderValue)>,
    /// A group the person is in besides those of the file
    #[arg(long = "group", value_name = "GROUP", requires = "user", value_parser = group)]
    groups: Vec<Group>,
    /// The person is an administrator
    #[arg(long, requires = "user")]
    admin: bool,
    /// The login was renewed since the password was given
    #[arg(long, requires = "user")]
    renewed: bool,
    /// Where the request comes from
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    from: IpAddr,
    /// Ask the running gateway: the configuration in place, with its people and the sessions that have ended
    #[arg(long, conflicts_with_all = ["groups", "admin"])]
    running: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Explains a decision. The exit code tells it: 0 it passes, 4 a login is needed, 5 it is forbidden, 6 it is no request
/// that any route takes.
pub(super) fn run(options: Options) -> Result<ExitCode, Trouble> {
    let json = options.json;
    let explanation = if options.running { ask(&options)? } else { suppose(options).map_err(Trouble::Configuration)? };
    let told = if json { format!("{:#}\n", serde_json::json!(explanation)) } else { show(&explanation) };
    let _ = std::io::stdout().write_all(told.as_bytes());
    Ok(ExitCode::from(code(&explanation)))
}

/// By the file, with a person as the command line describes them.
fn suppose(options: Options) -> Result<Explanation, Failure> {
    let mut headers = options.headers;
    if let Some(token) = &options.token {
        let bearer = HeaderValue::try_from(format!("Bearer {token}"));
        headers.push((AUTHORIZATION, bearer.map_err(|_| Failure::Question("the token holds what no header can".to_owned()))?));
    }
    let mut groups = options.groups;
    groups.sort();
    groups.dedup();
    let role = if options.admin { Role::Admin } else { Role::Member };
    let profile = Profile { role, groups, ..Profile::default() };
    let question = Question {
        method: options.method,
        url: options.url,
        headers,
        from: options.from,
        user: options.user,
        profile,
        fresh: !options.renewed,
    };
    app::explain(&options.config, question)
}

/// By the running gateway, through its operator's socket.
fn ask(options: &Options) -> Result<Explanation, Trouble> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let shown = options.token.iter().map(|token| (AUTHORIZATION.to_string(), format!("Bearer {token}")));
    let headers = options.headers.iter().map(|(name, value)| (name.to_string(), text(value))).chain(shown);
    let question = serde_json::json!({
        "method": options.method.as_str(),
        "url": options.url.to_string(),
        "headers": headers.collect::<Vec<_>>(),
        "user": options.user,
        "renewed": options.renewed,
        "from": options.from,
    });
    let answer = operate::desk(&options.config)?.ask(&Method::POST, "/.auth/api/explain", Some(&question))?;
    serde_json::from_value(answer).map_err(|error| Trouble::NoAnswer(error.to_string()))
}

const fn code(explanation: &Explanation) -> u8 {
    match &explanation.refused {
        None => 0,
        Some(Refused { status: 401, .. }) => LOGIN_NEEDED,
        Some(Refused { status: 403, .. }) => NOT_ALLOWED,
        Some(_) => NO_REQUEST,
    }
}

fn show(explanation: &Explanation) -> String {
    let mut lines = Vec::new();
    if explanation.own {
        lines.push("route    none: the gateway answers at this address itself".to_owned());
    } else {
        lines.push(format!("route    {}", explanation.route.as_deref().unwrap_or("none")));
    }
    if let Some(target) = &explanation.target {
        lines.push(format!("leads to {target}"));
    }
    if explanation.route.is_some() {
        lines.push(format!("who      {}", explanation.subject.as_deref().unwrap_or("nobody who is logged in")));
    }
    for part in &explanation.rule {
        let mark = match part.holds {
            Some(true) => "yes",
            Some(false) => "NO ",
            None => "?  ",
        };
        lines.push(format!("rule     {mark} {}{}", "  ".repeat(part.depth), part.condition));
    }
    match &explanation.refused {
        None => lines.push("decision passes".to_owned()),
        Some(Refused { status, word, said }) => lines.push(format!("decision refused with {status} ({word}): {said}")),
    }
    if let Some(Sent { target, headers }) = &explanation.sent {
        lines.push(format!("sent     {target}"));
        for (name, value) in headers {
            lines.push(format!("sent     {name}: {value}"));
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("write NAME: VALUE")?;
    let name = name.trim().parse().map_err(|_| format!("{name:?} is no header name"))?;
    let value = HeaderValue::from_str(value.trim()).map_err(|_| "a header cannot hold this value".to_owned())?;
    Ok((name, value))
}

fn group(text: &str) -> Result<Group, String> {
    Group::new(text).map_err(|error| format!("{text:?} cannot be a group: {error}"))
}
