use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::base::{AccessToken, RefreshToken, Timestamp, TokenId};
use crate::gateway::record::Record;
use crate::gateway::renew::life;
use crate::gateway::reply::{self, Reply};
use crate::gateway::{Gateway, Intake, Refusal, Rotation};
use crate::store::{Presented, Renewal, RenewalOutcome, Rotate, SessionRecord, TokenHash, seal};
use crate::token::{Grant, Verified};
use crate::web::{FormKind, from_json, read_whole};

/// A refresh token in a JSON body.
#[derive(Deserialize)]
struct RefreshJson {
    #[serde(default)]
    refresh_token: Option<String>,
}

/// Where the refresh token stood: the answer goes back the same way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Body,
    Cookie,
}

/// A new pair of a rotation. Sealed as this under a key made from its predecessor, for the case that the answer is lost.
#[derive(Serialize, Deserialize)]
struct Pair {
    access: String,
    access_csrf: String,
    access_expires: u64,
    refresh: String,
    refresh_csrf: String,
    refresh_expires: u64,
}

impl Gateway {
    /// `POST /refresh`. A token sent in a header or a body is answered in the body; one from a cookie with cookies and
    /// nothing else, since a script must not turn an `HttpOnly` cookie into a token it can read.
    pub(super) async fn refresh(&self, intake: Intake, record: &mut Record, now: Timestamp) -> Result<Reply, Refusal> {
        let (intake, way, token) = self.presented_refresh(intake, now).await?;
        let verified = match self.verifier.refresh(&token, now) {
            Ok(verified) => verified,
            Err(fault) if way == Way::Body => return self.refresh_otherwise(fault, &token, &intake, record, now).await,
            Err(fault) => return Err(fault.into()),
        };
        if way == Way::Cookie {
            self.check_cookie_may_act(&intake, Some(&verified.csrf))?;
        }
        record.person = Some(std::sync::Arc::clone(&verified.subject));
        // The view first: it knows of ends that are not durable yet.
        self.shared.view.check(&verified.user, &verified.session, &verified.id, verified.position).map_err(Refusal::Ended)?;
        let rotates = self.rotates(way, &verified).await?;
        let rotation = if rotates { Some(self.successor(&verified, &token, now)?) } else { None };
        let renewal = Renewal {
            session: verified.session,
            presented: Presented::Refresh(TokenHash::of(&verified.id)),
            at: now,
            rotate: rotation.as_ref().map(|(rotate, _)| rotate.clone()),
            grace: self.settings.sessions.grace,
        };
        match self.shared.log.renew(renewal).await? {
            RenewalOutcome::Kept { record, position } => {
                let grant = Grant { position, generation: verified.generation, ..self.grant_of(&record) };
                self.access_only(&grant, &record, way, now)
            }
            RenewalOutcome::Rotated { record, position: _ } => {
                let (_, pair) = rotation.ok_or(Refusal::Internal("the store rotated unasked"))?;
                Ok(self.both(&pair, &record, way, now))
            }
            RenewalOutcome::Again { record, sealed, position } => {
                let opened = seal::open(&token, &sealed).map_err(|_| Refusal::Internal("a sealed successor does not open"))?;
                let mut pair: Pair = serde_json::from_slice(&opened).map_err(|_| Refusal::Internal("a sealed successor is no pair"))?;
                if pair.access_expires <= now.secs() {
                    self.refill(&mut pair, &record, position, now)?;
                }
                Ok(self.both(&pair, &record, way, now))
            }
            outcome @ (RenewalOutcome::Theft { .. }
            | RenewalOutcome::Ended(_)
            | RenewalOutcome::Expired
            | RenewalOutcome::Disabled
            | RenewalOutcome::Unknown) => Err(self.refused_renewal(outcome, intake.client, now)),
        }
    }

    /// The one refresh token of a request: in the header, in a JSON body, or in the cookie, in this order. Two different ones
    /// are refused; a cookie beside the others counts only while it is good, since browsers send it along unasked.
    async fn presented_refresh(&self, mut intake: Intake, now: Timestamp) -> Result<(Intake, Way, RefreshToken), Refusal> {
        let in_header = match intake.credentials.bearer.take() {
            Some(Ok(token)) => Some(RefreshToken::new(token.expose())),
            Some(Err(_)) => return Err(Refusal::Ambiguous),
            None => None,
        };
        let said = if FormKind::of(&intake.headers) == FormKind::Json {
            let body = read_whole(intake.take_body()).await?;
            let read = if body.is_empty() { Some(RefreshJson { refresh_token: None }) } else { from_json::<RefreshJson>(&body) };
            // With a token in the header nobody needs the body.
            if read.is_none() && in_header.is_none() {
                return Err(Refusal::Form);
            }
            read.and_then(|read| read.refresh_token).map(RefreshToken::new)
        } else {
            None
        };
        let cookie = intake.credentials.cookies.refresh.take();
        match (in_header, said) {
            (Some(header), Some(body)) if header.expose() != body.expose() => Err(Refusal::Ambiguous),
            (Some(token), _) | (None, Some(token)) => match cookie {
                Some(cookie) if self.is_rival(&cookie, &token, now) => Err(Refusal::Ambiguous),
                Some(_) | None => Ok((intake, Way::Body, token)),
            },
            (None, None) if intake.credentials.doubled.is_some() => Err(Refusal::Ambiguous),
            (None, None) => Ok((intake, Way::Cookie, cookie.ok_or(Refusal::NoToken)?)),
        }
    }

