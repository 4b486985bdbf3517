//! Keys of scalers of `docker-machine`.

use crate::rows::Class::{AnotherBackend, NewAgents};
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
    ("scalers[].labelSets[].agent", NewAgents, "", "agent: image"),
    (
        "scalers[].labelSets[].privileged",
        NewAgents,
        "",
        "privileged: true",
    ),
];
