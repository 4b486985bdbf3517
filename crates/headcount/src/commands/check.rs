//! `headcount check`: everything that is wrong with a configuration, without a daemon.

use headcount_config::{Loaded, Platform, Problems, effective_yaml, load};
use headcount_model::{AgentKind, Fleet, PoolSpec, Recipe, ScalerSpec};
use serde_json::json;

use crate::cli::CheckArgs;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::show::amount::count;

/// Wide enough where nobody says how wide the terminal is.
const WIDTH: usize = 100;

/// Checks it and says what it comes to.
///
/// # Errors
/// [`Exit::Usage`] when it cannot be used; the problems have been told then.
pub(crate) fn run(args: &CheckArgs, console: &Console) -> Result<Exit, Failure> {
    let paths = args.config.paths()?;
    let loaded = match load(&paths, &Platform::current()) {
        Ok(loaded) => loaded,
        Err(problems) if console.json => {
            console.print_json(&report(&problems, None))?;
            return Err(Failure::told(Exit::Usage));
        }
        Err(problems) => return Err(refuse(console, &problems)),
    };
    if console.json {
        console.print_json(&report(&loaded.warnings, Some((&loaded, args.effective))))?;
        return Ok(Exit::Done);
    }
    if !loaded.warnings.is_empty() {
        tell(console, &loaded.warnings);
    }
    match args.effective {
        true => console.print(&effective_yaml(&loaded.settings))?,
        false => console.print(&summary(&paths.main.display().to_string(), &loaded.fleet))?,
    }
    Ok(Exit::Done)
}

/// Tells problems on standard error, with their text.
fn tell(console: &Console, problems: &Problems) {
    let width = console.page.width.unwrap_or(WIDTH);
    console.write_note(&problems.render(console.color_notes, width));
}

/// Tells problems and ends the command.
pub(super) fn refuse(console: &Console, problems: &Problems) -> Failure {
    if console.json {
        let lines = problems.iter().map(ToString::to_string).collect();
        return Failure::usage("the configuration cannot be used").details(lines);
    }
    tell(console, problems);
    Failure::told(Exit::Usage)
}

fn report(problems: &Problems, good: Option<(&Loaded, bool)>) -> serde_json::Value {
    let list: Vec<_> = problems.iter().collect();
    let mut report = json!({"valid": good.is_some(), "problems": list});
    if let Some((loaded, true)) = good {
        report["effective"] = json!(effective_yaml(&loaded.settings));
    }
    report
}

/// Agents there can be: what all may have together, or what each may have added up where
/// that is less.
fn most(fleet: &Fleet) -> u64 {
    let each = fleet
        .scalers
        .iter()
        .map(|scaler| u64::from(scaler.max_agents));
    each.sum::<u64>().min(fleet.max_agents.into())
}

/// What the configuration comes to.
fn summary(file: &str, fleet: &Fleet) -> String {
    let pools: usize = fleet.scalers.iter().map(|scaler| scaler.pools.len()).sum();
    let mut out = format!(
        "{file} is good: {} with {}, {} at most\n",
        count(fleet.scalers.len() as u64, "scaler", "scalers"),
        count(pools as u64, "pool", "pools"),
        count(most(fleet), "agent", "agents")
    );
    for scaler in &fleet.scalers {
        let agents = count(u64::from(scaler.max_agents), "agent", "agents");
        out.push_str(&format!(
            "\n{} ({}, {agents} at most)\n",
            scaler.name, scaler.backend
        ));
        for pool in &scaler.pools {
            let kept = match (&pool.queue, pool.idle.keep) {
                (Some(rule), _) => format!(
                    "as many as {} for",
                    count(rule.triggers.len() as u64, "trigger asks", "triggers ask")
                ),
                (None, 0) => "made on demand".to_owned(),
                (None, n) => format!("{n} kept ready"),
            };
            out.push_str(&format!("  {}: {kept}\n", pool.name));
        }
        for promise in promises(scaler) {
            out.push_str(&format!("  {promise}\n"));
        }
    }
    out
}

/// What the backend of a scaler cannot promise, so that nobody counts on it.
fn promises(scaler: &ScalerSpec) -> Vec<&'static str> {
    let recipe = scaler.pools.first().map(|pool| &*pool.recipe);
    let mut promises = vec![match recipe {
        Some(Recipe::Kubernetes(_)) => {
            "agents outlive a restart of the daemon and of this host: the cluster runs them"
        }
        Some(Recipe::Program(_)) => {
            "agents outlive a restart of the daemon; `headcount provisioner test` shows whether \
             the program keeps its contract"
        }
        Some(Recipe::DockerMachine(_)) => {
            "agents outlive a restart of the daemon; a machine whose record is lost from the store \
             stays in the list until somebody says that it is gone"
        }
        Some(Recipe::Process { .. } | Recipe::Container(_)) | None => {
            "agents outlive a restart of the daemon, but not of this host: its jobs then end as \
             agent_lost"
        }
    }];
    let enforced = |pool: &PoolSpec| match &*pool.recipe {
        Recipe::Process {
            enforce_cgroups, ..
        } => *enforce_cgroups,
        Recipe::Container(_) | Recipe::Kubernetes(_) | Recipe::DockerMachine(_) => true,
        Recipe::Program(_) => false,
    };
    if !scaler.pools.iter().all(enforced) {
        promises.push(match recipe {
            Some(Recipe::Program(_)) => {
                "limits of CPU and memory are counted here; whether machines have them is up to \
                 the program"
            }
            _ => {
                "limits of CPU and memory are counted but not enforced; `enforceCgroups: true` \
                 enforces them"
            }
        });
    }
    if scaler
        .pools
        .iter()
        .any(|pool| pool.kind == AgentKind::Worker)
    {
        promises.push("workers find their work themselves: no job is ever given to them");
    }
    promises
}
