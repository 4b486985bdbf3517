//! The test vectors of the `scalers.yaml` format, by number: each is a test whose name
//! begins with its number, so that none is lost when tests move.
//!
//! Not here: F, I, E4 and T3, which are about microVMs, and G, the agent protocol of
//! another program; where ours has the same situation, its tests are the gateway's.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Letter; the vectors from 1 to the first number, and the others one by one.
const VECTORS: [(char, &[u32]); 12] = [
    ('c', &[25]),
    ('m', &[3]),
    ('l', &[20]),
    ('a', &[16]),
    ('p', &[5]),
    ('w', &[6]),
    ('r', &[4]),
    // The fourth is about microVMs.
    ('e', &[3, 5]),
    ('b', &[4]),
    ('d', &[5]),
    ('n', &[2]),
    // The third is about microVMs.
    ('t', &[2]),
];

#[test]
fn every_vector_is_a_test_by_name() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found = BTreeSet::new();
    for folder in ["crates", "sources", "backends"] {
        collect(&root.join(folder), &mut found);
    }
    let wanted = VECTORS.iter().flat_map(|(letter, runs)| match runs {
        [first, rest @ ..] => (1..=*first)
            .chain(rest.iter().copied())
            .map(move |number| format!("{letter}{number}"))
            .collect::<Vec<_>>(),
        [] => Vec::new(),
    });
    let missing: Vec<String> = wanted.filter(|vector| !found.contains(vector)).collect();
    assert_eq!(
        missing,
        Vec::<String>::new(),
        "no test is named after these"
    );
}

/// The vectors that tests below this folder are named after; `c11_c13_...` is two.
fn collect(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            for rest in text.split("#[test]").chain(text.split("::test")).skip(1) {
                let name = rest.split_once("fn ").map_or("", |(_, name)| name);
                let name = name.split('(').next().unwrap_or_default();
                let parts = name.split('_').take_while(|part| is_vector(part));
                found.extend(parts.map(str::to_owned));
            }
        }
    }
}

fn is_vector(part: &str) -> bool {
    let mut letters = part.chars();
    letters
        .next()
        .is_some_and(|first| first.is_ascii_lowercase())
        && !letters.as_str().is_empty()
        && letters.all(|letter| letter.is_ascii_digit())
}
