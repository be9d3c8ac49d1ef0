use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use super::record::Record;
use super::streams::{StreamGuard, Streams};
use super::tunnel::Open;
use crate::store::View;
use crate::token::Verified;
use crate::upstream::{LeasedBody, UpstreamBodyError};
use crate::web::{filter_trailers, is_forbidden_trailer};

/// An answer.
pub type Reply = Response<ReplyBody>;

/// After this many pieces an answer counts as a stream even if its upstream never made it wait.
const LONG: u32 = 64;

/// The body of an answer: ours, or streamed from an upstream as long as the session lives.
pub struct ReplyBody {
    source: Source,
    record: Option<Box<Record>>,
}

enum Source {
    Whole(Bytes),
    Upstream(Box<Streamed>),
}

/// An upstream's body on its way.
struct Streamed {
    body: LeasedBody,
    session: Option<Attached>,
    pieces: u32,
    end: Option<Pin<Box<Sleep>>>,
    /// Counts an event stream among those open now.
    _open: Option<Open>,
}

/// The session a streamed answer belongs to.
pub(super) struct Attached {
    pub(super) streams: Arc<Streams>,
    pub(super) view: Arc<View>,
    pub(super) verified: Arc<Verified>,
    pub(super) guard: Option<StreamGuard>,
}

/// Why an answer broke off. The client sees it break: no last chunk, or a reset stream.
#[derive(Debug, thiserror::Error)]
pub enum ReplyFault {
    /// The upstream's body did.
    #[error(transparent)]
    Upstream(#[from] UpstreamBodyError),
    /// Its session ended.
    #[error("the session of this answer has ended")]
    SessionEnded,
    /// The whole took longer than its route allows.
    #[error("the request took longer than its route allows (request_timeout)")]
    TookTooLong,
}

impl ReplyBody {
    /// A body of ours.
    pub fn whole(bytes: impl Into<Bytes>) -> Self {
        Self { source: Source::Whole(bytes.into()), record: None }
    }

    /// An upstream's body.
    pub(super) fn upstream(body: LeasedBody, session: Option<Attached>, open: Option<Open>) -> Self {
        Self { source: Source::Upstream(Box::new(Streamed { body, session, pieces: 0, end: None, _open: open })), record: None }
    }

    /// An upstream's body is cut if it has not ended by then.
    pub(super) fn end_at(&mut self, end: Instant) {
        if let Source::Upstream(streamed) = &mut self.source {
            streamed.end = Some(Box::pin(sleep_until(end)));
        }
    }

    /// From here on the record goes with the answer and is written at its end.
    pub(super) fn carry(&mut self, record: Box<Record>) {
        self.record = Some(record);
    }
}

/// JSON of ours: never kept by a cache.
pub(super) fn json(status: StatusCode, value: &serde_json::Value) -> Reply {
    own(status, "application/json", value.to_string())
}

/// A text of ours: never kept by a cache, never guessed at.
pub(super) fn own(status: StatusCode, kind: &'static str, text: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(ReplyBody::whole(text));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    reply
}

/// Nothing but a status.
pub(super) fn empty(status: StatusCode) -> Reply {
    let mut reply = Response::new(ReplyBody::whole(Bytes::new()));
    *reply.status_mut() = status;
    reply.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}

/// "Go and see there" (RFC 9110, section 15.4.4), with GET whatever the method was.
pub(super) fn see_other(place: &str) -> Reply {
    let mut reply = empty(StatusCode::SEE_OTHER);
    if let Ok(place) = HeaderValue::from_str(place) {
        reply.headers_mut().insert(header::LOCATION, place);
    }
    reply
}

impl Attached {
    /// Ready when the session has ended; enters the stream among the live ones when first asked.
    fn poll_cut(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.guard.get_or_insert_with(|| self.streams.enter(&self.verified, &self.view)).poll_cut(cx)
    }
}

impl Streamed {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ReplyFault>>> {
        if let Some(end) = &mut self.end
            && end.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Some(Err(ReplyFault::TookTooLong)));
        }
        let polled = Pin::new(&mut self.body).poll_frame(cx).map_err(ReplyFault::Upstream);
        self.pieces = self.pieces.saturating_add(1);
        match &mut self.session {
            Some(session) if polled.is_pending() || self.pieces > LONG => match session.poll_cut(cx) {
                Poll::Ready(()) => Poll::Ready(Some(Err(ReplyFault::SessionEnded))),
                Poll::Pending => polled,
            },
            Some(_) | None => polled,
        }
        .map_ok(harmless)
    }
}

/// The same piece; of trailers those fields that may stand behind a body.
fn harmless(frame: Frame<Bytes>) -> Frame<Bytes> {
    match frame.into_data() {
        Ok(data) => Frame::data(data),
        Err(frame) => match frame.into_trailers() {
            Ok(mut trailers) => {
                filter_trailers(&mut trailers, |name| !is_forbidden_trailer(name));
                Frame::trailers(trailers)
            }
            Err(other) => other,
        },
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = ReplyFault;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ReplyFault>>> {
        let this = self.get_mut();
        let polled = match &mut this.source {
            Source::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Source::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Source::Upstream(streamed) => streamed.poll_frame(cx),
        };
        if let (Some(record), Poll::Ready(Some(Ok(frame)))) = (&mut this.record, &polled) {
            record.sent += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
        if let (Some(record), Poll::Ready(Some(Err(fault)))) = (&mut this.record, &polled) {
            record.refusal = Some(match fault {
                ReplyFault::Upstream(_) => "upstream_broke_off",
                ReplyFault::SessionEnded => "session_ended",
                ReplyFault::TookTooLong => "request_timeout",
            });
            tracing::warn!(request = %record.id, "the answer was cut: {fault}");
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Whole(bytes) => bytes.is_empty(),
            Source::Upstream(streamed) => streamed.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Source::Upstream(streamed) => streamed.body.size_hint(),
        }
    }
}
