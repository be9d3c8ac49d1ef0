use http::{Method, StatusCode};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use crate::base::{SessionId, Timestamp};
use crate::gateway::admit::{Known, Shown};
use crate::gateway::login::audit;
use crate::gateway::record::Record;
use crate::gateway::reply::{self, Reply};
use crate::gateway::{AccountRefusal, Gateway, Intake, Refusal};
use crate::observe::AuditKind;
use crate::store::{Change, EndReason, SessionRecord};
use crate::web::{from_json, read_whole};

/// What goes with ending another session by a cookie.
#[derive(Deserialize)]
struct Confirmed {
    password: String,
}

impl Gateway {
    /// `/.auth/api/sessions`: one's own sessions. GET lists them, DELETE ends the others; with a cookie, the body is
    /// `{"password": …}`.
    pub(super) async fn own_sessions(&self, intake: Intake, record: &mut Record, now: Timestamp) -> Result<Reply, Refusal> {
        let known = self.present(&intake, now)?;
        record.person = Some(std::sync::Arc::clone(&known.verified.subject));
        let live = self.shared.store.sessions_of(known.verified.user.clone(), now).await?;
        if intake.method != Method::DELETE {
            let sessions: Vec<_> = live.iter().map(|session| shown(session, known.verified.session, now)).collect();
            return Ok(reply::json(StatusCode::OK, &json!({ "sessions": sessions })));
        }
        let intake = self.check_may_end(&known, intake, record, now).await?;
        let others: Vec<SessionId> = live.iter().map(|session| session.id).filter(|id| *id != known.verified.session).collect();
        let ended = others.len();
        self.end_own(others, &known, &intake, record, now).await?;
        Ok(reply::json(StatusCode::OK, &json!({ "ended": ended })))
    }

    /// `DELETE /.auth/api/sessions/<id>`: ends one of one's own sessions, as above. Another person's is not there.
    pub(super) async fn end_own_session(
        &self,
        id: SessionId,
        intake: Intake,
        record: &mut Record,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        let known = self.present(&intake, now)?;
        record.person = Some(std::sync::Arc::clone(&known.verified.subject));
        let intake = if id == known.verified.session && known.shown == Shown::Cookie {
            // A logout, which asks for no password anywhere.
            self.check_cookie_may_act(&intake, Some(&known.verified.csrf))?;
            intake
        } else {
            self.check_may_end(&known, intake, record, now).await?
        };
        let live = self.shared.store.sessions_of(known.verified.user.clone(), now).await?;
        if live.iter().all(|session| session.id != id) {
            return Err(Refusal::NotFound);
        }
        self.end_own(vec![id], &known, &intake, record, now).await?;
        let mut reply = reply::json(StatusCode::OK, &json!({ "ended": 1 }));
        if id == known.verified.session && known.shown == Shown::Cookie {
            self.cookies.clear(reply.headers_mut());
        }
        Ok(reply)
    }

    /// A cookie ends other sessions only together with the password, as on the account page: a script of an application
    /// on this host has the cookie too, and would call here instead of pressing that page's buttons.
    async fn check_may_end(&self, known: &Known, mut intake: Intake, record: &mut Record, now: Timestamp) -> Result<Intake, Refusal> {
        if known.shown != Shown::Cookie {
            return Ok(intake);
        }
        self.check_cookie_may_act(&intake, Some(&known.verified.csrf))?;
        let body = Zeroizing::new(Vec::from(read_whole(intake.take_body()).await?));
        let said: Confirmed = from_json(&body).ok_or(Refusal::CredentialsMissing)?;
        match self.confirm(&known.verified, SecretString::from(said.password), &intake, record, now).await {
            Ok(()) => Ok(intake),
            // Not the refusal of a login: who asks is logged in and stays so.
            Err(Refusal::LoginRefused { .. }) => Err(Refusal::Account(AccountRefusal::Wrong)),
            Err(refusal) => Err(refusal),
        }
    }

    async fn end_own(
        &self,
        sessions: Vec<SessionId>,
        known: &Known,
        intake: &Intake,
        record: &mut Record,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        if sessions.is_empty() {
            return Ok(());
        }
        let user = &known.verified.user;
        let reason = |id: SessionId| if id == known.verified.session { EndReason::LoggedOut } else { EndReason::Elsewhere };
        let changes = sessions.iter().map(|id| Change::SessionEnded { session: *id, user: user.clone(), reason: reason(*id) });
        self.shared.log.end(changes.collect()).await?;
        for id in sessions {
            self.shared.audit(audit(AuditKind::SessionEnded, user, Some(id), intake.client, record, now, reason(id).as_str()));
        }
        Ok(())
    }
}

/// A session as its owner sees it. Times are seconds since 1970.
fn shown(session: &SessionRecord, present: SessionId, now: Timestamp) -> serde_json::Value {
    let this = session.id == present;
    // When a session was last seen is written late; that this one is seen now is known.
    let seen = if this { now } else { session.last_seen };
    json!({
        "id": session.id.to_string(),
        "this": this,
        "device": session.user_agent,
        "address": session.address.to_string(),
        "provider": session.provider.as_str(),
        "first_seen": session.created.secs(),
        "last_seen": seen.secs(),
        "expires": session.absolute_end.min(seen.plus(session.idle)).secs(),
    })
}
