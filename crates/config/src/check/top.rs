//! The files together.

use std::collections::{BTreeMap, BTreeSet};

use headcount_model::Layer;

use super::overlap::check_overlaps;
use super::resources::{cap, check_fits, layer};
use super::scaler::check_scaler;
use super::source::sources;
use super::value;
use crate::problem::{Draft, Problems};
use crate::settings::{DEFAULT_GLOBAL_MAX_AGENTS, FirecrackerNetwork, MachinePool, Settings};
use crate::source::Spanned;
use crate::suggest::{choices, nearest, quoted};
use crate::written::{self, parse_network};

/// The settings; `None` only when a problem forbids them.
pub(crate) fn check(top: &written::Top, problems: &mut Problems) -> Option<Settings> {
    check_scalers_exist(top, problems);
    let pools = machine_pools(top, problems);
    let sources = sources(top, problems);
    let defaults = default_layer(top, problems);
    let global_cap = cap(top.global_resource_cap.as_ref());
    let written = top.scalers.as_ref().map_or(&[][..], |list| &list.value);
    check_scaler_names(written, problems);
    check_overlaps(written, problems);
    let mut scalers = Vec::with_capacity(written.len());
    for scaler in written {
        check_machine_pool(&scaler.value, pools.as_deref(), problems);
        check_fits(&scaler.value, defaults, global_cap, problems);
        scalers.push(check_scaler(&scaler.value, problems));
    }
    Some(Settings {
        global_max_agents: value(top.global_max_agents.as_ref())
            .unwrap_or(DEFAULT_GLOBAL_MAX_AGENTS),
        global_max_jobs: value(top.global_max_jobs.as_ref()),
        global_resource_cap: global_cap,
        machine_pools: pools?,
        sources: sources?,
        default_resources: defaults,
        firecracker: firecracker(top),
        scalers: scalers.into_iter().collect::<Option<_>>()?,
    })
}

fn check_scalers_exist(top: &written::Top, problems: &mut Problems) {
    let written = top.written.iter().any(|(key, _)| *key == "scalers");
    if !written && top.scalers.is_none() {
        let draft = Draft::error("there is no `scalers`, here or in a drop-in file")
            .hint("write at least one scaler, or `scalers: []` for none");
        problems.at(top.place, draft);
    }
}

fn default_layer(top: &written::Top, problems: &mut Problems) -> Layer {
    let defaults = top.defaults.as_ref().map(|defaults| &defaults.value);
    let resources = defaults.and_then(|defaults| defaults.resources.as_ref());
    layer(resources, problems)
}

/// `None` when one of them could not be read: then no reference to them is checked.
fn machine_pools(top: &written::Top, problems: &mut Problems) -> Option<Vec<MachinePool>> {
    let Some(list) = &top.machine_pools else {
        let broken = top.written.iter().any(|(key, _)| *key == "machinePools");
        return (!broken).then(Vec::new);
    };
    let mut names = BTreeSet::new();
    let mut pools = Vec::new();
    for pool in &list.value {
        let pool = &pool.value;
        if let Some(name) = &pool.name
            && !names.insert(name.value.as_str())
        {
            let message = format!("a second machine pool has the name {}", quoted(&name.value));
            problems.at(
                name.place,
                Draft::error(message).hint("give each a name of its own"),
            );
        }
        pools.push(value(pool.name.as_ref()).map(|name| MachinePool {
            name,
            cap: cap(pool.cap.as_ref()),
        }));
    }
    pools.into_iter().collect()
}

fn check_machine_pool(
    scaler: &written::Scaler,
    pools: Option<&[MachinePool]>,
    problems: &mut Problems,
) {
    let (Some(wanted), Some(pools)) = (&scaler.machine_pool, pools) else {
        return;
    };
    let names: Vec<&str> = pools.iter().map(|pool| pool.name.as_str()).collect();
    if names.contains(&wanted.value.as_str()) {
        return;
    }
    let hint = match nearest(&wanted.value, names.iter().copied()) {
        Some(near) => format!("write `{near}`"),
        None if names.is_empty() => "add it to `machinePools` of the main file".to_owned(),
        None => format!("write {}", choices(&names)),
    };
    let message = format!("there is no machine pool {}", quoted(&wanted.value));
    problems.at(wanted.place, Draft::error(message).hint(hint));
}

/// Names are part of labels, which are compared without case.
fn check_scaler_names(scalers: &[Spanned<written::Scaler>], problems: &mut Problems) {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for name in scalers.iter().filter_map(|s| s.value.name.as_ref()) {
        let Some(first) = seen.insert(name.value.to_lowercase(), &name.value) else {
            continue;
        };
        let message = format!("a second scaler has the name {}", quoted(&name.value));
        let mut draft = Draft::error(message).hint("give each scaler a name of its own");
        if first != name.value {
            draft = draft.label(format!("{} differs in case only", quoted(first)));
        }
        problems.at(name.place, draft);
    }
}

fn firecracker(top: &written::Top) -> FirecrackerNetwork {
    let default = FirecrackerNetwork::default();
    let Some(written) = top.firecracker.as_ref().map(|written| &written.value) else {
        return default;
    };
    let text = |written: &Option<Spanned<String>>| value(written.as_ref());
    let address = |written: &Option<Spanned<String>>| {
        let written = written.as_ref();
        written.and_then(|written| written.value.parse().ok())
    };
    FirecrackerNetwork {
        cidr: text(&written.cidr)
            .and_then(|cidr| parse_network(&cidr))
            .unwrap_or(default.cidr),
        bridge_name: text(&written.bridge_name).unwrap_or(default.bridge_name),
        gateway: address(&written.gateway).unwrap_or(default.gateway),
        netmask: address(&written.netmask).unwrap_or(default.netmask),
        table: text(&written.table).unwrap_or(default.table),
    }
}
