//! The pages on which people set another password: with the one they have, or by a one-time link from an administrator.
//!
//! The link's secret stands in its address, so nothing of the page may tell that address to others: our own log masks it
//! (`token`), and the page's referrer policy keeps it from every other page of the origin.

use http::{HeaderValue, StatusCode, header};
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::RESET;
use super::login::lang;
use super::sign_up::problem;
use crate::base::{Timestamp, TokenId};
use crate::gateway::admit::{Known, Shown};
use crate::gateway::record::Record;
use crate::gateway::reply::Reply;
use crate::gateway::{AccountRefusal, Gateway, Intake, Refusal};
use crate::identity::UserId;
use crate::pages::{Action, Label, Message, MessagePage, PasswordPage, Problem};
use crate::provider::Local;
use crate::web::{FormKind, ReturnTo, field, from_our_pages, read_whole};

/// The two fields of a new password.
struct New {
    password: Zeroizing<String>,
    again: Zeroizing<String>,
}

impl New {
    fn of(body: &[u8]) -> Self {
        let text = |name| Zeroizing::new(field(body, name).unwrap_or_default().into_owned());
        Self { password: text("new_password"), again: text("new_password_again") }
    }

    fn secret(&self) -> SecretString {
        SecretString::from(self.password.as_str())
    }
}

impl Gateway {
    /// `GET /.auth/password`.
    pub(super) async fn password_page(&self, intake: &Intake, record: &mut Record, now: Timestamp) -> Result<Reply, Refusal> {
        let known = self.know(intake, None, now).await?;
        record.person = Some(std::sync::Arc::clone(&known.verified.subject));
        let local = self.keeper(&known)?;
        let reply = self.password_form(StatusCode::OK, local, &known, &[], intake);
        Ok(self.with_renewed(reply, &known, now))
    }

    /// `POST /.auth/password`.
    pub(super) async fn password_from_page(&self, mut intake: Intake, record: &mut Record, now: Timestamp) -> Result<Reply, Refusal> {
        let body = self.form(&mut intake).await?;
        let known = self.know(&intake, None, now).await?;
        if known.shown != Shown::Cookie {
            return Err(Refusal::Form);
        }
        record.person = Some(std::sync::Arc::clone(&known.verified.subject));
        let local = self.keeper(&known)?.clone();
        let (present, new) = (Zeroizing::new(field(&body, "password").unwrap_or_default().into_owned()), New::of(&body));
        let mut problems: Vec<Problem<'_>> = (new.password != new.again).then_some(Problem::PasswordsDiffer).into_iter().collect();
        let mut status = StatusCode::UNPROCESSABLE_ENTITY;
        if problems.is_empty() {
            let passwords = (SecretString::from(present.as_str()), new.secret());
            match self.set_password(&known, passwords, &intake, record, now).await {
                Ok(()) => {
                    let ways = [Action { label: Label::Account, href: ReturnTo::ACCOUNT }, Action { label: Label::Home, href: "/" }];
                    return Ok(self.with_renewed(self.told(Message::PasswordChanged, &ways, &intake), &known, now));
                }
                Err(refusal) => {
                    let Some(problem) = on_the_form(&refusal) else { return Err(refusal) };
                    problems.push(problem);
                    status = refusal.status();
                    record.refusal = Some(refusal.word());
                }
            }
        }
        let reply = self.password_form(status, &local, &known, &problems, &intake);
        Ok(self.with_renewed(reply, &known, now))
    }

    /// `GET /.auth/reset?token=…`: where a one-time link leads. Looking uses nothing up.
    pub(super) async fn reset_page(&self, intake: &Intake) -> Result<Reply, Refusal> {
        let query = intake.query.as_deref().unwrap_or_default().as_bytes();
        match self.link(query).await? {
            Some((secret, user, local)) => Ok(self.reset_form(StatusCode::OK, secret, &user, &local, &[], intake)),
            None => Ok(self.link_used_up(intake)),
        }
    }

