//! Every check and every test, in the order in which they fail fastest.

use std::path::Path;

use anyhow::Result;

use crate::{run, setup};

pub(crate) fn test(root: &Path) -> Result<()> {
    let mut skipped = setup::machine();
    format(root, &mut skipped)?;
    step("the planner alone, without the features of other crates");
    run::cargo(root, &["check", "--quiet", "-p", "headcount-model"])?;
    run::cargo(root, &["check", "--quiet", "-p", "headcount-planner"])?;
    lint(root, &mut skipped)?;
    step("tests: unit, scenario, property, simulation, end to end");
    let nextest = run::works("cargo", &["nextest", "--version"]);
    if !nextest {
        skipped.push("cargo-nextest is missing: the tests run under cargo test instead".into());
    }
    for line in &skipped {
        println!("skipped: {line}");
    }
    if nextest {
        let words = [
            "nextest",
            "run",
            "--workspace",
            "--no-fail-fast",
            "--status-level",
            "fail",
        ];
        let threads = threads();
        let words = [
            &words[..],
            &["--final-status-level", "fail", "--test-threads", &threads],
        ];
        run::cargo(root, &words.concat())
    } else {
        run::cargo(root, &["test", "--workspace", "--no-fail-fast", "--quiet"])
    }
}

/// Tests at once. Those that take long wait for engines, servers and deadlines rather than
/// for a processor, so there are more of them than processors.
fn threads() -> String {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    (2 * processors).to_string()
}

fn format(root: &Path, skipped: &mut Vec<String>) -> Result<()> {
    if !run::works("cargo", &["fmt", "--version"]) {
        skipped.push("rustfmt is missing: formatting is not checked".into());
        return Ok(());
    }
    step("formatting");
    run::cargo(root, &["fmt", "--all", "--check"])
}

fn lint(root: &Path, skipped: &mut Vec<String>) -> Result<()> {
    if !run::works("cargo", &["clippy", "--version"]) {
        skipped.push("clippy is missing: lints are not checked".into());
        return Ok(());
    }
    step("lints");
    let lint = [
        "clippy",
        "--quiet",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ];
    run::cargo(root, &lint)
}

fn step(what: &str) {
    println!("== {what}");
}
