//! A stand-in of `POST /mju/userCheck.do` on a raw socket, so that it can misbehave in every way a server can.

use percent_encoding::percent_decode_str;
use serde_json::json;

use super::origin::{Conversation, Origin};
use super::wire::{Message, json_answer};

/// An account the stand-in knows.
pub const RIGHT: (&str, &str) = ("rightid", "rightPasswd");

/// The university's check of a password.
pub struct Sso(Origin);

impl Sso {
    /// Knows [`RIGHT`], any id of eight digits with the password `pw-` and the id, and the same ids with `due-` and the id
    /// for a right password with a notice. Says no to everything else in its own words.
    pub fn start() -> Self {
        Self(Origin::answering(|request| {
            let form = form(request);
            let field = |name: &str| form.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str()).unwrap_or_default();
            let (id, password) = (field("id"), field("passwrd"));
            let digits = id.len() == 8 && id.bytes().all(|b| b.is_ascii_digit());
            let (code, text) = match () {
                () if (id, password) == RIGHT || (digits && password == format!("pw-{id}")) => ("0000", "정상처리되었습니다."),
                () if digits && password == format!("due-{id}") => ("VL-3130", "비밀번호를 변경해 주세요."),
                () => ("VL-9999", "아이디 또는 비밀번호가 다릅니다."),
            };
            json_answer(200, &json!({ "error": code, "error_message": text }))
        }))
    }

    /// Answers every login with these bytes.
    pub fn saying(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self(Origin::answering(move |_| bytes.clone()))
    }

    /// Answers every login with this JSON and status 200.
    pub fn telling(body: &serde_json::Value) -> Self {
        Self::saying(json_answer(200, body))
    }

    /// Hands each connection to `talk`.
    pub fn conversing(talk: impl Fn(&mut Conversation) + Send + Sync + 'static) -> Self {
        Self(Origin::conversing(talk))
    }

    /// Takes connections and never answers.
    pub fn silent() -> Self {
        Self(Origin::silent())
    }

    /// Is not there at all.
    pub fn closed() -> Self {
        Self(Origin::closed())
    }

    /// The address for the configuration.
    pub fn url(&self) -> String {
        format!("{}/mju/userCheck.do", self.0.url())
    }

    /// Every request so far.
    pub fn seen(&self) -> Vec<Message> {
        self.0.seen()
    }

    /// Id and password of every attempt so far, as they arrived.
    pub fn attempts(&self) -> Vec<(String, String)> {
        let field =
            |form: &[(String, String)], name: &str| form.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone()).unwrap_or_default();
        self.seen().iter().map(form).map(|form| (field(&form, "id"), field(&form, "passwrd"))).collect()
    }
}

/// The fields of a form body in their order.
fn form(request: &Message) -> Vec<(String, String)> {
    let plain = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    request.text().split('&').filter_map(|pair| pair.split_once('=')).map(|(name, value)| (plain(name), plain(value))).collect()
}
