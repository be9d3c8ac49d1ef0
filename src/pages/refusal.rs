use askama::Template;
use http::StatusCode;

use super::message::{Action, Label};
use super::shell::{Shell, document};
use super::texts::{Refused, Texts};
use super::{Lang, Pages, Wait, time};

/// A refusal as a page.
#[derive(Clone, Copy, Debug)]
pub struct RefusalPage<'a> {
    /// What was refused.
    pub kind: RefusalKind<'a>,
    /// The request's id in the log. People quote it when they ask for help.
    pub request_id: &'a str,
    /// This address once more, when it was plainly asked for with GET.
    pub retry: Option<&'a str>,
    /// The start of the site.
    pub home: Option<&'a str>,
}

/// Every way to say no to a browser. What the log knows of the cause is not in here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RefusalKind<'a> {
    /// 400: an address, a header or a body that cannot be passed on safely.
    BadRequest,
    /// 400: the browser is sent to and fro because it does not send the session's cookie back.
    RedirectLoop {
        /// The login page.
        login: &'a str,
    },
    /// 401: something was sent, but the session had ended. Nothing reached the application.
    FormNotSent {
        /// The login page.
        login: &'a str,
    },
    /// 403: logged in, but not allowed here.
    NotAllowed {
        /// Who is logged in.
        subject: &'a str,
        /// The login page, to use another account.
        login: &'a str,
    },
    /// 403: sent by a page of another site.
    CrossSite,
    /// 403: sent without encryption.
    NotEncrypted,
    /// 404
    NotFound,
    /// 405
    MethodNotAllowed,
    /// 408: the request did not arrive in time.
    TooSlow,
    /// 413
    BodyTooLarge {
        /// The most that is taken, in bytes, when there is one number to tell.
        limit: Option<u64>,
    },
    /// 414
    AddressTooLong,
    /// 421: a host that this connection is not for.
    Misdirected,
    /// 429
    TooMany {
        /// How long, and until when.
        wait: Wait,
    },
    /// 431: usually too many cookies.
    HeadersTooLarge,
    /// 500
    Internal,
    /// 501: a way of sending that is not taken.
    NotSupported,
    /// 502: the application cannot be reached, or its answer was broken.
    UpstreamFailed,
    /// 503: the gateway or the application takes no requests now.
    Unavailable {
        /// How long, when it is known.
        wait: Option<Wait>,
    },
    /// 504: the application did not answer in time.
    UpstreamTimedOut,
}

