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
use crate::pages::{
    AccountCommand, AccountPage, Action, Confirm, ConfirmPage, Label, Message, MessagePage, Problem, RefusalKind, SessionRow,
};
use crate::store::{Change, EndReason, SessionRecord};
use crate::web::{FormKind, ReturnTo, field, from_our_pages, read_whole};

/// A change of one's own sessions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Wanted {
    /// End this one.
    One(SessionId),
    /// End all but the one that asks.
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
        let lang = lang(intake);
        let page = AccountPage {
            identity: &identity,
            provider: self.pages.account_system(identity.provider.as_str()).0,
            now,
            token_ends: known.verified.expires,
            session_ends: here.map_or(known.verified.expires, |session| session.absolute_end),
            sessions: &rows,
            action: ReturnTo::ACCOUNT,
            logout: Self::logout_path(intake.aliases),
            everywhere: Some("/.auth/logout/all"),
            password: None,
            withdrawal: false,
            home: Some("/"),
        };
        let reply = self.own_page(StatusCode::OK, lang, self.pages.account(lang, &page));
        Ok(self.with_renewed(reply, &known, now))
    }

    /// `POST /.auth/account`: asks for the password, and with the right one does it.
    pub(super) async fn change_account(&self, mut intake: Intake, record: &mut Record, now: Timestamp) -> Result<Reply, Refusal> {
        // The browser's own word, in both cookie profiles: this page's forms work without a script.
        from_our_pages(&intake.headers, &intake.origin(), &self.settings.csrf)?;
        if FormKind::of(&intake.headers) != FormKind::UrlEncoded {
            return Err(Refusal::Form);
        }
        let known = self.know(&intake, None, now).await?;
        if known.shown != Shown::Cookie {
            return Err(Refusal::Form);
        }
        record.person = Some(Arc::clone(&known.verified.subject));
        let body = Zeroizing::new(Vec::from(read_whole(intake.take_body()).await?));
        let wanted = wanted(&body, &known)?;
        let reply = match field(&body, "password") {
            None => Ok(self.ask_for_password(StatusCode::OK, wanted, &known, &intake, &[])),
            Some(typed) => {
                let typed = Zeroizing::new(typed.into_owned());
                match self.confirm(&known.verified, SecretString::from(typed.as_str()), &intake, record, now).await {
                    Ok(()) => self.end_sessions(wanted, &known, &intake, record, now).await,
                    Err(refusal @ Refusal::LoginRefused { .. }) => {
                        record.refusal = Some(refusal.word());
                        let status = RefusalKind::NotAllowed { subject: "", login: "" }.status();
                        Ok(self.ask_for_password(status, wanted, &known, &intake, &[Problem::PasswordWrong]))
                    }
                    Err(refusal) => Err(refusal),
                }
            }
        }?;
        Ok(self.with_renewed(reply, &known, now))
    }

    /// `GET /.auth/logged-in`: where the login of [`crate::pages::RefusalKind::FormNotSent`] leads to.
    pub(super) fn logged_in_elsewhere(&self, intake: &Intake) -> Reply {
        let lang = lang(intake);
        let page = MessagePage { message: Message::LoggedInForOtherTab, actions: &[] };
        self.own_page(StatusCode::OK, lang, self.pages.message(lang, &page))
    }

    fn ask_for_password(&self, status: StatusCode, wanted: Wanted, known: &Known, intake: &Intake, problems: &[Problem<'_>]) -> Reply {
        let (purpose, command, session) = match wanted {
            Wanted::One(session) => (Confirm::EndSession, AccountCommand::EndSession, Some(session.to_string())),
            Wanted::Others => (Confirm::EndOthers, AccountCommand::EndOthers, None),
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
    async fn end_sessions(
        &self,
        wanted: Wanted,
        known: &Known,
        intake: &Intake,
        record: &Record,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        let user = &known.verified.user;
        // Only from the person's own: a session named in a form may be anybody's.
        let mut doomed: Vec<SessionId> =
            self.shared.store.sessions_of(user.clone(), now).await?.into_iter().map(|session| session.id).collect();
        doomed.retain(|id| match wanted {
            Wanted::One(one) => *id == one,
            Wanted::Others => *id != known.verified.session,
        });
        let ended = |session: &SessionId| Change::SessionEnded { session: *session, user: user.clone(), reason: EndReason::Elsewhere };
        if !doomed.is_empty() {
            self.shared.log.end(doomed.iter().map(ended).collect()).await?;
        }
        for session in doomed {
            let detail = EndReason::Elsewhere.as_str();
            self.shared.audit(audit(AuditKind::SessionEnded, user, Some(session), intake.client, record, now, detail));
        }
        let message = match wanted {
            Wanted::One(_) => Message::SessionEnded,
            Wanted::Others => Message::OtherSessionsEnded,
        };
        let actions = [Action { label: Label::Account, href: ReturnTo::ACCOUNT }, Action { label: Label::Home, href: "/" }];
        let lang = lang(intake);
        Ok(self.own_page(StatusCode::OK, lang, self.pages.message(lang, &MessagePage { message, actions: &actions })))
    }

    /// Hands over the access cookie that was renewed on the way here.
    fn with_renewed(&self, mut reply: Reply, known: &Known, now: Timestamp) -> Reply {
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
            session.filter(|session| *session != known.verified.session).map(Wanted::One).ok_or(Refusal::Form)
        }
        AccountCommand::EndOthers => Ok(Wanted::Others),
        // Nobody whose password is kept elsewhere can leave here.
        AccountCommand::Withdraw => Err(Refusal::Form),
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
