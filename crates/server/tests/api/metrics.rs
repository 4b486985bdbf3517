//! The page of metrics names every metric there is, and no other.

use std::collections::BTreeSet;

const PAGE: &str = include_str!("../../../../docs/metrics.md");

/// The code that gives metrics their names, with the beginning of those names.
const CODE: [(&str, &str); 9] = [
    ("headcount_", include_str!("../../src/metrics/count.rs")),
    ("headcount_", include_str!("../../src/metrics/gauges.rs")),
    ("headcount_", include_str!("../../src/metrics/orphans.rs")),
    ("headcount_", include_str!("../../src/metrics/scrape.rs")),
    ("headcount_", include_str!("../../src/metrics/signals.rs")),
    ("headcount_", include_str!("../../src/metrics/time.rs")),
    (
        "gitlab_runner_autoscaling_",
        include_str!("../../src/metrics/gitlab.rs"),
    ),
    ("keda_", include_str!("../../src/metrics/keda.rs")),
    ("kici_orch_", include_str!("../../src/metrics/kici.rs")),
];

/// Names that are given with these calls; a counter's end is written by the library.
fn given(code: &str, prefix: &str) -> BTreeSet<String> {
    let calls = [
        ("register(", ""),
        ("gauge(", ""),
        ("gauges(", ""),
        ("counters(", "_total"),
        ("sums(", "_total"),
    ];
    let mut names = BTreeSet::new();
    for (call, end) in calls {
        for after in code.split(call).skip(1) {
            let literal = after.trim_start().strip_prefix('"');
            if let Some((name, _)) = literal.and_then(|rest| rest.split_once('"')) {
                names.insert(format!("{prefix}{name}{end}"));
            }
        }
    }
    names
}

/// Names in the tables of the page.
fn told() -> BTreeSet<String> {
    let rows = PAGE.lines().filter(|line| line.starts_with("| `"));
    let names = rows.map(|row| row[3..].split(['`', '{']).next().unwrap());
    names.map(str::to_owned).collect()
}

#[test]
fn the_page_names_every_metric_and_no_other() {
    let given: BTreeSet<String> = CODE
        .iter()
        .flat_map(|(prefix, code)| given(code, prefix))
        .collect();
    // Counters that are registered once have their end only where they are shown.
    let told: BTreeSet<String> = told()
        .into_iter()
        .map(|name| match name.strip_suffix("_total") {
            Some(bare) if given.contains(bare) => bare.to_owned(),
            _ => name,
        })
        .collect();
    assert!(given.len() > 50, "{given:?}");
    assert_eq!(told, given);
}
