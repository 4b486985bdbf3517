//! What only some backends know.

use super::docker_machine::docker_machine;
use super::kubernetes::kubernetes;
use super::program::program;
use super::{value, values};
use crate::problem::{Draft, Problems};
use crate::read::{Object, missing_key};
use crate::settings::{
    Backend, Container, ContainerAgent, ContainerTemplate, Firecracker, FirecrackerTemplate,
    NetworkPolicy, Template,
};
use crate::source::{Place, Spanned};
use crate::written::{self, AgentPlace, BackendKind};

/// Warns of keys that another backend knows.
pub(super) fn warn_of_others<T: Object>(
    kind: BackendKind,
    keys: &[(&'static str, Place)],
    problems: &mut Problems,
) {
    for (name, place) in keys {
        let Some(key) = T::KEYS.iter().find(|key| key.name == *name) else {
            continue;
        };
        let only = key.need.only;
        if only.is_empty() || only.contains(&kind.word()) {
            continue;
        }
        let message = format!(
            "`{name}` has no effect on a scaler of type `{}`",
            kind.word()
        );
        let hint = format!(
            "remove it: it is for the type {}",
            crate::suggest::choices(only)
        );
        problems.at(*place, Draft::warning(message).hint(hint));
    }
}

pub(super) fn backend(
    kind: BackendKind,
    written: &written::Scaler,
    problems: &mut Problems,
) -> Option<Backend> {
    match kind {
        BackendKind::BareMetal => Some(Backend::BareMetal {
            enforce_cgroups: value(written.enforce_cgroups.as_ref()).unwrap_or(false),
        }),
        BackendKind::Container => Some(Backend::Container(Container {
            host: value(written.host.as_ref()),
            socket_path: value(written.socket_path.as_ref()),
            runtime: value(written.runtime.as_ref()).unwrap_or_default(),
            extra_hosts: values(written.extra_hosts.as_ref()),
            network_isolation: value(written.network_isolation.as_ref()).unwrap_or(true),
        })),
        BackendKind::Firecracker => firecracker(written, problems).map(Backend::Firecracker),
        BackendKind::Kubernetes => Some(Backend::Kubernetes(kubernetes(written))),
        BackendKind::Program => program(written, problems).map(Backend::Program),
        BackendKind::DockerMachine => Some(Backend::DockerMachine(docker_machine(written))),
    }
}

fn firecracker(written: &written::Scaler, problems: &mut Problems) -> Option<Firecracker> {
    for key in ["firecrackerPath", "jailerPath", "kernelPath", "uid", "gid"] {
        let who = "a scaler of type `firecracker`";
        need(written, who, key, written.place, problems);
    }
    Some(Firecracker {
        firecracker_path: value(written.firecracker_path.as_ref())?,
        jailer_path: value(written.jailer_path.as_ref())?,
        kernel_path: value(written.kernel_path.as_ref())?,
        uid: value(written.uid.as_ref())?,
        gid: value(written.gid.as_ref())?,
        chroot_base_dir: value(written.chroot_base_dir.as_ref())
            .unwrap_or_else(|| "/srv/jailer".to_owned()),
        vcpu_count: value(written.vcpu_count.as_ref()).unwrap_or(2),
        mem_size_mib: value(written.mem_size_mib.as_ref()).unwrap_or(512),
        require_sudo: value(written.require_sudo.as_ref()).unwrap_or(false),
    })
}

pub(super) fn container_template(
    index: usize,
    written: &written::LabelSet,
    problems: &mut Problems,
) -> Option<Template> {
    let who = format!("`labelSets[{index}]` of type `container`");
    need(written, &who, "image", written.place, problems);
    Some(Template::Container(ContainerTemplate {
        image: value(written.image.as_ref())?,
        image_pull_policy: value(written.image_pull_policy.as_ref()).unwrap_or_default(),
        agent: container_agent(written, problems),
        volumes: values(written.volumes.as_ref()),
        container_socket: value(written.container_socket.as_ref()).unwrap_or(false),
        network_policy: network_policy(written.network_policy.as_ref()),
    }))
}

fn container_agent(written: &written::LabelSet, problems: &mut Problems) -> ContainerAgent {
    match (&written.command, &written.agent) {
        (Some(_), Some(agent)) => {
            let draft = Draft::error("`agent` and `command` cannot stand together").hint(
                "keep `command` for a program that finds its work by itself, `agent` for one \
                 that is given jobs",
            );
            problems.at(agent.place, draft);
            ContainerAgent::Mounted
        }
        (Some(_), None) => ContainerAgent::Worker(values(written.command.as_ref())),
        (None, Some(agent)) if agent.value == AgentPlace::Image => ContainerAgent::Image,
        (None, Some(agent)) if agent.value == AgentPlace::Nobody => {
            ContainerAgent::Worker(Vec::new())
        }
        (None, _) => ContainerAgent::Mounted,
    }
}

pub(super) fn firecracker_template(
    index: usize,
    written: &written::LabelSet,
    problems: &mut Problems,
) -> Option<Template> {
    let who = format!("`labelSets[{index}]` of type `firecracker`");
    need(written, &who, "rootfsPath", written.place, problems);
    Some(Template::Firecracker(FirecrackerTemplate {
        rootfs_path: value(written.rootfs_path.as_ref())?,
        kernel_path: value(written.kernel_path.as_ref()),
        vcpu_count: value(written.vcpu_count.as_ref()),
        mem_size_mib: value(written.mem_size_mib.as_ref()),
        overlay_drive_size_mib: value(written.overlay_drive_size_mib.as_ref()).unwrap_or(2048),
        network_policy: network_policy(written.network_policy.as_ref()),
    }))
}

fn network_policy(written: Option<&Spanned<written::NetworkPolicy>>) -> Option<NetworkPolicy> {
    let written = &written?.value;
    let networks = |list: &Spanned<Vec<Spanned<String>>>| {
        let texts = list.value.iter();
        texts.filter_map(|text| text.value.parse().ok()).collect()
    };
    Some(NetworkPolicy {
        allowlist: written.allowlist.as_ref().map(networks),
        deny_all: value(written.deny_all.as_ref()).unwrap_or(false),
    })
}

/// Notes a key that is missing for this type. One that is written but wrong has been
/// noted already.
pub(super) fn need<T: Object>(
    written: &T,
    who: &str,
    key: &str,
    place: Place,
    problems: &mut Problems,
) {
    let known = T::KEYS.iter().find(|known| known.name == key);
    if let Some(known) = known.filter(|_| !written.has(key)) {
        problems.at(place, missing_key(who, known));
    }
}
