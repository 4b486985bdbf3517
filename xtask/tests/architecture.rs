//! Who may know whom: the invariants of `docs/architecture.md`, held over what cargo
//! itself says.

#![expect(
    clippy::expect_used,
    reason = "a test that cannot read the workspace must fail"
)]

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// Each crate, and the crates of ours it may use outside its tests.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("headcount-model", &[]),
    ("headcount-patterns", &["headcount-model"]),
    (
        "headcount-planner",
        &["headcount-model", "headcount-patterns"],
    ),
    ("headcount-ports", &["headcount-model"]),
    (
        "headcount-config",
        &["headcount-model", "headcount-patterns", "headcount-periods"],
    ),
    ("headcount-network", &["headcount-model"]),
    ("headcount-store", &["headcount-model", "headcount-ports"]),
    (
        "headcount-machine-pools",
        &["headcount-model", "headcount-ports"],
    ),
    (
        "headcount-source-queue",
        &["headcount-model", "headcount-ports", "headcount-patterns"],
    ),
    (
        "headcount-backend-process",
        &["headcount-model", "headcount-ports"],
    ),
    (
        "headcount-backend-container",
        &[
            "headcount-model",
            "headcount-ports",
            "headcount-network",
            "headcount-engines",
        ],
    ),
    ("headcount-engines", &["headcount-model", "headcount-ports"]),
    ("headcount-periods", &[]),
    (
        "headcount-source-redis",
        &["headcount-model", "headcount-ports", "headcount-periods"],
    ),
    ("headcount-test-engines", &[]),
    ("headcount-test-redis", &[]),
    (
        "headcount-backend-kubernetes",
        &["headcount-model", "headcount-ports"],
    ),
    (
        "headcount-backend-program",
        &["headcount-model", "headcount-ports", "headcount-calls"],
    ),
    ("headcount-calls", &["headcount-ports"]),
    ("headcount-test-kubernetes", &[]),
    (
        "headcount-backend-docker-machine",
        &[
            "headcount-model",
            "headcount-ports",
            "headcount-calls",
            "headcount-engines",
        ],
    ),
    ("headcount-test-machine", &[]),
    (
        "headcount-controller",
        &[
            "headcount-model",
            "headcount-planner",
            "headcount-ports",
            "headcount-periods",
        ],
    ),
    ("headcount-api", &[]),
    ("headcount-agent", &["headcount-api"]),
    (
        "headcount-gateway",
        &["headcount-model", "headcount-ports", "headcount-api"],
    ),
    (
        "headcount-server",
        &[
            "headcount-model",
            "headcount-patterns",
            "headcount-ports",
            "headcount-controller",
            "headcount-api",
        ],
    ),
    (
        "headcount-sim",
        &[
            "headcount-model",
            "headcount-planner",
            "headcount-ports",
            "headcount-controller",
        ],
    ),
    ("xtask", &["headcount-model"]),
];

/// Crates that are at the outer edge: they may know everybody, and nobody knows them.
const OUTERMOST: &[&str] = &["headcount", "headcount-bench", "xtask"];

fn metadata() -> Metadata {
    MetadataCommand::new()
        .exec()
        .expect("cargo describes the workspace")
}

fn ours(metadata: &Metadata) -> BTreeSet<String> {
    metadata
        .workspace_packages()
        .iter()
        .map(|package| package.name.to_string())
        .collect()
}

