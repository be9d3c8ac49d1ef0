//! The pages of the second generation: what a browser, and those who act as one, find in them.

use std::fmt::Write as _;

use super::PageFault;
use crate::cli::demo::serve::escape;

/// The sign-in page. `said` is what it tells the person.
pub(super) fn sign_in(key: &str, token: &str, action: &str, said: Option<&str>, fault: Option<PageFault>) -> String {
    let without = |part: PageFault, html: String| if fault == Some(part) { String::new() } else { html };
    let key = if fault == Some(PageFault::BrokenKey) { "AAAA" } else { key };
    let key = without(PageFault::MissingKey, format!("<input type=\"hidden\" value=\"{}\" id=\"public-key\">", escape(key)));
    let token =
        without(PageFault::MissingToken, format!("<input type=\"hidden\" name=\"c_r_t\" value=\"{}\" id=\"c_r_t\">", escape(token)));
    let form_id = if fault == Some(PageFault::MissingForm) { "login-form" } else { "signin-form" };
    let added = if fault == Some(PageFault::AddedField) { "<input type=\"hidden\" name=\"device\" value=\"web 1\">" } else { "" };
    let said = said.map_or_else(|| "null".to_owned(), script_text);
    // As on the real page, the ampersands of the address stand as they are; those who read it by pattern count on that.
    let action = action.replace('"', "%22").replace('<', "%3C");
    format!(
        r#"<!DOCTYPE html>
<html lang="ko"><head><meta charset="UTF-8"><title>통합로그인</title></head>
<body>
{key}
<form id="{form_id}" action="{action}" method="POST">
<input type="text" id="input-userId" name="user_id" placeholder="아이디">
<input type="password" id="input-password" name="pw" placeholder="비밀번호">
<input type="hidden" name="user_id_enc" id="input-userId-enc">
<input type="hidden" name="pw_enc" id="input-password-enc">
<input type="hidden" name="encsymka" id="input-encsymka">
{token}{added}
<button type="submit">로그인</button>
</form>
<script>
// location.replace('/sso/old');
function check() {{ if (!document.getElementById('input-userId').value) {{ alert('아이디를 입력하세요.'); return false; }} }}
window.onload = function() {{
  var errorMsg = {said};
  if (errorMsg) {{ alert(errorMsg); }}
}};
</script>
</body></html>"#
    )
}

/// The page that asks for a new password, as after too long with the old one.
pub(super) fn new_password(id: &str) -> String {
    format!(
        r#"<!DOCTYPE html><html lang="ko"><title>비밀번호 변경</title>
<form action="/sso/change/pw?cm_cg_id={id}" method="POST"><p>비밀번호를 변경해 주세요.</p>
<input type="password" name="new_pw"><button>변경</button><button type="button" onclick="later()">다음에</button></form>
<script>var laterUrl = '/sso/auth' + '?cm_cg_id=' + ["{id}"]; function later() {{ location.href = laterUrl; }}</script></html>"#
    )
}

/// The page that asks for a second factor.
pub(super) fn second_factor() -> String {
    r#"<!DOCTYPE html><html lang="ko"><title>2차 인증</title>
<form id="two-factor-form" action="/sso/two-factor" method="POST"><input name="tf_val"><button>확인</button></form></html>"#
        .to_owned()
}

/// A page that submits a form by itself.
pub(super) fn submitting(action: &str, fields: &[(&str, &str)]) -> String {
    let mut inputs = String::new();
    for (name, value) in fields {
        // Writing into a String cannot fail.
        let _ = write!(inputs, "<input type=\"hidden\" name=\"{}\" value=\"{}\">", escape(name), escape(value));
    }
    format!(
        "<!DOCTYPE html><html><body onLoad=\"doLogin();\"><form name=\"login\" action=\"{}\" method=\"post\">{inputs}</form>\
         <script>function doLogin() {{ document.login.submit(); }}</script></body></html>",
        escape(action)
    )
}

/// A page whose script sends the browser on.
pub(super) fn scripted(target: &str) -> String {
    format!("<!DOCTYPE html><html><head><script>window.location.href = {};</script></head></html>", script_text(target))
}

/// A page that only says something, as some do, and goes back.
pub(super) fn saying(words: &str) -> String {
    format!("<script>alert({}); history.back();</script>", script_text(words))
}

/// The service's own page, for a person who is logged in.
pub(super) fn service(name: &str) -> String {
    format!(
        "<!DOCTYPE html><html lang=\"ko\"><meta charset=\"UTF-8\"><title>종합정보시스템</title>\
         <p>{}님 환영합니다.</p><a href=\"/sso/logout\">로그아웃</a></html>",
        escape(name)
    )
}

/// A text for a script, with everything but ASCII escaped, as the real page does.
fn script_text(text: &str) -> String {
    let mut quoted = String::from('"');
    for unit in text.encode_utf16() {
        match char::from_u32(u32::from(unit)).filter(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '<')) {
            Some(c) => quoted.push(c),
            None if unit == u16::from(b' ') => quoted.push(' '),
            None => {
                let _ = write!(quoted, "\\u{unit:04x}");
            }
        }
    }
    quoted.push('"');
    quoted
}
