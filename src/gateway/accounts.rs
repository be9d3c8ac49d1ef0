use std::borrow::Cow;

use http::StatusCode;

use super::Refusal;
use crate::pages::Lang;
use crate::provider::{AccountFault, PasswordFault};

/// Why something about an account of our own was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountRefusal {
    /// There are no accounts of our own here, or the person's is none.
    #[error("no account of our own")]
    NotHere,
    /// The id cannot be one.
    #[error("the id cannot be one")]
    Id,
    /// The name is missing or cannot be one.
    #[error("the name is missing or cannot be one")]
    Name,
    /// The e-mail address is missing or cannot be one.
    #[error("the e-mail address is missing or cannot be one")]
    Email,
    /// Something else that the operator asks is missing, or cannot be kept.
    #[error("the field {0} is missing or cannot be kept")]
    Field(String),
    /// Nobody may make an account for themselves.
    #[error("sign-up is closed")]
    Closed,
    /// Somebody has the id.
    #[error("the id is taken")]
    Taken,
    /// The new password.
    #[error("{0}")]
    Password(PasswordFault),
    /// The password asked for again is wrong.
    #[error("the present password is wrong")]
    Wrong,
    /// The one-time link.
    #[error("the one-time link is not good, or no longer")]
    Link,
}

impl From<AccountFault> for Refusal {
    fn from(fault: AccountFault) -> Self {
        Self::Account(match fault {
            AccountFault::Taken => AccountRefusal::Taken,
            AccountFault::Closed => AccountRefusal::Closed,
            AccountFault::Password(fault) => AccountRefusal::Password(fault),
            AccountFault::Wrong => AccountRefusal::Wrong,
            AccountFault::Link => AccountRefusal::Link,
            AccountFault::Store(error) => return Self::Store(error),
            AccountFault::Hashing => return Self::Internal("a password could not be hashed"),
        })
    }
}

impl AccountRefusal {
    pub(super) const fn status(&self) -> StatusCode {
        match self {
            Self::NotHere => StatusCode::NOT_FOUND,
            Self::Id | Self::Name | Self::Email | Self::Field(_) | Self::Password(_) => StatusCode::UNPROCESSABLE_ENTITY,
            // Not 401: the token that was shown is good.
            Self::Closed | Self::Wrong => StatusCode::FORBIDDEN,
            Self::Taken => StatusCode::CONFLICT,
            Self::Link => StatusCode::GONE,
        }
    }

    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::NotHere => "no_local_account",
            Self::Id => "bad_id",
            Self::Name => "bad_name",
            Self::Email => "bad_email",
            Self::Field(_) => "bad_field",
            Self::Closed => "sign_up_closed",
            Self::Taken => "id_taken",
            Self::Password(PasswordFault::TooShort { .. }) => "password_too_short",
            Self::Password(PasswordFault::TooLong) => "password_too_long",
            Self::Password(PasswordFault::Common) => "password_common",
            Self::Wrong => "wrong_password",
            Self::Link => "link_not_good",
        }
    }

    pub(super) fn words(&self, lang: Lang) -> Cow<'static, str> {
        let (korean, english) = match self {
            Self::NotHere => ("이 계정의 비밀번호는 여기에서 관리하지 않습니다.", "The password of this account is not kept here."),
            Self::Id => (
                "사용할 수 없는 ID입니다. 영문자, 숫자, . _ - 만 쓸 수 있습니다.",
                "This cannot be an id. Use letters, digits and . _ - only.",
            ),
            Self::Name => ("이름을 입력해 주세요.", "Give a name."),
            Self::Email => ("이메일 주소를 확인해 주세요.", "Give an e-mail address."),
            Self::Field(name) => {
                return match lang {
                    Lang::Ko => format!("{name} 항목을 입력해 주세요.").into(),
                    Lang::En => format!("Give {name}, in one line.").into(),
                };
            }
            Self::Closed => ("회원가입을 받지 않습니다. 담당자에게 문의해 주세요.", "Accounts are made by the operator only. Ask there."),
            Self::Taken => ("이미 사용 중인 ID입니다. 다른 ID를 입력해 주세요.", "The id is taken. Choose another one."),
            Self::Password(PasswordFault::TooShort { least }) => {
                return match lang {
                    Lang::Ko => format!("새 비밀번호는 {least}자 이상이어야 합니다.").into(),
                    Lang::En => format!("The new password needs {least} characters or more.").into(),
                };
            }
            Self::Password(PasswordFault::TooLong) => {
                ("새 비밀번호는 256자까지 쓸 수 있습니다.", "The new password can have 256 characters.")
            }
            Self::Password(PasswordFault::Common) => {
                ("쉽게 추측할 수 있는 비밀번호입니다. 더 긴 문장을 써 보세요.", "This password is guessed easily. Try a longer phrase.")
            }
            Self::Wrong => ("현재 비밀번호가 맞지 않습니다.", "The present password is wrong."),
            Self::Link => (
                "사용할 수 없는 링크입니다. 담당자에게 새 링크를 요청해 주세요.",
                "This link is not good, or no longer. Ask the operator for a new one.",
            ),
        };
        match lang {
            Lang::Ko => korean.into(),
            Lang::En => english.into(),
        }
    }
}
