//! `docs/first-systems.md` tells what the five first systems could do and where that lives here: it has every row, and every
//! story it names exists.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const PAGE: &str = include_str!("../../docs/first-systems.md");

/// How many rows each system has.
const ROWS: [(usize, usize); 5] = [(0, 18), (1, 12), (2, 4), (3, 3), (4, 19)];

/// The rows of the page: id, what, where, test.
fn rows() -> Vec<[String; 4]> {
    let cells = |line: &str| -> Vec<String> { line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect() };
    let is_id = |cell: &str| cell.split_once('.').is_some_and(|(system, row)| system.parse::<u8>().is_ok() && row.parse::<u8>().is_ok());
    PAGE.lines()
        .filter(|line| line.starts_with("| "))
        .map(cells)
        .filter(|cells| is_id(&cells[0]))
        .map(|cells| cells.try_into().unwrap_or_else(|cells| panic!("four cells in a row: {cells:?}")))
        .collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The stories of each module, by the path it has in this binary.
fn stories() -> BTreeMap<String, BTreeSet<String>> {
    let mut stories = BTreeMap::new();
    let mut folders: Vec<(PathBuf, String)> = vec![(root().join("tests/gateway"), String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                folders.push((path, format!("{prefix}{stem}::")));
                continue;
            }
            let module = if stem == "mod" { prefix.trim_end_matches("::").to_owned() } else { format!("{prefix}{stem}") };
            let text = fs::read_to_string(path).unwrap();
            let names = text.lines().filter_map(|line| line.strip_prefix("fn ")?.split('(').next().map(str::to_owned));
            stories.insert(module, names.collect());
        }
    }
    stories
}

/// What stands between backticks.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_row_of_the_first_systems_is_told() {
    let told: Vec<String> = rows().into_iter().map(|[id, ..]| id).collect();
    let wanted: Vec<String> = ROWS.iter().flat_map(|(system, count)| (1..=*count).map(move |row| format!("{system}.{row}"))).collect();
    assert_eq!(told, wanted);
    for [id, what, place, test] in rows() {
        assert!(!what.is_empty() && !place.is_empty() && !test.is_empty(), "row {id} says what, where and by which test");
        assert!(!test.starts_with("open"), "row {id} is open");
    }
}

#[test]
fn every_row_names_a_test_or_says_that_there_is_none() {
    let stories = stories();
    for [id, _, _, test] in rows() {
        let units = test.contains("unit tests of `");
        for name in quoted(&test) {
            let there = match name {
                path if path.starts_with("src/") => units && root().join(path).exists(),
                story if is_story(story) => exists(&stories, story),
                module => stories.get(module).is_some_and(|stories| !stories.is_empty()),
            };
            assert!(there, "row {id}: there is no {name}");
        }
        assert!(!quoted(&test).is_empty() || test.starts_with("no story: "), "row {id} names no test");
    }
}

/// In the table of mistakes too.
#[test]
fn every_story_the_page_names_exists() {
    let stories = stories();
    let named: Vec<&str> = quoted(PAGE).into_iter().filter(|name| is_story(name)).collect();
    assert!(named.len() > 60, "stories were not found: {named:?}");
    for name in named {
        assert!(name == "row_…" || exists(&stories, name), "there is no {name}");
    }
}

fn is_story(name: &str) -> bool {
    (name.contains("::") || name.starts_with("row_")) && !name.contains(['/', '=', '"', ' '])
}

/// Whether a module has the story; behind `…` a name goes on.
fn exists(stories: &BTreeMap<String, BTreeSet<String>>, name: &str) -> bool {
    let (module, story) = name.rsplit_once("::").unwrap_or(("first_systems", name));
    let Some(known) = stories.get(module) else { return false };
    match story.strip_suffix('…') {
        Some(beginning) => known.iter().any(|known| known.starts_with(beginning)),
        None => known.contains(story),
    }
}

/// A story that is named by a row is one of that row's.
#[test]
fn every_story_with_a_row_in_its_name_stands_in_that_row() {
    let rows = rows();
    for story in stories().values().flatten().filter(|story| story.starts_with("row_")) {
        let mut parts = story.split('_').skip(1);
        let (Some(system), Some(row)) = (parts.next(), parts.next()) else { panic!("{story}") };
        if row == "mistake" {
            continue;
        }
        let id = format!("{system}.{row}");
        let named = |test: &str| quoted(test).iter().any(|name| story.starts_with(name.rsplit("::").next().unwrap().trim_end_matches('…')));
        assert!(rows.iter().any(|[other, _, _, test]| *other == id && named(test)), "{story} is not named in row {id}");
    }
}
