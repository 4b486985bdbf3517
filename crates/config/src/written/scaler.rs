//! One entry of `scalers`.

use std::time::Duration;

use headcount_model::{CreateBatch, EngineKind, ProvisionerContract, Role};

use super::kubernetes::{HISTORY, NAMESPACE, Rollout};
use super::program::{CONTRACT, HOST_PATH, LEASE_TIME, PROGRAM_PATH, REAP_OTHERS, VARIABLE};
use super::shapes::{
    BARE_METAL, BackendKind, CONTAINER, FIRECRACKER, KUBERNETES, MACHINE, NAME, PROGRAM,
    PROGRAM_OR_MACHINE, TEXT, TYPE, labels,
};
use super::{Cap, LabelSet, Policy, Retry, Timeouts, Trigger, WarmPool};
use crate::read::{Choice, Flag, List, Nested, default, integer, object, optional, required};
use crate::source::Spanned;

object! {
    /// Who makes agents of one kind in one place: a backend, limits, and label sets.
    Scaler, "a scaler" {
        /// Its name, part of a label of its agents. Unique, in either case.
        name: String = "name", NAME, required();
        /// Where its agents live.
        kind: BackendKind = "type", TYPE, required();
        /// Cap on its agents.
        max_agents: u32 = "maxAgents", integer(1..=i64::from(u32::MAX)), required();
        /// What its agents offer; each entry makes a pool.
        label_sets: Vec<Spanned<LabelSet>> = "labelSets", List {
            of: Nested::<LabelSet>::NEW, filled: true,
        }, required();
        /// Higher is tried first; of equal ones the smaller label set, then file order.
        priority: i32 = "priority", integer(-1_000_000..=1_000_000), default("0");
        /// Agents kept ready.
        policy: Policy = "policy", Nested::<Policy>::NEW, default("on demand");
        /// Agents kept ready, in the spelling of KiCI. Not together with `policy`.
        warm_pool: WarmPool = "warmPool", Nested::<WarmPool>::NEW, default("off");
        /// Labels a job must ask for to be served here; each must be in every label set.
        mandatory_labels: Vec<Spanned<String>> = "mandatoryLabels", labels(false),
            default("none");
        /// Kinds of work besides execution; unset or with `all` is every kind.
        roles: Vec<Spanned<RoleWord>> = "roles", List { of: ROLE, filled: false },
            default("all");
        /// Cap on the summed requests of its agents.
        resource_cap: Cap = "resourceCap", Nested::<Cap>::NEW, default("no limit");
        /// The machine pool in which its agents are reserved.
        machine_pool: String = "machinePool", NAME, default("none");
        /// How long to wait for its agents.
        timeouts: Timeouts = "timeouts", Nested::<Timeouts>::NEW, default("its defaults");
        /// How soon a failed creation is tried again.
        retry: Retry = "retry", Nested::<Retry>::NEW, default("its defaults");
        /// Demand that is bound to this scaler, which then has one label set. Needs the
        /// policy `queue`, which holds where no other is written.
        triggers: Vec<Spanned<Trigger>> = "triggers", List {
            of: Nested::<Trigger>::NEW, filled: true,
        }, default("none");
        /// Where its agents call back, `wss://host:port` from other machines; unset is the
        /// daemon's own listener.
        orchestrator_url: String = "orchestratorUrl", TEXT, optional();
        /// Whether limits are enforced with cgroups.
        enforce_cgroups: bool = "enforceCgroups", Flag, default("false").only(BARE_METAL);
        /// A remote container engine, such as `tcp://192.0.2.7:2376`.
        host: String = "host", TEXT, optional().only(CONTAINER);
        /// The socket of the container engine; unset is detected.
        socket_path: String = "socketPath", TEXT, optional().only(CONTAINER);
        /// Which container engine.
        runtime: EngineKind = "runtime", RUNTIME, default("auto").only(CONTAINER);
        /// Host names known inside, `name:ip` or `name:host-gateway`.
        extra_hosts: Vec<Spanned<String>> = "extraHosts", List { of: TEXT, filled: false },
            default("none").only(CONTAINER);
        /// Whether agents get a network of their own.
        network_isolation: bool = "networkIsolation", Flag, default("true").only(CONTAINER);
        /// The hypervisor. Needed for this type.
        firecracker_path: String = "firecrackerPath", TEXT, optional().only(FIRECRACKER);
        /// The jailer. Needed for this type.
        jailer_path: String = "jailerPath", TEXT, optional().only(FIRECRACKER);
        /// The kernel of its agents. Needed for this type.
        kernel_path: String = "kernelPath", TEXT, optional().only(FIRECRACKER);
        /// The user that microVMs run as, not root. Needed for this type.
        uid: u32 = "uid", integer(1..=i64::from(u32::MAX) - 1), optional().only(FIRECRACKER);
        /// The group that microVMs run as, not root. Needed for this type.
        gid: u32 = "gid", integer(1..=i64::from(u32::MAX) - 1), optional().only(FIRECRACKER);
        /// Where the jailer keeps its directories.
        chroot_base_dir: String = "chrootBaseDir", TEXT,
            default("/srv/jailer").only(FIRECRACKER);
        /// Virtual CPUs of an agent.
        vcpu_count: u32 = "vcpuCount", integer(1..=256), default("2").only(FIRECRACKER);
        /// Memory of an agent, in MiB.
        mem_size_mib: u32 = "memSizeMib", integer(1..=i64::from(u32::MAX)),
            default("512").only(FIRECRACKER);
        /// Whether privileged commands go through `sudo -n`.
        require_sudo: bool = "requireSudo", Flag, default("false").only(FIRECRACKER);
        /// Where its Jobs are.
        namespace: String = "namespace", NAMESPACE,
            default("that of the credentials").only(KUBERNETES);
        /// A file with the cluster's address and credentials; inside the cluster there is
        /// no need of one.
        kubeconfig: String = "kubeconfig", TEXT, optional().only(KUBERNETES);
        /// Which context of that file.
        context: String = "context", TEXT, default("its current one").only(KUBERNETES);
        /// Succeeded Jobs that are kept for who wants to look at them.
        successful_jobs: u32 = "successfulJobsHistoryLimit", HISTORY,
            default("100").only(KUBERNETES);
        /// Failed Jobs that are kept.
        failed_jobs: u32 = "failedJobsHistoryLimit", HISTORY, default("100").only(KUBERNETES);
        /// What becomes of Jobs when what they are made of changes.
        rollout: Rollout = "rollout", Nested::<Rollout>::NEW,
            default("gradual").only(KUBERNETES);
        /// The provisioner, or another `docker-machine` than the one on the `PATH`: an
        /// executable, without arguments.
        program: String = "program", PROGRAM_PATH, optional().only(PROGRAM_OR_MACHINE);
        /// What it understands: our own contract, or GARM's for external providers.
        contract: ProvisionerContract = "contract", CONTRACT,
            default("headcount/v1").only(PROGRAM);
        /// A file or folder of the provisioner's own, handed to each of its calls.
        config: String = "config", HOST_PATH, optional().only(PROGRAM);
        /// Variables of the daemon that reach the provisioner: names, or prefixes that end
        /// in `_`.
        environment: Vec<Spanned<String>> = "environment", List {
            of: VARIABLE, filled: false,
        }, default("none").only(PROGRAM);
        /// How many machines one call of the provisioner may ask for. It must know such
        /// calls.
        create_batch: u8 = "createBatch", integer(1..=CreateBatch::MAX as i64),
            default("1").only(PROGRAM);
        /// How long this daemon vouches for a machine without renewing that: a provisioner
        /// with the verb `renew` is told so at a third of it, for all machines together.
        /// Unset, machines get no lease, and no other daemon may ever remove them.
        lease_time: Duration = "leaseTime", LEASE_TIME, optional().only(PROGRAM);
        /// Machines of other daemons in pools of the same name are removed when their lease
        /// ended so long ago, and this daemon has seen for that long and a whole lease that
        /// nobody renews it. Unset is never.
        reap_others_after: Duration = "reapOthersAfter", REAP_OTHERS, optional().only(PROGRAM);
        /// The folder in which `docker-machine` keeps what it knows of machines.
        store: String = "store", HOST_PATH,
            default("`MACHINE_STORAGE_PATH`, else `~/.docker/machine`").only(MACHINE);
    }
}

/// One word of `roles`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum RoleWord {
    All,
    Only(Role),
}

const ROLE: Choice<RoleWord> = Choice {
    words: &[
        ("builder", RoleWord::Only(Role::Builder)),
        ("init-runner", RoleWord::Only(Role::InitRunner)),
        ("all", RoleWord::All),
    ],
    others: &[],
};

const RUNTIME: Choice<EngineKind> = Choice {
    words: &[
        ("auto", EngineKind::Any),
        ("docker", EngineKind::Docker),
        ("podman", EngineKind::Podman),
    ],
    others: &[],
};
