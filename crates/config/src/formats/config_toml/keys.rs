//! The keys of GitLab Runner's `config.toml`, table by table, and what comes of each here.

use super::table::Type::{Any, Flag, Integer, Table, Text, Texts};
use super::table::{Key, nothing, read, told};

/// Where jobs come from has been said at `url`.
const FRONT: &str = "nothing is asked of GitLab yet";
const OWN_JOBS: &str = "jobs here are commands and scripts, without GitLab's steps around them";
const IN_THE_JOB: &str = "put it into the job's script";
const CONTAINER: &str = "the container of an agent is made without it";

pub(super) const GLOBAL: &[Key] = &[
    read("concurrent"),
    read("runners"),
    read("machine"),
    told(
        "check_interval",
        Integer,
        "nothing is polled, a job is given out as soon as it can be",
        "",
    ),
    told(
        "shutdown_timeout",
        Integer,
        "it belongs to the command line",
        "write `headcount up --stop-timeout DURATION`",
    ),
    told(
        "log_level",
        Text,
        "it belongs to the environment",
        "set `HEADCOUNT_LOG`",
    ),
    told(
        "log_format",
        Text,
        "it belongs to the command line",
        "write `headcount up --log-format FORMAT`",
    ),
    told(
        "listen_address",
        Text,
        "metrics are where the API is",
        "write `headcount up --listen ADDRESS`",
    ),
    told("sentry_dsn", Text, "errors go to the log only", ""),
    told("connection_max_age", Text, FRONT, ""),
    told("session_server", Table, "jobs have no terminals", ""),
    told("experimental", Table, "nothing of it is known here", ""),
];

pub(super) const MACHINE_OF_ALL: &[Key] = &[read("shutdown_drain")];

/// Whether it is enabled is said of the table.
pub(super) const SHUTDOWN_DRAIN: &[Key] = &[
    nothing("enabled", Flag),
    nothing("concurrency", Integer),
    nothing("max_retries", Integer),
    nothing("retry_backoff", Any),
];

pub(super) const RUNNER: &[Key] = &[
    read("name"),
    read("limit"),
    read("executor"),
    read("environment"),
    read("machine"),
    read("docker"),
    read("cache"),
    read("headcount"),
    // Said once for all of them, at the first.
    read("url"),
    nothing("token", Text),
    nothing("id", Integer),
    nothing("token_obtained_at", Any),
    nothing("token_expires_at", Any),
    nothing("system_id", Text),
    told("clone_url", Text, FRONT, ""),
    told("tls-ca-file", Text, FRONT, ""),
    told("tls-cert-file", Text, FRONT, ""),
    told("tls-key-file", Text, FRONT, ""),
    told("tls-skip-verify", Flag, FRONT, ""),
    told("unhealthy_requests_limit", Integer, FRONT, ""),
    told("unhealthy_interval", Any, FRONT, ""),
    told("job_status_final_update_retry_limit", Integer, FRONT, ""),
    told("strict_check_interval", Flag, FRONT, ""),
    told(
        "request_concurrency",
        Integer,
        "jobs are not asked for, they are given out",
        "",
    ),
    told(
        "output_limit",
        Integer,
        "each job says how much of its output is kept",
        "write `headcount submit --log-limit SIZE`",
    ),
    told(
        "shell",
        Text,
        "a script runs in `/bin/sh`, a command as it is",
        "",
    ),
    told(
        "builds_dir",
        Text,
        "each job has a fresh directory",
        "a job may name another one: `headcount submit --working-dir DIR`",
    ),
    told("cache_dir", Text, "there is no cache", ""),
    told("pre_clone_script", Text, OWN_JOBS, IN_THE_JOB),
    told("post_clone_script", Text, OWN_JOBS, IN_THE_JOB),
    told("pre_get_sources_script", Text, OWN_JOBS, IN_THE_JOB),
    told("post_get_sources_script", Text, OWN_JOBS, IN_THE_JOB),
    told("pre_build_script", Text, OWN_JOBS, IN_THE_JOB),
    told("post_build_script", Text, OWN_JOBS, IN_THE_JOB),
    told("clean_git_config", Flag, OWN_JOBS, ""),
    told("safe_directory_checkout", Flag, OWN_JOBS, ""),
    told("debug_trace_disabled", Flag, OWN_JOBS, ""),
    told("custom_build_dir", Table, OWN_JOBS, ""),
    told("feature_flags", Table, OWN_JOBS, ""),
    told("referees", Table, OWN_JOBS, ""),
    told("monitoring", Table, "metrics are at `/metrics`", ""),
    told("proxy_exec", Flag, OWN_JOBS, ""),
    told("labels", Table, "metrics have labels of their own", ""),
    // Of other executors.
    told("ssh", Table, "it is of another executor", ""),
    told("parallels", Table, "it is of another executor", ""),
    told("virtualbox", Table, "it is of another executor", ""),
    told("kubernetes", Table, "it is of another executor", ""),
    told("custom", Table, "it is of another executor", ""),
    told("autoscaler", Table, "it is of another executor", ""),
    told("instance", Table, "it is of another executor", ""),
];

