use askama::Template;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::texts::Texts;
use super::{Lang, Logo, Pages};

/// What stands around every page: head, signboard, foot. The base template reads it as `s`.
pub(super) struct Shell<'a> {
    pub(super) lang: &'static str,
    pub(super) other: &'static str,
    pub(super) t: &'static Texts,
    pub(super) title: String,
    pub(super) brand: &'a str,
    pub(super) logo: Option<&'a str>,
    pub(super) contact: Option<&'a str>,
    pub(super) sheets: Vec<&'a str>,
    pub(super) icon: &'a str,
    /// Where the other language is; `None` on pages that have no address of their own.
    pub(super) switch: Option<String>,
    pub(super) request_id: Option<&'a str>,
}

impl<'a> Shell<'a> {
    pub(super) fn new(pages: &'a Pages, lang: Lang, title: &str) -> Self {
        let brand = pages.brand.name.as_str();
        Self {
            lang: lang.as_str(),
            other: lang.other().as_str(),
            t: Texts::of(lang),
            title: format!("{title} · {brand}"),
            brand,
            logo: pages.brand.logo.as_ref().map(Logo::source),
            contact: pages.brand.contact.as_deref(),
            sheets: vec![pages.style.core(), pages.style.gate()],
            icon: pages.style.icon(),
            switch: None,
            request_id: None,
        }
    }

    /// Offers the page in the other language, with these parameters kept. The link has no path, so it stays where it is.
    pub(super) fn switching(mut self, keep: &[(&str, Option<&str>)]) -> Self {
        let mut link = format!("?{}={}", Lang::PARAMETER, self.other);
        for (name, value) in keep {
            if let Some(value) = value {
                link.push('&');
                link.push_str(name);
                link.push('=');
                link.extend(utf8_percent_encode(value, NON_ALPHANUMERIC));
            }
        }
        self.switch = Some(link);
        self
    }

    /// The wide pages of the administration, which have tables and plots.
    pub(super) fn wide(mut self, pages: &'a Pages) -> Self {
        self.sheets = vec![pages.style.core(), pages.style.admin()];
        self
    }

    pub(super) fn request(mut self, id: Option<&'a str>) -> Self {
        self.request_id = id;
        self
    }
}

/// What is sent should a template ever fail. None can: they write text into memory and nothing else.
const BARE: &str = "<!doctype html><html lang=\"ko\"><head><meta charset=\"utf-8\"><title>오류 · Error</title></head>\
    <body><main><h1>오류 · Error</h1><p>페이지를 만들지 못했습니다. This page could not be made.</p></main></body></html>";

/// The document.
pub(super) fn document(template: &impl Template) -> String {
    template.render().unwrap_or_else(|_| BARE.to_owned())
}
