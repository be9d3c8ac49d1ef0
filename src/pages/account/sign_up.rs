use super::form::{Field, FormDocument, Problem, new_password};
use crate::pages::shell::{Shell, document};
use crate::pages::texts::Texts;
use crate::pages::{Lang, Pages};

/// The page to make an account of one's own. Its form posts `id`, `name`, `email`, the further fields, `new_password`
/// and `new_password_again`.
#[derive(Clone, Copy, Debug, Default)]
pub struct SignUpPage<'a> {
    /// Where the form goes.
    pub action: &'a str,
    /// The login page, for those who have an account.
    pub login: &'a str,
    /// Where one wants to go after the login, and the browser's mark with it, for the page in the other language.
    pub next: (Option<&'a str>, Option<&'a str>),
    /// What was typed before.
    pub id: &'a str,
    /// What an id may have besides letters and digits.
    pub id_extra: &'a str,
    /// Most characters of an id.
    pub id_longest: usize,
    /// What was typed before.
    pub name: &'a str,
    /// What was typed before.
    pub email: &'a str,
    /// What else the operator asks.
    pub extra: &'a [ExtraField<'a>],
    /// An administrator has to approve the account.
    pub approval: bool,
    /// Least characters of a password.
    pub least: usize,
    /// What is wrong with what was typed.
    pub problems: &'a [Problem<'a>],
}

/// A further field of the sign-up page.
#[derive(Clone, Copy, Debug)]
pub struct ExtraField<'a> {
    /// What the form sends it as.
    pub name: &'a str,
    /// What people are asked.
    pub label: &'a str,
    /// What was typed before.
    pub value: &'a str,
    /// It cannot stay empty.
    pub required: bool,
}

pub(in crate::pages) fn render(pages: &Pages, lang: Lang, page: &SignUpPage<'_>) -> String {
    let t = Texts::of(lang);
    let mut fields = vec![
        Field::text("id", t.login.id, page.id).autocomplete("username").hint((t.account.id_hint)(page.id_extra, page.id_longest)),
        Field::text("name", t.me.name, page.name).autocomplete("name"),
        Field { kind: "email", ..Field::text("email", t.me.email, page.email).autocomplete("email") },
    ];
    fields.extend(page.extra.iter().map(|extra| Field { required: extra.required, ..Field::text(extra.name, extra.label, extra.value) }));
    fields.extend(new_password(t, page.least));
    let form = FormDocument {
        s: Shell::new(pages, lang, t.account.sign_up).switching(&[("next", page.next.0), ("mark", page.next.1)]),
        t,
        title: t.account.sign_up,
        lead: if page.approval { t.account.sign_up_approval.into() } else { t.account.sign_up_lead.into() },
        subject: None,
        action: page.action,
        hidden: &[],
        fields,
        submit: t.account.sign_up_submit,
        dangerous: false,
        aside: Some((t.account.have_account, t.label.log_in, page.login)),
    };
    document(&form.with_problems(page.problems))
}
