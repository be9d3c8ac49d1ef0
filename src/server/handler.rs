use std::convert::Infallible;
use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::activity::{Activity, Span};
use super::stall;
use crate::web::Peer;

/// Who answers requests: any function from a request and its connection to a response. Cheap to clone.
///
/// The future is dropped when the client goes away, and the body when it was sent or could not be.
pub trait Handler: Clone + Send + Sync + 'static {
    /// The body of a response.
    type Body: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + Unpin + 'static;
    /// The response on its way.
    type Answer: Future<Output = Response<Self::Body>> + Send + 'static;

    /// Answers one request.
    fn handle(&self, request: Request<Incoming>, peer: Arc<Peer>) -> Self::Answer;
}

impl<H, F, B> Handler for H
where
    H: Fn(Request<Incoming>, Arc<Peer>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + Unpin + 'static,
{
    type Body = B;
    type Answer = F;

    fn handle(&self, request: Request<Incoming>, peer: Arc<Peer>) -> F {
        self(request, peer)
    }
}

/// A handler at work on one connection, as hyper wants it.
pub(super) struct Service<H> {
    pub(super) handler: H,
    pub(super) peer: Arc<Peer>,
    pub(super) activity: Arc<Activity>,
}

impl<H: Handler> hyper::service::Service<Request<Incoming>> for Service<H> {
    type Response = Response<Tracked<H::Body>>;
    type Error = Infallible;
    type Future = Answering<H::Answer>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let span = self.activity.begin();
        Answering { answer: Box::pin(self.handler.handle(request, Arc::clone(&self.peer))), span: Some(span) }
    }
}

/// A request under way. Boxed for the sake of memory: hyper keeps room for this future on every connection, idle ones too.
pub(super) struct Answering<F> {
    answer: Pin<Box<F>>,
    span: Option<Span>,
}

impl<F: Future<Output = Response<B>>, B> Future for Answering<F> {
    type Output = Result<Response<Tracked<B>>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Poll::Ready(response) = self.answer.as_mut().poll(cx) else {
            stall::asked();
            return Poll::Pending;
        };
        stall::given(0);
        let span = self.span.take();
        Poll::Ready(Ok(response.map(|body| Tracked { body, _span: span })))
    }
}

/// A response's body; the request counts as under way until it is dropped.
pub(super) struct Tracked<B> {
    body: B,
    _span: Option<Span>,
}

impl<B: Body + Unpin> Body for Tracked<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        match &polled {
            Poll::Pending => stall::asked(),
            Poll::Ready(Some(Ok(frame))) => stall::given(frame.data_ref().map_or(0, Buf::remaining)),
            Poll::Ready(Some(Err(_)) | None) => stall::given(0),
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
