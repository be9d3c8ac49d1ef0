//! JSON Web Tokens: made by [`TokenIssuer`], checked by [`TokenVerifier`], under the keys of a [`KeyRing`].
//!
//! Time is an argument. This module must never ask whether a session lives: that is the view's word, after this one.

mod assertion;
mod claims;
mod fault;
mod foreign;
mod issuer;
mod jwks;
mod keys;
mod known;
mod members;
mod mint;
mod settings;
mod verifier;

pub use assertion::{Asserter, AssertionSettings, RouteAssertions, new_signing_key};
pub use fault::TokenFault;
pub use foreign::{ClaimMap, Foreign, ForeignKeys, ForeignSettings, ForeignVerifier, Needs};
pub use issuer::{Grant, Issued, SignError, TokenIssuer};
pub use jwks::{KeySetError, KeySource};
pub use keys::{KeyError, KeyRing};
pub use mint::{MintSettings, Minter};
pub use settings::{Algorithm, KeyMaterial, KeySettings, Settings};
pub use verifier::{TokenVerifier, Verified};

/// Installs the crypto back-end of jsonwebtoken. Call once before the first token; calling again does nothing.
///
/// Naming the provider makes a build without it fail to compile, where a missing one would panic at the first login.
pub fn install_crypto() {
    // An error says that one is installed already, which is what is wanted.
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
}

#[cfg(test)]
mod tests;
