use askama::Template;

use super::shell::{Shell, document};
use super::texts::{Texts, Told};
use super::{Lang, LoginError, Pages, WhyHere};

/// What the login page shows. Its form posts `id`, `password`, `remember` (`on`), `provider` and `next`, as
/// `application/x-www-form-urlencoded` in UTF-8.
#[derive(Clone, Copy, Debug, Default)]
pub struct LoginPage<'a> {
    /// Where the form goes: the login path of this host.
    pub action: &'a str,
    /// Where to go afterwards; already checked.
    pub next: Option<&'a str>,
    /// Which browser goes on to another host afterwards.
    pub mark: Option<&'a str>,
    /// The account systems there are. One is shown by name, several are offered.
    pub providers: &'a [ProviderChoice<'a>],
    /// The name of the one chosen; the first when `None`.
    pub provider: Option<&'a str>,
    /// The id typed before, so that it need not be typed again.
    pub id: &'a str,
    /// Whether "remember me" is ticked; `None`: nobody is remembered here.
    pub remember: Option<bool>,
    /// Why one is here.
    pub why: Option<WhyHere>,
    /// Why the last attempt did not work.
    pub error: Option<LoginError<'a>>,
    /// Something the account system wants told, in its own words.
    pub notice: Option<&'a str>,
    /// Who is logged in already, when the page was opened to use another account.
    pub signed_in_as: Option<&'a str>,
    /// Where accounts are made, if people may make their own.
    pub sign_up: Option<&'a str>,
    /// The request's id in the log; shown with an error.
    pub request_id: Option<&'a str>,
}

/// One account system to choose.
#[derive(Clone, Copy, Debug)]
pub struct ProviderChoice<'a> {
    /// Its name in the configuration: what the form sends.
    pub name: &'a str,
    /// What people call it.
    pub label: &'a str,
    /// What its ids are ("학번 또는 교직원 번호").
    pub hint: Option<&'a str>,
    /// False while it is known not to answer. It can be tried all the same.
    pub answering: bool,
}

#[derive(Template)]
#[template(path = "login.html")]
struct Document<'a> {
    s: Shell<'a>,
    t: &'static Texts,
    p: &'a LoginPage<'a>,
    chosen: &'a str,
    error: Option<ErrorShown<'a>>,
    why: Option<&'static Told>,
    /// What ids are, when there is one account system; several say it each at its own name.
    id_hint: Option<&'a str>,
}

struct ErrorShown<'a> {
    what: &'a str,
    todo: &'static str,
    wait: Option<String>,
}

pub(super) fn render(pages: &Pages, lang: Lang, page: &LoginPage<'_>) -> String {
    let t = Texts::of(lang);
    let error = page.error.map(|error| {
        let in_their_words = matches!(error, LoginError::Refused(Some(_)));
        let todo = if in_their_words { t.login_error.refused_todo } else { error.told(t).todo };
        ErrorShown { what: error.message(lang), todo, wait: error.wait(lang, pages) }
    });
    // Read aloud, the title is heard first: it says that something went wrong.
    let title = if error.is_some() { t.login.title_failed } else { t.login.title };
    let shell = Shell::new(pages, lang, title)
        .switching(&[
            ("next", page.next),
            ("mark", page.mark),
            (WhyHere::PARAMETER, page.why.map(WhyHere::as_str)),
            ("switch", page.signed_in_as.map(|_| "1")),
        ])
        .request(page.request_id.filter(|_| page.error.is_some_and(|error| error.is_ours())));
    let chosen = page.provider.or(page.providers.first().map(|first| first.name)).unwrap_or("");
    let id_hint = if let [only] = page.providers { only.hint } else { None };
    document(&Document { s: shell, t, p: page, chosen, error, why: page.why.map(|why| why.told(t)), id_hint })
}
