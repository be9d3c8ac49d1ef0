//! The floor plan in the crate documentation holds: modules import only what ranks below them, and no file grows past
//! what one can read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Longest file, tests not counted.
const LONGEST: usize = 400;
/// Files everybody reads first, with their own limits.
const SHORT: [(&str, usize); 2] = [("gateway/mod.rs", 120), ("main.rs", 60)];

#[test]
fn the_floor_plan_holds() {
    let files = sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")));
    assert!(files.len() > 20, "only {} files were found", files.len());
    let plan = plan(&files["lib.rs"]);
    assert!(plan.len() > 10, "the table was not understood: {plan:?}");
    println!("{}", table(&files, &plan));
    let faults = faults(&plan, &files);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Another engine is to come. Who asks the store knows its trait; who reads the file and puts the gateway together names an
/// engine; what an engine is made of stays in its own folder.
#[test]
fn nothing_of_sqlite_leaves_its_side_of_the_wall() {
    let files = sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")));
    let product = |path: &str, text: &str| text.lines().take(lines_before_tests(path, text)).collect::<Vec<_>>().join("\n");
    let knows = |word: &str| -> Vec<String> {
        let product = files.iter().filter(|(path, _)| !is_test_file(path)).map(|(path, text)| (path, product(path, text)));
        product.filter(|(_, text)| text.contains(word)).map(|(path, _)| path.clone()).collect()
    };
    let inside = |path: &String| path.starts_with("store/sqlite/");
    for word in ["rusqlite", "PRAGMA", "SELECT ", "UPDATE ", "INSERT INTO"] {
        let known = knows(word);
        assert!(!known.is_empty() && known.iter().all(inside), "{word}: {known:?}");
    }
    let may_name = |path: &String| inside(path) || path == "store/mod.rs" || path.starts_with("config/") || path.starts_with("app/");
    // Tables of accounts are read and written with no gateway running.
    let named: Vec<String> = knows("Sqlite").into_iter().filter(|path| !may_name(path)).collect();
    assert_eq!(named, ["cli/users_file.rs"]);
}

/// Path below `src` to text.
type Files = BTreeMap<String, String>;
/// Module to rank.
type Plan = BTreeMap<String, u32>;

fn sources(root: &Path) -> Files {
    let mut files = Files::new();
    let mut folders: Vec<PathBuf> = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.insert(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned(), text_of(&path));
            }
        }
    }
    files
}

fn text_of(path: &Path) -> String {
    String::from_utf8(fs::read(path).unwrap()).unwrap()
}

/// Reads the rows `| 3 | `store` | ... |` of the crate documentation.
fn plan(lib: &str) -> Plan {
    let row = |line: &str| {
        let mut cells = line.strip_prefix("//! |")?.split('|').map(str::trim);
        let rank = cells.next()?.parse().ok()?;
        Some((cells.next()?.trim_matches('`').to_owned(), rank))
    };
    lib.lines().filter_map(row).collect()
}

/// Everything that breaks the plan, one line each.
fn faults(plan: &Plan, files: &Files) -> Vec<String> {
    let mut faults = Vec::new();
    let modules: BTreeSet<&str> = files.keys().filter_map(|path| module_of(path)).collect();
    faults.extend(modules.iter().filter(|m| !plan.contains_key(**m)).map(|m| format!("{m}: a module that the table does not name")));
    faults.extend(plan.keys().filter(|m| !modules.contains(m.as_str())).map(|m| format!("{m}: in the table, but there is no such module")));
    for (path, text) in files {
        let limit = SHORT.iter().find(|(short, _)| path == short).map_or(LONGEST, |(_, limit)| *limit);
        let lines = lines_before_tests(path, text);
        if lines > limit {
            faults.push(format!("{path}: {lines} lines before its tests, more than {limit}"));
        }
        let Some((module, rank)) = module_of(path).and_then(|m| Some((m, *plan.get(m)?))) else { continue };
        for import in imports(text, depth_of(path)).iter().filter(|import| *import != module) {
            match plan.get(import) {
                Some(other) if *other < rank => {}
                Some(other) => faults.push(format!("{path}: {module} (rank {rank}) imports {import} (rank {other})")),
                None => faults.push(format!("{path}: imports crate::{import}, which is no module of the table")),
            }
        }
    }
    faults
}

/// The top-level module a file belongs to; `None` for the crate's own roots.
fn module_of(path: &str) -> Option<&str> {
    match path {
        "lib.rs" | "main.rs" => None,
        _ => Some(path.split_once('/').map_or_else(|| path.trim_end_matches(".rs"), |(module, _)| module)),
    }
}

