use http::Method;
use reqwest::Url;

use crate::identity::{IdRule, ProviderName, Realm};
use crate::provider::ReachSettings;

/// What the operator wants of a provider of the kind `http-form`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpFormSettings {
    /// Its name in the configuration.
    pub name: ProviderName,
    /// Whose ids it knows.
    pub realm: Realm,
    /// How they look.
    pub id_rule: IdRule,
    /// Usually `POST`.
    pub method: Method,
    /// What is asked.
    pub url: Url,
    /// The name under which the id is sent.
    pub id_field: String,
    /// The name under which the password is sent.
    pub password_field: String,
    /// Where both are put.
    pub placement: Placement,
    /// Further names and values, put in the same place.
    pub extra: Vec<(String, String)>,
    /// Which answers are a yes.
    pub answer: AnswerRule,
    /// How it is reached.
    pub reach: ReachSettings,
}

/// Where id and password are put in the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Placement {
    /// In the body, as a browser's form.
    #[default]
    Form,
    /// In the query of the URL, where logs of other machines may show them. Our own copies of a URL are not wiped.
    Query,
    /// In the body, as a JSON object.
    Json,
    /// In headers.
    Headers,
}

/// Which answers are a yes. All comparisons are of JSON strings, exact to the letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerRule {
    /// The field that holds the code.
    pub code_field: String,
    /// The codes that mean: the password is right.
    pub success: Vec<String>,
    /// The codes that mean: the password is right, and the person should be told something.
    pub notice: Vec<String>,
    /// The field that holds words for the person, if there is one.
    pub message_field: Option<String>,
}

impl HttpFormSettings {
    /// The preset `mju`: Myongji University's `userCheck.do`, as at least eight public clients and the maker's own PHP
    /// class use it. "0000" is success; "VL-3130" comes with right credentials too and all of them go on with the login.
    #[must_use]
    #[expect(clippy::expect_used, clippy::missing_panics_doc, reason = "constants, and a test builds them")]
    pub fn mju(name: ProviderName) -> Self {
        Self {
            name,
            realm: Realm::new("mju").expect("a good name"),
            id_rule: IdRule::default(),
            method: Method::POST,
            url: Url::parse("https://sso1.mju.ac.kr/mju/userCheck.do").expect("a good URL"),
            id_field: "id".into(),
            password_field: "passwrd".into(),
            placement: Placement::Form,
            extra: Vec::new(),
            answer: AnswerRule {
                code_field: "error".into(),
                success: vec!["0000".into()],
                notice: vec!["VL-3130".into()],
                message_field: Some("error_message".into()),
            },
            reach: ReachSettings::default(),
        }
    }
}
