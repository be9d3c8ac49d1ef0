//! One's own account: who I am, my sessions, and ending them.
//!
//! The page shares its origin with the applications where there is one host, so a script of theirs could press its buttons.
//! A button changes nothing therefore: it leads to a page that asks for the password, and only the two together act.

use std::sync::Arc;

use http::StatusCode;
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::login::lang;
use crate::base::{SessionId, Timestamp};
use crate::gateway::admit::{Known, Shown};
use crate::gateway::login::audit;
use crate::gateway::record::Record;
use crate::gateway::reply::Reply;
use crate::gateway::{Gateway, Intake, Refusal};
use crate::observe::AuditKind;
use crate::pages::{AccountCommand, AccountPage, Action, Confirm, ConfirmPage, Label, Message, Problem, SessionRow};
use crate::store::{Change, EndReason, Fields, SessionRecord};
use crate::web::{ReturnTo, field};

/// A change of one's own sessions or account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Wanted {
    /// End sessions.
    End(Doomed),
    /// Remove the account and what is known of the person.
    Leave,
}

/// Which sessions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Doomed {
    /// This one.
    One(SessionId),
    /// All but the one that asks.
    Others,
}

impl Gateway {
    /// `GET /.auth/account`.
    pub(super) async fn account(&self, intake: &Intake, record: &mut Record, now: Timestamp) -> Result<Reply, Refusal> {
        let known = self.know(intake, None, now).await?;
        record.person = Some(Arc::clone(&known.verified.subject));
        let sessions = self.shared.store.sessions_of(known.verified.user.clone(), now).await?;
        let here = sessions.iter().find(|session| session.id == known.verified.session);
        let rows: Vec<SessionRow<'_>> = sessions.iter().map(session_row).collect();
        let identity = known.identity();
        let local = self.keeper(&known).ok();
        let answers = match local {
            Some(local) => local.answers_of(known.verified.user.clone()).await?,
            None => Fields::new(),
        };
        let asked = local.map_or(&[][..], |local| &local.settings().fields);
        let fields: Vec<(&str, &str)> =
            asked.iter().filter_map(|asked| Some((asked.label.as_str(), answers.get(&asked.name)?.as_str()))).collect();
        let lang = lang(intake);
        let page = AccountPage {
            identity,
            provider: self.pages.account_system(identity.provider.as_str()).0,
            now,
            token_ends: known.verified.expires,
            session_ends: here.map_or(known.verified.expires, |session| session.absolute_end),
            sessions: &rows,
            action: ReturnTo::ACCOUNT,
            logout: Self::logout_path(intake.aliases),
            everywhere: Some("/.auth/logout/all"),
            fields: &fields,
            password: local.map(|_| ReturnTo::PASSWORD),
            withdrawal: true,
            home: (!self.is_portal(&intake.host)).then_some("/"),
        };
        let reply = self.own_page(StatusCode::OK, lang, self.pages.account(lang, &page));
        Ok(self.with_renewed(reply, &known, now))
    }

    /// `POST /.auth/account`: asks for the password, and with the right one does it.
    pub(super) async fn change_account(&self, mut intake: Intake, record: &mut Record, now: Timestamp) -> Result<Reply, Refusal> {
        let body = self.form(&mut intake).await?;
        let known = self.know(&intake, None, now).await?;
        if known.shown != Shown::Cookie {
            return Err(Refusal::Form);
        }
        record.person = Some(Arc::clone(&known.verified.subject));
        let wanted = wanted(&body, &known)?;
        let reply = match field(&body, "password") {
            None => Ok(self.ask_for_password(StatusCode::OK, wanted, &known, &intake, &[])),
            Some(typed) => {
                let typed = Zeroizing::new(typed.into_owned());
                match self.act(wanted, SecretString::from(typed.as_str()), &known, &intake, record, now).await {
                    Err(refusal @ Refusal::LoginRefused { .. }) => {
                        record.refusal = Some(refusal.word());
                        // Not 401: the session is good.
                        Ok(self.ask_for_password(StatusCode::FORBIDDEN, wanted, &known, &intake, &[Problem::PasswordWrong]))
                    }
                    // Nobody is left to hand a cookie to.
                    Ok(done) if wanted == Wanted::Leave => return Ok(done),
                    done => done,
                }
            }
        }?;
        Ok(self.with_renewed(reply, &known, now))
    }

