use std::fmt;

use serde::Deserializer as _;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::AnswerRule;
use crate::provider::text::{decode, plain_words};
use crate::provider::{ProviderFault, Verdict};

/// What an answer with status 200 says. Its faults never quote the body: it could repeat what was sent.
pub(super) fn judge(rule: &AnswerRule, content_type: Option<&str>, body: &[u8]) -> Result<Verdict, ProviderFault> {
    let not_understood = |why: &str| ProviderFault::NotUnderstood(why.to_owned());
    let text = decode(content_type, body).ok_or_else(|| not_understood("its body is text in no known encoding"))?;
    let text = text.trim();
    if text.is_empty() {
        return Err(not_understood("its body is empty"));
    }
    if text.starts_with('<') {
        return Err(ProviderFault::Changed("it answered with a page instead of JSON".into()));
    }
    let fields = read(rule, text)?;
    let field = &rule.code_field;
    let code = match fields.code {
        Found::Once(Value::String(code)) => code,
        Found::Once(_) => return Err(ProviderFault::NotUnderstood(format!("the field {field:?} of its JSON is not a string"))),
        Found::Never => return Err(ProviderFault::NotUnderstood(format!("its JSON has no field {field:?}"))),
        Found::Twice => return Err(ProviderFault::NotUnderstood(format!("its JSON has the field {field:?} more than once"))),
    };
    // Words are for reading only; whatever is strange about them changes no verdict.
    let words = match fields.message {
        Found::Once(Value::String(words)) => plain_words(&words),
        Found::Once(_) | Found::Never | Found::Twice => None,
    };
    Ok(if rule.success.contains(&code) {
        Verdict::Right { notice: None }
    } else if rule.notice.contains(&code) {
        let unsaid = || format!("대학 로그인에서 안내를 보냈습니다. The university's login sent a notice. ({code})");
        Verdict::Right { notice: Some(words.unwrap_or_else(unsaid)) }
    } else {
        Verdict::Wrong { message: words }
    })
}

/// A field of an object in which names may come twice: two readings of one answer are no answer.
#[derive(Default)]
enum Found {
    #[default]
    Never,
    Once(Value),
    Twice,
}

impl Found {
    fn put(&mut self, value: Value) {
        *self = if matches!(self, Self::Never) { Self::Once(value) } else { Self::Twice };
    }
}

#[derive(Default)]
struct Fields {
    code: Found,
    message: Found,
}

fn read(rule: &AnswerRule, text: &str) -> Result<Fields, ProviderFault> {
    let mut json = serde_json::Deserializer::from_str(text);
    let fields = json.deserialize_map(FieldsVisitor(rule)).and_then(|fields| json.end().map(|()| fields));
    fields.map_err(|error| {
        let why = match error.classify() {
            serde_json::error::Category::Eof => "its JSON breaks off in the middle",
            serde_json::error::Category::Data => "its JSON is not an object",
            serde_json::error::Category::Syntax | serde_json::error::Category::Io => "its body is not JSON",
        };
        ProviderFault::NotUnderstood(why.to_owned())
    })
}

struct FieldsVisitor<'a>(&'a AnswerRule);

