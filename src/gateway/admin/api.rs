use http::{Method, Request, StatusCode};
use hyper::body::Incoming;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::sessions::{end_session, log_person_out};
use super::{Admin, Entrance, Fault, people};
use crate::gateway::reply::{self, Reply};
use crate::web::{Peer, field, from_json, read_whole};

/// Where the administration is.
pub(super) const PREFIX: &str = "/.auth/api/";

/// Entries of a page unless said, and at most.
const PAGE: (u32, u32) = (100, 1000);

/// What stands behind `?`.
pub(super) struct Query(String);

impl Query {
    /// A value, percent-decoded; an empty one is none.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        field(self.0.as_bytes(), name).filter(|value| !value.is_empty()).map(std::borrow::Cow::into_owned)
    }

    /// A whole number.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Fault> {
        let wrong = |text: &str| Fault::Wrong(format!("{name} is a whole number, not {text:?}"));
        self.get(name).map(|text| text.parse().map_err(|_| wrong(&text))).transpose()
    }

    /// Yes or no; no unless said.
    pub(super) fn flag(&self, name: &str) -> Result<bool, Fault> {
        let wrong = |text: &str| Fault::Wrong(format!("{name} is true or false, not {text:?}"));
        self.get(name).map_or(Ok(false), |text| text.parse().map_err(|_| wrong(&text)))
    }

    /// How many entries a page has.
    pub(super) fn limit(&self) -> Result<u32, Fault> {
        let wanted = self.number("limit")?.and_then(|limit| u32::try_from(limit).ok());
        Ok(wanted.unwrap_or(PAGE.0).clamp(1, PAGE.1))
    }
}

impl Admin {
    /// Everything below `/.auth/api/`.
    pub(super) async fn api(&self, request: Request<Incoming>, peer: &Peer, entrance: Entrance) -> Result<Reply, Fault> {
        let gateway = self.current.load_full();
        let actor = self.actor(&gateway, request.headers(), peer, entrance)?;
        let (head, body) = request.into_parts();
        let query = Query(head.uri.query().unwrap_or_default().to_owned());
        let path = head.uri.path().strip_prefix(PREFIX).unwrap_or_default();
        let segments: Vec<&str> = path.split('/').collect();
        let reads = matches!(head.method, Method::GET | Method::HEAD);
        let answer = match (&segments[..], &head.method) {
            (["sessions"], _) if reads => self.list_sessions(&gateway, &query).await?,
            (["sessions", id], &Method::DELETE) => end_session(&gateway, id, &actor).await?,
            (["users"], _) if reads => self.list_people(&gateway, &query).await?,
            (["users"], &Method::POST) => {
                let added = people::add(&gateway, said(body).await?, &actor).await?;
                return Ok(reply::json(StatusCode::CREATED, &added));
            }
            (["users", who], _) if reads => self.show_person(&gateway, who).await?,
            (["users", who], &Method::PATCH) => people::change(&gateway, who, &said(body).await?, &actor).await?,
            (["users", who], &Method::DELETE) => people::remove(&gateway, who, query.flag("keep_blocked")?, &actor).await?,
            (["users", who, "approve"], &Method::POST) => people::approve(&gateway, who, &actor).await?,
            (["users", who, "reset"], &Method::POST) => people::reset(&gateway, who, &actor).await?,
            (["users", who, "unblock"], &Method::POST) => people::unblock(&gateway, who, &actor).await?,
            (["users", who, "sessions"], &Method::DELETE) => log_person_out(&gateway, who, &actor).await?,
            (["logout-everybody"], &Method::POST) => json!({ "sessions_ended": gateway.log_everybody_out(&actor).await? }),
            (["audit"], _) if reads => self.trail(&gateway, &query).await?,
            (["explain"], &Method::POST) => self.explain(said(body).await?).await?,
            (["sessions", _] | ["users", _, "sessions"], _) => return Err(Fault::Method("DELETE")),
            (["users"], _) => return Err(Fault::Method("GET, HEAD, POST")),
            (["users", _], _) => return Err(Fault::Method("GET, HEAD, PATCH, DELETE")),
            (["logout-everybody" | "explain"] | ["users", _, "approve" | "reset" | "unblock"], _) => return Err(Fault::Method("POST")),
            (["sessions" | "audit"], _) => return Err(Fault::Method("GET, HEAD")),
            _ => return Err(Fault::NotFound),
        };
        Ok(reply::json(StatusCode::OK, &answer))
    }
}

/// The body of a request, a JSON object.
async fn said<T: DeserializeOwned>(body: Incoming) -> Result<T, Fault> {
    let bytes = read_whole(Some(body.into())).await.map_err(|fault| Fault::Wrong(fault.to_string()))?;
    if let Some(said) = from_json(&bytes) {
        return Ok(said);
    }
    let why =
        serde_json::from_slice::<Value>(&bytes).err().map_or("it says something that has no place here".to_owned(), |e| e.to_string());
    Err(Fault::Wrong(format!("the body is not the JSON object that belongs here: {why}")))
}