impl<'a> RefusalKind<'a> {
    /// The status the page is sent with.
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest | Self::RedirectLoop { .. } => StatusCode::BAD_REQUEST,
            Self::FormNotSent { .. } => StatusCode::UNAUTHORIZED,
            Self::NotAllowed { .. } | Self::CrossSite | Self::NotEncrypted => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::AddressTooLong => StatusCode::URI_TOO_LONG,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NotSupported => StatusCode::NOT_IMPLEMENTED,
            Self::UpstreamFailed => StatusCode::BAD_GATEWAY,
            Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::UpstreamTimedOut => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// What happened, in one sentence: for the JSON answer to the same refusal.
    pub const fn message(&self, lang: Lang) -> &'static str {
        self.told(Texts::of(lang)).what
    }

    const fn told(&self, t: &'static Texts) -> &'static Refused {
        match self {
            Self::BadRequest => &t.refusal.bad_request,
            Self::RedirectLoop { .. } => &t.refusal.redirect_loop,
            Self::FormNotSent { .. } => &t.refusal.form_not_sent,
            Self::NotAllowed { .. } => &t.refusal.not_allowed,
            Self::CrossSite => &t.refusal.cross_site,
            Self::NotEncrypted => &t.refusal.not_encrypted,
            Self::NotFound => &t.refusal.not_found,
            Self::MethodNotAllowed => &t.refusal.method_not_allowed,
            Self::TooSlow => &t.refusal.too_slow,
            Self::BodyTooLarge { .. } => &t.refusal.body_too_large,
            Self::AddressTooLong => &t.refusal.address_too_long,
            Self::Misdirected => &t.refusal.misdirected,
            Self::TooMany { .. } => &t.refusal.too_many,
            Self::HeadersTooLarge => &t.refusal.headers_too_large,
            Self::Internal => &t.refusal.internal,
            Self::NotSupported => &t.refusal.not_supported,
            Self::UpstreamFailed => &t.refusal.upstream_failed,
            Self::Unavailable { .. } => &t.refusal.unavailable,
            Self::UpstreamTimedOut => &t.refusal.upstream_timed_out,
        }
    }

    /// What is particular to this one refusal: who is logged in, how much is too much, when to come back.
    fn particular(&self, lang: Lang, pages: &Pages) -> Option<String> {
        let t = Texts::of(lang);
        match self {
            Self::NotAllowed { subject, .. } => Some((t.refusal.signed_in_as)(subject)),
            Self::BodyTooLarge { limit: Some(limit) } => Some((t.refusal.limit)(&size(*limit))),
            Self::TooMany { wait } | Self::Unavailable { wait: Some(wait) } => Some(time::again_at(lang, &pages.zone, *wait)),
            Self::BodyTooLarge { limit: None }
            | Self::Unavailable { wait: None }
            | Self::BadRequest
            | Self::RedirectLoop { .. }
            | Self::FormNotSent { .. }
            | Self::CrossSite
            | Self::NotEncrypted
            | Self::NotFound
            | Self::MethodNotAllowed
            | Self::TooSlow
            | Self::AddressTooLong
            | Self::Misdirected
            | Self::HeadersTooLarge
            | Self::Internal
            | Self::NotSupported
            | Self::UpstreamFailed
            | Self::UpstreamTimedOut => None,
        }
    }

    /// The way on that this refusal itself offers.
    const fn way_on(&self) -> Option<Action<'a>> {
        match self {
            Self::RedirectLoop { login } => Some(Action { label: Label::LogIn, href: login }),
            Self::FormNotSent { login } => Some(Action { label: Label::LogInInNewTab, href: login }),
            Self::NotAllowed { login, .. } => Some(Action { label: Label::LogInAsOther, href: login }),
            Self::BadRequest
            | Self::CrossSite
            | Self::NotEncrypted
            | Self::NotFound
            | Self::MethodNotAllowed
            | Self::TooSlow
            | Self::BodyTooLarge { .. }
            | Self::AddressTooLong
            | Self::Misdirected
            | Self::TooMany { .. }
            | Self::HeadersTooLarge
            | Self::Internal
            | Self::NotSupported
            | Self::UpstreamFailed
            | Self::Unavailable { .. }
            | Self::UpstreamTimedOut => None,
        }
    }
}

/// A size as people say it, rounded down: what is named must be taken.
fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KB", bytes >> 10),
        1_048_576..1_073_741_824 => format!("{} MB", bytes >> 20),
        1_073_741_824.. => format!("{} GB", bytes >> 30),
    }
}

#[derive(Template)]
#[template(path = "refusal.html")]
struct Document<'a> {
    s: Shell<'a>,
    t: &'static Texts,
    status: u16,
    told: &'static Refused,
    /// The heading in the other language: such a page may have no address under which it could be asked for again.
    aside: &'static str,
    particular: Option<String>,
    actions: Vec<Action<'a>>,
}

pub(super) fn render(pages: &Pages, lang: Lang, page: &RefusalPage<'_>) -> String {
    let t = Texts::of(lang);
    let told = page.kind.told(t);
    let retry = page.retry.map(|href| Action { label: Label::Retry, href });
    let home = page.home.map(|href| Action { label: Label::Home, href });
    document(&Document {
        s: Shell::new(pages, lang, told.title).request(Some(page.request_id)),
        t,
        status: page.kind.status().as_u16(),
        told,
        aside: page.kind.told(Texts::of(lang.other())).title,
        particular: page.kind.particular(lang, pages),
        actions: page.kind.way_on().into_iter().chain(retry).chain(home).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_named_is_a_size_taken() {
        assert_eq!(size(1023), "1023 B");
        assert_eq!(size(1 << 10), "1 KB");
        assert_eq!(size((10 << 20) + 5), "10 MB");
        assert_eq!(size(3 << 30), "3 GB");
    }
}
