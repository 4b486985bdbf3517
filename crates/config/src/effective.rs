//! Settings as native YAML, every default spelled out.
//!
//! Promise: read again, the text yields the same settings.

mod docker_machine;
mod idle;
mod kubernetes;
mod program;
mod queue;
mod source;
mod writer;

use std::time::Duration;

use headcount_model::{Cap, EngineKind, Layer, LogPressure, Partial, ProcessProgram, Role, Roles};

use self::writer::Writer;
use crate::settings::{
    Backend, Container, ContainerAgent, ContainerTemplate, Firecracker, FirecrackerNetwork,
    FirecrackerTemplate, LabelSet, NetworkPolicy, PullPolicy, Readiness, Scaler, Settings,
    Template,
};
use crate::value::{format_cpus, format_duration, format_memory};

/// The text.
#[must_use]
pub fn effective_yaml(settings: &Settings) -> String {
    let mut out = Writer::default();
    out.plain("version", 1);
    out.plain("globalMaxAgents", settings.global_max_agents);
    if let Some(jobs) = settings.global_max_jobs {
        out.plain("globalMaxJobs", jobs);
    }
    cap(&mut out, "globalResourceCap", settings.global_resource_cap);
    out.list("machinePools", &settings.machine_pools, |out, pool| {
        out.text("name", &pool.name);
        out.map("cap", |out| cap_sides(out, pool.cap));
    });
    if settings.default_resources != Layer::default() {
        out.map("defaults", |out| resources(out, settings.default_resources));
    }
    microvm_network(&mut out, settings);
    if !settings.sources.is_empty() {
        out.list("sources", &settings.sources, source::source);
    }
    out.list("scalers", &settings.scalers, scaler);
    out.finish()
}

/// Where it is of use, or somebody wrote it.
fn microvm_network(out: &mut Writer, settings: &Settings) {
    let network = &settings.firecracker;
    let mut backends = settings.scalers.iter().map(|scaler| &scaler.backend);
    let is_used = backends.any(|backend| matches!(backend, Backend::Firecracker(_)));
    if !is_used && *network == FirecrackerNetwork::default() {
        return;
    }
    out.map("firecracker", |out| {
        let (address, prefix) = network.cidr;
        out.text("cidr", &format!("{address}/{prefix}"));
        out.text("bridgeName", &network.bridge_name);
        out.text("gateway", &network.gateway.to_string());
        out.text("netmask", &network.netmask.to_string());
        out.text("table", &network.table);
    });
}

fn scaler(out: &mut Writer, scaler: &Scaler) {
    out.text("name", &scaler.name);
    out.text("type", scaler.backend.word());
    out.plain("maxAgents", scaler.max_agents);
    out.plain("priority", scaler.priority);
    readiness(out, &scaler.readiness);
    out.texts("mandatoryLabels", &scaler.mandatory_labels);
    roles(out, &scaler.roles);
    cap(out, "resourceCap", scaler.resource_cap);
    out.optional_text("machinePool", scaler.machine_pool.as_deref());
    patience(out, scaler);
    out.optional_text("orchestratorUrl", scaler.orchestrator_url.as_deref());
    match &scaler.backend {
        Backend::BareMetal { enforce_cgroups } => out.plain("enforceCgroups", enforce_cgroups),
        Backend::Container(engine) => container(out, engine),
        Backend::Firecracker(host) => firecracker(out, host),
        Backend::Kubernetes(cluster) => kubernetes::kubernetes(out, cluster),
        Backend::Program(it) => program::program(out, it),
        Backend::DockerMachine(it) => docker_machine::docker_machine(out, it),
    }
    out.list("labelSets", &scaler.label_sets, label_set);
}

fn readiness(out: &mut Writer, readiness: &Readiness) {
    match readiness {
        Readiness::Idle(policy) => out.map("policy", |out| {
            out.text("kind", "idle");
            idle::policy(out, policy);
        }),
        Readiness::WarmPool(pool) => out.map("warmPool", |out| {
            out.plain("enabled", pool.enabled);
            out.plain("size", pool.size);
            out.plain("idleTimeoutSeconds", pool.idle_timeout_seconds);
        }),
        Readiness::Queue(bound) => queue::queue(out, bound),
    }
}

fn roles(out: &mut Writer, roles: &Roles) {
    let words: Vec<&str> = match roles {
        Roles::Unrestricted => vec!["all"],
        Roles::Only(roles) => roles
            .iter()
            .map(|role| match role {
                Role::Builder => "builder",
                Role::InitRunner => "init-runner",
            })
            .collect(),
    };
    out.texts("roles", &words);
}

fn patience(out: &mut Writer, scaler: &Scaler) {
    let timeouts = scaler.timeouts;
    out.map("timeouts", |out| {
        span(out, "create", timeouts.create);
        span(out, "launch", timeouts.launch);
        span(out, "claim", timeouts.claim);
        span(out, "recovery", timeouts.recovery);
        span(out, "retire", timeouts.retire);
        span(out, "destroy", timeouts.destroy);
        if let Some(lifetime) = timeouts.lifetime {
            span(out, "lifetime", lifetime);
        }
    });
    let retry = scaler.retry;
    out.map("retry", |out| {
        span(out, "firstDelay", retry.first_delay);
        span(out, "maxDelay", retry.max_delay);
        out.plain("openAfter", retry.open_after);
    });
}

