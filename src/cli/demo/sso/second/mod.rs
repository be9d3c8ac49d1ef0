//! The second generation: `/sso/auth`, a page with a key, an encrypted password, redirects; and a service behind it.

mod asked;
mod changes;
mod html;
mod keys;
#[cfg(test)]
mod real_client;
#[cfg(test)]
mod tests;
mod visits;

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{LOCATION, ORIGIN, REFERER, SET_COOKIE};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};
use reqwest::Url;

use super::accounts::{Account, Check, Standing};
use crate::base::{Clock, SystemClock, random_bytes};
use crate::cli::demo::body::ReplyBody;
use crate::cli::demo::serve::{Reply, reply};
use asked::Asked;
use keys::Keys;
use visits::{Visit, Visits};

pub use changes::{Delivery, PageFault};

/// How far the browser's clock may be off, in milliseconds.
const FRESH: u64 = 5 * 60 * 1000;

/// Made once for all stand-ins of a process: that takes a while.
static KEYS: LazyLock<Option<Keys>> = LazyLock::new(Keys::make);

/// The second generation's state.
pub(super) struct Second {
    inner: Mutex<Inner>,
    clock: SystemClock,
}

#[derive(Default)]
struct Inner {
    visits: Visits,
    fault: Option<PageFault>,
    delivery: Delivery,
    case_matters: bool,
}

impl Second {
    pub(super) fn new(case_matters: bool) -> Self {
        Self { inner: Mutex::new(Inner { case_matters, ..Inner::default() }), clock: SystemClock::new() }
    }

    pub(super) fn set_fault(&self, fault: Option<PageFault>) {
        self.lock().fault = fault;
    }

    pub(super) fn set_delivery(&self, delivery: Delivery) {
        self.lock().delivery = delivery;
    }

    pub(super) fn sessions_of(&self, id: &str) -> usize {
        self.lock().visits.sessions_of(id)
    }

    pub(super) fn sessions_ended_by_another(&self) -> usize {
        self.lock().visits.ended_by_another
    }

