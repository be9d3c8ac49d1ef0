use std::fmt::{self, Write as _};
use std::time::Duration;

use reqwest::Url;

/// One thing that happened on the way through the login, for an operator who wants to see what the university changed.
/// Nothing in it is secret: no password, no token, no code, no cookie's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Since the login began.
    pub after: Duration,
    /// What happened.
    pub what: Finding,
}

/// What can happen on the way through the login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A request was answered.
    Answered {
        /// `GET` or `POST`.
        method: &'static str,
        /// What was asked, without values that could be secret.
        url: String,
        /// The status of the answer.
        status: u16,
        /// How long it took until the answer began.
        took: Duration,
        /// The names of the cookies it set.
        cookies: Vec<String>,
    },
    /// What is put into the one request of an `http-form`, by name.
    Sends {
        /// Where: `form`, `query`, `json` or `headers`.
        placed: &'static str,
        /// The names of the fields.
        fields: Vec<String>,
    },
    /// The answer of an `http-form` was read.
    Body {
        /// Its length in bytes.
        bytes: usize,
        /// What it says it is.
        kind: Option<String>,
    },
    /// A page was read.
    Page {
        /// Its length in bytes.
        bytes: usize,
        /// Its title. Only before the password was sent: afterwards it could hold a name.
        title: Option<String>,
    },
    /// The sign-in page has all that is needed.
    SignInPage {
        /// The size of its RSA key.
        key_bits: u64,
        /// The length of its token.
        token_length: usize,
        /// Where its form goes, without values that could be secret.
        action: String,
        /// The names of the fields that will be sent.
        fields: Vec<String>,
    },
    /// The sign-in page lacks something.
    Missing(Vec<String>),
    /// The browser is sent on.
    SentOn {
        /// By which means.
        by: Means,
        /// Where to, without values that could be secret.
        to: String,
    },
    /// The page said this to the person.
    Said(String),
    /// The page asks for a new password; it was passed by as its "later" button does.
    NewPasswordDue,
    /// The page asks for a second factor.
    SecondFactor,
    /// The sign-in form came again: the password was not taken.
    SignInAgain,
    /// The service's address came with a code and with our state: the password is right.
    Code,
    /// The session at the SSO was ended again; the status of the answer.
    LoggedOut(u16),
    /// It could not be ended.
    LogoutFailed(String),
}

/// How a browser is sent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// A status 3xx.
    Status,
    /// A form that submits itself.
    Form,
    /// A script.
    Script,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>6} ms  {}", self.after.as_millis(), self.what)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered { method, url, status, took, cookies } => {
                write!(f, "{method} {url} -> {status} in {} ms", took.as_millis())?;
                if cookies.is_empty() { Ok(()) } else { write!(f, ", sets cookies {}", cookies.join(", ")) }
            }
            Self::Sends { placed, fields } => write!(f, "id and password go as {placed}, in {}", fields.join(", ")),
            Self::Body { bytes, kind } => write!(f, "an answer of {bytes} bytes, {}", kind.as_deref().unwrap_or("of no named type")),
            Self::Page { bytes, title: Some(title) } => write!(f, "a page of {bytes} bytes, titled {title:?}"),
            Self::Page { bytes, title: None } => write!(f, "a page of {bytes} bytes"),
            Self::SignInPage { key_bits, token_length, action, fields } => write!(
                f,
                "the sign-in page: an RSA key of {key_bits} bits, a token of {token_length} characters, a form to {action} with {}",
                fields.join(", ")
            ),
            Self::Missing(what) => write!(f, "the page lacks {}", what.join(" and ")),
            Self::SentOn { by, to } => write!(
                f,
                "sent on by {} to {to}",
                match by {
                    Means::Status => "status",
                    Means::Form => "a form that submits itself",
                    Means::Script => "a script",
                }
            ),
            Self::Said(words) => write!(f, "the page says: {words}"),
            Self::NewPasswordDue => f.write_str("the page asks for a new password; passed by with \"later\""),
            Self::SecondFactor => f.write_str("the page asks for a second factor"),
            Self::SignInAgain => f.write_str("the sign-in form came again: the password was not taken"),
            Self::Code => f.write_str("a code with our state for the service: the password is right (the service is not visited)"),
            Self::LoggedOut(status) => write!(f, "the session at the SSO was ended again -> {status}"),
            Self::LogoutFailed(why) => write!(f, "the session at the SSO could not be ended again: {why}"),
        }
    }
}

/// An address as it may be shown: path parameters (`;jsessionid=…`) and values of the query are hidden, but for those
/// that name the service.
pub(in crate::provider) fn masked(url: &Url) -> String {
    let path = url.path().split(';').next().unwrap_or_default();
    let mut shown = format!("{}{path}", url.origin().ascii_serialization());
    for (at, (name, value)) in url.query_pairs().enumerate() {
        let public = matches!(name.as_ref(), "client_id" | "response_type" | "tkn_type" | "redirect_uri");
        let value = if public { value.as_ref() } else { "…" };
        shown.push(if at == 0 { '?' } else { '&' });
        // Writing into a String cannot fail.
        let _ = write!(shown, "{name}={value}");
    }
    shown.retain(|c| !c.is_control());
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_show_no_secrets() {
        let url = Url::parse("https://u:p@sso.mju.ac.kr/sso/auth;jsessionid=SECRET?client_id=msi&code=SECRET&state=SECRET#SECRET").unwrap();
        assert_eq!(masked(&url), "https://sso.mju.ac.kr/sso/auth?client_id=msi&code=…&state=…");
    }
}