/// How many names stand between the crate's root and the items of a file: 1 for `token/mod.rs`, 2 for `token/keys.rs`.
fn depth_of(path: &str) -> usize {
    let segments = path.split('/').count();
    if path.ends_with("/mod.rs") { segments - 1 } else { segments }
}

fn is_test_file(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

fn lines_before_tests(path: &str, text: &str) -> usize {
    if is_test_file(path) {
        return 0;
    }
    let lines: Vec<&str> = text.lines().collect();
    let tests = lines.windows(2).position(|pair| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod "));
    tests.unwrap_or(lines.len())
}

fn table(files: &Files, plan: &Plan) -> String {
    let mut rows: Vec<_> = files
        .iter()
        .filter(|(path, _)| !is_test_file(path))
        .map(|(path, text)| (module_of(path).and_then(|m| plan.get(m)), path, lines_before_tests(path, text), text.lines().count()))
        .collect();
    rows.sort();
    let mut text = String::from("| rank | file | lines | with tests |\n|---|---|---|---|\n");
    for (rank, path, lines, all) in rows {
        text += &format!("| {} | {path} | {lines} | {all} |\n", rank.map_or_else(String::new, ToString::to_string));
    }
    text
}

/// The top-level modules a source names, by `crate::` or by climbing to the crate's root with `super::`.
fn imports(source: &str, depth: usize) -> BTreeSet<String> {
    let tokens = tokens(source);
    let mut found = BTreeSet::new();
    // For each open brace, whether it belongs to an inline module.
    let mut braces: Vec<bool> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match tokens[at].as_str() {
            "{" => braces.push(at >= 2 && tokens[at - 2] == "mod"),
            "}" => drop(braces.pop()),
            "crate" if is(&tokens, at + 1, "::") => first_names(&tokens, at + 2, &mut found),
            "super" => {
                let mut climbed = 1;
                while is(&tokens, at + 1, "::") && is(&tokens, at + 2, "super") {
                    at += 2;
                    climbed += 1;
                }
                if climbed == depth + braces.iter().filter(|module| **module).count() {
                    first_names(&tokens, at + 2, &mut found);
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// The first name of a path, or of each branch of a group.
fn first_names(tokens: &[String], at: usize, found: &mut BTreeSet<String>) {
    if !is(tokens, at, "{") {
        found.extend(tokens.get(at).cloned());
        return;
    }
    let mut open = 0;
    for (before, token) in tokens[at..].iter().zip(&tokens[at + 1..]) {
        match before.as_str() {
            "{" => open += 1,
            "}" => open -= 1,
            _ => {}
        }
        if open == 0 {
            return;
        }
        if open == 1 && matches!(before.as_str(), "{" | ",") && token != "}" {
            found.insert(token.clone());
        }
    }
}

fn is(tokens: &[String], at: usize, wanted: &str) -> bool {
    tokens.get(at).is_some_and(|token| token == wanted)
}

/// Names and punctuation of a Rust source; comments, strings and characters are left out.
fn tokens(source: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if let Some(length) = raw_string(rest) {
            length
        } else if c == '"' {
            quoted(rest, '"')
        } else if c == '\'' {
            character(rest)
        } else if c.is_alphanumeric() || c == '_' {
            let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            tokens.push(rest[..length].to_owned());
            length
        } else if rest.starts_with("::") {
            tokens.push("::".to_owned());
            2
        } else {
            if !c.is_whitespace() {
                tokens.push(c.to_string());
            }
            c.len_utf8()
        };
        rest = &rest[length..];
    }
    tokens
}

fn block_comment(text: &str) -> usize {
    let mut open = 0;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            open += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            open -= 1;
            at += 2;
            if open == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

/// `r"…"`, `br#"…"#` and their like.
fn raw_string(text: &str) -> Option<usize> {
    let behind = text.strip_prefix("br").or_else(|| text.strip_prefix("cr")).or_else(|| text.strip_prefix('r'))?;
    let hashes = behind.len() - behind.trim_start_matches('#').len();
    let body = behind[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = body.find(&end).map_or(body.len(), |at| at + end.len());
    Some(text.len() - body.len() + length)
}

/// A quoted text with its escapes, from its first to its last quote.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// A character, or the tick of a lifetime.
fn character(text: &str) -> usize {
    let mut chars = text.chars().skip(1);
    match (chars.next(), chars.next()) {
        (Some('\\'), _) | (Some(_), Some('\'')) => quoted(text, '\''),
        _ => 1,
    }
}

fn imported(source: &str, depth: usize) -> Vec<String> {
    imports(source, depth).into_iter().collect()
}

#[test]
fn every_way_to_import_is_seen() {
    let source = r#"
        use crate::base::{Clock, Timestamp};
        use crate::{identity::{Realm, Role}, store, web as w};
        fn f(x: crate::token::Claims) { let c = '"'; crate::observe::note(); }
        mod inner { use super::super::routing::Route; use super::helper; }
    "#;
    assert_eq!(imported(source, 1), ["base", "identity", "observe", "routing", "store", "token", "web"]);
}

#[test]
fn climbing_is_followed_to_the_root_and_no_further() {
    assert_eq!(imported("use super::store::Store;", 1), ["store"]);
    assert_eq!(imported("use super::keys::Key;", 2), [""; 0]);
    assert_eq!(imported("use super::super::{store::Store, base};", 2), ["base", "store"]);
    assert_eq!(imported("mod tests { use super::super::keys; fn f() { super::g() } }", 2), [""; 0]);
}

#[test]
fn comments_strings_and_lifetimes_hide_nothing_and_show_nothing() {
    let source = r##"
        //! crate::a::x
        /* crate::b::x /* crate::c::x */ crate::d::x */
        const S: &str = "crate::e::x \" crate::f::x";
        const R: &str = r#"crate::g::x " crate::h::x"#;
        const Q: [char; 3] = ['\'', '"', '\\'];
        pub(crate) struct L<'a>(&'a crate::i::X<'a>);
    "##;
    assert_eq!(imported(source, 1), ["i"]);
}

#[test]
fn the_checker_finds_every_kind_of_fault() {
    let lib = "//! | rank | module | what |\n//! |---|---|---|\n//! | 0 | `low` | x |\n//! | 1 | `left` | x |\n//! | 1 | `right` | x |\n//! | 2 | `gone` | x |\n";
    let long = "\n".repeat(LONGEST + 1);
    let files = [
        ("lib.rs", lib),
        ("main.rs", "\n"),
        ("low.rs", "use crate::left::A;"),
        ("left/mod.rs", "use crate::{low::B, right};"),
        ("right/mod.rs", "use crate::low::B; use crate::right::C; use crate::typo::D;"),
        ("right/long.rs", &long),
        ("right/tests.rs", &long),
        ("stray/mod.rs", "use crate::low::B;"),
    ];
    let files: Files = files.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect();
    assert_eq!(
        faults(&plan(lib), &files),
        [
            "stray: a module that the table does not name",
            "gone: in the table, but there is no such module",
            "left/mod.rs: left (rank 1) imports right (rank 1)",
            "low.rs: low (rank 0) imports left (rank 1)",
            "right/long.rs: 401 lines before its tests, more than 400",
            "right/mod.rs: imports crate::typo, which is no module of the table",
        ]
    );
}

#[test]
fn tests_at_the_end_of_a_file_are_not_counted() {
    assert_eq!(lines_before_tests("a/b.rs", "one\n#[cfg(test)]\nuse x;\nfour\n#[cfg(test)]\nmod tests {\n}\n"), 4);
    assert_eq!(lines_before_tests("a/b.rs", "one\ntwo\n"), 2);
    assert_eq!(lines_before_tests("a/tests.rs", "one\ntwo\n"), 0);
}

/// One crypto back-end, no second HTTP/2, nothing with an unmended advisory (RUSTSEC-2023-0071 is `rsa`): whatever stands
/// in the lock file can come into the build with one careless feature. `ring` stands there for other platforms only and
/// must not be reached on this one, which the clean start of the process shows (two back-ends panic at first use).
#[test]
fn nothing_banned_is_in_the_lock_file() {
    let lock = text_of(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock")));
    let packages: Vec<&str> = lock.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')).collect();
    assert!(packages.contains(&"aws-lc-rs"), "the lock file was not understood");
    // chrono stands there for wasm only, by way of zxcvbn.
    for banned in ["openssl-sys", "native-tls", "rsa", "rustls-pemfile"] {
        assert!(!packages.contains(&banned), "{banned} is in Cargo.lock");
    }
    // Two versions of what holds sockets, keys or the database are two states, of which one is forgotten.
    for single in
        ["h2", "hyper", "http", "rustls", "tokio-rustls", "rustls-webpki", "tokio", "jsonwebtoken", "libsqlite3-sys", "aws-lc-sys"]
    {
        assert_eq!(packages.iter().filter(|name| **name == single).count(), 1, "not exactly one version of {single}");
    }
}
