//! What people read is in step: with itself in the other language, and with the program.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[track_caller]
fn paper(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What a page is made of, whatever its language.
#[derive(PartialEq, Eq, Debug, Default)]
struct Outline {
    /// The depth of each heading.
    headings: Vec<usize>,
    /// Each fenced block, with its opening line.
    blocks: Vec<String>,
    /// The number of rows of each table.
    tables: Vec<usize>,
    /// The first cell of each row, where it is code.
    rows: Vec<String>,
}

fn outline(text: &str) -> Outline {
    let mut outline = Outline::default();
    let mut block: Option<String> = None;
    let mut in_table = false;
    for line in text.lines() {
        if let Some(open) = &mut block {
            open.push_str(line);
            open.push('\n');
            if line == "```" {
                outline.blocks.extend(block.take());
            }
        } else if line.starts_with("```") {
            block = Some(format!("{line}\n"));
        } else if line.starts_with('#') {
            outline.headings.push(line.chars().take_while(|c| *c == '#').count());
        }
        let row = block.is_none() && line.starts_with('|');
        if row && !in_table {
            outline.tables.push(0);
        }
        if let (true, Some(rows)) = (row, outline.tables.last_mut()) {
            *rows += 1;
            // What programs read is the same word in both.
            let first = line.split('|').nth(1).unwrap_or_default().trim();
            outline.rows.extend(first.starts_with('`').then(|| first.to_owned()));
        }
        in_table = row;
    }
    outline
}

/// Relative places a page links to or shows.
fn places(text: &str) -> Vec<String> {
    let behind = |mark: &str, end: char| -> Vec<String> {
        text.split(mark).skip(1).filter_map(|rest| rest.split_once(end)).map(|(place, _)| place.to_owned()).collect()
    };
    [behind("](", ')'), behind("src=\"", '"'), behind("srcset=\"", '"')]
        .concat()
        .into_iter()
        .filter(|place| !place.contains("://"))
        .collect()
}

/// The words of refusals (`error`) a table of messages names: second cells, in code marks.
fn words(text: &str) -> BTreeSet<String> {
    // Status codes have three digits; exit codes, which stand in a table too, have one.
    let status = |line: &&str| line.strip_prefix("| ").is_some_and(|row| row.bytes().take_while(u8::is_ascii_digit).count() == 3);
    let rows = text.lines().filter(status);
    let cells = rows.filter_map(|line| line.split('|').nth(2));
    cells.flat_map(|cell| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
fn both_languages_say_the_same_things_in_the_same_order() {
    let (english, korean) = (outline(&paper("README.md")), outline(&paper("README.ko.md")));
    assert!(english.headings.len() > 8 && english.blocks.len() > 3, "the page was not understood: {english:?}");
    assert_eq!(english.headings, korean.headings, "the sections differ");
    for (ours, theirs) in english.blocks.iter().zip(&korean.blocks) {
        assert_eq!(ours, theirs, "a block differs");
    }
    assert_eq!(english, korean);
    assert_eq!(words(&paper("README.md")), words(&paper("README.ko.md")));
}

#[test]
fn every_place_a_page_links_to_is_there() {
    let mut seen = 0;
    for name in ["README.md", "README.ko.md", "CHANGELOG.md", "certs/README.md", "docs/operations.md", "docs/first-systems.md"] {
        let text = paper(name);
        let here = root().join(name).parent().map_or_else(PathBuf::new, Path::to_owned);
        let anchors: BTreeSet<String> = text.lines().filter(|line| line.starts_with('#')).map(anchor).collect();
        for place in places(&text) {
            seen += 1;
            if let Some(heading) = place.strip_prefix('#') {
                assert!(anchors.contains(heading), "{name} has no section for #{heading}");
            } else {
                let file = place.split('#').next().unwrap_or_default();
                assert!(here.join(file).exists(), "{name} links to {place}, which is not there");
            }
        }
    }
    assert!(seen > 20, "links were not found");
}

/// The name a heading gets as a place to link to.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_')).map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// Every word the gateway can refuse with stands in the README, and the README names no other.
#[test]
fn the_words_of_refusals_are_explained() {
    let source = paper("src/gateway/refusal.rs");
    let code = source.split_once("fn word(").expect("the words of refusals").1;
    let code = code.split_once("\n    }").expect("the end of the function").0;
    let mut given: BTreeSet<String> = code.split('"').skip(1).step_by(2).map(str::to_owned).collect();
    // Nobody is there to read it: it stands in the log only.
    given.remove("client_closed");
    assert!(given.len() > 20, "the words were not found: {given:?}");
    assert_eq!(words(&paper("README.md")), given);
}

/// The stand-in for what a reader does by eye: both forms of a difference are seen.
#[test]
fn a_difference_is_seen() {
    let page = "# A\n\n```sh\nrun\n```\n\n| `HUP` | x |\n";
    assert_ne!(outline(page), outline("# A\n\n```sh\nwalk\n```\n\n| `HUP` | x |\n"));
    assert_ne!(outline(page), outline("# A\n\n## B\n\n```sh\nrun\n```\n\n| `HUP` | x |\n"));
    assert_ne!(outline(page), outline("# A\n\n```sh\nrun\n```\n\n| `TERM` | x |\n"));
    assert_eq!(anchor("## What it does not do yet"), "what-it-does-not-do-yet");
    assert_eq!(words("| 401 | `a_b`, `c` | d `e` |\n| x | `y` |"), BTreeSet::from(["a_b".to_owned(), "c".to_owned()]));
}

/// A direct dependency that nothing uses is weight and risk for nothing.
#[test]
fn every_dependency_is_used() {
    let manifest: toml::Table = paper("Cargo.toml").parse().unwrap();
    let mut code = String::new();
    let mut folders = vec![root().join("src"), root().join("tests"), root().join("benches")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                code += &fs::read_to_string(path).unwrap();
            }
        }
    }
    for table in ["dependencies", "dev-dependencies"] {
        for name in manifest[table].as_table().unwrap().keys() {
            // The one whose library has another name than its package.
            let library = if name == "rustls-webpki" { "webpki" } else { name };
            let path = format!("{}::", library.replace('-', "_"));
            let used =
                code.match_indices(&path).any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | ':')));
            assert!(used, "{name} of Cargo.toml is used nowhere");
        }
    }
}
