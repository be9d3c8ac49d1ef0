//! The streams of an HTTP/2 connection, run by the connection's own task. A task for each would be made and ended with each
//! request, and each would have to wake the connection's for every word it says.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures_util::future::FutureExt as _;
use futures_util::stream::{FuturesUnordered, Stream as _};

use super::stall::run;
use crate::web::Pace;

/// A stream until its end; `false` when its client let it wait for too long.
type Running = Pin<Box<dyn Future<Output = bool> + Send>>;

/// Takes new streams from hyper.
#[derive(Clone)]
pub(super) struct Arrivals {
    arrived: Arc<Mutex<Vec<Running>>>,
    pace: Pace,
}

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Arrivals {
    fn execute(&self, stream: F) {
        // A panic ends its own stream (the future is dropped, and hyper resets the stream) and not its neighbours.
        let running = AssertUnwindSafe(run(stream, self.pace)).catch_unwind().map(|ended| ended.unwrap_or(true));
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner).push(Box::pin(running));
    }
}

/// A connection with its streams.
pub(super) struct WithStreams<C, N> {
    pub(super) connection: Pin<Box<C>>,
    arrived: Arc<Mutex<Vec<Running>>>,
    running: FuturesUnordered<Running>,
    /// Told of each stream that was given up because its client let it wait.
    note: N,
}

impl<C, N> WithStreams<C, N> {
    /// The connection that `serve` makes of the place where hyper has to put its streams.
    pub(super) fn new(pace: Pace, note: N, serve: impl FnOnce(Arrivals) -> C) -> Self {
        let arrived = Arc::<Mutex<Vec<Running>>>::default();
        let connection = Box::pin(serve(Arrivals { arrived: Arc::clone(&arrived), pace }));
        Self { connection, arrived, running: FuturesUnordered::new(), note }
    }

    fn poll_streams(&mut self, cx: &mut Context<'_>)
    where
        N: Fn(),
    {
        while let Poll::Ready(Some(in_time)) = Pin::new(&mut self.running).poll_next(cx) {
            if !in_time {
                (self.note)();
            }
        }
    }
}

impl<C: Future, N: Fn() + Unpin> Future for WithStreams<C, N> {
    type Output = C::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<C::Output> {
        // First, so that what they say now goes out with what the connection writes now.
        self.poll_streams(cx);
        if let Poll::Ready(ended) = self.connection.as_mut().poll(cx) {
            return Poll::Ready(ended);
        }
        let arrived = std::mem::take(&mut *self.arrived.lock().unwrap_or_else(PoisonError::into_inner));
        if !arrived.is_empty() {
            self.running.extend(arrived);
            self.poll_streams(cx);
        }
        Poll::Pending
    }
}
