//! Errors of the edges as news: grouped by what the planner does next.

use headcount_model::{Trouble, TroubleKind, Unreserved};
use headcount_ports::{BackendError, LinkError, MachinePoolError, SourceError};

pub(crate) fn backend(error: BackendError) -> Trouble {
    let message = error.to_string();
    let kind = match error {
        BackendError::Transient(_) => TroubleKind::Transient,
        BackendError::Capacity { retry_after, .. } => TroubleKind::NoCapacity(retry_after),
        BackendError::Throttled { retry_after, .. } => TroubleKind::NoCapacity(Some(retry_after)),
        BackendError::Invalid(_) => TroubleKind::Invalid,
        BackendError::Unknown(_) => TroubleKind::Unknown,
    };
    Trouble { kind, message }
}

pub(crate) fn source(error: SourceError) -> Trouble {
    let message = error.to_string();
    let kind = match error {
        SourceError::Transient(_) => TroubleKind::Transient,
        SourceError::Gone(_) => TroubleKind::Gone,
        SourceError::Unknown(_) => TroubleKind::Unknown,
    };
    Trouble { kind, message }
}

pub(crate) fn link(error: LinkError) -> Trouble {
    Trouble {
        kind: TroubleKind::Transient,
        message: error.to_string(),
    }
}

pub(crate) fn machine_pool(error: MachinePoolError) -> Trouble {
    let message = error.to_string();
    let kind = match error {
        MachinePoolError::Full { .. } => TroubleKind::NoCapacity(None),
        MachinePoolError::Unavailable(_) => TroubleKind::Transient,
        MachinePoolError::Invalid(_) => TroubleKind::Invalid,
        MachinePoolError::Unknown(_) => TroubleKind::Unknown,
    };
    Trouble { kind, message }
}

pub(crate) fn unreserved(error: MachinePoolError) -> Unreserved {
    let others = match &error {
        MachinePoolError::Full { others, .. } => Some(*others),
        _ => None,
    };
    let trouble = machine_pool(error);
    Unreserved { trouble, others }
}

/// No answer within the deadline: what became of it is unknown.
pub(crate) fn too_late(what: &str, deadline: std::time::Duration) -> Trouble {
    let message = format!("no answer to {what} within {deadline:?}");
    Trouble {
        kind: TroubleKind::Unknown,
        message,
    }
}
