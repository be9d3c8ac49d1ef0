use http::StatusCode;
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::Clerk;
use super::lists::{address, groups, member_address, state};
use crate::base::SessionId;
use crate::gateway::admit::Known;
use crate::gateway::office::{Actor, OfficeFault, Wanted};
use crate::gateway::record::Record;
use crate::gateway::renew::life;
use crate::gateway::reply::{self, Reply};
use crate::gateway::{Gateway, Refusal};
use crate::identity::{DisplayName, Email, UserId};
use crate::pages::{Confirm, ConfirmPage, MemberCommand, MemberNotice, MemberPage, MemberProblem, Problem, SessionRow};
use crate::token::Grant;
use crate::web::{Arriving, FormKind, ReturnTo, field, read_whole};

/// What a form of a member's page may send along.
const FIELDS: [&str; 4] = ["role", "groups", "session", "keep_blocked"];

/// What came of a command.
enum Outcome {
    /// It holds from now on.
    Saved,
    /// A one-time link.
    Link(String),
    /// The member is gone.
    Removed,
    /// It was not done.
    Refused(MemberProblem),
}

impl Gateway {
    /// One member.
    pub(super) async fn member(&self, clerk: &Clerk<'_>, notice: Option<MemberNotice<'_>>) -> Result<Reply, Refusal> {
        let person = match self.person(whom(clerk)?).await {
            Ok(person) => person,
            Err(OfficeFault::Store(error)) => return Err(error.into()),
            Err(_) => return Err(Refusal::NotFound),
        };
        let user = &person.user;
        let sessions = self.shared.store.sessions_of(user.clone(), clerk.now).await?;
        let rows: Vec<SessionRow<'_>> = sessions.iter().map(crate::gateway::endpoints::session_row).collect();
        let saved = field(clerk.query(), "done").is_some_and(|done| done == "saved");
        let page = MemberPage {
            console: clerk.console(),
            action: &member_address(user),
            id: &user.to_string(),
            subject: &self.issuer.subjects().write(user),
            name: person.state.profile.name.as_ref().map(DisplayName::as_str),
            email: person.state.profile.email.as_ref().map(Email::as_str),
            realm: user.realm().as_str(),
            role: self.role_of(&person),
            fixed_role: self.settings.groups.makes_admin(user),
            oneself: *user == clerk.known.verified.user,
            groups: &groups(&person),
            state: state(&person),
            created: person.created,
            last_login: person.last_login,
            sessions: &rows,
            local: person.account.is_some(),
            audit: &address(ReturnTo::AUDIT, [("person", &*user.to_string())].into_iter()),
            notice: notice.or_else(|| saved.then_some(MemberNotice::Saved)),
        };
        let status = if matches!(notice, Some(MemberNotice::Refused(_))) { StatusCode::CONFLICT } else { StatusCode::OK };
        Ok(self.own_page(status, clerk.lang, self.pages.member(clerk.lang, &page)))
    }

    /// A button on a member's page. Without a password given within the last minutes it leads to a page that asks for it,
    /// and removing somebody always does.
    pub(super) async fn change_member(&self, clerk: &Clerk<'_>, body: Option<Arriving>, record: &mut Record) -> Result<Reply, Refusal> {
        if FormKind::of(&clerk.intake.headers) != FormKind::UrlEncoded {
            return Err(Refusal::Form);
        }
        let user = whom(clerk)?;
        let body = Zeroizing::new(Vec::from(read_whole(body).await?));
        let command = field(&body, "do").and_then(|word| MemberCommand::parse(&word)).ok_or(Refusal::Form)?;
        let proven = match field(&body, "password") {
            None if clerk.is_fresh() && command != MemberCommand::Remove => false,
            None => return Ok(self.ask_clerk(StatusCode::OK, &user, command, &body, clerk, &[])),
            Some(typed) => {
                let typed = Zeroizing::new(typed.into_owned());
                match self.confirm(&clerk.known.verified, SecretString::from(typed.as_str()), clerk.intake, record, clerk.now).await {
                    Ok(()) => true,
                    Err(refusal @ Refusal::LoginRefused { .. }) => {
                        record.refusal = Some(refusal.word());
                        let problems = [Problem::PasswordWrong];
                        return Ok(self.ask_clerk(StatusCode::FORBIDDEN, &user, command, &body, clerk, &problems));
                    }
                    Err(refusal) => return Err(refusal),
                }
            }
        };
        let actor = Actor {
            name: clerk.known.verified.user.to_string(),
            user: Some(clerk.known.verified.user.clone()),
            address: Some(clerk.intake.client),
            request: Some(record.id.to_string()),
        };
        let outcome = self.carry_out(command, &user, &body, &actor).await?;
        let mut reply = match &outcome {
            // Asked for again by a reload, a page must not do it again; a link is shown here and never again.
            Outcome::Saved => reply::see_other(&format!("{}&done=saved", member_address(&user))),
            Outcome::Removed => reply::see_other(&address(ReturnTo::MEMBERS, [("done", "removed")].into_iter())),
            Outcome::Link(link) => self.member(clerk, Some(MemberNotice::ResetLink(link))).await?,
            Outcome::Refused(problem) => self.member(clerk, Some(MemberNotice::Refused(*problem))).await?,
        };
        if proven {
            self.hand_fresh(&mut reply, &clerk.known, clerk).await?;
        }
        Ok(reply)
    }