pub(super) const MACHINE: &[Key] = &[
    read("IdleCount"),
    read("IdleScaleFactor"),
    read("IdleCountMin"),
    read("IdleTime"),
    read("MaxBuilds"),
    read("MaxGrowthRate"),
    read("MachineDriver"),
    read("MachineName"),
    read("MachineOptions"),
    read("MachineOptionsWithName"),
    read("OffPeakPeriods"),
    read("OffPeakTimezone"),
    read("OffPeakIdleCount"),
    read("OffPeakIdleTime"),
    read("autoscaling"),
    told(
        "MaxRemovalAttempts",
        Integer,
        "a machine is never given up, its removal is tried until it is gone",
        "",
    ),
];

pub(super) const AUTOSCALING: &[Key] = &[
    read("Periods"),
    read("Timezone"),
    read("IdleCount"),
    read("IdleScaleFactor"),
    read("IdleCountMin"),
    read("IdleTime"),
];

/// Ours, in a table that GitLab Runner passes over.
pub(super) const OWN: &[Key] = &[
    read("labels"),
    read("compat"),
    read("program"),
    read("store"),
    read("orchestratorUrl"),
];

pub(super) const DOCKER: &[Key] = &[
    read("image"),
    read("privileged"),
    read("volumes"),
    read("pull_policy"),
    // The engine is that of the machine.
    nothing("host", Text),
    nothing("tls_cert_path", Text),
    nothing("tls_verify", Flag),
    told("disable_cache", Flag, "there is no cache", ""),
    told("cache_dir", Text, "there is no cache", ""),
    told("services", Any, "jobs have no services", ""),
    told("allowed_images", Texts, "jobs do not choose images", ""),
    told("allowed_services", Texts, "jobs have no services", ""),
    told(
        "allowed_pull_policies",
        Texts,
        "jobs do not choose images",
        "",
    ),
    told("allowed_users", Texts, "jobs do not choose users", ""),
    told(
        "allowed_privileged_images",
        Texts,
        "jobs do not choose images",
        "",
    ),
    told(
        "allowed_privileged_services",
        Texts,
        "jobs have no services",
        "",
    ),
    told(
        "wait_for_services_timeout",
        Integer,
        "jobs have no services",
        "",
    ),
    told("services_limit", Integer, "jobs have no services", ""),
    told("services_privileged", Flag, "jobs have no services", ""),
    told("services_devices", Table, "jobs have no services", ""),
    told("services_security_opt", Texts, "jobs have no services", ""),
    told("services_tmpfs", Table, "jobs have no services", ""),
    told("service_cpus", Text, "jobs have no services", ""),
    told("service_cpuset_cpus", Text, "jobs have no services", ""),
    told("service_cpu_shares", Integer, "jobs have no services", ""),
    told("service_memory", Text, "jobs have no services", ""),
    told("service_memory_swap", Text, "jobs have no services", ""),
    told(
        "service_memory_reservation",
        Text,
        "jobs have no services",
        "",
    ),
    told("service_cgroup_parent", Text, "jobs have no services", ""),
    told("service_gpus", Text, "jobs have no services", ""),
    told("helper_image", Text, "there is no helper container", ""),
    told(
        "helper_image_flavor",
        Text,
        "there is no helper container",
        "",
    ),
    told(
        "helper_image_autoset_arch_and_os",
        Flag,
        "there is no helper container",
        "",
    ),
    told("hostname", Text, CONTAINER, ""),
    told("user", Text, CONTAINER, ""),
    told("group_add", Texts, CONTAINER, ""),
    told("runtime", Text, CONTAINER, ""),
    told("isolation", Text, CONTAINER, ""),
    told("memory", Text, CONTAINER, ""),
    told("memory_swap", Text, CONTAINER, ""),
    told("memory_reservation", Text, CONTAINER, ""),
    told("cgroup_parent", Text, CONTAINER, ""),
    told("cpus", Text, CONTAINER, ""),
    told("cpuset_cpus", Text, CONTAINER, ""),
    told("cpuset_mems", Text, CONTAINER, ""),
    told("cpu_shares", Integer, CONTAINER, ""),
    told("gpus", Text, CONTAINER, ""),
    told("devices", Texts, CONTAINER, ""),
    told("device_cgroup_rules", Texts, CONTAINER, ""),
    told("dns", Texts, CONTAINER, ""),
    told("dns_search", Texts, CONTAINER, ""),
    told("extra_hosts", Texts, CONTAINER, ""),
    told("links", Texts, CONTAINER, ""),
    told("network_mode", Text, CONTAINER, ""),
    told("network_mtu", Integer, CONTAINER, ""),
    told("enable_ipv6", Flag, CONTAINER, ""),
    told("mac_address", Text, CONTAINER, ""),
    told("ipcmode", Text, CONTAINER, ""),
    told("cap_add", Texts, CONTAINER, ""),
    told("cap_drop", Texts, CONTAINER, ""),
    told("security_opt", Texts, CONTAINER, ""),
    told("userns_mode", Text, CONTAINER, ""),
    told("sysctls", Table, CONTAINER, ""),
    told("tmpfs", Table, CONTAINER, ""),
    told("shm_size", Integer, CONTAINER, ""),
    told("ulimit", Table, CONTAINER, ""),
    told("oom_kill_disable", Flag, CONTAINER, ""),
    told("oom_score_adjust", Integer, CONTAINER, ""),
    told("disable_entrypoint_overwrite", Flag, CONTAINER, ""),
    told("container_labels", Table, CONTAINER, ""),
    told("log_options", Table, CONTAINER, ""),
    told("volumes_from", Texts, CONTAINER, ""),
    told("volume_driver", Text, CONTAINER, ""),
    told("volume_driver_ops", Table, CONTAINER, ""),
    told("volume_keep", Flag, CONTAINER, ""),
];

