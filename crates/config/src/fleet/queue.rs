//! Triggers of a scaler as the planner and the readers of signals take them.

use std::sync::Arc;

use headcount_model::{
    Compat, QueueRule, RedisConnection, RedisServers, RedisTls, Trigger, TriggerKind,
};

use crate::secrets::Secrets;
use crate::settings::{self, Queue, Readiness, RedisServer, Scaler};

/// The rule; `None` for a scaler without triggers, or when a secret cannot be read, which
/// is a problem then.
pub(super) fn rule(scaler: &Scaler, secrets: &mut Secrets<'_>) -> Option<QueueRule> {
    let Readiness::Queue(queue) = &scaler.readiness else {
        return None;
    };
    let triggers = queue.triggers.iter().enumerate();
    let triggers: Vec<Option<Trigger>> = triggers
        .map(|(index, written)| trigger(index, written, secrets))
        .collect();
    let (min, max) = bounds(queue, scaler.max_agents);
    Some(QueueRule {
        triggers: triggers.into_iter().collect::<Option<_>>()?,
        strategy: queue.strategy,
        combine: queue.combine,
        min,
        max,
        compat: queue.compat,
        polling: queue.polling,
    })
}

/// A paused pool wants nobody. Where nothing is written, KEDA's own default is left to
/// whom it belongs; ours is the cap of the scaler.
fn bounds(queue: &Queue, max_agents: u32) -> (u32, Option<u32>) {
    match (queue.paused, queue.compat) {
        (true, _) => (0, Some(0)),
        (false, Compat::Keda) => (queue.min, queue.max),
        (false, Compat::Headcount) => (queue.min, Some(queue.max.unwrap_or(max_agents))),
    }
}

fn trigger(
    index: usize,
    written: &settings::Trigger,
    secrets: &mut Secrets<'_>,
) -> Option<Trigger> {
    let kind = match &written.kind {
        settings::TriggerKind::RedisStream {
            server,
            stream,
            measure,
        } => TriggerKind::RedisStream {
            connection: Arc::new(connection(server, secrets)?),
            stream: stream.clone(),
            measure: measure.clone(),
        },
        settings::TriggerKind::RedisKey { server, key } => TriggerKind::RedisKey {
            connection: Arc::new(connection(server, secrets)?),
            key: key.clone(),
        },
        settings::TriggerKind::Cron(window) => TriggerKind::Cron(window.clone()),
    };
    Some(Trigger {
        name: written.name_at(index),
        target: written.target,
        activation: written.activation,
        kind,
    })
}

pub(super) fn connection(
    server: &RedisServer,
    secrets: &mut Secrets<'_>,
) -> Option<RedisConnection> {
    let password = secrets.optional(server.password.as_ref());
    let tls = server.tls.as_ref().map(|tls| certificates(tls, secrets));
    let servers = match &server.servers {
        settings::RedisServers::Standalone(address) => RedisServers::Standalone(address.clone()),
        settings::RedisServers::Cluster(seeds) => RedisServers::Cluster(seeds.clone()),
        settings::RedisServers::Sentinel {
            addresses,
            master,
            username,
            password,
        } => RedisServers::Sentinel {
            addresses: addresses.clone(),
            master: master.clone(),
            username: username.clone(),
            password: secrets.optional(password.as_ref())?,
        },
    };
    Some(RedisConnection {
        servers,
        username: server.username.clone(),
        password: password?,
        database: server.database,
        tls: match tls {
            Some(tls) => Some(tls?),
            None => None,
        },
    })
}

fn certificates(tls: &settings::RedisTls, secrets: &mut Secrets<'_>) -> Option<RedisTls> {
    let ca = secrets.optional(tls.ca.as_ref());
    let client = match &tls.client {
        None => None,
        Some((cert, key)) => {
            let (cert, key) = (secrets.read(cert), secrets.read(key));
            Some((cert?.expose().to_owned(), key?))
        }
    };
    Some(RedisTls {
        ca: ca?.map(|ca| ca.expose().to_owned()),
        client,
        insecure: tls.insecure,
    })
}
