//! Values with no opinion: time, addresses, token values, secrets, configuration faults.
//!
//! Everything above imports this module; it imports nothing of ours, does no I/O, and knows no policy.

mod address;
mod clock;
mod duration;
mod fault;
mod token;

pub use address::{ClientAddr, TrustedProxies};
pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use duration::{parse_duration, parse_size};
pub use fault::Fault;
pub use token::{AccessToken, Position, RefreshToken, SessionId, TokenId, random_bytes};
