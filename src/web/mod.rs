//! HTTP vocabulary: bodies, hop-by-hop headers, identity headers, session cookies, places to return to, CSRF, forms.
//!
//! Words, not decisions: who may do what is said elsewhere.

mod body;
mod peer;
mod settings;

pub use body::{BodyFault, BodyWatch, RequestBody};
pub use peer::Peer;
pub use settings::{CookieProfile, CookieSettings, CsrfSettings, IdentityHeaderSettings, IdentityItem};
