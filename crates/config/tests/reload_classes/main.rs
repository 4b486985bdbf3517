//! What a reload makes of every key of the format: each is applied to what lives, or to
//! new agents while idle old ones are replaced, or has no effect, or is refused by this
//! version. A key without a row here fails the test, and so does a row that lies: two
//! files that differ in this key alone are loaded and compared.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;

use headcount_config::{ConfigTexts, Loaded, Platform, json_schema, load_texts};
use headcount_model::{Fleet, PoolSpec, ScalerSpec};
use serde_json::Value;

mod machine_rows;
mod queue_rows;
mod rows;
mod source_rows;

use machine_rows::MACHINE_ROWS;
use queue_rows::{KUBERNETES_ROWS, PROGRAM_ROWS, QUEUE_ROWS};
use rows::Class::{self, AnotherBackend, AnotherPool, Live, NewAgents, NoEffect, Refused};
use rows::{CONTAINER_ROWS, OF_OTHER_BACKENDS, REMOTE_ROWS, ROWS, Row};

#[test]
fn every_key_has_a_class_and_no_class_is_left_over() {
    let mut keys = BTreeSet::new();
    leaves(&json_schema(), "", &mut keys);
    let rows = all_rows().map(|(_, (key, ..))| *key);
    let told = rows
        .chain(OF_OTHER_BACKENDS.iter().copied())
        .map(str::to_owned);
    let of_sources = source_rows::SOURCE_ROWS.iter();
    let of_sources = of_sources.map(|(key, ..)| format!("sources[].{key}"));
    let metadata = source_rows::metadata().map(|(key, ..)| key);
    let told: BTreeSet<String> = told.chain(of_sources).chain(metadata).collect();
    let without: Vec<_> = keys.difference(&told).collect();
    assert!(without.is_empty(), "say what a reload makes of {without:?}");
    let unknown: Vec<_> = told.difference(&keys).collect();
    assert!(unknown.is_empty(), "there is no such key: {unknown:?}");
}

#[test]
fn every_class_is_what_two_files_that_differ_show() {
    for (base, (key, class, old, new)) in all_rows() {
        let (before, after) = (fleet(base, key, old), fleet(base, key, new));
        let before = before.unwrap_or_else(|problems| panic!("{key}: {problems}"));
        let seen = match after {
            Err(_) => Refused,
            Ok(after) => seen(&before, &after),
        };
        assert_eq!(seen, *class, "{key}");
    }
}

#[test]
fn sources_hold_from_the_next_start() {
    let rows = source_rows::SOURCE_ROWS.iter().map(|(key, old, new)| {
        let lines = [old, new].map(|line| source_rows::source(line));
        ((*key).to_owned(), Class::Restart, lines)
    });
    let metadata = source_rows::metadata().map(|(key, class, old, new)| (key, class, [old, new]));
    for (key, class, lines) in rows.chain(metadata) {
        let [before, after] = lines.map(|line| with_top(&line));
        let before = before.unwrap_or_else(|problems| panic!("{key}: {problems}"));
        let seen = match after {
            Err(_) => Refused,
            Ok(after) if before.fleet != after.fleet => Live,
            Ok(after) if before.sources != after.sources => Class::Restart,
            Ok(_) => NoEffect,
        };
        assert_eq!(seen, class, "{key}");
    }
}

fn with_top(line: &str) -> Result<Loaded, String> {
    let text = format!("version: 1\n{line}\nscalers: []\n");
    let platform = Platform {
        os: "linux".into(),
        arch: "x86_64".into(),
    };
    let loaded = load_texts(ConfigTexts::single("c", text.clone()), &platform);
    loaded.map_err(|problems| format!("{}\n{text}", problems.render(false, 100)))
}

/// Paths of all keys that hold no mapping.
fn leaves(schema: &Value, path: &str, found: &mut BTreeSet<String>) {
    let variants = ["anyOf", "oneOf"].iter().filter_map(|key| schema.get(key));
    for variant in variants.filter_map(Value::as_array).flatten() {
        leaves(variant, path, found);
    }
    if let Some(keys) = schema.get("properties").and_then(Value::as_object) {
        for (key, inner) in keys {
            let dot = if path.is_empty() { "" } else { "." };
            leaves(inner, &format!("{path}{dot}{key}"), found);
        }
        return;
    }
    match schema.get("items") {
        Some(items) if items.get("properties").is_some() => {
            leaves(items, &format!("{path}[]"), found);
        }
        _ => drop(found.insert(path.to_owned())),
    }
}