impl<'de> Visitor<'de> for FieldsVisitor<'_> {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Fields::default();
        while let Some(name) = map.next_key::<String>()? {
            if name == self.0.code_field {
                fields.code.put(map.next_value()?);
            } else if self.0.message_field.as_ref() == Some(&name) {
                fields.message.put(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(fields)
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::EUC_KR;
    use rstest::rstest;

    use super::*;
    use crate::identity::ProviderName;
    use crate::provider::HttpFormSettings;

    fn judge_json(body: &str) -> Result<Verdict, ProviderFault> {
        judge(&HttpFormSettings::mju(ProviderName::new("mju").unwrap()).answer, Some("application/json"), body.as_bytes())
    }

    fn wrong(message: &str) -> Verdict {
        Verdict::Wrong { message: Some(message.into()) }
    }

    #[test]
    fn only_the_string_is_a_yes() {
        assert_eq!(judge_json(r#"{"error":"0000","error_message":"정상처리되었습니다."}"#), Ok(Verdict::Right { notice: None }));
        assert_eq!(judge_json("\u{feff} {\"\\u0065rror\" : \"\\u0030000\"}\r\n"), Ok(Verdict::Right { notice: None }));
        let notice = judge_json(r#"{"error":"VL-3130","error_message":"비밀번호를 변경하세요"}"#);
        assert_eq!(notice, Ok(Verdict::Right { notice: Some("비밀번호를 변경하세요".into()) }));
        let unsaid = judge_json(r#"{"error":"VL-3130"}"#);
        assert!(matches!(unsaid, Ok(Verdict::Right { notice: Some(text) }) if text.contains("VL-3130")));
    }

    #[test]
    fn every_other_string_is_a_no_with_its_words() {
        assert_eq!(judge_json(r#"{"error":"VL-1","error_message":" 틀렸\n습니다 "}"#), Ok(wrong("틀렸 습니다")));
        for code in ["", "0", "00000", " 0000", "0000 ", "０００0", "vl-3130", "true"] {
            assert_eq!(judge_json(&format!(r#"{{"error":"{code}"}}"#)), Ok(Verdict::Wrong { message: None }), "{code:?}");
        }
        // Odd words change no verdict.
        for odd in ["null", "7", r#"["a"]"#, r#""", "error_message": "b""#, r#""\u0000\u0007""#] {
            assert_eq!(judge_json(&format!(r#"{{"error":"x","error_message":{odd}}}"#)), Ok(Verdict::Wrong { message: None }), "{odd}");
        }
    }

    // security-lessons 25: what an identity provider may send by accident or malice.
    #[rstest]
    #[case::empty("")]
    #[case::white_space(" \r\n ")]
    #[case::number_zero(r#"{"error":0}"#)]
    #[case::number_0000(r#"{"error":0000}"#)]
    #[case::array_field(r#"{"error":["0000"]}"#)]
    #[case::object_field(r#"{"error":{"0000":"0000"}}"#)]
    #[case::null(r#"{"error":null}"#)]
    #[case::boolean(r#"{"error":true}"#)]
    #[case::missing(r#"{"result":"0000"}"#)]
    #[case::other_case(r#"{"Error":"0000"}"#)]
    #[case::twice(r#"{"error":"0000","error":"0000"}"#)]
    #[case::twice_and_different(r#"{"error":"VL-1","error":"0000"}"#)]
    #[case::twice_by_escape(r#"{"error":"VL-1","\u0065rror":"0000"}"#)]
    #[case::array(r#"[{"error":"0000"}]"#)]
    #[case::string(r#""0000""#)]
    #[case::number("0000")]
    #[case::half(r#"{"error":"0000","#)]
    #[case::half_string(r#"{"error":"00"#)]
    #[case::two_answers(r#"{"error":"0000"}{"error":"VL-1"}"#)]
    #[case::rubbish_behind(r#"{"error":"0000"} ok"#)]
    #[case::jsonp(r#"callback({"error":"0000"})"#)]
    #[case::single_quotes("{'error':'0000'}")]
    #[case::comment(r#"{"error":"0000"/**/}"#)]
    #[case::nested_deep(&"[".repeat(100_000))]
    #[case::nested_deep_inside(&format!(r#"{{"a":{}"#, "[".repeat(100_000)))]
    fn what_is_not_understood_is_never_a_yes(#[case] body: &str) {
        assert!(matches!(judge_json(body), Err(ProviderFault::NotUnderstood(_))), "{:?}", judge_json(body));
    }

    #[test]
    fn a_page_means_that_the_login_has_changed() {
        let page = r#"  <!doctype html><script>{"error":"0000"}</script>"#;
        assert!(matches!(judge_json(page), Err(ProviderFault::Changed(_))));
    }

    #[test]
    fn faults_do_not_repeat_the_body() {
        for body in [r#"{"error":7,"echo":"hunter2"}"#, "hunter2", r#"{"hunter2":"hunter2"}"#, "\"hunter2\"", "{\"error\": hunter2}"] {
            assert!(!judge_json(body).unwrap_err().to_string().contains("hunter2"), "{body}");
        }
    }

    #[test]
    fn euc_kr_is_read() {
        let (body, ..) = EUC_KR.encode(r#"{"error":"VL-1","error_message":"아이디 또는 비밀번호가 틀렸습니다."}"#);
        let rule = HttpFormSettings::mju(ProviderName::new("mju").unwrap()).answer;
        for content_type in [Some("text/html;charset=EUC-KR"), Some("text/html"), None] {
            assert_eq!(judge(&rule, content_type, &body), Ok(wrong("아이디 또는 비밀번호가 틀렸습니다.")));
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(body: Vec<u8>, content_type: Option<String>) {
            let rule = HttpFormSettings::mju(ProviderName::new("mju").unwrap()).answer;
            let yes = judge(&rule, content_type.as_deref(), &body).is_ok_and(|verdict| matches!(verdict, Verdict::Right { .. }));
            proptest::prop_assert!(!yes);
        }
    }
}
