//! JSON Web Tokens: made by [`TokenIssuer`], checked by [`TokenVerifier`], under the keys of a [`KeyRing`].
//!
//! Time is an argument. This module must never ask whether a session lives: that is the view's word, after this one.

mod settings;

pub use settings::{Algorithm, KeyMaterial, KeySettings, Settings};
