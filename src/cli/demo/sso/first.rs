//! The first generation: `POST /mju/userCheck.do`, form `id`, `passwrd`, answer in JSON.

use http::request::Parts;
use http::{Method, StatusCode};
use percent_encoding::percent_decode;
use serde_json::json;

use super::accounts::{Account, Check, Standing};
use crate::cli::demo::serve::{self, Reply};

pub(super) fn check(head: &Parts, body: &[u8], case_matters: bool) -> Reply {
    if head.method != Method::POST {
        return serve::json(StatusCode::METHOD_NOT_ALLOWED, &json!({ "error": "VL-9005", "error_message": "POST만 사용할 수 있습니다." }));
    }
    let fields = form(body);
    let field = |name: &str| fields.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
    let check = Check::of(field("id"), field("passwrd"), case_matters);
    // The codes of refusals are made up: no public code names one.
    let code = match check {
        Check::Right(Account { standing: Standing::PasswordDue, .. }) => "VL-3130",
        Check::Right(_) => "0000",
        Check::Wrong => "VL-9001",
        Check::Locked => "VL-9002",
        Check::Incomplete => "VL-9003",
    };
    serve::json(StatusCode::OK, &json!({ "error": code, "error_message": check.words() }))
}

/// The fields of a browser's form.
pub(super) fn form(body: &[u8]) -> Vec<(String, String)> {
    let text = |part: &[u8]| {
        let spaced: Vec<u8> = part.iter().map(|b| if *b == b'+' { b' ' } else { *b }).collect();
        percent_decode(&spaced).decode_utf8_lossy().into_owned()
    };
    body.split(|b| *b == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| match pair.iter().position(|b| *b == b'=') {
            Some(at) => (text(&pair[..at]), text(&pair[at + 1..])),
            None => (text(pair), String::new()),
        })
        .collect()
}