/// That there is no cache is said once, of the table.
pub(super) const CACHE: &[Key] = &[
    read("Type"),
    read("s3"),
    read("gcs"),
    read("azure"),
    nothing("Path", Text),
    nothing("Shared", Flag),
    nothing("MaxUploadedArchiveSize", Integer),
];

pub(super) const S3: &[Key] = &[
    read("AuthenticationType"),
    read("ServerSideEncryption"),
    nothing("ServerAddress", Text),
    nothing("AccessKey", Text),
    nothing("SecretKey", Text),
    nothing("SessionToken", Text),
    nothing("BucketName", Text),
    nothing("BucketLocation", Text),
    nothing("Insecure", Flag),
    nothing("ServerSideEncryptionKeyID", Text),
    nothing("DualStack", Flag),
    nothing("PathStyle", Flag),
    nothing("Accelerate", Flag),
    nothing("RoleARN", Text),
    nothing("UploadRoleARN", Text),
    nothing("AssumeRoleMaxConcurrency", Integer),
    nothing("DisableAssumeRoleCredentialsCaching", Flag),
];

pub(super) const GCS: &[Key] = &[
    nothing("AccessID", Text),
    nothing("PrivateKey", Text),
    nothing("CredentialsFile", Text),
    nothing("BucketName", Text),
    nothing("UniverseDomain", Text),
];

pub(super) const AZURE: &[Key] = &[
    nothing("AccountName", Text),
    nothing("AccountKey", Text),
    nothing("ContainerName", Text),
    nothing("StorageDomain", Text),
];

/// Where a key belongs that stands somewhere else; those that most files have go first.
pub(super) const TABLES: &[(&str, &[Key])] = &[
    ("`[runners.machine]`", MACHINE),
    ("`[[runners]]`", RUNNER),
    ("`[runners.docker]`", DOCKER),
    ("`[[runners.machine.autoscaling]]`", AUTOSCALING),
    ("`[runners.cache]`", CACHE),
    ("`[runners.cache.s3]`", S3),
    ("`[runners.cache.gcs]`", GCS),
    ("`[runners.cache.azure]`", AZURE),
    ("`[machine.shutdown_drain]`", SHUTDOWN_DRAIN),
    ("the file, before its tables", GLOBAL),
];
