use crate::identity::ProviderName;

/// Whose tokens a route takes beside ours, and which token its application is handed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteTokens {
    /// Other issuers, by name.
    pub issuers: Vec<ProviderName>,
    /// Tokens that the application made itself, under the key that is scoped to this route.
    pub flask: bool,
    /// Hands the application a token made for it under that key.
    pub pass: Option<PassForm>,
    /// And makes it a refresh token: for a route that takes nothing else.
    pub dangerous_pass_refresh: bool,
}

/// How an application is handed a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassForm {
    /// `Authorization: Bearer`.
    Header,
    /// The cookies of flask-jwt-extended, and its `X-CSRF-TOKEN`.
    Cookies,
}
