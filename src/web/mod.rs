//! HTTP vocabulary: bodies, hop-by-hop headers, identity headers, session cookies, places to return to, CSRF, forms.
//!
//! Words, not decisions: who may do what is said elsewhere.

mod arriving;
mod body;
mod cookies;
mod forms;
mod header_text;
mod hop;
mod identity_headers;
mod origin;
mod patience;
mod peer;
mod return_to;
mod seen;
mod settings;
mod trailers;
mod tunnels;

pub use arriving::Arriving;
pub use body::{BodyFault, BodyTerms, BodyWatch, RequestBody};
pub use cookies::{CookieLife, DoubledCookie, PresentedCookies, SessionCookies};
pub use forms::{FormKind, field, from_json, peek_field, read_whole};
pub use header_text::HeaderText;
pub use hop::{asks_for_websocket, strip_hop_by_hop};
pub use identity_headers::IdentityHeaders;
pub use origin::{CSRF_HEADER, CrossSite, DoubleSubmit, accepts_html, double_submit, from_our_pages, is_safe, wants_page};
pub use patience::{Pace, Patience};
pub use peer::{Known, Peer};
pub use return_to::{FarPlace, ReturnTo, in_query};
pub use seen::{Field, Seen};
pub use settings::{CookieProfile, CookieSettings, CsrfSettings, HeaderEncoding, IdentityHeaderSettings, IdentityItem, SameSite};
pub use trailers::{announced_trailers, filter_trailers, is_forbidden_trailer, takes_trailers, trailer_line};
pub use tunnels::Tunnels;
