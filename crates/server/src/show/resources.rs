//! Amounts of CPU and memory.

use headcount_api::{Amount, Impossible, ResourceCap, Resources};
use headcount_model::{Cap, Granted, Layer, Partial, Reason, Resources as Fixed};

use crate::needs::Grammar;

/// What somebody wrote.
pub(crate) fn layer(layer: Layer) -> Resources {
    Resources {
        requests: partial(layer.requests),
        limits: partial(layer.limits),
    }
}

/// What was granted; zero, which is "none", is left out.
pub(crate) fn granted(granted: Granted) -> Resources {
    Resources {
        requests: fixed(granted.requests),
        limits: fixed(granted.limits),
    }
}

pub(crate) fn cap(cap: Cap) -> ResourceCap {
    ResourceCap {
        max_cpu: cap.max_cpu_millis.map(cpus),
        max_memory_bytes: cap.max_memory_bytes,
    }
}

/// A cap that refuses for ever, in the units a person writes.
pub(crate) fn impossible(
    found: &headcount_controller::Impossible,
    pool: Option<String>,
    grammar: &dyn Grammar,
) -> Impossible {
    let amount = |number| match found.cap {
        Reason::ScalerCpuCap | Reason::FleetCpuCap | Reason::MachinePoolCpuCap => {
            format!("{} CPUs", grammar.show_cpus(number))
        }
        _ => grammar.show_memory(number),
    };
    Impossible {
        cap: found.cap.code().to_owned(),
        pool,
        asked: amount(found.asked),
        allowed: amount(found.allowed),
    }
}

fn partial(amount: Partial) -> Amount {
    Amount {
        cpus: amount.cpu_millis.map(cpus),
        memory_bytes: amount.memory_bytes,
    }
}

fn fixed(amount: Fixed) -> Amount {
    partial(Partial {
        cpu_millis: Some(amount.cpu_millis).filter(|n| *n > 0),
        memory_bytes: Some(amount.memory_bytes).filter(|n| *n > 0),
    })
}

/// Thousandths of a CPU as a number of CPUs; exact far beyond any configuration.
#[expect(clippy::cast_precision_loss, reason = "see above")]
fn cpus(millis: u64) -> f64 {
    millis as f64 / 1000.0
}
