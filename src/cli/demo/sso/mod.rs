//! A stand-in of Myongji University's SSO, both generations of it, on loopback.
//!
//! It knows a few people, says no to everybody else in Korean, and can be told to fail in every way an SSO was seen or
//! feared to fail. What it does where nothing is known of the real one (codes of refusals) is made up.

mod accounts;
mod certificate;
mod fault;
mod first;
mod second;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;

use super::body::ReplyBody;
use super::serve::{self, Reply, Server};
use certificate::Certificates;
use fault::Spoiled;
use second::Second;

pub use accounts::{Account, Standing};
pub use fault::Fault;
pub use second::{Delivery, PageFault};

/// Which of the two logins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// `sso1`: `/mju/userCheck.do`, a form in, JSON out.
    First,
    /// `sso`: `/sso/auth`, a page with a key, an encrypted password, redirects.
    Second,
}

/// How a stand-in is started.
#[derive(Clone, Debug, Default)]
pub struct StandInOptions {
    /// The port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// Whether it speaks TLS, with a certificate of a CA made for it: see [`StandIn::ca_pem`].
    pub tls: bool,
    /// Whether `rightid` is another id than `rightId`. Nobody outside knows how the real one sees it.
    pub case_matters: bool,
}

/// A running stand-in. It ends, with all its connections, when it is dropped.
pub struct StandIn {
    server: Server,
    state: Arc<State>,
    ca_pem: Option<String>,
}

struct State {
    tls: bool,
    case_matters: bool,
    second: Second,
    faults: Mutex<[Option<Fault>; 2]>,
    page_fault: Mutex<Option<Fault>>,
    asked: [AtomicUsize; 2],
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
}

impl StandIn {
    /// Starts one on the tokio runtime of the caller.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn start(options: StandInOptions) -> io::Result<Self> {
        let state = Arc::new(State {
            tls: options.tls,
            case_matters: options.case_matters,
            second: Second::new(options.case_matters),
            faults: Mutex::default(),
            page_fault: Mutex::default(),
            asked: Default::default(),
            at_once: AtomicUsize::new(0),
            most_at_once: AtomicUsize::new(0),
        });
        let certificates = if options.tls { Some(Certificates::make().map_err(io::Error::other)?) } else { None };
        let handler: serve::Handler = {
            let state = state.clone();
            Arc::new(move |request| {
                let state = state.clone();
                Box::pin(async move { state.answer(request).await })
            })
        };
        let tls = certificates.as_ref().map(|certificates| certificates.server.clone());
        let server = Server::start(options.port, tls, handler).await?;
        Ok(Self { server, state, ca_pem: certificates.map(|certificates| certificates.ca_pem) })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Its URL without a path. With TLS by the name `localhost`, which its certificate holds.
    pub fn url(&self) -> String {
        match self.ca_pem {
            Some(_) => format!("https://localhost:{}", self.address().port()),
            None => format!("http://{}", self.address()),
        }
    }

    /// The URL of the first generation's login.
    pub fn user_check_url(&self) -> String {
        self.url() + "/mju/userCheck.do"
    }

    /// The address of the second generation's sign-in page, as its service `msi` gives it to browsers.
    pub fn auth_url(&self) -> String {
        let service = "client_id=msi&response_type=code&tkn_type=normal&redirect_uri=https%3A%2F%2Fmsi.mju.ac.kr%2Findex_Myiweb.jsp";
        format!("{}/sso/auth?{service}", self.url())
    }

    /// The certificate of the CA that vouches for it, when it speaks TLS.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// Whom it knows.
    pub const fn accounts() -> &'static [Account] {
        accounts::ACCOUNTS
    }

    /// Makes one of its logins fail from now on, where it is given the password; `None` heals it.
    pub fn fail(&self, generation: Generation, fault: Option<Fault>) {
        self.state.faults.lock().unwrap_or_else(PoisonError::into_inner)[generation as usize] = fault;
    }

    /// Makes the second generation's sign-in page fail from now on.
    pub fn fail_page(&self, fault: Option<Fault>) {
        *self.state.page_fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    /// Changes something about the second generation's pages.
    pub fn change_pages(&self, fault: Option<PageFault>) {
        self.state.second.set_fault(fault);
    }

    /// Chooses how the second generation sends browsers to the service.
    pub fn deliver(&self, delivery: Delivery) {
        self.state.second.set_delivery(delivery);
    }

    /// How many sessions an account has at the second generation: one at most.
    pub fn sessions_of(&self, id: &str) -> usize {
        self.state.second.sessions_of(id)
    }

    /// How many sessions were ended because the same account logged in again.
    pub fn sessions_ended_by_another(&self) -> usize {
        self.state.second.sessions_ended_by_another()
    }

    /// How many times it was asked about a password, in vain or not.
    pub fn asked(&self, generation: Generation) -> usize {
        self.state.asked[generation as usize].load(Ordering::SeqCst)
    }

    /// How many such questions were under way at once, at most.
    pub fn most_at_once(&self) -> usize {
        self.state.most_at_once.load(Ordering::SeqCst)
    }
}

impl State {
    async fn answer(&self, request: Request<Incoming>) -> Option<Reply> {
        let (head, body) = request.into_parts();
        let body = Limited::new(body, 64 * 1024).collect().await.ok()?.to_bytes();
        if head.uri.path() == "/mju/userCheck.do" {
            return self.counted(Generation::First, first::check(&head, &body, self.case_matters)).await;
        }
        let Some(reply) = self.second.answer(&head, &body, self.tls) else {
            return Some(serve::reply(StatusCode::NOT_FOUND, "text/html", ReplyBody::whole("<h1>404</h1>")));
        };
        if !head.uri.path().starts_with("/sso/auth") {
            return Some(reply);
        }
        if head.method == Method::POST {
            return self.counted(Generation::Second, reply).await;
        }
        let fault = *self.page_fault.lock().unwrap_or_else(PoisonError::into_inner);
        spoiled(fault, reply).await
    }

    /// An answer about a password: counted, and spoiled as told.
    async fn counted(&self, generation: Generation, reply: Reply) -> Option<Reply> {
        self.asked[generation as usize].fetch_add(1, Ordering::SeqCst);
        let _here = Here::new(self);
        let fault = self.faults.lock().unwrap_or_else(PoisonError::into_inner)[generation as usize];
        spoiled(fault, reply).await
    }
}

async fn spoiled(fault: Option<Fault>, reply: Reply) -> Option<Reply> {
    let Some(fault) = fault else { return Some(reply) };
    match fault.spoil(reply).await {
        Spoiled::Reply(reply) => Some(reply),
        Spoiled::Closed => None,
    }
}

/// One question under way.
struct Here<'a>(&'a State);

impl<'a> Here<'a> {
    fn new(state: &'a State) -> Self {
        let now = state.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        state.most_at_once.fetch_max(now, Ordering::SeqCst);
        Self(state)
    }
}

impl Drop for Here<'_> {
    fn drop(&mut self) {
        self.0.at_once.fetch_sub(1, Ordering::SeqCst);
    }
}