    /// Answers, if this is one of its paths. Path parameters (`;jsessionid=…`) do not count.
    pub(super) fn answer(&self, head: &Parts, body: &[u8], tls: bool) -> Option<Reply> {
        let asked = Asked::new(head, body, tls);
        let mut inner = self.lock();
        Some(match (asked.path(), head.method == Method::POST) {
            ("/sso/auth", false) => inner.open(&asked),
            ("/sso/auth", true) => inner.sign_in(&asked, self.clock.now().millis()),
            ("/sso/change/pw", false) => page(html::new_password(asked.query("cm_cg_id"))),
            ("/sso/long-way", true) => redirect(asked.field("to")),
            ("/sso/logout", false) => inner.log_out(&asked),
            ("/index_Myiweb.jsp", _) => inner.arrive(&asked),
            ("/servlet/security/MySecurityStart", _) => inner.serve(&asked),
            _ => return None,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// `GET /sso/auth`: the sign-in page, or straight on for who is logged in already.
    fn open(&mut self, asked: &Asked<'_>) -> Reply {
        if self.fault == Some(PageFault::Endless) {
            return redirect(&format!("{}/sso/auth?{}", asked.origin, asked.head.uri.query().unwrap_or_default()));
        }
        let known = asked.cookie("JSESSIONID");
        // Back from the page that asks for a new password.
        if let Some(account) = self.visits.passed(known, asked.query("cm_cg_id")) {
            return self.log_in(asked, known, account);
        }
        let service = asked.query("redirect_uri").to_owned();
        if asked.query("client_id").is_empty() || !is_a_service(&service) {
            return reply(StatusCode::BAD_REQUEST, HTML, ReplyBody::whole("<h1>400 invalid client</h1>"));
        }
        if self.fault == Some(PageFault::CodeForNothing) {
            return redirect(&format!("{service}?code=0&state={}", asked.query("state")));
        }
        let visit = Visit::new(service, asked.query("state").to_owned(), asked.head.uri.query().unwrap_or_default().to_owned());
        let id = self.visits.enter(known, visit);
        if let Some(account) = self.visits.person(&id) {
            return self.send_on(asked, &id, account);
        }
        self.sign_in_page(asked, &id, None)
    }

    /// `POST /sso/auth`: the filled-in form.
    fn sign_in(&mut self, asked: &Asked<'_>, now: u64) -> Reply {
        let id = asked.cookie("JSESSIONID").to_owned();
        let in_path = asked.head.uri.path().rsplit_once(";jsessionid=").map_or("", |(_, id)| id);
        let expired = self.fault == Some(PageFault::AlwaysExpired);
        if expired || !self.visits.knows(&id) || in_path != id || asked.query("cm_cg_id") != id {
            let id = self.visits.enter("", Visit::of_query(asked));
            return self.sign_in_page(asked, &id, Some("세션이 만료되었습니다. 다시 로그인하세요."));
        }
        match self.checked(asked, &id, now) {
            Err(words) if self.fault == Some(PageFault::SaysAndGoesBack) => page(html::saying(words)),
            Err(words) => self.sign_in_page(asked, &id, Some(words)),
            Ok(account) => match account.standing {
                Standing::PasswordDue => {
                    self.visits.pass(&id, account);
                    // The real one sends the browser to http here, whatever it came by.
                    redirect(&format!("{}/sso/change/pw?cm_cg_id={id}", asked.origin.replace("https://", "http://")))
                }
                Standing::SecondFactor => page(html::second_factor()),
                Standing::Good | Standing::Locked => self.log_in(asked, &id, account),
            },
        }
    }

    /// Whose password this is, if everything about the form is in order. Otherwise what the person is told.
    fn checked(&mut self, asked: &Asked<'_>, id: &str, now: u64) -> Result<&'static Account, &'static str> {
        if asked.header(&ORIGIN) != asked.origin || !asked.header(&REFERER).starts_with(&asked.origin) {
            return Err("잘못된 접근입니다.");
        }
        if !self.visits.take_token(id, asked.field("c_r_t")) {
            return Err("CSRF 토큰이 유효하지 않습니다.");
        }
        if self.fault == Some(PageFault::AddedField) && asked.field("device") != "web 1" {
            return Err("잘못된 접근입니다.");
        }
        let pw_enc = if self.fault == Some(PageFault::RenamedField) { "password_enc" } else { "pw_enc" };
        // A password in clear beside the sealed one would show that the script did not run.
        if !asked.field("pw").is_empty() || !self.visits.first_use(asked.field("encsymka")) {
            return Err("암호화 오류가 발생했습니다.");
        }
        let opened = KEYS.as_ref().and_then(|keys| keys.open(asked.field("encsymka"), asked.field(pw_enc)));
        let Some(opened) = opened else { return Err("암호화 오류가 발생했습니다.") };
        if opened.sealed_at.abs_diff(now) > FRESH {
            return Err("요청 시간이 만료되었습니다.");
        }
        match Check::of(asked.field("user_id"), &opened.password, self.case_matters) {
            Check::Right(account) => Ok(account),
            check @ (Check::Wrong | Check::Locked | Check::Incomplete) => Err(check.words()),
        }
    }

    fn log_in(&mut self, asked: &Asked<'_>, id: &str, account: &'static Account) -> Reply {
        let id = self.visits.log_in(id, account);
        let mut reply = self.send_on(asked, &id, account);
        set_cookie(&mut reply, "JSESSIONID", &id, &asked.origin);
        reply
    }

    /// Sends the browser to the service with a code.
    fn send_on(&mut self, asked: &Asked<'_>, id: &str, account: &'static Account) -> Reply {
        let code = self.visits.code(account);
        let (service, mut state) = self.visits.service(id);
        let mut code = code.as_str();
        match self.fault {
            Some(PageFault::WrongState) => state = "another".into(),
            Some(PageFault::NoCode) => code = "",
            Some(PageFault::ErrorCode) => return redirect(&format!("{service}?error=access_denied&state={state}")),
            Some(PageFault::Foreign) => return redirect("https://sso.example/sso/auth"),
            Some(PageFault::Mute) => return page("<!DOCTYPE html><html><body>.</body></html>".into()),
            _ => {}
        }
        let target = format!("{service}?code={code}&state={state}");
        match self.delivery {
            Delivery::Status => redirect(&target),
            Delivery::Form => page(html::submitting(&service, &[("code", code), ("state", &state)])),
            Delivery::Script => page(html::scripted(&target)),
            Delivery::LongWay => page(html::submitting(&format!("{}/sso/long-way", asked.origin), &[("to", &target)])),
        }
    }

    fn sign_in_page(&mut self, asked: &Asked<'_>, id: &str, said: Option<&str>) -> Reply {
        let Some(keys) = KEYS.as_ref() else {
            return reply(StatusCode::INTERNAL_SERVER_ERROR, HTML, ReplyBody::whole("<h1>no key</h1>"));
        };
        let token = self.visits.new_token(id);
        let action = format!("/sso/auth;jsessionid={id}?{}&cm_cg_id={id}", self.visits.query(id));
        let key = keys.public(self.fault == Some(PageFault::SmallKey));
        let mut reply = page(html::sign_in(key, &token, &action, said, self.fault));
        set_cookie(&mut reply, "JSESSIONID", id, &asked.origin);
        set_cookie(&mut reply, "bandisncdevid", "demo", &asked.origin);
        reply
    }

    fn log_out(&mut self, asked: &Asked<'_>) -> Reply {
        self.visits.log_out(asked.cookie("JSESSIONID"));
        redirect(asked.query("redirect_uri"))
    }

    /// The service takes the code, which is good once, and goes on to its own page.
    fn arrive(&mut self, asked: &Asked<'_>) -> Reply {
        let code = if asked.query("code").is_empty() { asked.field("code") } else { asked.query("code") };
        let Some(session) = self.visits.redeem(code) else { return redirect(&asked.sign_in_address()) };
        let mut reply = page(html::submitting("/servlet/security/MySecurityStart", &[("_csrf", "demo")]));
        set_cookie(&mut reply, "MSISESSION", &session, &asked.origin);
        reply
    }

    fn serve(&mut self, asked: &Asked<'_>) -> Reply {
        match self.visits.served(asked.cookie("MSISESSION")) {
            Some(account) => page(html::service(account.name)),
            None => redirect(&asked.sign_in_address()),
        }
    }
}

const HTML: &str = "text/html; charset=utf-8";

fn page(html: String) -> Reply {
    reply(StatusCode::OK, HTML, ReplyBody::whole(html))
}

fn redirect(target: &str) -> Reply {
    let mut reply = reply(StatusCode::FOUND, HTML, ReplyBody::empty());
    if let Ok(target) = HeaderValue::try_from(target) {
        reply.headers_mut().insert(LOCATION, target);
    }
    reply
}

fn set_cookie(reply: &mut Reply, name: &str, value: &str, origin: &str) {
    let secure = if origin.starts_with("https") { "; Secure" } else { "" };
    if let Ok(cookie) = HeaderValue::try_from(format!("{name}={value}; Path=/{secure}; HttpOnly")) {
        reply.headers_mut().append(SET_COOKIE, cookie);
    }
}

/// Whether a code may be sent there: to the university's services, and to this machine.
fn is_a_service(address: &str) -> bool {
    let url = Url::parse(address).ok();
    url.as_ref().and_then(Url::host_str).is_some_and(|host| host.ends_with(".mju.ac.kr") || host == "localhost" || host == "127.0.0.1")
}

fn random_text() -> String {
    URL_SAFE_NO_PAD.encode(random_bytes::<24>())
}