#[test]
fn crates_know_only_whom_they_may() {
    let metadata = metadata();
    let ours = ours(&metadata);
    let may: BTreeMap<&str, &[&str]> = MAY_KNOW.iter().copied().collect();
    let mut wrong = Vec::new();
    for package in metadata.workspace_packages() {
        let name = package.name.as_str();
        let Some(allowed) = may.get(name) else {
            if !OUTERMOST.contains(&name) {
                wrong.push(format!(
                    "{name} has no line in the table of who may know whom"
                ));
            }
            continue;
        };
        for dependency in &package.dependencies {
            let normal = dependency.kind == DependencyKind::Normal;
            let known = allowed.contains(&dependency.name.as_str());
            if normal && ours.contains(&dependency.name) && !known {
                wrong.push(format!("{name} must not know {}", dependency.name));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn nothing_knows_the_outermost_crates() {
    for package in metadata().workspace_packages() {
        for dependency in &package.dependencies {
            let outer = OUTERMOST.contains(&dependency.name.as_str());
            assert!(!outer, "{} must not know {}", package.name, dependency.name);
        }
    }
}

#[test]
fn sources_and_backends_do_not_know_each_other_even_in_tests() {
    let plugins = |name: &str| {
        name.starts_with("headcount-source-") || name.starts_with("headcount-backend-")
    };
    for package in metadata().workspace_packages() {
        if plugins(&package.name) {
            for dependency in &package.dependencies {
                let sibling = plugins(&dependency.name);
                assert!(
                    !sibling,
                    "{} must not know {}",
                    package.name, dependency.name
                );
            }
        }
    }
}

/// The core, and whom it may know from outside: what computes on what it is given, built
/// without `std`.
const CORE: &[(&str, &[&str])] = &[
    ("headcount-model", &[]),
    (
        "headcount-patterns",
        &["regex-automata", "regex-syntax", "thiserror"],
    ),
    // `libm` rounds.
    ("headcount-planner", &["libm"]),
];

#[test]
fn the_core_has_no_dependency_that_could_lend_it_a_clock() {
    let core: BTreeMap<&str, &[&str]> = CORE.iter().copied().collect();
    for package in metadata().workspace_packages() {
        let Some(allowed) = core.get(package.name.as_str()) else {
            continue;
        };
        for dependency in &package.dependencies {
            let name = dependency.name.as_str();
            if dependency.kind != DependencyKind::Normal || core.contains_key(name) {
                continue;
            }
            assert!(allowed.contains(&name), "{}: {name}", package.name);
            let std = dependency.features.iter().any(|feature| feature == "std");
            let bare = !dependency.uses_default_features && !std;
            assert!(bare, "{}: {name} brings std", package.name);
        }
        let lib = package
            .targets
            .iter()
            .find(|target| target.is_lib())
            .expect("a library");
        let text = std::fs::read_to_string(&lib.src_path).expect("lib.rs");
        assert!(
            text.contains("#![no_std]"),
            "{} is not no_std",
            package.name
        );
    }
}

#[test]
fn versions_are_named_in_the_workspace_manifest_alone() {
    for package in metadata().workspace_packages() {
        let text = std::fs::read_to_string(&package.manifest_path).expect("a manifest");
        let own = text.lines().filter(|line| {
            let line = line.trim();
            line.contains("version = \"") || line.contains("= \"^") || line.contains("path = \"")
        });
        let own: Vec<&str> = own.filter(|line| !line.contains("[[")).collect();
        let targets = own
            .iter()
            .all(|line| line.trim_start().starts_with("path = \""));
        assert!(targets, "{}: {own:?}", package.name);
    }
}

#[test]
fn every_version_named_in_the_workspace_manifest_is_used() {
    let metadata = metadata();
    let manifest = metadata.workspace_root.join("Cargo.toml");
    let text = std::fs::read_to_string(manifest).expect("the workspace manifest");
    let table = text
        .split("[workspace.dependencies]")
        .nth(1)
        .expect("a table of versions");
    let table = table.split("\n[").next().expect("its end");
    let used: BTreeSet<String> = metadata
        .workspace_packages()
        .iter()
        .flat_map(|package| &package.dependencies)
        .map(|dependency| dependency.name.clone())
        .collect();
    let named = table
        .lines()
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, _)| name);
    let unused: Vec<&str> = named.filter(|name| !used.contains(*name)).collect();
    assert_eq!(unused, Vec::<&str>::new());
}