    /// Does it, if the password is right.
    async fn act(
        &self,
        wanted: Wanted,
        password: SecretString,
        known: &Known,
        intake: &Intake,
        record: &mut Record,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        match wanted {
            Wanted::Leave => {
                self.leave(known, password, intake, record, now).await?;
                let mut reply = self.told(Message::Withdrawn, &[Action { label: Label::Home, href: "/" }], intake);
                self.cookies.clear(reply.headers_mut());
                Ok(reply)
            }
            Wanted::End(doomed) => {
                self.confirm(&known.verified, password, intake, record, now).await?;
                self.end_sessions(doomed, known, intake, record, now).await
            }
        }
    }

    /// `GET /.auth/logged-in`: where the login of [`crate::pages::RefusalKind::FormNotSent`] leads to.
    pub(super) fn logged_in_elsewhere(&self, intake: &Intake) -> Reply {
        self.told(Message::LoggedInForOtherTab, &[], intake)
    }

    fn ask_for_password(&self, status: StatusCode, wanted: Wanted, known: &Known, intake: &Intake, problems: &[Problem<'_>]) -> Reply {
        let (purpose, command, session) = match wanted {
            Wanted::End(Doomed::One(session)) => (Confirm::EndSession, AccountCommand::EndSession, Some(session.to_string())),
            Wanted::End(Doomed::Others) => (Confirm::EndOthers, AccountCommand::EndOthers, None),
            Wanted::Leave => (Confirm::Withdraw, AccountCommand::Withdraw, None),
        };
        let mut hidden = vec![("do", command.as_str())];
        hidden.extend(session.as_deref().map(|session| ("session", session)));
        let page = ConfirmPage {
            purpose,
            action: ReturnTo::ACCOUNT,
            hidden: &hidden,
            subject: &known.verified.subject,
            problems,
            back: ReturnTo::ACCOUNT,
        };
        let lang = lang(intake);
        self.own_page(status, lang, self.pages.confirm(lang, &page))
    }

    /// Ends them, durably. One that has ended meanwhile is no fault: what the person wants is so.
    async fn end_sessions(&self, which: Doomed, known: &Known, intake: &Intake, record: &Record, now: Timestamp) -> Result<Reply, Refusal> {
        let user = &known.verified.user;
        // Only from the person's own: a session named in a form may be anybody's.
        let mut doomed: Vec<SessionId> =
            self.shared.store.sessions_of(user.clone(), now).await?.into_iter().map(|session| session.id).collect();
        doomed.retain(|id| match which {
            Doomed::One(one) => *id == one,
            Doomed::Others => *id != known.verified.session,
        });
        let ended = |session: &SessionId| Change::SessionEnded { session: *session, user: user.clone(), reason: EndReason::Elsewhere };
        if !doomed.is_empty() {
            self.shared.log.end(doomed.iter().map(ended).collect()).await?;
        }
        for session in doomed {
            let detail = EndReason::Elsewhere.as_str();
            self.shared.audit(audit(AuditKind::SessionEnded, user, Some(session), intake.client, record, now, detail));
        }
        let message = match which {
            Doomed::One(_) => Message::SessionEnded,
            Doomed::Others => Message::OtherSessionsEnded,
        };
        let actions = [Action { label: Label::Account, href: ReturnTo::ACCOUNT }, Action { label: Label::Home, href: "/" }];
        Ok(self.told(message, &actions, intake))
    }

    /// Hands over the access cookie that was renewed on the way here.
    pub(super) fn with_renewed(&self, mut reply: Reply, known: &Known, now: Timestamp) -> Reply {
        if let Some(renewed) = &known.renewed {
            self.cookies.set_access(reply.headers_mut(), &renewed.access.token, &renewed.access.csrf, renewed.life, now);
        }
        reply
    }
}

/// What a form of the account page asks for. The session that asks is ended by logging out, not here.
fn wanted(body: &[u8], known: &Known) -> Result<Wanted, Refusal> {
    match field(body, "do").and_then(|word| AccountCommand::parse(&word)).ok_or(Refusal::Form)? {
        AccountCommand::EndSession => {
            let session = field(body, "session").and_then(|text| SessionId::parse(&text));
            session
                .filter(|session| *session != known.verified.session)
                .map(|session| Wanted::End(Doomed::One(session)))
                .ok_or(Refusal::Form)
        }
        AccountCommand::EndOthers => Ok(Wanted::End(Doomed::Others)),
        AccountCommand::Withdraw => Ok(Wanted::Leave),
    }
}

/// A session as pages list it.
pub(in crate::gateway) fn session_row(session: &SessionRecord) -> SessionRow<'_> {
    SessionRow {
        id: session.id,
        user_agent: &session.user_agent,
        address: session.address,
        created: session.created,
        last_seen: session.last_seen,
    }
}
