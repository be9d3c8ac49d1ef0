//! What the demo and the tests need around a gateway: a stand-in of the university's SSO and two sample applications.
//!
//! All of it lives on loopback, in this process, until it is dropped. It must never share code with what it stands
//! against: the SSO reads and decrypts by its own means, so that a mistake of the provider cannot hide in both.

mod applications;
mod body;
mod command;
mod serve;
mod sso;

pub use applications::{Application, Kind};
pub use command::{Options, run};
pub use sso::{Account, Fault, Generation, StandIn, StandInOptions, Standing};
pub use sso::{Delivery, PageFault};