    /// `POST /.auth/reset`.
    pub(super) async fn reset_from_page(&self, mut intake: Intake, record: &mut Record, now: Timestamp) -> Result<Reply, Refusal> {
        let body = self.form(&mut intake).await?;
        let Some((secret, user, local)) = self.link(&body).await? else {
            record.refusal = Some(AccountRefusal::Link.word());
            return Ok(self.link_used_up(&intake));
        };
        let new = New::of(&body);
        let outcome = if new.password == new.again {
            self.redeem(secret, new.secret(), &intake, record, now).await
        } else {
            return Ok(self.reset_form(StatusCode::UNPROCESSABLE_ENTITY, secret, &user, &local, &[Problem::PasswordsDiffer], &intake));
        };
        match outcome {
            Ok(()) => {
                let ways = [Action { label: Label::LogIn, href: Self::login_path(intake.aliases) }];
                let mut reply = self.told(Message::PasswordReset, &ways, &intake);
                self.cookies.clear(reply.headers_mut());
                Ok(reply)
            }
            Err(Refusal::Account(AccountRefusal::Link)) => Ok(self.link_used_up(&intake)),
            Err(refusal) => {
                let Some(problem) = on_the_form(&refusal) else { return Err(refusal) };
                record.refusal = Some(refusal.word());
                Ok(self.reset_form(refusal.status(), secret, &user, &local, &[problem], &intake))
            }
        }
    }

    /// The body of a form of our own pages.
    pub(super) async fn form(&self, intake: &mut Intake) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        // The browser's own word, in both cookie profiles: our forms work without a script.
        from_our_pages(&intake.headers, &intake.origin(), &self.settings.csrf)?;
        if FormKind::of(&intake.headers) != FormKind::UrlEncoded {
            return Err(Refusal::Form);
        }
        Ok(Zeroizing::new(Vec::from(read_whole(intake.take_body()).await?)))
    }

    /// A page that says what was done.
    pub(super) fn told(&self, message: Message<'_>, actions: &[Action<'_>], intake: &Intake) -> Reply {
        let lang = lang(intake);
        self.own_page(StatusCode::OK, lang, self.pages.message(lang, &MessagePage { message, actions }))
    }

    /// The link in a query or a form, while it is good.
    async fn link(&self, encoded: &[u8]) -> Result<Option<(TokenId, UserId, Local)>, Refusal> {
        let Some(secret) = field(encoded, "token").and_then(|token| TokenId::parse(&token)) else { return Ok(None) };
        Ok(self.holder(secret).await?.map(|(user, local)| (secret, user, local)))
    }

    fn link_used_up(&self, intake: &Intake) -> Reply {
        let actions = [Action { label: Label::LogIn, href: Self::login_path(intake.aliases) }];
        let mut reply = self.told(Message::LinkUsedUp, &actions, intake);
        *reply.status_mut() = StatusCode::GONE;
        keep_address(&mut reply);
        reply
    }

    fn password_form(&self, status: StatusCode, local: &Local, known: &Known, problems: &[Problem<'_>], intake: &Intake) -> Reply {
        let page = PasswordPage {
            action: ReturnTo::PASSWORD,
            subject: &known.verified.subject,
            link: None,
            least: local.settings().shortest_password,
            problems,
            back: ReturnTo::ACCOUNT,
        };
        let lang = lang(intake);
        self.own_page(status, lang, self.pages.password(lang, &page))
    }

    fn reset_form(
        &self,
        status: StatusCode,
        secret: TokenId,
        user: &UserId,
        local: &Local,
        problems: &[Problem<'_>],
        intake: &Intake,
    ) -> Reply {
        let secret = secret.to_string();
        let page = PasswordPage {
            action: RESET,
            subject: user.id(),
            link: Some(&secret),
            least: local.settings().shortest_password,
            problems,
            back: Self::login_path(intake.aliases),
        };
        let lang = lang(intake);
        let mut reply = self.own_page(status, lang, self.pages.password(lang, &page));
        keep_address(&mut reply);
        reply
    }
}

/// What is wrong with what was typed, if that is it.
fn on_the_form(refusal: &Refusal) -> Option<Problem<'static>> {
    if let Refusal::Account(AccountRefusal::Password(fault)) = refusal {
        return Some(problem(*fault));
    }
    matches!(refusal, Refusal::Account(AccountRefusal::Wrong)).then_some(Problem::PasswordWrong)
}

/// Other pages learn the origin of this one and nothing else; the form's own `Origin` stays.
fn keep_address(reply: &mut Reply) {
    reply.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("strict-origin"));
}
