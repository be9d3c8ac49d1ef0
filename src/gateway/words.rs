use std::borrow::Cow;

use super::Refusal;
use crate::pages::Lang;
use crate::provider::ProviderFault;
use crate::store::EndReason;
use crate::token::TokenFault;
use crate::web::{BodyFault, CrossSite};

/// What a program's user is told: what happened and what to do next. The Korean texts of the first systems are kept.
pub(super) fn words(refusal: &Refusal, lang: Lang) -> Cow<'_, str> {
    if let Refusal::LoginRefused { message: Some(message) } = refusal {
        return message.into();
    }
    if let Refusal::Account(refusal) = refusal {
        return refusal.words(lang);
    }
    let (korean, english) = both(refusal);
    match lang {
        Lang::Ko => korean.into(),
        Lang::En => english.into(),
    }
}

fn both(refusal: &Refusal) -> (&'static str, &'static str) {
    match refusal {
        Refusal::Host(_) => {
            ("요청한 호스트를 알 수 없습니다. 주소를 확인해 주세요.", "The request does not name one host. Check the address.")
        }
        Refusal::Framing => (
            "요청의 전송 형식을 받아들일 수 없습니다.",
            "The request's transfer encoding is not taken. Send it with a Content-Length or as chunked.",
        ),
        Refusal::TargetTooLong => ("주소가 너무 깁니다.", "The address is too long."),
        Refusal::TooManyHeaders => ("요청 헤더가 너무 많습니다.", "The request has more header lines than allowed."),
        Refusal::Misdirected => (
            "이 연결로는 요청한 호스트에 접속할 수 없습니다. 다시 시도해 주세요.",
            "This connection is not for the host of the request. Try again over a new one.",
        ),
        Refusal::Path(_) => {
            ("주소의 형식이 올바르지 않습니다. 주소를 확인해 주세요.", "The path cannot be read in one way only. Check the address.")
        }
        Refusal::NotFound => ("찾는 주소가 없습니다. 주소를 확인해 주세요.", "There is nothing at this address. Check it."),
        Refusal::Method { .. } => {
            ("이 주소에서는 사용할 수 없는 메서드입니다.", "This method is not taken here; the Allow header lists those that are.")
        }
        Refusal::NoToken => ("토큰이 필요합니다.", "A token is needed. Log in first."),
        Refusal::Token(fault) => token(*fault),
        Refusal::Ambiguous => {
            ("토큰이 유효하지 않거나 누락되었습니다.", "Exactly one token is wanted in one place. Send one, or log in again.")
        }
        Refusal::Ended(reason) => ended(*reason),
        Refusal::SessionOver => ("세션이 종료되었습니다. 다시 로그인해 주세요.", "The session is over. Log in again."),
        Refusal::PasswordTooOld => {
            ("비밀번호를 다시 확인해야 하는 주소입니다. 다시 로그인해 주세요.", "This needs a password given recently. Log in again.")
        }
        Refusal::CookiesNotKept => (
            "로그인했지만 브라우저가 로그인 쿠키를 보내지 않습니다. 쿠키를 허용한 뒤 다시 로그인해 주세요.",
            "You logged in, but the browser does not send the login's cookies back. Allow cookies here and log in again.",
        ),
        Refusal::Forbidden { .. } => (
            "이 주소를 사용할 권한이 없습니다. 권한이 필요하면 담당자에게 문의해 주세요.",
            "You are logged in but not allowed here. Ask the operator for access.",
        ),
        Refusal::CrossSite(CrossSite::Foreign) => {
            ("다른 사이트에서 보낸 요청이라 처리하지 않았습니다.", "The request came from another site's page and was not carried out.")
        }
        Refusal::CrossSite(CrossSite::Unsaid) => (
            "요청을 보낸 곳을 확인할 수 없어 처리하지 않았습니다. Origin 헤더를 보내거나 Authorization 헤더로 토큰을 보내 주세요.",
            "Nothing says where the request came from, so it was not carried out. Send an Origin header, or the token in an Authorization header.",
        ),
        Refusal::DoubleSubmit(_) => (
            "CSRF 토큰이 없거나 다릅니다. X-CSRF-TOKEN 헤더에 csrf 쿠키의 값을 보내 주세요.",
            "The CSRF token is missing or wrong. Send the csrf cookie's value in the X-CSRF-TOKEN header.",
        ),
        Refusal::Body(BodyFault::TooLarge) => ("보낸 내용이 너무 큽니다.", "The body is larger than allowed."),
        Refusal::Body(BodyFault::TooSlow) => {
            ("요청이 제때 도착하지 않았습니다. 다시 시도해 주세요.", "The body did not arrive in time. Try again.")
        }
        Refusal::Body(BodyFault::Client) => ("요청이 도중에 끊어졌습니다. 다시 시도해 주세요.", "The body broke off. Try again."),
        Refusal::Form => (
            "요청의 내용을 읽을 수 없습니다. JSON 형식을 확인해 주세요.",
            "The body cannot be read. Send JSON with Content-Type: application/json.",
        ),
        Refusal::CredentialsMissing => ("ID와 비밀번호를 입력해주세요.", "Give an id and a password."),
        Refusal::LoginRefused { .. } => ("로그인 실패: 알 수 없는 오류", "Login failed. Check the id and the password."),
        Refusal::AccountDisabled => ("사용이 중지된 계정입니다. 담당자에게 문의해 주세요.", "This account is disabled. Ask the operator."),
        // Worded beside its variants; this is for nobody.
        Refusal::Account(_) => ("요청을 처리할 수 없습니다.", "This cannot be done."),
        Refusal::Throttled { .. } => (
            "로그인 시도가 너무 많습니다. 잠시 후 다시 시도해 주세요.",
            "Too many attempts. Wait as long as Retry-After says and try again.",
        ),
        Refusal::Provider(fault) => provider(fault),
        Refusal::Store(_) => {
            ("지금은 요청을 처리할 수 없습니다. 잠시 후 다시 시도해 주세요.", "The gateway cannot do this now. Try again shortly.")
        }
        Refusal::Upstream(error) if error.is_timeout() => (
            "응용 프로그램이 제때 응답하지 않았습니다. 잠시 후 다시 시도해 주세요.",
            "The application did not answer in time. Try again shortly.",
        ),
        Refusal::Upstream(_) => {
            ("응용 프로그램에 연결할 수 없습니다. 잠시 후 다시 시도해 주세요.", "The application cannot be reached. Try again shortly.")
        }
        Refusal::Internal(_) => (
            "게이트웨이 내부 오류입니다. 요청 번호와 함께 담당자에게 알려 주세요.",
            "Something in the gateway is broken. Tell the operator the request id.",
        ),
    }
}

