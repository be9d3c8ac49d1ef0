use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use serde_json::{Value, json};

use super::body::ReplyBody;
use super::serve::{self, Reply, Server, escape};
use crate::web::IdentityHeaderSettings;

/// Most bytes of a request that `/echo` repeats.
const MOST_ECHO: usize = 16 * 1024 * 1024;

/// A small application that knows nothing of logins: what it knows of people stands in the headers of their requests.
///
/// Both kinds also answer `/echo` (method, URI, headers and body as JSON) and `/events` (an event stream, one a second).
pub struct Application(Server);

/// The two sample applications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A page that shows the identity headers of the request, whatever the path.
    Page,
    /// An API: `/protected` says who is logged in, all else is 404.
    Api,
}

impl Application {
    /// Serves on this port of 127.0.0.1 until dropped; 0 takes a free one. Runs on the tokio runtime of the caller.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn start(kind: Kind, port: u16) -> io::Result<Self> {
        let handler: serve::Handler = Arc::new(move |request| Box::pin(async move { Some(answer(kind, request).await) }));
        Server::start(port, None, handler).await.map(Self)
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// The same as a URL without a path.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }
}

async fn answer(kind: Kind, request: Request<Incoming>) -> Reply {
    match (request.uri().path(), kind) {
        ("/echo", _) => echo(request).await,
        ("/events", _) => events(),
        ("/protected", Kind::Api) => {
            let who = request.headers().get("x-auth-user").map(text);
            serve::json(StatusCode::OK, &json!({ "logged_in_as": who }))
        }
        (_, Kind::Api) => serve::json(StatusCode::NOT_FOUND, &json!({ "msg": "not found" })),
        (path, Kind::Page) => page(path, request.headers()),
    }
}

/// Everything that reached the application, so that a test can see what a gateway let through. Bodies that are no UTF-8
/// come as base64.
async fn echo(request: Request<Incoming>) -> Reply {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MOST_ECHO).collect().await else {
        return serve::json(StatusCode::PAYLOAD_TOO_LARGE, &json!({ "msg": "the body is too long or broke off" }));
    };
    let trailers = body.trailers().map(pairs);
    let body = body.to_bytes();
    let mut seen = json!({
        "method": head.method.as_str(),
        "uri": head.uri.to_string(),
        "version": format!("{:?}", head.version),
        "headers": pairs(&head.headers),
        "trailers": trailers,
        "length": body.len(),
    });
    match std::str::from_utf8(&body) {
        Ok(text) => seen["body"] = text.into(),
        Err(_) => seen["body_base64"] = STANDARD.encode(&body).into(),
    }
    serve::json(StatusCode::OK, &seen)
}

fn events() -> Reply {
    let event = |number: u64| Bytes::from(format!("data: {number}\n\n"));
    let mut reply = serve::reply(StatusCode::OK, "text/event-stream", ReplyBody::endless(Duration::from_secs(1), event));
    reply.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}

fn page(path: &str, headers: &HeaderMap) -> Reply {
    let mut rows = String::new();
    for name in IdentityHeaderSettings::KNOWN {
        for value in headers.get_all(name) {
            // Writing into a String cannot fail.
            let _ = write!(rows, "<tr><th>{name}</th><td>{}</td></tr>", escape(&text(value)));
        }
    }
    if rows.is_empty() {
        rows.push_str("<tr><td>이 요청에는 사용자 정보가 없습니다. This request says nothing about a person.</td></tr>");
    }
    let html = format!(
        "<!doctype html><html lang=\"ko\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>예제 애플리케이션</title><h1>예제 애플리케이션</h1>\
         <p>이 애플리케이션에는 로그인이 없습니다. 누가 왔는지는 요청 헤더로만 압니다.<br>\
         This application has no login. It knows who is here from the request's headers alone.</p>\
         <p><code>{}</code></p><table>{rows}</table></html>",
        escape(path)
    );
    let mut reply = serve::reply(StatusCode::OK, "text/html", ReplyBody::whole(html));
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    reply
}

fn pairs(headers: &HeaderMap) -> Vec<Value> {
    headers.iter().map(|(name, value)| json!([name.as_str(), text(value)])).collect()
}

fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn get(application: &Application, path: &str, name: &'static str, value: &str) -> (StatusCode, String) {
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let reply = client.get(application.url() + path).header(name, value).send().await.unwrap();
        (reply.status(), reply.text().await.unwrap())
    }

    #[tokio::test]
    async fn the_page_shows_who_is_asking_and_no_markup_of_theirs() {
        let page = Application::start(Kind::Page, 0).await.unwrap();
        let (status, html) = get(&page, "/any/path", "x-auth-user", "<script>\"&").await;
        assert_eq!(status, StatusCode::OK);
        assert!(html.contains("<td>&lt;script&gt;&quot;&amp;</td>"), "{html}");
        assert!(!get(&page, "/", "cookie", "secret").await.1.contains("secret"));
    }

    #[tokio::test]
    async fn the_api_says_who_is_logged_in() {
        let api = Application::start(Kind::Api, 0).await.unwrap();
        assert_eq!(get(&api, "/protected", "x-auth-user", "60241234").await, (StatusCode::OK, r#"{"logged_in_as":"60241234"}"#.into()));
        assert_eq!(get(&api, "/protected", "x-other", "1").await.1, r#"{"logged_in_as":null}"#);
        assert_eq!(get(&api, "/", "x-other", "1").await.0, StatusCode::NOT_FOUND);
        let seen: Value = serde_json::from_str(&get(&api, "/echo?a=%20b", "x-other", "1").await.1).unwrap();
        assert_eq!((&seen["method"], &seen["uri"], &seen["body"]), (&json!("GET"), &json!("/echo?a=%20b"), &json!("")));
        assert!(seen["headers"].as_array().unwrap().contains(&json!(["x-other", "1"])));
    }

    #[tokio::test(start_paused = true)]
    async fn events_come_one_a_second_and_end_with_the_application() {
        let api = Application::start(Kind::Api, 0).await.unwrap();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let mut reply = client.get(api.url() + "/events").send().await.unwrap();
        let started = tokio::time::Instant::now();
        for number in 1..=3 {
            assert_eq!(reply.chunk().await.unwrap().unwrap(), format!("data: {number}\n\n"));
        }
        assert!(started.elapsed() >= Duration::from_secs(2));
        drop(api);
        assert!(reply.chunk().await.is_err());
    }
}
