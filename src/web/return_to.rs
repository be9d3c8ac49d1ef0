use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Longest place to return to, in bytes.
const LONGEST: usize = 4096;

/// Escaped in the `next` parameter: everything that is not plainly safe in a query.
const IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// Pages of our own to come back to: they change nothing when they are asked for.
const OWN_PAGES: [&str; 7] =
    [ReturnTo::ACCOUNT, ReturnTo::PASSWORD, ReturnTo::OTHER_TAB, ReturnTo::OVERVIEW, ReturnTo::MEMBERS, ReturnTo::MEMBER, ReturnTo::AUDIT];

/// A place on our own origin to go to after a login: an absolute path with its query, byte-exact. It cannot hold anything
/// that a browser would read as another origin, and no endpoint of ours (which would go round in circles) but a few pages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReturnTo(String);

impl ReturnTo {
    /// One's own account.
    pub const ACCOUNT: &str = "/.auth/account";
    /// Where one's own password is changed.
    pub const PASSWORD: &str = "/.auth/password";
    /// The administration's overview.
    pub const OVERVIEW: &str = "/.auth/admin";
    /// The list of members.
    pub const MEMBERS: &str = "/.auth/admin/members";
    /// One member.
    pub const MEMBER: &str = "/.auth/admin/member";
    /// The audit trail.
    pub const AUDIT: &str = "/.auth/admin/audit";
    /// "Logged in; go back to the tab you were writing in."
    pub const OTHER_TAB: &str = "/.auth/logged-in";

    /// The page to end up on when a form waits in another tab.
    pub fn other_tab() -> Self {
        Self(Self::OTHER_TAB.to_owned())
    }

    /// The administration.
    pub fn overview() -> Self {
        Self(Self::OVERVIEW.to_owned())
    }

    /// Takes a place as it came from outside, or nothing when it is not on our origin.
    ///
    /// Only what no browser can misread is taken: `/`, then not another slash or backslash, visible ASCII all through, no
    /// backslash anywhere, no dot segments in the path (oauth2-proxy GHSA-qqxw-m5fj-f7gv `/\`, GHSA-j7px-6hwj-hpjg encoded
    /// white space, `mod_auth_openidc` CVE-2022-23527 and their kin).
    pub fn parse(text: &str) -> Option<Self> {
        let path = text.split(['?', '#']).next().unwrap_or_default();
        let plain = text.len() <= LONGEST && text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
        let absolute = path.starts_with('/') && !path.contains("//");
        // Octets that the gateway refuses in a path anyway, and that a browser or a proxy may decode before it looks.
        let lower = path.to_ascii_lowercase();
        let odd = ["%0", "%1", "%20", "%7f", "%2f", "%5c", "%3b"].iter().any(|escape| lower.contains(escape));
        let dotted = path.split('/').any(|segment| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | ".."));
        // Looked at as the gateway will read it: `/%6cogin` is `/login`.
        let read = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
        let own = ["/login", "/logout", "/refresh"].contains(&read.trim_end_matches('/'))
            || (read.starts_with("/.auth") && !OWN_PAGES.contains(&path));
        (plain && absolute && !odd && !dotted && !own).then(|| Self(text.to_owned()))
    }

    /// The place, for a `Location` header.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The place as the value of a query parameter.
    pub fn in_query(&self) -> String {
        in_query(&self.0)
    }
}

/// A place on another host of this gateway, where one login serves several: `https://`, a host that is served, the port
/// that is used here, and a [`ReturnTo`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FarPlace {
    authority: String,
    place: ReturnTo,
}

impl FarPlace {
    /// Takes a place as it came from outside. `port` is what stands behind every host here (`":8443"`, or nothing).
    ///
    /// The host has to stand there in its one form, letter for letter: no user, no escape, no other port, nothing that a
    /// browser and we could read differently. Which hosts are served decides the caller's table, never a suffix
    /// (oauth2-proxy GHSA-4mf2-f3wh-gvf2).
    pub fn parse(text: &str, port: &str, is_served: impl Fn(&str) -> bool) -> Option<Self> {
        let rest = text.strip_prefix("https://")?;
        let (authority, place) = rest.split_at(rest.find('/')?);
        let host = authority.strip_suffix(port)?;
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.' | b'_');
        let good = !host.is_empty() && !host.ends_with('.') && host.bytes().all(plain) && is_served(host);
        good.then(|| ReturnTo::parse(place)).flatten().map(|place| Self { authority: authority.to_owned(), place })
    }

    /// The host with its port.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The place on that host.
    pub const fn place(&self) -> &ReturnTo {
        &self.place
    }

    /// The origin, as a policy names it.
    pub fn origin(&self) -> String {
        format!("https://{}", self.authority)
    }

    /// The whole address.
    pub fn url(&self) -> String {
        format!("https://{}{}", self.authority, self.place.as_str())
    }
}

/// A text as the value of a query parameter.
pub fn in_query(text: &str) -> String {
    utf8_percent_encode(text, IN_QUERY).to_string()
}