const fn token(fault: TokenFault) -> (&'static str, &'static str) {
    match fault {
        TokenFault::Malformed => ("토큰이 유효하지 않거나 누락되었습니다.", "The token is malformed. Log in again."),
        TokenFault::Expired => ("토큰이 만료되었습니다.", "The token has expired. Refresh it, or log in again."),
        TokenFault::NotYetValid => ("유효하지 않은 토큰입니다.", "The token is not valid yet. Check the clocks."),
        TokenFault::WrongType => {
            ("유효하지 않은 토큰입니다.", "The token is of the wrong type: an access token passes, a refresh token refreshes.")
        }
        TokenFault::Critical | TokenFault::UnknownKey | TokenFault::WrongAlgorithm | TokenFault::BadSignature | TokenFault::NotForUs => {
            ("유효하지 않은 토큰입니다.", "The token is not one of this gateway's. Log in again.")
        }
    }
}

const fn ended(reason: EndReason) -> (&'static str, &'static str) {
    match reason {
        EndReason::LoggedOut => ("로그아웃된 토큰입니다. 다시 로그인해 주세요.", "This session was logged out. Log in again."),
        EndReason::Elsewhere => {
            ("다른 기기에서 이 세션을 종료했습니다. 다시 로그인해 주세요.", "This session was ended from another device. Log in again.")
        }
        EndReason::Replaced => {
            ("새 로그인으로 바뀐 세션입니다. 다시 로그인해 주세요.", "A newer login took this session's place. Log in again.")
        }
        EndReason::TooMany => (
            "허용된 세션 수를 넘어 종료되었습니다. 다시 로그인해 주세요.",
            "There were more sessions than allowed, and this was the oldest. Log in again.",
        ),
        EndReason::Theft => (
            "이미 사용된 토큰이 다시 제시되어 세션을 종료했습니다. 다시 로그인해 주세요.",
            "A used-up token came back, so the session was ended as stolen. Log in again.",
        ),
        EndReason::Administrator => {
            ("관리자가 세션을 종료했습니다. 다시 로그인해 주세요.", "An administrator ended this session. Log in again.")
        }
        EndReason::Disabled => ("사용이 중지된 계정입니다. 담당자에게 문의해 주세요.", "This account is disabled. Ask the operator."),
        EndReason::Removed => ("삭제된 계정입니다.", "This account was removed."),
        EndReason::PasswordChanged => (
            "비밀번호가 바뀌어 세션이 종료되었습니다. 다시 로그인해 주세요.",
            "The password changed, which ended this session. Log in again.",
        ),
    }
}

/// They begin as the first system's did; what it printed behind them (the exception) is for the log alone.
const fn provider(fault: &ProviderFault) -> (&'static str, &'static str) {
    match fault {
        ProviderFault::Unreachable(_) | ProviderFault::Resting { .. } => (
            "외부 API 요청 중 오류 발생: 로그인 서버에 연결할 수 없습니다. 잠시 후 다시 시도해 주세요.",
            "The login server cannot be reached. Try again shortly.",
        ),
        ProviderFault::TimedOut(_) => (
            "외부 API 요청 중 오류 발생: 로그인 서버가 제때 응답하지 않았습니다. 잠시 후 다시 시도해 주세요.",
            "The login server did not answer in time. Try again shortly.",
        ),
        ProviderFault::NotUnderstood(_) | ProviderFault::Changed(_) | ProviderFault::Refused(_) => (
            "외부 API 요청 중 오류 발생: 로그인 서버의 응답을 이해할 수 없습니다. 잠시 후 다시 시도하고, 계속되면 담당자에게 알려 주세요.",
            "The login server's answer is not understood. Try again shortly; if it goes on, tell the operator.",
        ),
        ProviderFault::Overloaded(_) => (
            "외부 API 요청 중 오류 발생: 지금 로그인이 몰려 있습니다. 잠시 후 다시 시도해 주세요.",
            "Too many people are logging in just now. Try again shortly.",
        ),
    }
}
