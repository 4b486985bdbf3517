//! What the host must have for the configured scalers, checked at start and by `check`.
//! Facts: the `scalers.yaml` reference, 11.1.
//!
//! Promise: every sentence names the scaler and what to do; none means that all is there.
//! Leaves to others: what only a start can tell (memory, limits on processes).

use std::collections::BTreeMap;

use headcount_model::{PoolSpec, ProcessProgram, Recipe, Resources, ScalerSpec};

use crate::cgroup::CgroupSupport;
use crate::options::ProcessOptions;
use crate::program::find;

/// Asks for a sandbox around the steps of a job, when it is exactly `true`.
const SANDBOX_VARIABLE: &str = "KICI_SANDBOX";
/// What makes that sandbox.
const SANDBOX_PROGRAM: &str = "bwrap";

/// One sentence for each thing that is missing for these scalers. `support` is what
/// [`CgroupSupport::detect`] says of the host.
#[must_use]
pub fn check_requirements<'a>(
    scalers: impl IntoIterator<Item = &'a ScalerSpec>,
    options: &ProcessOptions,
    support: &CgroupSupport,
) -> Vec<String> {
    let mut missing = Vec::new();
    for scaler in scalers {
        for pool in &scaler.pools {
            let Recipe::Process {
                program,
                env,
                enforce_cgroups,
            } = &*pool.recipe
            else {
                continue;
            };
            let path = env
                .get("PATH")
                .or_else(|| options.forwarded.get("PATH"))
                .or_else(|| options.host_env.get("PATH"));
            let path = path.map(String::as_str);
            let host_path = options.host_env.get("PATH").map(String::as_str);
            let problems = [
                check_program(program, path),
                check_sandbox(env, &options.forwarded, host_path),
                check_limits(*enforce_cgroups, pool, support),
            ];
            for problem in problems.into_iter().flatten() {
                missing.push(format!("scaler `{}`: {problem}", scaler.name));
            }
        }
    }
    missing.dedup();
    missing
}

fn check_program(program: &ProcessProgram, path: Option<&str>) -> Option<String> {
    let name = match program {
        // It is running.
        ProcessProgram::OwnAgent => return None,
        ProcessProgram::Agent(binary) => binary,
        ProcessProgram::Worker(argv) => argv.first()?,
    };
    find(name, path).err()
}

fn check_sandbox(
    label_set: &BTreeMap<String, String>,
    forwarded: &BTreeMap<String, String>,
    path: Option<&str>,
) -> Option<String> {
    let value = label_set
        .get(SANDBOX_VARIABLE)
        .or_else(|| forwarded.get(SANDBOX_VARIABLE))?;
    if value != "true" {
        return None;
    }
    let why = find(SANDBOX_PROGRAM, path).err()?;
    Some(format!("`{SANDBOX_VARIABLE}` is `true`, but {why}"))
}

fn check_limits(enforce: bool, pool: &PoolSpec, support: &CgroupSupport) -> Option<String> {
    let CgroupSupport::Missing { why } = support else {
        return None;
    };
    let own = headcount_model::Granted::cascade(&[pool.layers.label_set, pool.layers.defaults]);
    // A job's own limits may ask for it later; without any limit there is nothing to do.
    let note = match own.limits == Resources::ZERO {
        true => "as soon as a job states limits",
        false => "for its limits",
    };
    enforce.then(|| {
        format!(
            "`enforceCgroups` needs cgroups {note}, but {why}; run the daemon under systemd, give \
             it a cgroup it may write to, or set `enforceCgroups: false`"
        )
    })
}

#[cfg(test)]
mod tests;
