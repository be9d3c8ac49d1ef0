use askama::Template;

use crate::pages::shell::Shell;
use crate::pages::texts::Texts;

/// What is wrong with something typed into a form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Problem<'a> {
    /// No id was typed.
    IdMissing,
    /// Ids here do not look so.
    IdImpossible,
    /// Nobody can take this id: it is in use, waiting, or blocked.
    IdTaken,
    /// A name is needed, and pages and headers must be able to carry it.
    NameImpossible,
    /// It is no e-mail address.
    EmailImpossible,
    /// The further field of this name is needed.
    FieldMissing(&'a str),
    /// The new password has fewer characters than this.
    PasswordTooShort(usize),
    /// The new password has more characters than this.
    PasswordTooLong(usize),
    /// The new password is among those that are guessed first, or like the person's id or name.
    PasswordCommon,
    /// The two new passwords are not the same.
    PasswordsDiffer,
    /// The present password is wrong.
    PasswordWrong,
}

impl<'a> Problem<'a> {
    /// The name of the field it is about.
    pub const fn field(&self) -> &'a str {
        match self {
            Self::IdMissing | Self::IdImpossible | Self::IdTaken => "id",
            Self::NameImpossible => "name",
            Self::EmailImpossible => "email",
            Self::FieldMissing(name) => name,
            Self::PasswordTooShort(_) | Self::PasswordTooLong(_) | Self::PasswordCommon => "new_password",
            Self::PasswordsDiffer => "new_password_again",
            Self::PasswordWrong => "password",
        }
    }

    fn text(&self, t: &'static Texts) -> String {
        let p = &t.account.problems;
        match self {
            Self::IdMissing => p.id_missing.into(),
            Self::IdImpossible => p.id_impossible.into(),
            Self::IdTaken => p.id_taken.into(),
            Self::NameImpossible => p.name_impossible.into(),
            Self::EmailImpossible => p.email_impossible.into(),
            Self::FieldMissing(_) => p.field_missing.into(),
            Self::PasswordTooShort(least) => (p.password_too_short)(*least),
            Self::PasswordTooLong(most) => (p.password_too_long)(*most),
            Self::PasswordCommon => p.password_common.into(),
            Self::PasswordsDiffer => p.passwords_differ.into(),
            Self::PasswordWrong => p.password_wrong.into(),
        }
    }
}

/// One field of a form, ready to be written.
pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    pub(super) label: &'a str,
    pub(super) kind: &'static str,
    pub(super) value: &'a str,
    pub(super) autocomplete: &'static str,
    pub(super) hint: Option<String>,
    pub(super) required: bool,
    pub(super) problem: Option<String>,
}

impl<'a> Field<'a> {
    pub(super) fn text(name: &'a str, label: &'a str, value: &'a str) -> Self {
        Self { name, label, kind: "text", value, autocomplete: "off", hint: None, required: true, problem: None }
    }

    /// A password is never sent back to the page.
    pub(super) fn password(name: &'a str, label: &'a str, autocomplete: &'static str) -> Self {
        Self { kind: "password", autocomplete, ..Self::text(name, label, "") }
    }

    pub(super) fn autocomplete(mut self, token: &'static str) -> Self {
        self.autocomplete = token;
        self
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The two fields of a new password.
pub(super) fn new_password<'a>(t: &'static Texts, least: usize) -> [Field<'a>; 2] {
    [
        Field::password("new_password", t.account.new_password, "new-password").hint((t.account.new_password_hint)(least)),
        Field::password("new_password_again", t.account.new_password_again, "new-password"),
    ]
}

/// A page that is a form.
#[derive(Template)]
#[template(path = "form.html")]
pub(super) struct FormDocument<'a> {
    pub(super) s: Shell<'a>,
    pub(super) t: &'static Texts,
    pub(super) title: &'a str,
    pub(super) lead: String,
    /// Whose form it is, for password managers and for the person, and what that is called.
    pub(super) subject: Option<(&'a str, &'a str)>,
    pub(super) action: &'a str,
    pub(super) hidden: &'a [(&'a str, &'a str)],
    pub(super) fields: Vec<Field<'a>>,
    pub(super) submit: &'a str,
    pub(super) dangerous: bool,
    /// A way out: a text before the link, the link's text, where it leads.
    pub(super) aside: Option<(&'a str, &'a str, &'a str)>,
}

impl<'a> FormDocument<'a> {
    /// Puts each problem at its field. Browsers bring the focus to the first one.
    pub(super) fn with_problems(mut self, problems: &[Problem<'a>]) -> Self {
        for problem in problems {
            let text = problem.text(self.t);
            if let Some(field) = self.fields.iter_mut().find(|field| field.name == problem.field()) {
                field.problem = Some(field.problem.take().map_or_else(|| text.clone(), |before| format!("{before} {text}")));
            }
        }
        if !problems.is_empty() {
            self.s.title = format!("{} · {}", self.t.account.check_input, self.s.title);
        }
        self
    }

    fn has_problems(&self) -> bool {
        self.fields.iter().any(|field| field.problem.is_some())
    }

    /// The field that is ready for typing: the first with a problem, else the first that is empty.
    fn focus(&self) -> usize {
        let wrong = self.fields.iter().position(|field| field.problem.is_some());
        wrong.or_else(|| self.fields.iter().position(|field| field.value.is_empty())).unwrap_or(0)
    }
}
