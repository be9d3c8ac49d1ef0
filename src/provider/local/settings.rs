use crate::identity::{DisplayName, IdRule, ProviderName, Realm};
use crate::store::Fields;

/// What the operator wants of accounts of our own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalSettings {
    /// Its name in the configuration.
    pub name: ProviderName,
    /// Whose ids these are; never a realm that another kind of provider has.
    pub realm: Realm,
    /// How they look.
    pub id_rule: IdRule,
    /// Who may make an account.
    pub registration: Registration,
    /// Least characters of a new password.
    pub shortest_password: usize,
    /// What people are asked when they make an account, besides name and address.
    pub fields: Vec<FieldSettings>,
}

/// A further field of the sign-up page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldSettings {
    /// What it is called in forms, in JSON and in files.
    pub name: String,
    /// What people are asked.
    pub label: DisplayName,
    /// It cannot stay empty.
    pub required: bool,
}

impl FieldSettings {
    /// Names that forms and files use for something else.
    pub const TAKEN: [&'static str; 13] = [
        "id",
        "username",
        "name",
        "email",
        "password",
        "new_password",
        "new_password_again",
        "provider",
        "hash",
        "role",
        "groups",
        "status",
        "disabled",
    ];
}

impl LocalSettings {
    /// The answers to what people are asked, as they are kept: one line each, and none that is empty.
    ///
    /// # Errors
    /// The names of the fields that are missing, or that hold what cannot be kept.
    pub fn answers<'a>(&self, said: impl Fn(&str) -> Option<&'a str>) -> Result<Fields, Vec<&str>> {
        let mut wrong = Vec::new();
        let mut answers = Fields::new();
        for field in &self.fields {
            match said(&field.name).map(str::trim).filter(|text| !text.is_empty()).map(DisplayName::new) {
                Some(Ok(answer)) => drop(answers.insert(field.name.clone(), answer.as_str().to_owned())),
                None if !field.required => {}
                Some(Err(_)) | None => wrong.push(field.name.as_str()),
            }
        }
        if wrong.is_empty() { Ok(answers) } else { Err(wrong) }
    }
}

/// Who may make an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Registration {
    /// Everybody, for themselves.
    Open,
    /// Everybody, and an administrator has to approve it.
    Approval,
    /// Nobody but an administrator.
    #[default]
    Closed,
}
