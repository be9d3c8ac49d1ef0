//! The page on which people make an account of their own. It logs nobody in, and nobody waits for an administrator unheard:
//! the answer says whether the account can be used.

use http::StatusCode;
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::SIGN_UP;
use super::carry::Next;
use super::login::lang;
use crate::base::Timestamp;
use crate::gateway::record::Record;
use crate::gateway::reply::Reply;
use crate::gateway::self_service::Wish;
use crate::gateway::{AccountRefusal, Gateway, Intake, Refusal};
use crate::identity::{DisplayName, Email, Profile, UserId};
use crate::pages::{Action, ExtraField, Label, Message, MessagePage, Problem, SignUpPage};
use crate::provider::{AccountFault, FieldSettings, Local, PasswordFault, Registration};
use crate::store::AccountStatus;
use crate::web::field;

/// What was typed into the form.
#[derive(Default)]
struct Typed {
    id: String,
    name: String,
    email: String,
    /// What the operator asks besides, in the configured order.
    extra: Vec<String>,
    password: Zeroizing<String>,
    again: Zeroizing<String>,
}

impl Gateway {
    /// Where people make accounts, if they may, on their way to `next`.
    pub(super) fn sign_up_place(&self, next: Option<&Next>) -> Option<String> {
        self.registering().is_some().then(|| on_the_way(SIGN_UP, next))
    }

    /// `GET /.auth/signup`.
    pub(super) fn sign_up_page(&self, intake: &Intake) -> Result<Reply, Refusal> {
        let Some(local) = self.registering() else { return self.sign_up_closed(intake) };
        Ok(self.sign_up_form(StatusCode::OK, local, &Typed::default(), &[], intake))
    }

    /// `POST /.auth/signup`.
    pub(super) async fn sign_up_from_page(&self, mut intake: Intake, record: &mut Record, now: Timestamp) -> Result<Reply, Refusal> {
        let body = self.form(&mut intake).await?;
        let Some(local) = self.registering() else { return self.sign_up_closed(&intake) };
        let text = |name: &str| field(&body, name).unwrap_or_default().into_owned();
        let typed = Typed {
            id: text("id"),
            name: text("name"),
            email: text("email"),
            extra: local.settings().fields.iter().map(|asked| text(&asked.name)).collect(),
            password: Zeroizing::new(text("new_password")),
            again: Zeroizing::new(text("new_password_again")),
        };
        let wish = match self.wish(local, &typed).await? {
            Ok(wish) => wish,
            Err(problems) => {
                record.refusal = Some("sign_up_form");
                return Ok(self.sign_up_form(StatusCode::UNPROCESSABLE_ENTITY, local, &typed, &problems, &intake));
            }
        };
        let status = match self.make_account(local, wish, &intake, record, now).await {
            Ok(status) => status,
            Err(refusal @ Refusal::Account(AccountRefusal::Taken)) => {
                record.refusal = Some(refusal.word());
                return Ok(self.sign_up_form(refusal.status(), local, &typed, &[Problem::IdTaken], &intake));
            }
            Err(refusal) => return Err(refusal),
        };
        let message = match status {
            AccountStatus::Active => Message::SignedUp,
            AccountStatus::Awaiting => Message::SignedUpAwaitingApproval,
        };
        let login = on_the_way(Self::login_path(intake.aliases), self.next_of(&intake).as_ref());
        let actions = [Action { label: Label::LogIn, href: &login }];
        let lang = lang(&intake);
        Ok(self.own_page(StatusCode::CREATED, lang, self.pages.message(lang, &MessagePage { message, actions: &actions })))
    }

    /// The provider with which people may make accounts.
    fn registering(&self) -> Option<&Local> {
        self.locals().find(|local| local.settings().registration != Registration::Closed)
    }

