use http::StatusCode;
use serde_json::json;

use super::login::lang;
use crate::base::Timestamp;
use crate::gateway::record::Record;
use crate::gateway::reply::{self, Reply};
use crate::gateway::{Gateway, Intake, Refusal};
use crate::pages::MePage;
use crate::web::wants_page;

impl Gateway {
    /// `GET /.auth/me`: who am I, and when do my token and my session end. Renews nothing.
    pub(super) async fn me(&self, intake: &Intake, record: &mut Record, now: Timestamp) -> Result<Reply, Refusal> {
        let known = self.present(intake, now)?;
        record.person = Some(std::sync::Arc::clone(&known.verified.subject));
        let session = self.shared.store.session(known.verified.session).await?.ok_or(Refusal::SessionOver)?;
        let identity = known.identity();
        if wants_page(&intake.method, &intake.headers) {
            let lang = lang(intake);
            let page = MePage {
                identity,
                provider: self.pages.account_system(identity.provider.as_str()).0,
                now,
                token_ends: known.verified.expires,
                session_ends: session.absolute_end,
                logout: Self::logout_path(intake.aliases),
                account: Some(crate::web::ReturnTo::ACCOUNT),
                home: Some("/"),
            };
            return Ok(self.own_page(StatusCode::OK, lang, self.pages.me(lang, &page)));
        }
        let profile = &identity.profile;
        Ok(reply::json(
            StatusCode::OK,
            &json!({
                "sub": &**identity.subject,
                "user": identity.user.to_string(),
                "provider": identity.provider.as_str(),
                "role": profile.role.as_str(),
                "groups": profile.groups.iter().map(crate::identity::Group::as_str).collect::<Vec<_>>(),
                "name": profile.name.as_ref().map(crate::identity::DisplayName::as_str),
                "email": profile.email.as_ref().map(crate::identity::Email::as_str),
                "session": identity.session.to_string(),
                "session_created": session.created.secs(),
                "session_expires": session.absolute_end.secs(),
                "token_expires": known.verified.expires.secs(),
                "fresh": known.verified.fresh,
            }),
        ))
    }
}
