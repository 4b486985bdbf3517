//! The cases of the machine autoscaling reference: 1 to 62 are tests by number, and each of
//! the others has its line in `docs/migrate/docker-machine-vectors.md`, with tests that exist.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::collections::BTreeSet;
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

const PAGE: &str = "docs/migrate/docker-machine-vectors.md";
/// Cases that are lines of their own.
const LINES: RangeInclusive<u32> = 63..=118;
/// Tests of the first 62, by the first words of their names.
const ARITHMETIC: [&str; 8] = [
    "vectors_1_to_15_",
    "vectors_16_to_22_",
    "vector_23_",
    "vectors_24_to_39_",
    "cases_40_to_54_",
    "case_49_",
    "case_53_",
    "vectors_55_to_62_",
];

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap().to_path_buf()
}

/// Cells of the page's tables, without those that name columns.
fn rows() -> Vec<Vec<String>> {
    let text = fs::read_to_string(root().join(PAGE)).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| "));
    let cells = |row: &str| row.split('|').map(|cell| cell.trim().to_owned()).collect();
    let rows: Vec<Vec<String>> = rows.map(cells).collect();
    let numbered = |row: &Vec<String>| row[0].starts_with(|c: char| c.is_ascii_digit());
    rows.into_iter().filter(numbered).collect()
}

#[test]
fn every_case_has_its_place_in_order() {
    let rows = rows();
    let numbers: Vec<u32> = rows.iter().filter_map(|row| row[0].parse().ok()).collect();
    let expected: Vec<u32> = std::iter::once(23).chain(LINES).collect();
    assert_eq!(numbers, expected);
}

#[test]
fn every_test_that_is_named_exists() {
    let known = tests();
    for row in rows() {
        for name in named(&row) {
            assert!(known.contains(&name), "{}: there is no test {name}", row[0]);
        }
    }
    for start in ARITHMETIC {
        let there = known.iter().any(|name| name.starts_with(start));
        assert!(there, "no test begins with {start}");
    }
}

#[test]
fn what_is_the_same_or_different_has_a_test_and_what_is_not_the_same_a_reason() {
    for row in rows()
        .into_iter()
        .filter(|row| row[0].parse::<u32>().is_ok_and(|n| LINES.contains(&n)))
    {
        let [number, _, here, why, ..] = &row[..] else {
            panic!("too few cells: {row:?}");
        };
        let tests = named(&row).len();
        match here.as_str() {
            "same" => assert!(tests > 0, "{number} has no test"),
            "different" => assert!(tests > 0 && !why.is_empty(), "{number}: a test, and why"),
            "out of scope" => assert!(!why.is_empty(), "{number}: why?"),
            other => panic!("{number} is {other:?}"),
        }
    }
}

/// Names in backticks in the last cell.
fn named(row: &[String]) -> Vec<String> {
    // The line ends with a bar, so the last cell but one is the last.
    let cell = row.iter().rev().nth(1).unwrap();
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

/// Every function that is marked as a test.
fn tests() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for folder in ["crates", "sources", "backends"] {
        collect(&root().join(folder), &mut found);
    }
    found
}

fn collect(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            for mark in ["#[test]", "::test]", "::test("] {
                for rest in text.split(mark).skip(1) {
                    let name = rest.split_once("fn ").map_or("", |(_, name)| name);
                    let name = name.split('(').next().unwrap_or_default();
                    found.insert(name.to_owned());
                }
            }
        }
    }
}
