//! How two configurations differ, in the words and units in which they are written.
//!
//! Promise: whatever differs in a pool or over the fleet is named, by its key, as
//! `key: before -> after`. Leaves to others: what is done about it (`preview`).

mod idle;
mod queue;

use std::time::Duration;

use headcount_model::{
    AgentKind, Cap, Fleet, KubernetesRecipe, Layer, Layers, MachinePool, Partial, PoolSpec,
    ProgramRecipe, Recipe, Retry, Role, Roles, Rollout, ScalerSpec, Timeouts,
};

use headcount_model::amount::{cpus, memory};

use crate::PoolChange;

/// How two configurations differ.
pub(crate) fn compare(old: &Fleet, new: &Fleet) -> Vec<PoolChange> {
    let mut changes = Vec::new();
    let over_all = fleet(old, new);
    if !over_all.is_empty() {
        changes.push(PoolChange::Fleet(over_all));
    }
    for (scaler, pool) in pools(old) {
        match pools(new).find(|(_, other)| other.name == pool.name) {
            None => changes.push(PoolChange::Removed(pool.name.clone())),
            Some((new_scaler, new_pool)) => {
                let mut words = Words::default();
                words.scaler(scaler, new_scaler);
                words.pool(pool, new_pool);
                if !words.0.is_empty() {
                    changes.push(PoolChange::Changed(pool.name.clone(), words.0));
                }
            }
        }
    }
    let added = pools(new).filter(|(_, pool)| !pools(old).any(|(_, old)| old.name == pool.name));
    changes.extend(added.map(|(_, pool)| PoolChange::Added(pool.name.clone())));
    changes.sort();
    changes
}

fn fleet(old: &Fleet, new: &Fleet) -> Vec<String> {
    let mut words = Words::default();
    words.say("globalMaxAgents", &old.max_agents, &new.max_agents);
    let jobs = |fleet: &Fleet| {
        fleet
            .max_jobs
            .map_or("no limit".to_owned(), |n| n.to_string())
    };
    words.say("globalMaxJobs", &jobs(old), &jobs(new));
    words.cap("globalResourceCap", old.resource_cap, new.resource_cap);
    words.machine_pools(old, new);
    words.0
}

fn pools(fleet: &Fleet) -> impl Iterator<Item = (&ScalerSpec, &PoolSpec)> {
    fleet
        .scalers
        .iter()
        .flat_map(|scaler| scaler.pools.iter().map(move |pool| (scaler, pool)))
}

/// Differences, one line each.
#[derive(Default)]
struct Words(Vec<String>);

impl Words {
    fn scaler(&mut self, old: &ScalerSpec, new: &ScalerSpec) {
        self.say("maxAgents", &old.max_agents, &new.max_agents);
        self.say("priority", &old.priority, &new.priority);
        self.say(
            "mandatoryLabels",
            &labels(&old.mandatory),
            &labels(&new.mandatory),
        );
        self.say("roles", &roles(&old.roles), &roles(&new.roles));
        self.say("backend", &old.backend, &new.backend);
        let machine_pool = |scaler: &ScalerSpec| match &scaler.machine_pool {
            Some(name) => name.to_string(),
            None => "none".to_owned(),
        };
        self.say("machinePool", &machine_pool(old), &machine_pool(new));
        if old.machine_pool != new.machine_pool {
            self.0
                .push("where its agents are reserved: idle agents are replaced".into());
        }
        self.cap("resourceCap", old.resource_cap, new.resource_cap);
        let reaps = |scaler: &ScalerSpec| scaler.reap_others_after.map_or("never".into(), span);
        self.say("reapOthersAfter", &reaps(old), &reaps(new));
    }

    fn machine_pools(&mut self, old: &Fleet, new: &Fleet) {
        for pool in &old.machine_pools {
            let key = format!("machinePools.{}", pool.name);
            match new.machine_pool(&pool.name) {
                Some(now) => self.cap(&format!("{key}.cap"), pool.cap, now.cap),
                None => self.0.push(format!("{key}: removed")),
            }
        }
        let known = |pool: &&MachinePool| old.machine_pool(&pool.name).is_none();
        let fresh = new.machine_pools.iter().filter(known);
        self.0
            .extend(fresh.map(|pool| format!("machinePools.{}: added", pool.name)));
    }

    fn pool(&mut self, old: &PoolSpec, new: &PoolSpec) {
        self.say("idleCount", &old.idle.keep, &new.idle.keep);
        let idle_time = |pool: &PoolSpec| span(pool.idle.idle_time);
        self.say("idleTime", &idle_time(old), &idle_time(new));
        let age = |pool: &PoolSpec| pool.idle.max_idle_age.map_or("never".to_owned(), span);
        self.say("maxIdleAge", &age(old), &age(new));
        self.idle(old, new);
        let jobs = |pool: &PoolSpec| {
            let bound = pool.max_jobs.map(|jobs| jobs.to_string());
            bound.unwrap_or_else(|| "unlimited".to_owned())
        };
        self.say("maxJobs", &jobs(old), &jobs(new));
        let price = |pool: &PoolSpec| {
            pool.price
                .map_or("not known".to_owned(), |it| it.to_string())
        };
        self.say("pricePerHour", &price(old), &price(new));
        self.layers(old.layers, new.layers);
        self.timeouts(old.timeouts, new.timeouts);
        self.retry(old.retry, new.retry);
        self.queue(old.queue.as_deref(), new.queue.as_deref());
        if let (Recipe::Kubernetes(old), Recipe::Kubernetes(new)) = (&*old.recipe, &*new.recipe) {
            self.jobs(old, new);
        }
        if let (Recipe::Program(old), Recipe::Program(new)) = (&*old.recipe, &*new.recipe) {
            let (before, after) = (old.batch.machines(), new.batch.machines());
            self.say("createBatch", &before, &after);
            let lease = |it: &ProgramRecipe| it.lease_time.map_or("none".into(), span);
            self.say("leaseTime", &lease(old), &lease(new));
        }
        if old.fingerprint() != new.fingerprint() {
            let (what, then) = ("what its agents are made from", becomes(new));
            self.0.push(format!("{what}: {then}"));
        }
    }

