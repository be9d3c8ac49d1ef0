//! Host, path and method become a route; a route and what is known of a person become a decision. Pure: no I/O, no clock.
//!
//! No regular expression takes part in a decision, and nothing here is judged on bytes other than those that are forwarded.

mod access;
mod path;
mod pattern;
mod settings;
mod table;
mod target;
mod tokens;

pub use access::{Access, Claims, Facts, Judged, Rule, Verdict, share_a_method};
pub use path::{CanonicalPath, PathFault};
pub use pattern::{HostPattern, PathPattern};
pub use settings::{HostName, HostNameError, PathPrefix, PathPrefixError, RouteSettings, Unauthenticated};
pub use table::{NoRoute, RouteTable, SameRoute};
pub use target::{Fixed, HeaderEdits, Redirect, Rewrite, Target};
pub use tokens::{PassForm, RouteTokens};