impl Default for ReturnTo {
    fn default() -> Self {
        Self("/".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// Lessons 26 and 27.
    #[rstest]
    #[case("//evil.example")]
    #[case("/\\evil.example")]
    #[case("\\/evil.example")]
    #[case("/\t/evil.example")]
    #[case("/%09//evil.example")]
    #[case("/%09/evil.example")]
    #[case("/%5cevil.example")]
    #[case("/%2F/evil.example")]
    #[case(" //evil.example")]
    #[case("/./\\evil.example")]
    #[case("/.//evil.example")]
    #[case("/a/..//evil.example")]
    #[case("/%2e%2e//evil")]
    #[case("https:evil.example")]
    #[case("https:///evil.example")]
    #[case("https://evil.example/")]
    #[case("http://good.example@evil.example")]
    #[case("http://good.example.evil.example")]
    #[case("javascript:alert(1)")]
    #[case("data:text/html,x")]
    #[case("/x\r\nSet-Cookie: a=b")]
    #[case("/x\0")]
    #[case("/a。b")]
    #[case("／／evil.example")]
    #[case("evil")]
    #[case("")]
    #[case("/login")]
    #[case("/login?next=/x")]
    #[case("/logout/")]
    #[case("/refresh")]
    #[case("/.auth/me")]
    #[case("/%6cogout")]
    #[case("/%2eauth/logout")]
    #[case("/.auth/account/")]
    #[case("/.auth/account/../logout")]
    #[case("/.auth/accounts")]
    #[case("/.auth/admin/login")]
    #[case("/.auth/admin/logout")]
    fn other_origins_and_circles_are_not_taken(#[case] text: &str) {
        assert_eq!(ReturnTo::parse(text), None);
    }

    /// Lesson 26, for places on other hosts.
    #[rstest]
    #[case("https://wiki.example.evil.example:8443/")]
    #[case("https://evil.example:8443/")]
    #[case("https://evilwiki.example:8443/")]
    #[case("https://wiki.example/")]
    #[case("https://wiki.example:443/")]
    #[case("https://wiki.example:08443/")]
    #[case("https://wiki.example:8443:8443/")]
    #[case("https://wiki.example:8443")]
    #[case("https://wiki.example:8443?/")]
    #[case("https://wiki.example:8443#/")]
    #[case("https://wiki.example:8443\\/")]
    #[case("https://wiki.example:8443@evil.example:8443/")]
    #[case("https://evil.example@wiki.example:8443/")]
    #[case("https://evil.example\\@wiki.example:8443/")]
    #[case("https://evil.example#@wiki.example:8443/")]
    #[case("https://wiki.example%2f.evil.example:8443/")]
    #[case("https://wiki.example%00:8443/")]
    #[case("https://Wiki.Example:8443/")]
    #[case("https://wiki.example.:8443/")]
    #[case("https://wiki。example:8443/")]
    #[case("https://ｗiki.example:8443/")]
    #[case("https:///wiki.example:8443/")]
    #[case("https:/wiki.example:8443/")]
    #[case("https:wiki.example:8443/")]
    #[case("https:\\\\wiki.example:8443/")]
    #[case("HTTPS://wiki.example:8443/")]
    #[case("http://wiki.example:8443/")]
    #[case(" https://wiki.example:8443/")]
    #[case("https://\twiki.example:8443/")]
    #[case("//wiki.example:8443/")]
    #[case("javascript://wiki.example:8443/%0aalert(1)")]
    #[case("https://wiki.example:8443//evil.example")]
    #[case("https://wiki.example:8443/\\evil.example")]
    #[case("https://wiki.example:8443/%09/evil.example")]
    #[case("https://wiki.example:8443/x\r\nSet-Cookie: a=b")]
    #[case("https://wiki.example:8443/../logout")]
    #[case("https://wiki.example:8443/logout")]
    #[case("https://wiki.example:8443/.auth/enter?ticket=x")]
    fn far_places_are_on_hosts_of_ours_or_not_taken(#[case] text: &str) {
        assert_eq!(FarPlace::parse(text, ":8443", |host| host == "wiki.example"), None);
    }

    #[test]
    fn a_far_place_is_kept_byte_exact() {
        let text = "https://wiki.example:8443/a/b?c=d%2F&e";
        let far = FarPlace::parse(text, ":8443", |host| host == "wiki.example").unwrap();
        assert_eq!((far.url().as_str(), far.authority(), far.place().as_str()), (text, "wiki.example:8443", "/a/b?c=d%2F&e"));
        assert_eq!(FarPlace::parse("https://wiki.example/", "", |host| host == "wiki.example").unwrap().origin(), "https://wiki.example");
        assert_eq!(FarPlace::parse("https://wiki.example:8443/", "", |_| true), None);
    }

    #[test]
    fn eight_kilobytes_are_not_taken() {
        assert_eq!(ReturnTo::parse(&format!("/{}", "a".repeat(8192))), None);
    }

    #[rstest]
    #[case("/")]
    #[case("/grades/2026?term=1&sort=%EA%B0%80#top")]
    #[case("/x?next=https://evil.example/")]
    #[case("/loginx")]
    #[case("/a/login")]
    #[case("/.auth/account?lang=en")]
    #[case("/.auth/logged-in")]
    #[case("/.auth/admin/members?q=kim&after=mju%3A60241234")]
    fn places_here_are_kept_byte_exact(#[case] text: &str) {
        assert_eq!(ReturnTo::parse(text).unwrap().as_str(), text);
    }

    #[test]
    fn the_query_form_holds_no_separator() {
        let place = ReturnTo::parse("/a?b=c&d=e f".replace(' ', "+").as_str()).unwrap();
        assert_eq!(place.in_query(), "/a%3Fb%3Dc%26d%3De%2Bf");
    }
}
