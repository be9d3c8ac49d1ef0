//! Accounts of our own, for programs that speak JSON: sign-up, a new password, withdrawal, a one-time link.

use http::StatusCode;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use crate::base::{Timestamp, TokenId};
use crate::gateway::record::Record;
use crate::gateway::reply::{self, Reply};
use crate::gateway::self_service::Wish;
use crate::gateway::{AccountRefusal, Gateway, Intake, Refusal};
use crate::identity::{DisplayName, Email, Profile};
use crate::store::{AccountStatus, Fields};
use crate::web::{CrossSite, FormKind, from_json, from_our_pages, read_whole};

#[derive(Deserialize)]
struct SignUpJson {
    #[serde(alias = "username")]
    id: String,
    password: String,
    name: String,
    email: String,
    #[serde(default)]
    fields: Fields,
    #[serde(default)]
    provider: Option<String>,
}

#[derive(Deserialize)]
struct PasswordJson {
    password: String,
    new_password: String,
}

#[derive(Deserialize)]
struct WithdrawJson {
    password: String,
}

#[derive(Deserialize)]
struct ResetJson {
    token: String,
    new_password: String,
}

impl Gateway {
    /// `POST /.auth/api/signup`: an account for somebody who asks for one. It logs nobody in.
    pub(super) async fn sign_up(&self, intake: Intake, record: &mut Record, now: Timestamp) -> Result<Reply, Refusal> {
        let (intake, said) = self.said::<SignUpJson>(intake).await?;
        let named = said.provider.as_deref();
        let local = self.locals().find(|local| named.is_none_or(|name| local.settings().name.as_str() == name));
        let local = local.ok_or(Refusal::Account(AccountRefusal::NotHere))?;
        let settings = local.settings();
        let user = settings.id_rule.canonical(&settings.realm, &said.id).map_err(|_| Refusal::Account(AccountRefusal::Id))?;
        let profile = Profile {
            name: Some(DisplayName::new(&said.name).map_err(|_| Refusal::Account(AccountRefusal::Name))?),
            email: Some(Email::new(&said.email).map_err(|_| Refusal::Account(AccountRefusal::Email))?),
            ..Profile::default()
        };
        let fields = settings.answers(|name| said.fields.get(name).map(String::as_str));
        let missing = |names: Vec<&str>| Refusal::Account(AccountRefusal::Field(names.first().copied().unwrap_or_default().to_owned()));
        let id = user.id().to_owned();
        let wish = Wish { user, profile, fields: fields.map_err(missing)?, password: SecretString::from(said.password) };
        let status = match self.make_account(local, wish, &intake, record, now).await? {
            AccountStatus::Active => "active",
            AccountStatus::Awaiting => "awaiting_approval",
        };
        Ok(reply::json(StatusCode::CREATED, &json!({ "id": id, "status": status })))
    }

    /// `POST /.auth/api/password`: a new password, for somebody who knows the old one. Their other sessions end.
    pub(super) async fn change_password(&self, intake: Intake, record: &mut Record, now: Timestamp) -> Result<Reply, Refusal> {
        let (intake, said) = self.said::<PasswordJson>(intake).await?;
        let known = self.acting(&intake, record, now)?;
        let passwords = (SecretString::from(said.password), SecretString::from(said.new_password));
        self.set_password(&known, passwords, &intake, record, now).await?;
        Ok(reply::json(StatusCode::OK, &json!({ "changed": true })))
    }

    /// `POST /.auth/api/withdraw`: the person leaves.
    pub(super) async fn withdraw(&self, intake: Intake, record: &mut Record, now: Timestamp) -> Result<Reply, Refusal> {
        let (intake, said) = self.said::<WithdrawJson>(intake).await?;
        let known = self.acting(&intake, record, now)?;
        // Not 401: the token that was shown is good.
        let in_our_words =
            |refusal| if matches!(refusal, Refusal::LoginRefused { .. }) { Refusal::Account(AccountRefusal::Wrong) } else { refusal };
        self.leave(&known, SecretString::from(said.password), &intake, record, now).await.map_err(in_our_words)?;
        let mut reply = reply::json(StatusCode::OK, &json!({ "removed": true }));
        self.cookies.clear(reply.headers_mut());
        Ok(reply)
    }

    /// `POST /.auth/api/reset`: a new password by a one-time link.
    pub(super) async fn reset_password(&self, intake: Intake, record: &mut Record, now: Timestamp) -> Result<Reply, Refusal> {
        let (intake, said) = self.said::<ResetJson>(intake).await?;
        let secret = TokenId::parse(&said.token).ok_or(Refusal::Account(AccountRefusal::Link))?;
        self.redeem(secret, SecretString::from(said.new_password), &intake, record, now).await?;
        Ok(reply::json(StatusCode::OK, &json!({ "changed": true })))
    }

    /// What was said, in JSON: a form of another site cannot send that, and its pages are refused besides.
    async fn said<T: serde::de::DeserializeOwned>(&self, mut intake: Intake) -> Result<(Intake, T), Refusal> {
        if matches!(from_our_pages(&intake.headers, &intake.origin(), &self.settings.csrf), Err(CrossSite::Foreign)) {
            return Err(CrossSite::Foreign.into());
        }
        if FormKind::of(&intake.headers) != FormKind::Json {
            return Err(Refusal::Form);
        }
        let body = Zeroizing::new(Vec::from(read_whole(intake.take_body()).await?));
        let said = from_json(&body).ok_or(Refusal::Form)?;
        Ok((intake, said))
    }
}
