//! Host, path and method become a route. Pure: no I/O, no clock, no identity.
//!
//! No regular expression takes part in a decision, and nothing here is judged on bytes other than those that are forwarded.

mod path;
mod settings;
mod table;
mod tokens;

pub use path::{CanonicalPath, PathFault};
pub use settings::{Access, HostName, HostNameError, PathPrefix, PathPrefixError, RouteSettings, Unauthenticated};
pub use table::{NoRoute, RouteTable, SameRoute};
pub use tokens::{PassForm, RouteTokens};
