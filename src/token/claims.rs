use serde::{Deserialize, Serialize};

/// What a token is for. The words are flask-jwt-extended's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Access,
    Refresh,
    /// Any other word: neither.
    #[serde(other, skip_serializing)]
    Other,
}

/// The header of our tokens, written.
#[derive(Serialize)]
pub(super) struct HeaderOut<'a> {
    pub(super) alg: &'a str,
    pub(super) typ: &'a str,
    pub(super) kid: &'a str,
}

/// A token's header as read. Key material in it (`jwk`, `jku`, `x5u`, …) is ignored: CVE-2018-0114 took it for a key.
#[derive(Deserialize)]
pub(super) struct Header<'a> {
    #[serde(borrow)]
    pub(super) alg: std::borrow::Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) kid: Option<std::borrow::Cow<'a, str>>,
    #[serde(default)]
    pub(super) crit: Present,
    #[serde(default)]
    pub(super) b64: Present,
}

/// Whether a member is there, whatever it holds, `null` included.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Present(pub(super) bool);

impl<'de> Deserialize<'de> for Present {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self(true))
    }
}

/// The claims of our tokens: those of flask-jwt-extended in its order, and ours behind them.
///
/// Reading is strict by type: a time that is a string or a fraction, a name that is a number, or a claim that stands
/// twice does not deserialize (CVE-2026-25537: a wrong type was taken for an absent claim).
#[derive(Serialize, Deserialize)]
pub(super) struct Claims {
    pub(super) fresh: bool,
    pub(super) iat: u64,
    pub(super) jti: String,
    #[serde(rename = "type")]
    pub(super) kind: Kind,
    pub(super) sub: String,
    pub(super) nbf: u64,
    pub(super) csrf: String,
    pub(super) exp: u64,
    pub(super) iss: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) aud: Option<String>,
    /// The session.
    pub(super) sid: String,
    /// The provider that checked the password.
    pub(super) idp: String,
    /// The change log's position at the issue.
    pub(super) rsn: u64,
    /// The generation of a pair that a rotation made: its first use confirms it.
    #[serde(rename = "gen", default, skip_serializing_if = "Option::is_none")]
    pub(super) generation: Option<u32>,
}
