//! The help of every command as one page, `docs/cli.md`, which is kept fresh here.

use std::fmt::Write;

use super::command;

/// How wide the page is, whatever terminal it is made on.
const WIDTH: usize = 90;

const INTRODUCTION: &str = "\
# Commands

This page is made from the program: `UPDATE_DOCS=1 cargo nextest run -p headcount cli::doc`.

Tables are for people and may change; `--json` and the exit codes are interfaces. Lists in
`--json` are arrays of objects with camelCase keys and lower-case `state` words; moments are
RFC 3339 in UTC. Results go to standard output, remarks and errors to standard
error. `NO_COLOR` turns colour off; it is off anyway where no terminal is.

With `--wait` the exit code is the job's own, so 1 to 6 may be the job's or the program's: the
program then says on standard error what went wrong, and `--json` prints how the job ended.
When the daemon goes away meanwhile, `--wait` and `--follow` wait for it to come back for ten
minutes, and go on where they were.
";

/// The whole page.
fn page() -> String {
    // What is set here and now is no part of the page.
    let hide = |arg: clap::Arg| arg.hide_env_values(true);
    let mut top = command().term_width(WIDTH).mut_args(hide);
    top = top.mut_subcommands(|sub| sub.mut_args(hide));
    top.build();
    let mut page = INTRODUCTION.to_owned();
    section(&mut page, &mut top, "headcount");
    for sub in top.get_subcommands_mut().filter(|sub| !sub.is_hide_set()) {
        let name = format!("headcount {}", sub.get_name());
        section(&mut page, sub, &name);
    }
    page
}

fn section(page: &mut String, command: &mut clap::Command, name: &str) {
    let help = command.render_long_help().to_string();
    let lines: Vec<&str> = help.trim_end().lines().map(str::trim_end).collect();
    let help = lines.join("\n");
    // Writing to a string does not fail.
    let _ = write!(page, "\n## `{name}`\n\n```text\n{help}\n```\n");
}

#[test]
fn the_page_is_fresh() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/cli.md");
    let page = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        kept == page,
        "docs/cli.md is not what the program says; run the test with UPDATE_DOCS=1"
    );
}

#[test]
fn the_page_does_not_depend_on_the_environment() {
    let page = page();
    for command in ["submit", "explain", "up", "completions"] {
        assert!(
            page.contains(&format!("## `headcount {command}`")),
            "{command}"
        );
    }
    assert!(
        !page.contains("headcount pump"),
        "hidden commands stay hidden"
    );
    assert!(
        page.contains("127  it expired in the queue"),
        "exit codes are told"
    );
}
