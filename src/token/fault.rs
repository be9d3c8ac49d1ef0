/// Why a token is not accepted. Each is told apart for the client's developer; all of them are refusals.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
pub enum TokenFault {
    /// Not three base64url parts with a JSON header and JSON claims of the right types, each named once.
    #[error("the token is malformed")]
    Malformed,
    /// The header demands an extension (`crit`, `b64`) that we do not have (RFC 7515, section 4.1.11).
    #[error("the token demands an extension that is not supported")]
    Critical,
    /// The `kid` is none of ours, or there is none and no key is marked for such tokens.
    #[error("the token was signed with a key that is not known here")]
    UnknownKey,
    /// The header names another algorithm than the key has, or none at all.
    #[error("the token names an algorithm that its key does not have")]
    WrongAlgorithm,
    /// The signature does not fit.
    #[error("the signature does not fit")]
    BadSignature,
    /// `exp` has come.
    #[error("the token has expired")]
    Expired,
    /// `nbf` or `iat` lies in the future.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// A refresh token where an access token is wanted, or the other way round.
    #[error("the token is of the wrong type")]
    WrongType,
    /// `iss`, `aud`, `idp` or `sub` are not those of this gateway.
    #[error("the token was not made for this gateway")]
    NotForUs,
}
