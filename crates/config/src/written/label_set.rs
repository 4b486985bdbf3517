//! One entry of `labelSets`.

use std::collections::BTreeMap;

use headcount_model::{LogPressure, Price};

use super::Resources;
use super::docker_machine::{MACHINE_NAME, NAMED_OPTION, SecretVariable};
use super::shapes::{
    ARGUMENT, BARE_METAL, CONTAINER, CONTAINER_OR_MACHINE, FIRECRACKER, HOST_OR_CONTAINER,
    ISOLATED, KUBERNETES, MACHINE, NETWORK, OWN_OR_OTHER_AGENT, PROGRAM, PROGRAM_OR_MACHINE, TEXT,
    labels,
};
use crate::read::{
    Choice, Environment, Flag, List, MaxJobsShape, Nested, PriceNumber, TextMap, Tree, TreeOrList,
    default, integer, object, optional, required,
};
use crate::settings::PullPolicy;
use crate::source::Spanned;
use crate::yaml::Node;

object! {
    /// What agents offer, and what they are made of.
    LabelSet, "a label set" {
        /// What jobs ask for; case and order do not count.
        labels: Vec<Spanned<String>> = "labels", labels(true), required();
        /// CPUs and memory of an agent, where a job does not say.
        resources: Resources = "resources", Nested::<Resources>::NEW, default("`defaults`");
        /// Variables of an agent's environment.
        env: BTreeMap<String, String> = "env", Environment, default("none");
        /// What to do with output that cannot be sent as fast as it comes: stop reading,
        /// or drop lines.
        backpressure_mode: LogPressure = "backpressureMode", PRESSURE, default("pause");
        /// Jobs an agent runs at once.
        slots: u32 = "slots", integer(1..=64), default("1");
        /// Jobs an agent runs in its life; with more than one slot it must be written.
        max_jobs: Option<u32> = "maxJobs", MaxJobsShape, default("1");
        /// What an agent costs in an hour, in any currency, where its provisioner does not say.
        price_per_hour: Price = "pricePerHour", PriceNumber, default("not known");
        /// Another agent program; unset is this program's own agent.
        binary_path: String = "binaryPath", TEXT, optional().only(BARE_METAL);
        /// A program with its arguments that finds its work by itself. Not together with
        /// `binaryPath`.
        command: Vec<Spanned<String>> = "command", List { of: ARGUMENT, filled: true },
            optional().only(HOST_OR_CONTAINER);
        /// Whose agent runs in the container: this program's own, mounted into it, the
        /// image's, or none: the image's program finds its work by itself. Not together
        /// with `command`. Nothing is mounted into a Job's. Into a container on a machine of
        /// `docker-machine` this program's own agent is copied, and `none` is not known.
        agent: AgentPlace = "agent", AGENT,
            default("mounted; none for a Job").only(OWN_OR_OTHER_AGENT);
        /// The image of the container in which an agent runs. Needed for this type.
        image: String = "image", TEXT, optional().only(CONTAINER_OR_MACHINE);
        /// When the image is fetched.
        image_pull_policy: PullPolicy = "imagePullPolicy", PULL,
            default("Always").only(CONTAINER_OR_MACHINE);
        /// Binds, `source:target[:options]`.
        volumes: Vec<Spanned<String>> = "volumes", List { of: TEXT, filled: false },
            default("none").only(CONTAINER_OR_MACHINE);
        /// Whether agents get the engine's socket, and with it the whole host.
        container_socket: bool = "containerSocket", Flag, default("false").only(CONTAINER);
        /// The ext4 image of an agent. Needed for this type.
        rootfs_path: String = "rootfsPath", TEXT, optional().only(FIRECRACKER);
        /// The kernel of an agent, instead of the scaler's.
        kernel_path: String = "kernelPath", TEXT, default("the scaler's").only(FIRECRACKER);
        /// Virtual CPUs of an agent, instead of the scaler's.
        vcpu_count: u32 = "vcpuCount", integer(1..=256),
            default("the scaler's").only(FIRECRACKER);
        /// Memory of an agent in MiB, instead of the scaler's.
        mem_size_mib: u32 = "memSizeMib", integer(1..=i64::from(u32::MAX)),
            default("the scaler's").only(FIRECRACKER);
        /// The writable disk of an agent, in MiB.
        overlay_drive_size_mib: u32 = "overlayDriveSizeMib", integer(1..=i64::from(u32::MAX)),
            default("2048").only(FIRECRACKER);
        /// What agents may reach.
        network_policy: NetworkPolicy = "networkPolicy", Nested::<NetworkPolicy>::NEW,
            default("the internet, no private network").only(ISOLATED);
        /// What each agent is made from: the `spec` of a Job of `batch/v1`. Needed for this
        /// type.
        job_target_ref: Node = "jobTargetRef", Tree, optional().only(KUBERNETES);
        /// Labels of each Job, besides those that say whose it is.
        job_labels: BTreeMap<String, String> = "jobLabels", TextMap,
            default("none").only(KUBERNETES);
        /// Annotations of each Job.
        job_annotations: BTreeMap<String, String> = "jobAnnotations", TextMap,
            default("none").only(KUBERNETES);
        /// What kind of machine. For type `program` a mapping, handed to the provisioner as it
        /// is; GARM's providers need `image` and `flavor` in it. For type `docker-machine` a
        /// list of options of `create`, each `name=value` or a name, without dashes before it;
        /// secrets are mappings, see their table.
        options: Node = "options", TreeOrList, default("none").only(PROGRAM_OR_MACHINE);
        /// Where machines have the agent program.
        agent_binary: String = "agentBinary", TEXT,
            default("`headcount` on the `PATH`").only(PROGRAM);
        /// The driver that makes machines. Needed for this type.
        driver: String = "driver", TEXT, optional().only(MACHINE);
        /// The names of machines; `%s` becomes 26 bytes that tell owner and agent.
        machine_name: String = "machineName", MACHINE_NAME,
            default("headcount-%s").only(MACHINE);
        /// More options of `create`, in which `%s` becomes the name of the machine.
        options_with_name: Vec<Spanned<String>> = "optionsWithName",
            List { of: NAMED_OPTION, filled: false }, default("none").only(MACHINE);
        /// More variables of an agent's environment, each by where its value is.
        secret_env: Vec<Spanned<SecretVariable>> = "secretEnv",
            List { of: Nested::<SecretVariable>::NEW, filled: false },
            default("none").only(MACHINE);
        /// Whether agents may do everything on their machine, such as run containers in their
        /// container.
        privileged: bool = "privileged", Flag, default("false").only(MACHINE);
    }
}

object! {
    /// What agents may reach.
    NetworkPolicy, "`networkPolicy`" {
        /// Networks that may be reached in any case.
        allowlist: Vec<Spanned<String>> = "allowlist", List { of: NETWORK, filled: false },
            default("none");
        /// Whether everything else is denied.
        deny_all: bool = "denyAll", Flag, default("false");
    }
}

pub(super) const PRESSURE: Choice<LogPressure> = Choice {
    words: &[("pause", LogPressure::Pause), ("drop", LogPressure::Drop)],
    others: &[],
};

/// Whose agent runs in a container.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum AgentPlace {
    Mounted,
    Image,
    Nobody,
}

const AGENT: Choice<AgentPlace> = Choice {
    words: &[
        ("mounted", AgentPlace::Mounted),
        ("image", AgentPlace::Image),
        ("none", AgentPlace::Nobody),
    ],
    others: &[],
};

const PULL: Choice<PullPolicy> = Choice {
    words: &[
        ("Always", PullPolicy::Always),
        ("IfNotPresent", PullPolicy::IfNotPresent),
        ("Never", PullPolicy::Never),
    ],
    others: &[],
};
