use std::sync::Arc;

use http::Method;
use http::header::{ACCESS_CONTROL_REQUEST_METHOD, ORIGIN};

use super::foreign::with_claims;
use super::renew::Renewed;
use super::{Gateway, Intake, Refusal, Route};
use crate::base::{AccessToken, Timestamp};
use crate::identity::{Identity, Profile};
use crate::routing::{Access, Claims, Facts, Verdict};
use crate::store::Presented;
use crate::token::{TokenFault, Verified};
use crate::web::{Arriving, CSRF_HEADER, CookieProfile, double_submit, from_our_pages, is_safe, peek_field};

/// Leave to pass: made by [`Gateway::admit`] and by nothing else, and the only thing [`Gateway::forward`] takes.
pub struct Admission {
    person: Option<(Arc<Verified>, Arc<Profile>)>,
    shown: Shown,
    renewed: Option<Arc<Renewed>>,
}

/// Where the token that counted stood.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shown {
    /// Nowhere: a public route.
    Nowhere,
    /// In `Authorization`.
    Header,
    /// In a cookie.
    Cookie,
    /// In `Authorization` of a public route, ours but no longer good: it counts as none and is not passed on.
    SpentHeader,
}

/// Somebody with a good token and a live session.
pub(super) struct Known {
    pub(super) verified: Arc<Verified>,
    pub(super) profile: Arc<Profile>,
    pub(super) shown: Shown,
    pub(super) renewed: Option<Arc<Renewed>>,
}

impl Gateway {
    /// token → verified → not revoked → allowed here. A cookie near its end is renewed here.
    pub(super) async fn admit(&self, intake: &mut Intake, route: &Route, now: Timestamp) -> Result<Admission, Refusal> {
        let known = self.know(intake, Some(route), now).await;
        if let Some(field) = &self.settings.csrf.form_field
            && known.as_ref().is_ok_and(|known| known.shown == Shown::Cookie)
            && !is_safe(&intake.method)
            && !intake.headers.contains_key(CSRF_HEADER)
            && let Some(body) = &mut intake.body
        {
            // Boxed: hardly any request comes here, and each would carry the room for it.
            intake.credentials.in_form = Box::pin(peek_field(body, &intake.headers, field)).await?;
        }
        self.judge(known, intake, route, now)
    }

    /// The same decision for somebody who only asks: nothing is renewed.
    pub(super) fn admit_as_is(&self, intake: &Intake, route: &Route, now: Timestamp) -> Result<Admission, Refusal> {
        self.judge(self.look(intake, Some(route), now), intake, route, now)
    }

    /// The decision, from the route's rule and what is known of who asks.
    pub(super) fn judge(
        &self,
        known: Result<Known, Refusal>,
        intake: &Intake,
        route: &Route,
        now: Timestamp,
    ) -> Result<Admission, Refusal> {
        let access = &route.settings.access;
        if route.settings.preflight && is_preflight(intake) {
            // Browsers send it without cookies and wait for the application's own word on who may ask what.
            return Ok(Admission { person: None, shown: Shown::SpentHeader, renewed: None });
        }
        let known = match known {
            Ok(known) => known,
            Err(refusal) if *access == Access::Public => {
                return Ok(Admission::nobody(&refusal, intake.credentials.bearer.is_some()));
            }
            Err(refusal) => return Err(refusal),
        };
        let acts = known.shown == Shown::Cookie && (intake.websocket || !is_safe(&intake.method));
        if acts && let Err(refusal) = self.check_cookie_may_act(intake, Some(&known.verified.csrf)) {
            // A stranger's page must not act in the person's name; where nobody's name is needed, it acts in nobody's.
            return if *access == Access::Public { Ok(Admission::nobody(&Refusal::NoToken, false)) } else { Err(refusal) };
        }
        match access.judge(Some(&known.facts(intake, now))) {
            Verdict::Passes => {}
            Verdict::LoginNeeded => return Err(Refusal::NoToken),
            Verdict::PasswordTooOld => return Err(Refusal::PasswordTooOld),
            Verdict::NotAllowed => return Err(Refusal::Forbidden { subject: known.verified.subject.to_string() }),
        }
        Ok(Admission { person: Some((known.verified, known.profile)), shown: known.shown, renewed: known.renewed })
    }

    /// Whether a cookie may act here: the one CSRF rule of its profile, for the applications and for our own endpoints.
    /// A websocket handshake cannot carry the double-submit header, so its origin counts in both profiles.
    pub(super) fn check_cookie_may_act(&self, intake: &Intake, csrf: Option<&str>) -> Result<(), Refusal> {
        match (self.settings.cookies.profile, csrf) {
            // A foreign token may have none: then only its origin can speak for a request.
            (CookieProfile::Flask, Some(csrf)) if !intake.websocket && !csrf.is_empty() => {
                Ok(double_submit(&intake.headers, intake.credentials.in_form.as_deref(), csrf)?)
            }
            (CookieProfile::Flask | CookieProfile::Host, _) => Ok(from_our_pages(&intake.headers, &intake.origin(), &self.settings.csrf)?),
        }
    }