fn all_rows() -> impl Iterator<Item = (&'static Base, &'static Row)> {
    [
        (BARE_METAL, ROWS),
        (CONTAINER, CONTAINER_ROWS),
        (REMOTE, REMOTE_ROWS),
        (QUEUE, QUEUE_ROWS),
        (KUBERNETES, KUBERNETES_ROWS),
        (PROGRAM, PROGRAM_ROWS),
        (MACHINE, MACHINE_ROWS),
    ]
    .into_iter()
    .flat_map(|(base, rows)| rows.iter().map(move |row| (base, row)))
}

/// The least that a scaler of a type, and its label set, must say.
struct Base {
    scaler: &'static [&'static str],
    set: &'static [&'static str],
}

const BARE_METAL: &Base = &Base {
    scaler: &["name: s", "type: bare-metal", "maxAgents: 5"],
    set: &["labels: [linux]"],
};
const CONTAINER: &Base = &Base {
    scaler: &["name: s", "type: container", "maxAgents: 5"],
    set: &["labels: [linux]", "image: i"],
};
const REMOTE: &Base = &Base {
    scaler: &[
        "name: s",
        "type: container",
        "maxAgents: 5",
        "networkIsolation: false",
        "orchestratorUrl: 'wss://ci.example.com/agent'",
    ],
    set: &["labels: [linux]", "image: i", "agent: image"],
};

const QUEUE: &Base = &Base {
    scaler: &[
        "name: s",
        "type: bare-metal",
        "maxAgents: 5",
        "triggers: [{type: redis, metadata: {address: 'a:1', listName: l}}]",
    ],
    set: &["labels: [linux]", "command: [x]"],
};

const KUBERNETES: &Base = &Base {
    scaler: &["name: s", "type: kubernetes", "maxAgents: 5"],
    set: &[
        "labels: [linux]",
        "jobTargetRef: {template: {spec: {containers: [{name: c, image: i}]}}}",
    ],
};

const PROGRAM: &Base = &Base {
    scaler: &[
        "name: s",
        "type: program",
        "maxAgents: 5",
        "program: /p",
        "config: /c",
    ],
    set: &["labels: [linux]", "options: {image: i, flavor: f}"],
};

const MACHINE: &Base = &Base {
    scaler: &["name: s", "type: docker-machine", "maxAgents: 5"],
    set: &["labels: [linux]", "driver: d", "image: i"],
};

/// The fleet of a file in which this key has this line, and nothing else is said.
fn fleet(base: &Base, key: &str, line: &str) -> Result<Fleet, String> {
    let own = |prefix: &str, line: &str, rest: &[&str]| -> Vec<String> {
        let name = |line: &str| line.split(':').next().unwrap_or_default().to_owned();
        let mut lines: Vec<String> = vec![line.to_owned()];
        let others = rest.iter().filter(|other| name(other) != name(line));
        lines.extend(others.map(|other| (*other).to_owned()));
        lines.retain(|line| !line.is_empty());
        lines.iter().map(|line| format!("{prefix}{line}")).collect()
    };
    let at = |prefix: &str| key.strip_prefix(prefix).is_some();
    let (in_set, in_scaler) = (at("scalers[].labelSets[]."), at("scalers[]."));
    let only = |here: bool| if here { line } else { "" };
    let top = own(
        "",
        only(!in_scaler),
        &["version: 1", "machinePools: [{name: m, cap: {}}]"],
    );
    let scaler = own("    ", only(in_scaler && !in_set), base.scaler);
    let set = only(in_set)
        .trim_start_matches('{')
        .trim_end_matches(if line.starts_with('{') { "}" } else { "\0" });
    let set = own("", set, base.set).join(", ");
    let text = format!(
        "{}\nscalers:\n  -\n{}\n    labelSets: [{{{set}}}]\n",
        top.join("\n"),
        scaler.join("\n")
    );
    let platform = Platform {
        os: "linux".into(),
        arch: "x86_64".into(),
    };
    let loaded = load_texts(ConfigTexts::single("c", text.clone()), &platform);
    let loaded = loaded.map_err(|problems| format!("{}\n{text}", problems.render(false, 100)))?;
    Ok(loaded.fleet)
}

fn seen(before: &Fleet, after: &Fleet) -> Class {
    let (old, new) = (only_pool(before), only_pool(after));
    if before == after {
        NoEffect
    } else if old.1.name != new.1.name {
        AnotherPool
    } else if old.0.backend != new.0.backend {
        AnotherBackend
    } else if old.1.fingerprint() != new.1.fingerprint() || old.0.machine_pool != new.0.machine_pool
    {
        NewAgents
    } else {
        Live
    }
}

fn only_pool(fleet: &Fleet) -> (&ScalerSpec, &PoolSpec) {
    let scaler = &fleet.scalers[0];
    (scaler, &scaler.pools[0])
}
