//! What the stories are told with: a real gateway process, raw upstreams and an SSO to put behind it, and clients that
//! see every byte.
//!
//! Nothing here sleeps. Everything that waits, waits for an event and gives up after [`PATIENCE`]. Nothing here uses the
//! library's own HTTP code: a fault on both sides of a wire would hide itself.

use std::time::Duration;

mod client;
mod daemon;
pub mod framed;
mod front;
mod gateway;
mod h2;
mod needs;
pub mod operator;
mod origin;
mod process;
mod sso;
mod stand_in;
mod tls;
mod tokens;
mod wire;
mod world;

pub use client::{Client, plainly};
pub use daemon::Daemon;
pub use framed::FramedH2;
pub use front::{Front, tls_behind};
pub use gateway::{Builder, Gateway, SECRET, munjigi, munjigi_fed, write_private};
pub use h2::{H2, RawH2, Verdict as RawVerdict};
pub use needs::{STORIES, is_there, may, need};
pub use origin::{Conversation, Origin};
pub use process::{Finished, Process, mode};
pub use sso::{RIGHT, Sso};
pub use stand_in::University;
pub use tls::{Tls, any_certificate, only_trusting};
pub use tokens::{Pair, claims, header, hs256, now, resigned, unsigned};
pub use wire::{Message, bomb, json_answer, text_answer};
pub use world::World;

/// How long anything may take before a test gives up. Far above what a slow machine needs; no good test ever waits for it.
pub const PATIENCE: Duration = Duration::from_secs(30);