    async fn carry_out(&self, command: MemberCommand, user: &UserId, body: &[u8], actor: &Actor) -> Result<Outcome, Refusal> {
        let done = match command {
            MemberCommand::Save => self.alter(user.clone(), &saved(body), actor).await.map(drop),
            MemberCommand::Approve => self.approve(user.clone(), actor).await.map(drop),
            MemberCommand::Disable => self.alter(user.clone(), &Wanted::disabled(true), actor).await.map(drop),
            MemberCommand::Enable => self.alter(user.clone(), &Wanted::disabled(false), actor).await.map(drop),
            MemberCommand::EndSessions => self.log_person_out(user, actor).await.map(drop),
            MemberCommand::EndSession => {
                let session = field(body, "session").and_then(|text| SessionId::parse(&text)).ok_or(Refusal::Form)?;
                self.end_by_office(session, Some(user), actor).await.map(drop)
            }
            MemberCommand::Reset => match self.reset_link(user.clone(), actor).await {
                Ok(link) => return Ok(Outcome::Link(link)),
                Err(fault) => Err(fault),
            },
            MemberCommand::Remove => {
                let keep_blocked = field(body, "keep_blocked").is_some_and(|ticked| ticked == "on");
                match self.remove(user.clone(), keep_blocked, actor).await {
                    Ok(_) => return Ok(Outcome::Removed),
                    Err(fault) => Err(fault),
                }
            }
        };
        match done {
            Ok(()) => Ok(Outcome::Saved),
            Err(fault) => problem(fault).map(Outcome::Refused),
        }
    }

    fn ask_clerk(
        &self,
        status: StatusCode,
        user: &UserId,
        command: MemberCommand,
        body: &[u8],
        clerk: &Clerk<'_>,
        problems: &[Problem<'_>],
    ) -> Reply {
        let subject = self.issuer.subjects().write(user);
        let place = member_address(user);
        let sent: Vec<_> = FIELDS.iter().filter_map(|name| Some((*name, field(body, name)?))).collect();
        let mut hidden = vec![("do", command.as_str())];
        hidden.extend(sent.iter().map(|(name, value)| (*name, &**value)));
        let purpose = match command {
            MemberCommand::Remove => Confirm::RemoveMember(&subject),
            MemberCommand::Save
            | MemberCommand::Approve
            | MemberCommand::Disable
            | MemberCommand::Enable
            | MemberCommand::Reset
            | MemberCommand::EndSession
            | MemberCommand::EndSessions => Confirm::ChangeMember(&subject),
        };
        let page = ConfirmPage { purpose, action: &place, hidden: &hidden, subject: &clerk.known.verified.subject, problems, back: &place };
        self.own_page(status, clerk.lang, self.pages.confirm(clerk.lang, &page))
    }

    /// An access cookie that says that the password was given just now.
    async fn hand_fresh(&self, reply: &mut Reply, known: &Known, clerk: &Clerk<'_>) -> Result<(), Refusal> {
        let session = self.shared.store.session(known.verified.session).await?.filter(|session| session.ended.is_none());
        // Whoever has just ended all sessions of their own has none to be fresh in.
        let Some(session) = session else { return Ok(()) };
        let grant = Grant { fresh: true, ..self.grant_of(&session) };
        let access = self.issuer.access(&grant, clerk.now).map_err(|_| Refusal::Internal("the signing key does not sign"))?;
        clerk.cookies.set_access(reply.headers_mut(), &access.token, &access.csrf, life(&session), clerk.now);
        Ok(())
    }
}

/// Whose page it is.
fn whom(clerk: &Clerk<'_>) -> Result<UserId, Refusal> {
    field(clerk.query(), "id").and_then(|id| UserId::parse(&id).ok()).ok_or(Refusal::NotFound)
}

/// What the form of role and groups says. A role that the configuration gives is not in it.
fn saved(body: &[u8]) -> Wanted {
    let groups = field(body, "groups").map(|text| {
        let words = text.split([',', ' ', '\t', '\n', '\r']).filter(|word| !word.is_empty());
        words.map(str::to_owned).collect()
    });
    Wanted::rights(field(body, "role").map(std::borrow::Cow::into_owned), groups)
}

/// What an administrator is told; what is nobody's fault here is a refusal.
fn problem(fault: OfficeFault) -> Result<MemberProblem, Refusal> {
    match fault {
        OfficeFault::Wrong(_) => Ok(MemberProblem::Groups),
        OfficeFault::Oneself(_) => Ok(MemberProblem::Oneself),
        OfficeFault::NoSession(_) => Ok(MemberProblem::SessionGone),
        OfficeFault::NoAccount(_) | OfficeFault::Configured(_) => Ok(MemberProblem::NotPossible),
        OfficeFault::Store(error) => Err(error.into()),
        OfficeFault::Nobody(_) => Err(Refusal::NotFound),
        OfficeFault::Known(_) | OfficeFault::Ambiguous { .. } | OfficeFault::Blocked(_) | OfficeFault::NotBlocked(_) => Err(Refusal::Form),
    }
}
