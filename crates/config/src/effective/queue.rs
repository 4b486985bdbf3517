//! The policy `queue` and its triggers.

use std::time::Duration;

use headcount_model::{Combine, Compat, Level, Strategy, StreamMeasure};

use super::span;
use super::writer::Writer;
use crate::settings::{
    Queue, RedisServer, RedisServers, RedisTls, SecretFrom, SecretRef, Trigger, TriggerKind,
};

pub(super) fn queue(out: &mut Writer, queue: &Queue) {
    out.map("policy", |out| policy(out, queue));
    out.list("triggers", &queue.triggers, trigger);
}

fn policy(out: &mut Writer, queue: &Queue) {
    out.text("kind", "queue");
    let strategy = match queue.strategy {
        Strategy::Default => "default",
        Strategy::Custom { .. } => "custom",
        Strategy::Accurate => "accurate",
        Strategy::Eager => "eager",
    };
    out.text("strategy", strategy);
    if let Strategy::Custom { deduction, running } = queue.strategy {
        out.plain("customScalingQueueLengthDeduction", deduction);
        level(out, "customScalingRunningJobPercentage", running);
    }
    if !queue.pending_pod_conditions.is_empty() {
        out.texts("pendingPodConditions", &queue.pending_pod_conditions);
    }
    let combine = match queue.combine {
        Combine::Max => "max",
        Combine::Min => "min",
        Combine::Avg => "avg",
        Combine::Sum => "sum",
    };
    out.text("combine", combine);
    out.plain("minReplicaCount", queue.min);
    if let Some(max) = queue.max {
        out.plain("maxReplicaCount", max);
    }
    span(out, "pollingInterval", queue.polling);
    let compat = match queue.compat {
        Compat::Headcount => "headcount",
        Compat::Keda => "keda",
    };
    out.text("compat", compat);
    out.plain("paused", queue.paused);
}

fn trigger(out: &mut Writer, trigger: &Trigger) {
    out.text("type", trigger.kind.word());
    out.optional_text("name", trigger.name.as_deref());
    out.map("metadata", |out| match &trigger.kind {
        TriggerKind::RedisStream {
            server,
            stream,
            measure,
        } => {
            redis(out, server);
            out.text("stream", stream);
            counted(out, measure, trigger.target);
            level(out, "activationLagCount", trigger.activation);
        }
        TriggerKind::RedisKey { server, key } => {
            redis(out, server);
            out.text("listName", key);
            level(out, "listLength", trigger.target);
            level(out, "activationListLength", trigger.activation);
        }
        TriggerKind::Cron(window) => {
            out.text("timezone", &window.timezone);
            out.text("start", &window.start);
            out.text("end", &window.end);
            out.plain("desiredReplicas", window.desired);
        }
    });
}

fn counted(out: &mut Writer, measure: &StreamMeasure, target: Level) {
    match measure {
        StreamMeasure::Length => level(out, "streamLength", target),
        StreamMeasure::Pending { group } => {
            out.text("consumerGroup", group);
            level(out, "pendingEntriesCount", target);
        }
        StreamMeasure::Lag { group, claim_after } => {
            out.text("consumerGroup", group);
            level(out, "lagCount", target);
            claimed(out, *claim_after);
        }
        StreamMeasure::Backlog { group, claim_after } => {
            out.text("consumerGroup", group);
            level(out, "entriesPerAgent", target);
            claimed(out, *claim_after);
        }
    }
}

fn claimed(out: &mut Writer, after: Option<Duration>) {
    if let Some(after) = after {
        span(out, "claimAfter", after);
    }
}

pub(super) fn redis(out: &mut Writer, server: &RedisServer) {
    match &server.servers {
        RedisServers::Standalone(address) => out.text("address", address),
        RedisServers::Cluster(addresses) => out.texts("addresses", addresses),
        RedisServers::Sentinel {
            addresses,
            master,
            username,
            password,
        } => {
            out.texts("addresses", addresses);
            out.text("sentinelMaster", master);
            out.optional_text("sentinelUsername", username.as_deref());
            secret(out, "sentinelPassword", password.as_ref());
        }
    }
    out.optional_text("username", server.username.as_deref());
    secret(out, "password", server.password.as_ref());
    out.plain("databaseIndex", server.database);
    if let Some(tls) = &server.tls {
        tls_keys(out, tls);
    }
}

fn tls_keys(out: &mut Writer, tls: &RedisTls) {
    out.plain("enableTLS", true);
    out.plain("unsafeSsl", tls.insecure);
    secret(out, "ca", tls.ca.as_ref());
    let client = tls.client.as_ref();
    secret(out, "cert", client.map(|(cert, _)| cert));
    secret(out, "key", client.map(|(_, key)| key));
}

/// Where a secret is, never what it is.
fn secret(out: &mut Writer, key: &str, secret: Option<&SecretRef>) {
    match secret.map(|secret| &secret.from) {
        None => {}
        Some(SecretFrom::File(path)) => out.text(&format!("{key}File"), path),
        Some(SecretFrom::Env(name)) => out.text(&format!("{key}FromEnv"), name),
        Some(SecretFrom::Manifest(place)) => {
            out.text(&format!("{key}FromManifest"), &place.to_string());
        }
        // No trigger has such a key, so none has such a secret.
        Some(SecretFrom::Toml(place)) => out.text(&format!("{key}FromToml"), &place.to_string()),
    }
}

fn level(out: &mut Writer, key: &str, level: Level) {
    out.plain(key, level.0);
}