    /// Whether a refresh cookie is just as good as a token beside it, and of another session.
    fn is_rival(&self, cookie: &RefreshToken, token: &RefreshToken, now: Timestamp) -> bool {
        let (Ok(cookie), Ok(token)) = (self.verifier.refresh(cookie, now), self.verifier.refresh(token, now)) else { return false };
        let alive = || self.shared.view.check(&cookie.user, &cookie.session, &cookie.id, cookie.position).is_ok();
        cookie.session != token.session && alive()
    }

    /// Whether this use rotates: by the gateway's rule, or because this session's login asked for it.
    async fn rotates(&self, way: Way, verified: &Verified) -> Result<bool, Refusal> {
        if way == Way::Cookie && self.settings.portal.is_some() {
            // The same token stands in the cookies of several hosts: to the others, its successor would look like theft.
            return Ok(false);
        }
        let by_rule = match self.settings.sessions.rotation {
            Rotation::Always => true,
            Rotation::Cookies => way == Way::Cookie,
            Rotation::Off => false,
        };
        // A token that a rotation made belongs to a session that rotates; only a first one has to be looked up.
        let asked = !by_rule
            && (verified.generation.is_some() || self.shared.store.session(verified.session).await?.is_some_and(|record| record.rotate));
        Ok(by_rule || asked)
    }

    /// A new pair, and what the store needs to put it in place.
    fn successor(&self, verified: &Verified, token: &RefreshToken, now: Timestamp) -> Result<(Rotate, Pair), Refusal> {
        let broken = |_| Refusal::Internal("the signing key does not sign");
        let id = TokenId::random();
        let grant = Grant {
            user: verified.user.clone(),
            provider: verified.provider.clone(),
            session: verified.session,
            // The successor ends when its predecessor would have: the absolute end cannot be slid past.
            session_end: verified.expires,
            // Never older than the presented token's: it may carry a position this process has not read up to.
            position: self.shared.view.position().max(verified.position),
            generation: Some(verified.generation.unwrap_or(0).saturating_add(1)),
            fresh: false,
        };
        let access = self.issuer.access(&grant, now).map_err(broken)?;
        let refresh = self.issuer.refresh(&grant, id, now).map_err(broken)?;
        let pair = Pair {
            access: access.token.expose().to_owned(),
            access_csrf: access.csrf,
            access_expires: access.expires.secs(),
            refresh: refresh.token.expose().to_owned(),
            refresh_csrf: refresh.csrf,
            refresh_expires: refresh.expires.secs(),
        };
        let plain = zeroize::Zeroizing::new(serde_json::to_vec(&pair).map_err(|_| Refusal::Internal("a pair is no JSON"))?);
        let sealed = seal::seal(token, &plain).map_err(|_| Refusal::Internal("a successor cannot be sealed"))?;
        Ok((Rotate { successor: TokenHash::of(&id), sealed }, pair))
    }

    /// A new access token for a successor that was fetched so late that the one sealed with it has ended.
    fn refill(&self, pair: &mut Pair, record: &SessionRecord, position: crate::base::Position, now: Timestamp) -> Result<(), Refusal> {
        let grant = Grant { position, generation: Some(record.generation), ..self.grant_of(record) };
        let access = self.issuer.access(&grant, now).map_err(|_| Refusal::Internal("the signing key does not sign"))?;
        access.token.expose().clone_into(&mut pair.access);
        pair.access_csrf = access.csrf;
        pair.access_expires = access.expires.secs();
        Ok(())
    }

    fn access_only(&self, grant: &Grant, record: &SessionRecord, way: Way, now: Timestamp) -> Result<Reply, Refusal> {
        let access = self.issuer.access(grant, now).map_err(|_| Refusal::Internal("the signing key does not sign"))?;
        match way {
            Way::Body => Ok(reply::json(
                StatusCode::OK,
                &json!({ "access_token": access.token.expose(), "token_type": "Bearer", "expires_in": access.expires.since(now).as_secs() }),
            )),
            Way::Cookie => {
                let mut reply = reply::empty(StatusCode::NO_CONTENT);
                self.cookies.set_access(reply.headers_mut(), &access.token, &access.csrf, life(record), now);
                Ok(reply)
            }
        }
    }

    fn both(&self, pair: &Pair, record: &SessionRecord, way: Way, now: Timestamp) -> Reply {
        let left = |end: u64| Timestamp::from_secs(end).since(now);
        match way {
            Way::Body => reply::json(StatusCode::OK, &pair_json(pair, left(pair.access_expires), left(pair.refresh_expires))),
            Way::Cookie => {
                let mut reply = reply::empty(StatusCode::NO_CONTENT);
                let headers: &mut HeaderMap = reply.headers_mut();
                self.cookies.set_access(headers, &AccessToken::new(pair.access.as_str()), &pair.access_csrf, life(record), now);
                self.cookies.set_refresh(headers, &RefreshToken::new(pair.refresh.as_str()), &pair.refresh_csrf, life(record), now);
                reply
            }
        }
    }
}

fn pair_json(pair: &Pair, access_left: Duration, refresh_left: Duration) -> serde_json::Value {
    json!({
        "access_token": pair.access,
        "refresh_token": pair.refresh,
        "token_type": "Bearer",
        "expires_in": access_left.as_secs(),
        "refresh_expires_in": refresh_left.as_secs(),
    })
}
