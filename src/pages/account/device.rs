/// Marks in `User-Agent` and what people call them. The first that fits wins, so the special ones stand before the
/// general ones: every browser says Safari, and nearly every one says Chrome.
const PROGRAMS: [(&str, &str); 12] = [
    ("KAKAOTALK", "KakaoTalk"),
    ("NAVER(", "NAVER"),
    ("Whale/", "Whale"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
];
const SYSTEMS: [(&str, &str); 7] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
];

/// What a device calls itself, as people know it: "Windows · Chrome". Nobody can rely on it, and nothing does.
pub(super) fn device(user_agent: &str) -> String {
    let known = |list: &[(&str, &'static str)]| list.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name);
    match (known(&SYSTEMS), known(&PROGRAMS)) {
        (Some(system), Some(program)) => format!("{system} · {program}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) if user_agent.trim().is_empty() => "–".to_owned(),
        (None, None) => user_agent.chars().take(60).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::device;

    #[test]
    fn devices_are_named_as_people_know_them() {
        let agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0 Safari/537.36";
        assert_eq!(device(agent), "Windows · Chrome");
        assert_eq!(device(&format!("{agent} Edg/150.0")), "Windows · Edge");
        assert_eq!(device(&format!("{agent} Whale/4.30")), "Windows · Whale");
        assert_eq!(device("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile Safari/604.1"), "iPhone · Safari");
        assert_eq!(device("curl/8.14.1"), "curl");
        assert_eq!(device(""), "–");
        assert_eq!(device(&"가".repeat(500)).chars().count(), 60);
    }
}