    /// What was typed as an account that can be made, or everything that is wrong with it at once.
    async fn wish<'l>(&self, local: &'l Local, typed: &Typed) -> Result<Result<Wish, Vec<Problem<'l>>>, Refusal> {
        let settings = local.settings();
        let mut problems = Vec::new();
        let user = id(local, typed).map_err(|problem| problems.push(problem)).ok();
        let name = DisplayName::new(&typed.name).map_err(|_| problems.push(Problem::NameImpossible)).ok();
        let email = Email::new(&typed.email).map_err(|_| problems.push(Problem::EmailImpossible)).ok();
        let said = |name: &str| settings.fields.iter().position(|asked| asked.name == name).and_then(|at| typed.extra.get(at));
        let fields = settings.answers(|name| said(name).map(String::as_str));
        let fields = fields.map_err(|names| problems.extend(names.into_iter().map(Problem::FieldMissing))).unwrap_or_default();
        problems.extend(self.password_problem(local, about(typed), &typed.password).await?);
        if typed.password != typed.again {
            problems.push(Problem::PasswordsDiffer);
        }
        Ok(match user.filter(|_| problems.is_empty()) {
            Some(user) => {
                let profile = Profile { name, email, ..Profile::default() };
                Ok(Wish { user, profile, fields, password: SecretString::from(typed.password.as_str()) })
            }
            None => Err(problems),
        })
    }

    /// What is wrong with a new password, if anything.
    pub(super) async fn password_problem(&self, local: &Local, about: Vec<String>, new: &str) -> Result<Option<Problem<'static>>, Refusal> {
        let (local, new) = (local.clone(), SecretString::from(new));
        match self.elsewhere(async move { local.judge(about, new).await }).await {
            Ok(()) => Ok(None),
            Err(AccountFault::Password(fault)) => Ok(Some(problem(fault))),
            Err(fault) => Err(fault.into()),
        }
    }

    fn sign_up_form(&self, status: StatusCode, local: &Local, typed: &Typed, problems: &[Problem<'_>], intake: &Intake) -> Reply {
        let settings = local.settings();
        let value = |at| typed.extra.get(at).map_or("", String::as_str);
        let extra: Vec<ExtraField<'_>> = settings.fields.iter().enumerate().map(|(at, asked)| extra(asked, value(at))).collect();
        let next = self.next_of(intake);
        let kept = next.as_ref().map(Next::parameters);
        let page = SignUpPage {
            action: &on_the_way(SIGN_UP, next.as_ref()),
            login: &on_the_way(Self::login_path(intake.aliases), next.as_ref()),
            next: kept.as_ref().map_or((None, None), |(place, mark)| (Some(place), *mark)),
            id: &typed.id,
            id_extra: &settings.id_rule.extra,
            id_longest: settings.id_rule.longest,
            name: &typed.name,
            email: &typed.email,
            extra: &extra,
            approval: settings.registration == Registration::Approval,
            least: settings.shortest_password,
            problems,
        };
        let lang = lang(intake);
        self.own_page(status, lang, self.pages.sign_up(lang, &page))
    }

    /// Where one wants to go once one has an account: it stays in the address, for the login page after it.
    fn next_of(&self, intake: &Intake) -> Option<Next> {
        self.next(intake, intake.query.as_deref().unwrap_or_default().as_bytes())
    }

    /// There is no such page, or nobody may use it: then they are told so.
    fn sign_up_closed(&self, intake: &Intake) -> Result<Reply, Refusal> {
        if self.locals().next().is_none() {
            return Err(Refusal::NotFound);
        }
        let actions = [Action { label: Label::LogIn, href: Self::login_path(intake.aliases) }];
        let page = MessagePage { message: Message::SignUpClosed, actions: &actions };
        let lang = lang(intake);
        Ok(self.own_page(StatusCode::FORBIDDEN, lang, self.pages.message(lang, &page)))
    }
}

fn on_the_way(page: &str, next: Option<&Next>) -> String {
    next.map_or_else(|| page.to_owned(), |next| next.kept_at(page))
}

fn extra<'a>(asked: &'a FieldSettings, value: &'a str) -> ExtraField<'a> {
    ExtraField { name: &asked.name, label: asked.label.as_str(), value, required: asked.required }
}

/// How a page words what is wrong with a new password.
pub(super) const fn problem(fault: PasswordFault) -> Problem<'static> {
    match fault {
        PasswordFault::TooShort { least } => Problem::PasswordTooShort(least),
        PasswordFault::TooLong => Problem::PasswordTooLong(Local::LONGEST_PASSWORD),
        PasswordFault::Common => Problem::PasswordCommon,
    }
}

fn id(local: &Local, typed: &Typed) -> Result<UserId, Problem<'static>> {
    if typed.id.trim().is_empty() {
        return Err(Problem::IdMissing);
    }
    let settings = local.settings();
    settings.id_rule.canonical(&settings.realm, &typed.id).map_err(|_| Problem::IdImpossible)
}

/// What a password may not be made of.
fn about(typed: &Typed) -> Vec<String> {
    [&typed.id, &typed.name, &typed.email].into_iter().filter(|text| text.len() < 256).cloned().collect()
}
