//! Clients that send one request per connection: a program with a token, or a browser with its cookies.

use std::io::{BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::PATIENCE;
use super::tls::{Tls, any_certificate};
use super::wire::{self, Ends, Message};

/// Somebody who talks to the gateway.
pub struct Client {
    address: SocketAddr,
    host: String,
    usual: Vec<(String, String)>,
    jar: Option<Mutex<Vec<(String, String)>>>,
}

impl Client {
    /// A program: no cookies, nothing sent that was not asked for.
    pub fn program(address: SocketAddr) -> Self {
        Self { address, host: address.to_string(), usual: Vec::new(), jar: None }
    }

    /// A browser that navigates: keeps cookies, says where its requests come from, wants pages.
    pub fn browser(address: SocketAddr) -> Self {
        let usual = [
            ("Sec-Fetch-Site", "same-origin"),
            ("Sec-Fetch-Mode", "navigate"),
            ("Sec-Fetch-Dest", "document"),
            ("Accept", "text/html,application/xhtml+xml,*/*;q=0.8"),
        ];
        let usual = usual.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Self { address, host: address.to_string(), usual, jar: Some(Mutex::default()) }
    }

    /// Another `Host`.
    pub fn host(mut self, host: &str) -> Self {
        host.clone_into(&mut self.host);
        self
    }

    /// A field sent with every request, in place of the usual one of that name.
    pub fn always(mut self, name: &str, value: &str) -> Self {
        self.usual.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
        self.usual.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The origin this client's pages come from.
    pub fn origin(&self) -> String {
        format!("https://{}", self.host)
    }

    /// GET.
    pub fn get(&self, target: &str) -> Call<'_> {
        self.call("GET", target)
    }

    /// POST.
    pub fn post(&self, target: &str) -> Call<'_> {
        self.call("POST", target)
    }

    /// Any method.
    pub fn call(&self, method: &str, target: &str) -> Call<'_> {
        Call { client: self, method: method.to_owned(), target: target.to_owned(), fields: self.usual.clone(), body: None }
    }

    /// The value of a cookie that is kept.
    pub fn kept(&self, name: &str) -> Option<String> {
        self.jar.as_ref()?.lock().unwrap().iter().find(|(n, _)| n == name).map(|(_, v)| v.clone())
    }

    /// Puts a cookie into the jar, in place of one of that name.
    pub fn keep(&self, name: &str, value: &str) {
        let mut jar = self.jar.as_ref().expect("this client keeps cookies").lock().unwrap();
        jar.retain(|(n, _)| n != name);
        jar.push((name.to_owned(), value.to_owned()));
    }

    /// Loses a cookie.
    pub fn lose(&self, name: &str) {
        self.jar.as_ref().expect("this client keeps cookies").lock().unwrap().retain(|(n, _)| n != name);
    }

    fn learn(&self, answer: &Message) {
        if self.jar.is_none() {
            return;
        }
        for (name, value, attributes) in answer.set_cookies() {
            let attributes = attributes.to_ascii_lowercase();
            if value.is_empty() || attributes.contains("max-age=0") || attributes.contains(" 1970 ") {
                self.lose(&name);
            } else {
                self.keep(&name, &value);
            }
        }
    }
}

/// A request in the making.
pub struct Call<'c> {
    client: &'c Client,
    method: String,
    target: String,
    fields: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Call<'_> {
    /// One more field line.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// This field line in place of the usual one.
    pub fn instead(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
        self.with(name, value)
    }

    /// Without a usual field line.
    pub fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
        self
    }

    /// With a token in `Authorization`.
    pub fn bearer(self, token: &str) -> Self {
        self.with("Authorization", &format!("Bearer {token}"))
    }

    /// With a body.
    pub fn body(mut self, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self.with("Content-Type", kind)
    }

    /// With a JSON body.
    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    /// With a form body.
    pub fn form(self, pairs: &[(&str, &str)]) -> Self {
        let plain = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let body: Vec<_> = pairs.iter().map(|(name, value)| format!("{}={}", plain(name), plain(value))).collect();
        self.body("application/x-www-form-urlencoded", body.join("&"))
    }

    /// The bytes that will be sent.
    pub fn bytes(&self) -> Vec<u8> {
        let mut text = format!("{} {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.method, self.target, self.client.host);
        for (name, value) in &self.fields {
            text += &format!("{name}: {value}\r\n");
        }
        if let Some(jar) = &self.client.jar {
            let cookies: Vec<_> = jar.lock().unwrap().iter().map(|(name, value)| format!("{name}={value}")).collect();
            if !cookies.is_empty() {
                text += &format!("Cookie: {}\r\n", cookies.join("; "));
            }
        }
        if let Some(body) = &self.body {
            text += &format!("Content-Length: {}\r\n", body.len());
        }
        text += "\r\n";
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(self.body.as_deref().unwrap_or_default());
        bytes
    }

    /// Sends it and reads the answer.
    #[track_caller]
    pub fn send(self) -> Message {
        self.try_send().expect("an answer came before the connection ended")
    }

    /// Sends it and reads the answer; `None` when the connection ends without one, as it may when more is sent than the
    /// other side wants to read.
    #[track_caller]
    pub fn try_send(self) -> Option<Message> {
        let mut tls = Tls::connect(self.client.address);
        // An early refusal may close the connection while the body is still being sent; the answer counts.
        let _ = tls.try_say(&self.bytes());
        let answer = if self.method == "HEAD" { Some(tls.bare_answer()) } else { tls.try_answer().ok().flatten() }?;
        self.client.learn(&answer);
        Some(answer)
    }
}

impl Call<'_> {
    /// Sends it to a gateway that may be gone, or go at any moment; `None` when no whole answer comes.
    pub fn attempt(self) -> Option<Message> {
        let config = any_certificate(&[b"http/1.1"], rustls::DEFAULT_VERSIONS);
        let mut tls = Tls::with(self.client.address, "localhost", config).ok()?;
        tls.try_say(&self.bytes()).ok()?;
        tls.try_answer().ok().flatten()
    }
}

/// Sends one request in the clear and reads the answer.
#[track_caller]
pub fn plainly(address: SocketAddr, request: &str) -> Message {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let ends = if request.starts_with("HEAD ") { Ends::Bare } else { Ends::AsAnswer };
    wire::read_message(&mut BufReader::new(stream), ends).unwrap().expect("an answer came before the connection ended")
}