    /// Who is asking, from the first place that holds a token: the header, then the cookies. One place decides; a bad token
    /// in it is not excused by a good one elsewhere, and two good ones of different sessions are nobody's.
    pub(super) async fn know(&self, intake: &Intake, route: Option<&Route>, now: Timestamp) -> Result<Known, Refusal> {
        let credentials = &intake.credentials;
        match &credentials.bearer {
            Some(Ok(token)) => {
                let verified = self.verify_for(token, route, intake.peer.worker, now).await?;
                // Boxed: few requests show both, and all would carry the room for it.
                let beside = match cookie_beside(token, intake) {
                    Some(cookie) => Box::pin(self.verify_for(cookie, route, intake.peer.worker, now)).await.ok(),
                    None => None,
                };
                return self.standing(self.only_one(verified, beside)?, Shown::Header, now);
            }
            Some(Err(_)) => return Err(Refusal::Ambiguous),
            None => {}
        }
        if credentials.doubled.is_some() {
            return Err(Refusal::Ambiguous);
        }
        match (&credentials.cookies.access, &credentials.cookies.refresh) {
            (None, None) => Err(Refusal::NoToken),
            (Some(access), refresh) => match self.verify_for(access, route, intake.peer.worker, now).await {
                Ok(verified) => {
                    let known = self.standing(verified, Shown::Cookie, now)?;
                    // Boxed, like the two below: few requests come here, and all would carry the room for it.
                    if self.is_near_its_end(&known, now) { Ok(Box::pin(self.prolong(known, intake, now)).await) } else { Ok(known) }
                }
                Err(TokenFault::Expired) if refresh.is_some() => Box::pin(self.revive(intake, now)).await,
                Err(fault) => Err(fault.into()),
            },
            (None, Some(_)) => Box::pin(self.revive(intake, now)).await,
        }
    }

    /// Who a token names, if its session lives. For our own endpoints, which take no others' tokens and renew nothing.
    pub(super) fn present(&self, intake: &Intake, now: Timestamp) -> Result<Known, Refusal> {
        let known = self.look(intake, None, now)?;
        self.shared.used(&known.verified, now);
        Ok(known)
    }

    /// The same, and leaves no trace: nobody has come.
    pub(super) fn look(&self, intake: &Intake, route: Option<&Route>, now: Timestamp) -> Result<Known, Refusal> {
        let cookie = || intake.credentials.cookies.access.as_ref();
        match (&intake.credentials.bearer, intake.credentials.doubled) {
            (Some(Ok(token)), _) => {
                let verified = self.verify_now(token, route, now)?;
                let beside = cookie_beside(token, intake).and_then(|cookie| self.verify_now(cookie, route, now).ok());
                self.stands(self.only_one(verified, beside)?, Shown::Header)
            }
            (Some(Err(_)), _) | (None, Some(_)) => Err(Refusal::Ambiguous),
            (None, None) => self.stands(self.verify_now(cookie().ok_or(Refusal::NoToken)?, route, now)?, Shown::Cookie),
        }
    }

    /// What the token in the header (or the query) says. Where the cookie beside it is just as good and of another session,
    /// nobody can say which of the two is meant. A cookie that is no longer good says nothing: browsers send it along unasked.
    fn only_one(&self, verified: Arc<Verified>, beside: Option<Arc<Verified>>) -> Result<Arc<Verified>, Refusal> {
        let lives = |other: &Verified| self.shared.view.check(&other.user, &other.session, &other.id, other.position).is_ok();
        match beside {
            Some(other) if other.session != verified.session && lives(&other) => Err(Refusal::Ambiguous),
            Some(_) | None => Ok(verified),
        }
    }

    /// The view's word on a verified token: asked at every request, after the cache of verified tokens and never before.
    pub(super) fn standing(&self, verified: Arc<Verified>, shown: Shown, now: Timestamp) -> Result<Known, Refusal> {
        let known = self.stands(verified, shown)?;
        self.shared.used(&known.verified, now);
        Ok(known)
    }

    fn stands(&self, verified: Arc<Verified>, shown: Shown) -> Result<Known, Refusal> {
        let profile = self.shared.view.check(&verified.user, &verified.session, &verified.id, verified.position).map_err(Refusal::Ended)?;
        self.check_foreign(&verified)?;
        let profile = with_claims(self.settings.groups.join(&verified.user, profile), &verified);
        Ok(Known { verified, profile, shown, renewed: None })
    }

    /// Whether a token of ours is in the last part of its life.
    fn is_near_its_end(&self, known: &Known, now: Timestamp) -> bool {
        known.verified.foreign.is_none() && known.verified.expires.since(now) <= self.settings.sessions.renew_window
    }

