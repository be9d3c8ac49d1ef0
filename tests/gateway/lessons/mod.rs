//! What went wrong in other gateways, told again against this one. Each test is named by the number of its lesson and
//! names the advisory it comes from; `docs/lessons.md` lists them all, with those that are part of a story of their own.

mod corpus;
mod door;
mod headers;
mod paths;
mod places;
mod sessions;
mod tokens;

use std::collections::BTreeSet;
use std::path::Path;

/// How many lessons there are.
const LESSONS: u32 = 53;

/// No lesson is left out, and no test is named that is not there.
#[test]
fn every_lesson_has_a_test_that_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let list = std::fs::read_to_string(root.join("docs/lessons.md")).unwrap();
    let (list, _) = list.split_once("## The attacks").unwrap();
    let mut numbers = BTreeSet::new();
    let mut named = 0;
    for row in list.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| #")) {
        let (first, rest) = row[2..].split_once(" |").unwrap();
        for number in first.split(", ") {
            assert!(numbers.insert(number.parse::<u32>().unwrap()), "lesson {number} stands twice");
        }
        for name in rest.split('`').skip(1).step_by(2).filter(|name| name.contains("::")) {
            named += 1;
            let (module, test) = name.rsplit_once("::").unwrap();
            let file = root.join(format!("tests/gateway/{}.rs", module.replace("::", "/")));
            let source = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(source.contains(&format!("#[test]\nfn {test}()")), "{name} is not there");
        }
    }
    assert_eq!(numbers, (1..=LESSONS).collect::<BTreeSet<u32>>());
    assert!(named > 50, "{named}");
}
