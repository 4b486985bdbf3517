//! Keys of scalers of `docker-machine`.

use crate::rows::Class::{AnotherBackend, Live, NewAgents};
use crate::rows::Row;

pub const MACHINE_ROWS: &[Row] = &[
    ("scalers[].store", AnotherBackend, "store: /a", "store: /b"),
    ("scalers[].program", AnotherBackend, "", "program: /m"),
    (
        "scalers[].labelSets[].driver",
        NewAgents,
        "driver: d",
        "driver: e",
    ),
    (
        "scalers[].labelSets[].machineName",
        NewAgents,
        "",
        "machineName: ci-%s",
    ),
    (
        "scalers[].labelSets[].options",
        NewAgents,
        "options: [a=b]",
        "options: [a=c]",
    ),
    (
        "scalers[].labelSets[].optionsWithName",
        NewAgents,
        "",
        "optionsWithName: [a=%s]",
    ),
    (
        "scalers[].labelSets[].image",
        NewAgents,
        "image: i",
        "image: j",
    ),
    (
        "scalers[].labelSets[].secretEnv[].name",
        NewAgents,
        "secretEnv: [{name: A, valueFile: tests/secrets/a}]",
        "secretEnv: [{name: B, valueFile: tests/secrets/a}]",
    ),
    (
        "scalers[].labelSets[].secretEnv[].valueFile",
        Live,
        "secretEnv: [{name: A, valueFile: tests/secrets/a}]",
        "secretEnv: [{name: A, valueFile: tests/secrets/b}]",
    ),
    (
        "scalers[].labelSets[].secretEnv[].valueFromEnv",
        Live,
        "secretEnv: [{name: A, valueFromEnv: CARGO_PKG_NAME}]",
        "secretEnv: [{name: A, valueFromEnv: CARGO_PKG_VERSION}]",
    ),
    (
        "scalers[].labelSets[].secretEnv[].valueFromManifest",
        Live,
        "secretEnv: [{name: A, valueFromManifest: \"tests/secrets/objects.yaml#Secret/a#/stringData/it\"}]",
        "secretEnv: [{name: A, valueFromManifest: \"tests/secrets/objects.yaml#Secret/b#/stringData/it\"}]",
    ),
    (
        "scalers[].labelSets[].secretEnv[].valueFromToml",
        Live,
        "secretEnv: [{name: A, valueFromToml: \"tests/secrets/variables.toml#/environment/A\"}]",
        "secretEnv: [{name: A, valueFromToml: \"tests/secrets/variables.toml#/environment/B\"}]",
    ),
    ("scalers[].labelSets[].agent", NewAgents, "", "agent: image"),
    (
        "scalers[].labelSets[].privileged",
        NewAgents,
        "",
        "privileged: true",
    ),
];