fn container(out: &mut Writer, engine: &Container) {
    out.optional_text("host", engine.host.as_deref());
    out.optional_text("socketPath", engine.socket_path.as_deref());
    let runtime = match engine.runtime {
        EngineKind::Any => "auto",
        EngineKind::Docker => "docker",
        EngineKind::Podman => "podman",
    };
    out.text("runtime", runtime);
    out.texts("extraHosts", &engine.extra_hosts);
    out.plain("networkIsolation", engine.network_isolation);
}

fn firecracker(out: &mut Writer, host: &Firecracker) {
    out.text("firecrackerPath", &host.firecracker_path);
    out.text("jailerPath", &host.jailer_path);
    out.text("kernelPath", &host.kernel_path);
    out.plain("uid", host.uid);
    out.plain("gid", host.gid);
    out.text("chrootBaseDir", &host.chroot_base_dir);
    out.plain("vcpuCount", host.vcpu_count);
    out.plain("memSizeMib", host.mem_size_mib);
    out.plain("requireSudo", host.require_sudo);
}

fn label_set(out: &mut Writer, set: &LabelSet) {
    out.texts("labels", &set.labels);
    match &set.template {
        Template::BareMetal(ProcessProgram::OwnAgent) => {}
        Template::BareMetal(ProcessProgram::Agent(path)) => out.text("binaryPath", path),
        Template::BareMetal(ProcessProgram::Worker(command)) => out.texts("command", command),
        Template::Container(template) => container_template(out, template),
        Template::Firecracker(template) => firecracker_template(out, template),
        Template::Kubernetes(template) => kubernetes::template(out, template),
        Template::Program(template) => program::template(out, template),
        Template::DockerMachine(template) => docker_machine::template(out, template),
    }
    out.plain("slots", set.slots);
    match (&set.template, set.max_jobs) {
        (set, _) if set.is_worker() => {}
        (_, Some(max)) => out.plain("maxJobs", max),
        (_, None) => out.text("maxJobs", "unlimited"),
    }
    if let Some(price) = set.price {
        out.plain("pricePerHour", price);
    }
    let pressure = match set.log_pressure {
        LogPressure::Pause => "pause",
        LogPressure::Drop => "drop",
    };
    out.text("backpressureMode", pressure);
    resources(out, set.resources);
    if !set.env.is_empty() {
        out.map("env", |out| {
            for (name, value) in &set.env {
                out.text(name, value);
            }
        });
    }
}

fn container_template(out: &mut Writer, template: &ContainerTemplate) {
    out.text("image", &template.image);
    let pull = match template.image_pull_policy {
        PullPolicy::Always => "Always",
        PullPolicy::IfNotPresent => "IfNotPresent",
        PullPolicy::Never => "Never",
    };
    out.text("imagePullPolicy", pull);
    match &template.agent {
        ContainerAgent::Mounted => out.text("agent", "mounted"),
        ContainerAgent::Image => out.text("agent", "image"),
        ContainerAgent::Worker(command) if command.is_empty() => out.text("agent", "none"),
        ContainerAgent::Worker(command) => out.texts("command", command),
    }
    out.texts("volumes", &template.volumes);
    out.plain("containerSocket", template.container_socket);
    network_policy(out, template.network_policy.as_ref());
}

fn firecracker_template(out: &mut Writer, template: &FirecrackerTemplate) {
    out.text("rootfsPath", &template.rootfs_path);
    out.optional_text("kernelPath", template.kernel_path.as_deref());
    if let Some(count) = template.vcpu_count {
        out.plain("vcpuCount", count);
    }
    if let Some(size) = template.mem_size_mib {
        out.plain("memSizeMib", size);
    }
    out.plain("overlayDriveSizeMib", template.overlay_drive_size_mib);
    network_policy(out, template.network_policy.as_ref());
}

fn network_policy(out: &mut Writer, policy: Option<&NetworkPolicy>) {
    let Some(policy) = policy else { return };
    out.map("networkPolicy", |out| {
        if let Some(networks) = &policy.allowlist {
            let networks = networks.iter().map(ToString::to_string);
            out.texts("allowlist", &networks.collect::<Vec<_>>());
        }
        out.plain("denyAll", policy.deny_all);
    });
}

fn cap(out: &mut Writer, key: &str, cap: Cap) {
    if cap != Cap::default() {
        out.map(key, |out| cap_sides(out, cap));
    }
}

fn cap_sides(out: &mut Writer, cap: Cap) {
    if let Some(millis) = cap.max_cpu_millis {
        out.plain("maxCpu", format_cpus(millis));
    }
    if let Some(bytes) = cap.max_memory_bytes {
        out.text("maxMemory", &format_memory(bytes));
    }
}

fn resources(out: &mut Writer, layer: Layer) {
    if layer == Layer::default() {
        return;
    }
    out.map("resources", |out| {
        amount(out, "requests", layer.requests);
        amount(out, "limits", layer.limits);
    });
}

fn amount(out: &mut Writer, key: &str, amount: Partial) {
    if amount.is_empty() {
        return;
    }
    out.map(key, |out| {
        if let Some(millis) = amount.cpu_millis {
            out.plain("cpus", format_cpus(millis));
        }
        if let Some(bytes) = amount.memory_bytes {
            out.text("memory", &format_memory(bytes));
        }
    });
}

fn span(out: &mut Writer, key: &str, span: Duration) {
    out.text(key, &format_duration(span));
}
