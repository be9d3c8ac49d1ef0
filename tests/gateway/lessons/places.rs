//! After a login one is led to a place of ours or to the front page (lessons 26 and 27).

use crate::support::{RIGHT, World};

/// oauth2-proxy GHSA-qqxw-m5fj-f7gv, GHSA-j7px-6hwj-hpjg, GHSA-5m6c-jp6f-2vcv, GHSA-4mf2-f3wh-gvf2; `mod_auth_openidc`
/// CVE-2022-23527; forward-auth #12.
#[test]
fn l26_l27_nobody_is_led_astray() {
    let world = World::start();
    let long = format!("/{}", "a".repeat(8192));
    let astray = [
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "/%09/evil.example",
        "/%0a/evil.example",
        "/%5cevil.example",
        "/%2fevil.example",
        "/./\\evil.example",
        "/.//evil.example",
        "/..//evil.example",
        "/a/..//evil.example",
        "https:evil.example",
        "https:/evil.example",
        "https://evil.example",
        "https:///evil.example",
        "HTTPS://evil.example/",
        "http://127.0.0.1@evil.example",
        "http://127.0.0.1.evil.example",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        " //evil.example",
        "\u{3000}//evil.example",
        "/\r\nLocation: https://evil.example",
        "/\r\nSet-Cookie: a=b",
        "/a\0b",
        "\u{ff0f}\u{ff0f}evil\u{3002}example",
        "evil.example",
        "?next=//evil.example",
        "#//evil.example",
        "",
        &long,
        // And nobody is led in circles.
        "/login",
        "/login?next=/",
        "/logout",
        "/.auth/logout",
        "/.auth/login?x",
        "/%6cogout",
    ];
    for next in astray {
        let answer = world.gateway.browser().post("/login").form(&[("id", RIGHT.0), ("password", RIGHT.1), ("next", next)]).send();
        assert_eq!((answer.status(), answer.get("location")), (303, Some("/")), "{next:?}");
        assert_eq!(answer.set_cookies().len(), 2, "{next:?}: {:?}", answer.fields);
    }
    let own = ["/", "/a/b", "/a?next=https://evil.example", "/a?b=%2F%2Fevil", "/%EA%B0%80", "/loginx"];
    for next in own {
        let answer = world.gateway.browser().post("/login").form(&[("id", RIGHT.0), ("password", RIGHT.1), ("next", next)]).send();
        assert_eq!((answer.status(), answer.get("location")), (303, Some(next)));
    }
}

/// The page itself carries only a place that is allowed.
#[test]
fn l26_the_login_page_carries_no_strange_place() {
    let world = World::start();
    for next in ["//evil.example", "https://evil.example", "javascript:alert(1)", "%2f%2fevil.example", "/%5cevil.example"] {
        let page = world.gateway.browser().get(&format!("/login?next={next}")).send().text();
        assert!(!page.contains("evil") && !page.contains("javascript:"), "{next}: {page}");
    }
}
