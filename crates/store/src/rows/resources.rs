//! Twins of resources.

use headcount_model::{Granted, Layer, Partial, Resources};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct ResourcesRow {
    cpu_millis: u64,
    memory_bytes: u64,
}

impl From<Resources> for ResourcesRow {
    fn from(it: Resources) -> Self {
        Self {
            cpu_millis: it.cpu_millis,
            memory_bytes: it.memory_bytes,
        }
    }
}

impl From<ResourcesRow> for Resources {
    fn from(row: ResourcesRow) -> Self {
        Self {
            cpu_millis: row.cpu_millis,
            memory_bytes: row.memory_bytes,
        }
    }
}

#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct GrantedRow {
    requests: ResourcesRow,
    limits: ResourcesRow,
}

impl From<Granted> for GrantedRow {
    fn from(it: Granted) -> Self {
        Self {
            requests: it.requests.into(),
            limits: it.limits.into(),
        }
    }
}

impl From<GrantedRow> for Granted {
    fn from(row: GrantedRow) -> Self {
        Self {
            requests: row.requests.into(),
            limits: row.limits.into(),
        }
    }
}

#[derive(Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct PartialRow {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cpu_millis: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    memory_bytes: Option<u64>,
}

impl From<Partial> for PartialRow {
    fn from(it: Partial) -> Self {
        Self {
            cpu_millis: it.cpu_millis,
            memory_bytes: it.memory_bytes,
        }
    }
}

impl From<PartialRow> for Partial {
    fn from(row: PartialRow) -> Self {
        Self {
            cpu_millis: row.cpu_millis,
            memory_bytes: row.memory_bytes,
        }
    }
}

/// Most jobs ask for nothing: then nothing is written.
#[derive(Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct LayerRow {
    #[serde(default, skip_serializing_if = "is_default")]
    requests: PartialRow,
    #[serde(default, skip_serializing_if = "is_default")]
    limits: PartialRow,
}

impl From<Layer> for LayerRow {
    fn from(it: Layer) -> Self {
        Self {
            requests: it.requests.into(),
            limits: it.limits.into(),
        }
    }
}

impl From<LayerRow> for Layer {
    fn from(row: LayerRow) -> Self {
        Self {
            requests: row.requests.into(),
            limits: row.limits.into(),
        }
    }
}

pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
