mod outline;
mod people;
mod samples;

use std::collections::BTreeSet;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rstest::rstest;

use self::outline::{Outline, outline};
use super::*;

/// All that HTML gives a meaning to, in a form every name may have (no comma and no space, for groups; one @, for addresses).
const HOSTILE: &str = "<script>\"'&amp;</title></style>`${{x}}--><b>@b";

fn as_is(text: &'static str) -> &'static str {
    text
}

fn hostile(_: &'static str) -> &'static str {
    HOSTILE
}

/// The longest a name can be, and nowhere to break it.
fn endless(_: &'static str) -> &'static str {
    "wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww@명지대학교명지대학교명지대학교명지대학교명지대학교"
}

fn everything() -> Vec<(Lang, String, String)> {
    let mut made = Vec::new();
    for (place, pages) in [("green", samples::pages(&as_is)), ("bright", samples::bright(&as_is))] {
        for lang in Lang::ALL {
            made.extend(samples::all(&pages, lang, &as_is).into_iter().map(|(name, html)| (lang, format!("{place} {name}"), html)));
        }
    }
    made
}

#[test]
fn every_page_is_whole() {
    let made = everything();
    assert!(made.len() > 200, "only {} pages", made.len());
    for (lang, name, html) in made {
        let page = outline(&html);
        assert!(page.faults.is_empty(), "{name}: {:?}", page.faults);
        assert_eq!(page.attribute("html", "lang"), Some(lang.as_str()), "{name}");
        for once in ["main", "h1", "title", "header", "footer"] {
            assert_eq!(page.count(once), 1, "{name}: {once}");
        }
        assert!(page.title.chars().count() > 3, "{name}: {:?}", page.title);
        assert!(html.len() < 20_000, "{name}: {} bytes", html.len());
    }
}

#[test]
fn every_page_can_be_used_by_everybody() {
    for (_, name, html) in everything() {
        let page = outline(&html);
        let ids: BTreeSet<&str> = page.values("id").collect();
        assert_eq!(ids.len(), page.values("id").count(), "{name}: an id stands twice");
        for wanted in page.values("for").chain(page.values("aria-describedby").flat_map(str::split_whitespace)) {
            assert!(ids.contains(wanted), "{name}: {wanted:?} is nowhere");
        }
        for field in page.fields() {
            let labelled = field.inside_label || field.get("id").is_some_and(|id| page.values("for").any(|wanted| wanted == id));
            assert!(labelled, "{name}: a field without a label: {:?}", field.attributes);
        }
        for image in page.elements("img") {
            assert!(image.get("alt").is_some(), "{name}");
        }
    }
}

#[test]
fn no_page_needs_or_allows_a_script() {
    for (_, name, html) in everything() {
        let page = outline(&html);
        for tag in ["script", "iframe", "object", "base", "embed", "template"] {
            assert_eq!(page.count(tag), 0, "{name}: {tag}");
        }
        for (attribute, value) in page.all_attributes() {
            assert!(attribute != "style" && !attribute.starts_with("on"), "{name}: {attribute}");
            assert!(!value.trim_start().to_ascii_lowercase().starts_with("javascript:"), "{name}: {value}");
        }
        for address in page.values("src").chain(page.values("href")).chain(page.values("action")) {
            assert!(!address.contains("//") || address.starts_with("data:image/"), "{name}: {address} leads elsewhere");
        }
    }
}

#[test]
fn the_policy_names_the_style_sheets_in_the_pages_and_nothing_else() {
    for pages in [samples::pages(&as_is), samples::bright(&as_is)] {
        let policy = pages.content_security_policy();
        let mut seen = BTreeSet::new();
        for (name, html) in samples::all(&pages, Lang::Ko, &as_is) {
            for rest in html.split("<style>").skip(1) {
                let sheet = rest.split("</style>").next().unwrap();
                let hash = format!("'sha256-{}'", STANDARD.encode(digest::digest(&digest::SHA256, sheet.as_bytes())));
                assert!(policy.contains(&hash), "{name}: {hash} is not in {policy}");
                assert!(!sheet.contains("url(") && !sheet.contains("@import"), "{name}");
                seen.insert(hash);
            }
        }
        let named: BTreeSet<String> = policy
            .split_whitespace()
            .map(|word| word.trim_end_matches(';'))
            .filter(|word| word.contains("sha256-"))
            .map(str::to_owned)
            .collect();
        assert_eq!(named, seen);
        for rule in ["default-src 'none';", "img-src 'self' data:;", "form-action 'self';", "frame-ancestors 'none';", "base-uri 'none'"] {
            assert!(policy.contains(rule), "{rule}");
        }
        assert!(!policy.contains("unsafe") && http::HeaderValue::from_str(policy).is_ok());
    }
}

/// Security lesson 52. A text from outside never becomes markup: the page has the same elements and attributes whatever it is given.
#[rstest]
fn texts_from_outside_stay_texts(#[values(Lang::Ko, Lang::En)] lang: Lang) {
    let tame = samples::all(&samples::pages(&as_is), lang, &as_is);
    let wild = samples::all(&samples::pages(&hostile), lang, &hostile);
    let mut shown = 0;
    for ((name, tame), (_, wild)) in tame.iter().zip(&wild) {
        let (tame, page) = (outline(tame), outline(wild));
        assert!(page.faults.is_empty(), "{name}: {:?}", page.faults);
        assert_eq!(without_choice(&tame), without_choice(&page), "{name}: the text changed the page");
        assert!(!wild.contains("<script") && !wild.contains("</title></style>"), "{name}");
        assert!(page.title.contains(HOSTILE), "{name}: {:?}", page.title);
        shown += page.values("href").chain(page.values("value")).chain(page.values("action")).filter(|value| *value == HOSTILE).count();
        let written = page.text.matches(HOSTILE).count();
        assert!(written >= 2, "{name}: the brand and one text more are shown as they are");
    }
    assert!(shown > 100, "the texts reach attributes too: {shown}");
}

/// The structure, without which provider is chosen: with equal names all of them are.
fn without_choice(page: &Outline) -> Vec<String> {
    page.structure.iter().map(|tag| tag.replace(" checked", "")).collect()
}

#[test]
fn switching_the_language_keeps_the_way_back() {
    let pages = samples::pages(&as_is);
    let next = "/a?b=c&d=é\"#x";
    let html = pages.login(Lang::Ko, &LoginPage { action: "/login", next: Some(next), why: Some(WhyHere::Theft), ..LoginPage::default() });
    let page = outline(&html);
    let link = page.values("href").find(|href| href.starts_with('?')).unwrap();
    assert_eq!(link, "?lang=en&next=%2Fa%3Fb%3Dc%26d%3D%C3%A9%22%23x&why=theft");
    assert_eq!(page.elements("input").find(|input| input.get("name") == Some("next")).and_then(|input| input.get("value")), Some(next));
    let bare =
        outline(&pages.login(Lang::En, &LoginPage { action: "/login", ..LoginPage::default() })).values("href").nth(1).map(str::to_owned);
    assert_eq!(bare.as_deref(), Some("?lang=ko"));
}

#[test]
fn the_login_form_is_what_password_managers_and_the_gateway_expect() {
    let html =
        samples::all(&samples::pages(&as_is), Lang::Ko, &as_is).into_iter().find(|(name, _)| name == "login-error-refused").unwrap().1;
    let page = outline(&html);
    let field = |name: &str| page.elements("input").find(|input| input.get("name") == Some(name)).unwrap();
    assert_eq!(page.attribute("form", "method"), Some("post"));
    assert_eq!(page.attribute("form", "action"), Some("/login"));
    assert_eq!((field("id").get("autocomplete"), field("id").get("value")), (Some("username"), Some("60241234")));
    assert_eq!((field("password").get("autocomplete"), field("password").get("type")), (Some("current-password"), Some("password")));
    assert_eq!(field("password").get("value"), None, "a password is never sent back");
    assert!(field("remember").get("checked").is_some());
    assert_eq!(field("provider").get("value"), Some("mju"));
    assert!(page.elements("div").any(|div| div.get("role") == Some("alert")));
    assert!(page.text.contains("로그인 실패: 알 수 없는 오류"));
}

#[test]
fn the_texts_people_know_are_kept() {
    assert_eq!(LoginError::Missing.message(Lang::Ko), "ID와 비밀번호를 입력해주세요.");
    assert_eq!(LoginError::Refused(None).message(Lang::Ko), "로그인 실패: 알 수 없는 오류");
    assert_eq!(LoginError::Refused(Some("잠겼습니다")).message(Lang::En), "잠겼습니다");
    for error in [LoginError::Unreachable, LoginError::TimedOut, LoginError::NotUnderstood, LoginError::Overloaded] {
        assert!(error.message(Lang::Ko).starts_with("외부 API 요청 중 오류 발생: "), "{error:?}");
    }
    let pages = samples::pages(&as_is);
    let why = |why| pages.login(Lang::Ko, &LoginPage { why: Some(why), ..LoginPage::default() });
    assert!(why(WhyHere::Expired).contains("모든 토큰이 만료되어 재로그인이 필요합니다!"));
    assert!(why(WhyHere::NoSession).contains("오류: refresh 토큰이 존재하지 않습니다!"));
    assert!(why(WhyHere::Invalid).contains("오류: 유효하지 않은 접근입니다!"));
}

#[test]
fn words_name_reasons_and_back() {
    for why in WhyHere::ALL {
        assert_eq!(WhyHere::parse(why.as_str()), Some(why));
    }
    assert_eq!(WhyHere::parse("Expired"), None);
}

#[test]
fn a_refusal_says_its_status_its_request_and_when() {
    let pages = samples::pages(&as_is);
    for kind in samples::kinds(&as_is) {
        for lang in Lang::ALL {
            let html = pages.refusal(lang, &RefusalPage { kind, request_id: "9f2c41d07ab35e68", retry: None, home: None });
            let page = outline(&html);
            assert!(page.text.contains("9f2c41d07ab35e68") && page.text.contains(kind.status().as_str()), "{kind:?}");
            assert!(page.text.contains(kind.message(lang)), "{kind:?}");
            assert!(page.values("href").all(|href| !href.starts_with('?')), "{kind:?}: the address is not ours to change");
        }
    }
    let wait = Wait::new(samples::now(), std::time::Duration::from_secs(90));
    let page = RefusalPage { kind: RefusalKind::TooMany { wait }, request_id: "x", retry: None, home: None };
    assert!(pages.refusal(Lang::Ko, &page).contains("2분 뒤(01시 34분 15초 이후)에 다시 시도해 주세요."));
    assert!(pages.refusal(Lang::En, &page).contains("Please try again in 2 minutes (after 01:34:15)."));
}

/// Writes every page to a directory, for a look with a browser: `PAGES_DIR=… cargo test --lib pages:: -- --ignored`.
#[test]
#[ignore = "writes files for a person to look at"]
fn write_the_pages_down() {
    let dir = std::path::PathBuf::from(std::env::var_os("PAGES_DIR").expect("PAGES_DIR names a directory"));
    let places: [(&str, Pages, samples::Say<'_>); 3] = [
        ("green", samples::pages(&as_is), &as_is),
        ("bright", samples::bright(&as_is), &as_is),
        ("endless", samples::pages(&endless), &endless),
    ];
    for (place, pages, say) in places {
        std::fs::write(dir.join(format!("{place}.csp")), pages.content_security_policy()).unwrap();
        for lang in Lang::ALL {
            for (name, html) in samples::all(&pages, lang, say) {
                std::fs::write(dir.join(format!("{place}_{}_{name}.html", lang.as_str())), html).unwrap();
            }
        }
    }
}
