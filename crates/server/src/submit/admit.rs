//! The door check: jobs that no waiting would ever help are refused at once.

use std::collections::HashSet;

use headcount_controller::Handle;
use headcount_model::Reason;
use headcount_ports::NewJob;

use crate::needs::Grammar;
use crate::refused::{Answer, Kind, Refused};
use crate::show;

/// Refuses the batch if one of its jobs is larger than a cap could ever allow.
pub(crate) fn admit(jobs: &[NewJob], handle: &Handle, grammar: &dyn Grammar) -> Answer<()> {
    let mut asked = HashSet::new();
    for (index, job) in jobs.iter().enumerate() {
        let key = job.class();
        if asked.contains(&key) {
            continue;
        }
        if let Some((found, pool)) = handle.admission(&key) {
            let impossible = show::impossible(&found, Some(pool.to_string()), grammar);
            return Err(never_fits(index, jobs.len(), found.cap, impossible));
        }
        asked.insert(key);
    }
    Ok(())
}

fn never_fits(
    index: usize,
    n_jobs: usize,
    cap: Reason,
    impossible: headcount_api::Impossible,
) -> Refused {
    let which = match n_jobs {
        1 => "the job".to_owned(),
        _ => format!("job {index} of the batch"),
    };
    let cap = cap_name(cap);
    let pool = impossible.pool.clone().unwrap_or_default();
    let detail = format!(
        "{which} would reserve {}, but {cap} allows {}; {pool} is the best pool for it",
        impossible.asked, impossible.allowed
    );
    Refused::new(Kind::NeverFits, detail)
        .hint(format!("lower what the job requests, or raise {cap}"))
        .impossible(impossible)
}

/// The cap as the configuration calls it.
const fn cap_name(cap: Reason) -> &'static str {
    match cap {
        Reason::ScalerCpuCap => "the scaler's `resourceCap.maxCpu`",
        Reason::ScalerMemoryCap => "the scaler's `resourceCap.maxMemory`",
        Reason::FleetCpuCap => "`globalResourceCap.maxCpu`",
        Reason::FleetMemoryCap => "`globalResourceCap.maxMemory`",
        Reason::MachinePoolCpuCap => "the machine pool's `cap.maxCpu`",
        Reason::MachinePoolMemoryCap => "the machine pool's `cap.maxMemory`",
        _ => "a cap",
    }
}