    /// A cookie in the last part of its life is replaced on the way through. If that cannot be done now, the request passes
    /// on the token it has.
    async fn prolong(&self, known: Known, intake: &Intake, now: Timestamp) -> Known {
        let renewed = self.renew(known.verified.session, known.verified.id, Presented::Access, intake, now).await;
        match renewed
            .and_then(|renewed| self.standing(Arc::clone(&renewed.verified), Shown::Cookie, now).map(|standing| (renewed, standing)))
        {
            Ok((renewed, standing)) => Known { renewed: Some(renewed), ..standing },
            Err(_) => known,
        }
    }

    /// An access cookie that is gone or past its end is replaced when the refresh cookie beside it is good.
    async fn revive(&self, intake: &Intake, now: Timestamp) -> Result<Known, Refusal> {
        let cookies = &intake.credentials.cookies;
        let refresh = cookies.refresh.as_ref().ok_or(Refusal::NoToken)?;
        let verified = self.verifier.refresh(refresh, now)?;
        if let Some(access) = &cookies.access {
            // Two cookies of different logins are nobody's session.
            if self.spent(access, now).is_none_or(|spent| spent.session != verified.session) {
                return Err(Refusal::Ambiguous);
            }
        }
        // The view first: it knows of ends that are not durable yet.
        self.shared.view.check(&verified.user, &verified.session, &verified.id, verified.position).map_err(Refusal::Ended)?;
        let presented = Presented::Refresh(crate::store::TokenHash::of(&verified.id));
        let renewed = self.renew(verified.session, verified.id, presented, intake, now).await?;
        let standing = self.standing(Arc::clone(&renewed.verified), Shown::Cookie, now)?;
        Ok(Known { renewed: Some(renewed), ..standing })
    }

    /// What an access token of ours says whose end may have come.
    pub(super) fn spent(&self, token: &AccessToken, now: Timestamp) -> Option<Verified> {
        self.verifier.access_even_expired(token, now).ok()
    }
}

impl Known {
    /// What a rule may know of this request.
    pub(super) fn facts<'a>(&'a self, intake: &'a Intake, now: Timestamp) -> Facts<'a> {
        Facts {
            user: &self.verified.user,
            profile: &self.profile,
            claims: match &self.verified.foreign {
                Some(foreign) => Claims::Foreign(&foreign.claims),
                None => Claims::Ours { provider: self.verified.provider.as_str() },
            },
            method: &intake.method,
            address: intake.client,
            password_age: self.verified.fresh.then(|| now.since(self.verified.issued)),
        }
    }

    /// Who that is.
    pub(super) fn identity(&self) -> Identity<'_> {
        identity(&self.verified, &self.profile)
    }
}

fn identity<'a>(verified: &'a Verified, profile: &'a Arc<Profile>) -> Identity<'a> {
    let Verified { user, subject, provider, session, labels, .. } = verified;
    Identity { user, subject, provider, session: *session, labels, profile }
}

impl Admission {
    /// Leave to pass as nobody, on a public route.
    /// Whether a Bearer header was what counted decides if it is taken away.
    fn nobody(refusal: &Refusal, bearer: bool) -> Self {
        // Whatever else stands there is not ours: perhaps the application's own.
        let ours = [TokenFault::Expired, TokenFault::NotYetValid, TokenFault::NotForUs, TokenFault::WrongType];
        let spent = matches!(refusal, Refusal::Ended(_)) || matches!(refusal, Refusal::Token(fault) if ours.contains(fault));
        let shown = if spent && bearer { Shown::SpentHeader } else { Shown::Nowhere };
        Self { person: None, shown, renewed: None }
    }

    /// Who passes; `None` on a public route without a good token.
    pub(super) fn identity(&self) -> Option<Identity<'_>> {
        self.person.as_ref().map(|(verified, profile)| identity(verified, profile))
    }

    /// The token they pass on.
    pub(super) fn verified(&self) -> Option<&Arc<Verified>> {
        self.person.as_ref().map(|(verified, _)| verified)
    }

    /// Where the token that counted stood.
    pub(super) const fn shown(&self) -> Shown {
        self.shown
    }

    /// A new access cookie to hand over with the answer.
    pub(super) const fn renewed(&self) -> Option<&Arc<Renewed>> {
        self.renewed.as_ref()
    }
}

/// A cookie that says something else than the token in the header.
fn cookie_beside<'i>(token: &AccessToken, intake: &'i Intake) -> Option<&'i AccessToken> {
    intake.credentials.cookies.access.as_ref().filter(|cookie| cookie.bytes() != token.bytes())
}

/// A CORS preflight (Fetch standard): nothing but a question, so it has no body.
fn is_preflight(intake: &Intake) -> bool {
    intake.method == Method::OPTIONS
        && intake.headers.contains_key(ORIGIN)
        && intake.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
        && intake.body.as_ref().is_none_or(Arriving::is_end_stream)
}
