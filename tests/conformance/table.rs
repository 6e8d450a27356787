//! The table of rows and their tests: made from the doc comments of the tests, so that it cannot
//! be wrong. `UPDATE=1 cargo test -p offhook-tests --test conformance` writes it anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::items::ITEMS;

/// What a doc comment that names rows begins with.
const MARK: &str = concat!("/// REFER", "ENCE ");

/// Tests of rows, as `crate file::function`.
type Tests = BTreeMap<String, BTreeSet<String>>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The rows that the comments before each test name.
fn tests() -> Tests {
    let mut files = Vec::new();
    for folder in ["engine", "media", "msrp", "tests"] {
        sources(&root().join(folder), &mut files);
    }
    let mut tests = Tests::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let name = file.strip_prefix(root()).unwrap().display().to_string();
        let (mut rows, mut is_test) = (Vec::new(), false);
        for line in text.lines().map(str::trim_start) {
            if let Some(named) = line.strip_prefix(MARK) {
                rows.extend(named.split(", ").map(str::to_owned));
            }
            is_test |= line == "#[test]";
            let function = line.strip_prefix("fn ").and_then(|rest| rest.split('(').next());
            if let Some(function) = function {
                assert!(rows.is_empty() || is_test, "{name}: {function} is no test");
                for row in std::mem::take(&mut rows) {
                    tests.entry(row).or_default().insert(format!("{name}::{function}"));
                }
                is_test = false;
            }
        }
    }
    tests
}

fn print(tests: &Tests) -> String {
    let mut text = String::from(
        "# Rows of the reference and their tests\n\nMade by the test `the_table_is_up_to_date`; do not edit.\n\n\
         | Row | What | Tests | Later |\n|---|---|---|---|\n",
    );
    for item in ITEMS {
        let of = tests.get(item.id).map(|tests| {
            tests.iter().map(|test| format!("`{test}`")).collect::<Vec<_>>().join("<br>")
        });
        let (id, title, of) = (item.id, item.title, of.unwrap_or_default());
        writeln!(text, "| {id} | {title} | {of} | {} |", item.later).unwrap();
    }
    text
}

#[test]
fn every_row_has_a_test_or_says_what_it_waits_for() {
    let tests = tests();
    let empty: Vec<_> = ITEMS
        .iter()
        .filter(|item| !tests.contains_key(item.id) && item.later.is_empty())
        .map(|item| item.id)
        .collect();
    assert!(empty.is_empty(), "rows without a test: {empty:?}");
    let vague: Vec<_> = ITEMS
        .iter()
        .filter(|item| !item.later.is_empty() && !item.later.contains("with "))
        .map(|item| item.id)
        .collect();
    assert!(vague.is_empty(), "rows that do not say what they wait for: {vague:?}");
}

#[test]
fn every_row_that_a_test_names_is_in_the_list() {
    let known: BTreeSet<_> = ITEMS.iter().map(|item| item.id).collect();
    let unknown: Vec<_> =
        tests().into_iter().filter(|(row, _)| !known.contains(row.as_str())).collect();
    assert!(unknown.is_empty(), "rows that do not exist: {unknown:?}");
    assert_eq!(known.len(), ITEMS.len(), "a row is listed twice");
}

#[test]
fn the_table_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/TABLE.md");
    let text = print(&tests());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == text, "run UPDATE=1 cargo test -p offhook-tests --test conformance table");
}
