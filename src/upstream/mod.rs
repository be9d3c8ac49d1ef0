//! Where requests go: named pools of endpoints, their idle connections, and the sending with its one safe retry.
//!
//! It must never decide whether a request may go: it is only ever called with one that was admitted. It must never send a
//! request twice that may have been acted upon, and never give one client what was answered to another.
//!
//! The way of a request: [`Upstream::send`] picks an endpoint (`balance`), takes an idle connection of this worker (`pool`)
//! or makes a new one (`connector`, `connection`), lets hyper exchange the heads under a deadline (`exchange`), and hands out
//! a [`LeasedBody`] (`lease`), which brings the connection back when everything ended as it should and closes it otherwise.

mod balance;
mod connection;
mod connector;
mod endpoint;
mod error;
mod exchange;
mod framing;
mod health;
mod lease;
mod pool;
mod registry;
mod resolve;
mod send;
mod settings;
mod transport;
mod trust;
mod upload;

#[cfg(test)]
mod tests;

pub use endpoint::Endpoint;
pub use error::{Breakage, SendError, SetupError, UpstreamBodyError};
pub use lease::LeasedBody;
pub use pool::Counters;
pub use registry::Endpoints;
pub use send::Upstream;
pub use settings::{Address, Balancing, Settings};