    /// What holds for the Jobs that there are.
    fn jobs(&mut self, old: &KubernetesRecipe, new: &KubernetesRecipe) {
        let (kept, keep) = (old.history, new.history);
        self.say(
            "successfulJobsHistoryLimit",
            &kept.successful,
            &keep.successful,
        );
        self.say("failedJobsHistoryLimit", &kept.failed, &keep.failed);
        let (before, after) = (rollout(old.rollout), rollout(new.rollout));
        self.say("rollout.strategy", &before, &after);
    }

    fn layers(&mut self, old: Layers, new: Layers) {
        self.layer("resources", old.label_set, new.label_set);
        self.layer("defaults.resources", old.defaults, new.defaults);
    }

    fn layer(&mut self, key: &str, old: Layer, new: Layer) {
        self.partial(&format!("{key}.requests"), old.requests, new.requests);
        self.partial(&format!("{key}.limits"), old.limits, new.limits);
    }

    fn partial(&mut self, key: &str, old: Partial, new: Partial) {
        let cpu = |partial: Partial| partial.cpu_millis.map_or("unset".to_owned(), cpus);
        self.say(&format!("{key}.cpus"), &cpu(old), &cpu(new));
        let bytes = |partial: Partial| partial.memory_bytes.map_or("unset".to_owned(), memory);
        self.say(&format!("{key}.memory"), &bytes(old), &bytes(new));
    }

    fn cap(&mut self, key: &str, old: Cap, new: Cap) {
        let cpu = |cap: Cap| cap.max_cpu_millis.map_or("no limit".to_owned(), cpus);
        self.say(&format!("{key}.maxCpu"), &cpu(old), &cpu(new));
        let bytes = |cap: Cap| cap.max_memory_bytes.map_or("no limit".to_owned(), memory);
        self.say(&format!("{key}.maxMemory"), &bytes(old), &bytes(new));
    }

    fn timeouts(&mut self, old: Timeouts, new: Timeouts) {
        for (key, old, new) in [
            ("create", old.create, new.create),
            ("launch", old.launch, new.launch),
            ("claim", old.claim, new.claim),
            ("recovery", old.recovery, new.recovery),
            ("retire", old.retire, new.retire),
            ("destroy", old.destroy, new.destroy),
        ] {
            self.say(&format!("timeouts.{key}"), &span(old), &span(new));
        }
        let lifetime = |of: Timeouts| of.lifetime.map_or("never".to_owned(), span);
        self.say("timeouts.lifetime", &lifetime(old), &lifetime(new));
    }

    fn retry(&mut self, old: Retry, new: Retry) {
        let first = (span(old.first_delay), span(new.first_delay));
        self.say("retry.firstDelay", &first.0, &first.1);
        self.say("retry.maxDelay", &span(old.max_delay), &span(new.max_delay));
        self.say("retry.openAfter", &old.open_after, &new.open_after);
    }

    fn say<T: PartialEq + std::fmt::Display>(&mut self, key: &str, old: &T, new: &T) {
        if old != new {
            self.0.push(format!("{key}: {old} -> {new}"));
        }
    }
}

/// What becomes of agents when others would be made in their place.
fn becomes(pool: &PoolSpec) -> &'static str {
    match (pool.recipe.rollout(), pool.kind) {
        (Rollout::Immediate, AgentKind::Worker) => "its agents are ended and replaced",
        (Rollout::Gradual, AgentKind::Worker) => "its agents end by themselves",
        _ => "idle agents are replaced",
    }
}

const fn rollout(rollout: Rollout) -> &'static str {
    match rollout {
        Rollout::Gradual => "gradual",
        Rollout::Immediate => "immediate",
    }
}

fn labels(labels: &headcount_model::Labels) -> String {
    match labels.is_empty() {
        true => "none".to_owned(),
        false => labels.join(","),
    }
}

fn roles(roles: &Roles) -> String {
    let Roles::Only(roles) = roles else {
        return "all".to_owned();
    };
    let names = roles.iter().map(|role| match role {
        Role::Builder => "builder",
        Role::InitRunner => "init-runner",
    });
    let names: Vec<&str> = names.collect();
    match names.is_empty() {
        true => "none".to_owned(),
        false => names.join(","),
    }
}

/// As it is written in a configuration: `1h30m`, `30s`, `500ms`.
fn span(span: Duration) -> String {
    let units = [
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1_000),
        ("ms", 1),
    ];
    let mut left = span.as_millis();
    let mut text = String::new();
    for (name, unit) in units {
        if left >= unit {
            text.push_str(&format!("{}{name}", left / unit));
            left %= unit;
        }
    }
    match text.is_empty() {
        true => "0s".to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests;
