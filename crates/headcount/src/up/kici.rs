//! The environment of the KiCI auto-scaler, as its users have it.
//!
//! Promise: what has a meaning here is read under its old name too, the house's own names
//! winning; of everything else it is said what to use instead. Nothing is passed over in
//! silence. Leaves to others: the paths of the configuration and of the machine pools, and
//! what is forwarded to agents, which are read where they are used.

use std::ffi::OsString;
use std::time::Duration;

use crate::failure::Failure;

const PREFIX: &str = "KICI_";
/// Everything after this is forwarded to agents.
const FORWARDED: &str = "KICI_AGENT_ENV_";
const QUEUE_MAX_DEPTH: &str = "KICI_QUEUE_MAX_DEPTH";
const QUEUE_WARNING_DEPTH: &str = "KICI_QUEUE_BACKPRESSURE_THRESHOLD";
const QUEUE_TIMEOUT: &str = "KICI_QUEUE_TIMEOUT_MS";

/// Read under these names.
const READ: [&str; 7] = [
    "KICI_SCALER_CONFIG_PATH",
    "KICI_SCALER_CONFIG_DIR",
    "KICI_MACHINE_LEDGER_DIR",
    "KICI_ORCHESTRATOR_URL",
    QUEUE_MAX_DEPTH,
    QUEUE_WARNING_DEPTH,
    QUEUE_TIMEOUT,
];

/// Without a meaning here, and what does instead.
const INSTEAD: [(&str, &str); 8] = [
    (
        "KICI_CLUSTER_INSTANCE_ID",
        "a daemon's identity is kept in its state directory: choose that with --state-dir",
    ),
    (
        "KICI_AGENT_AUTH",
        "every agent has a one-time token, which cannot be switched off",
    ),
    (
        "KICI_AGENT_TOKEN_TTL_MS",
        "an agent's token is good for one registration within `timeouts.launch` of its scaler, \
         and ends no running job",
    ),
    (
        "KICI_PORT",
        "the API listens where --listen says; agents use a socket of their own",
    ),
    (
        "KICI_DISPATCH_ACK_TIMEOUT_MS",
        "write `timeouts.claim` at the scaler",
    ),
    (
        "KICI_AGENT_MAX_RECONNECT_DELAY_MS",
        "write `timeouts.recovery` at the scaler",
    ),
    (
        "KICI_SCALER_IDLE_TIMEOUT",
        "write `policy.idleTime` at the scaler",
    ),
    (
        "KICI_SCALER_PENDING_DISPATCH_TIMEOUT",
        "write `timeouts.claim` at the scaler",
    ),
];

/// How many jobs may wait at once, if its variable is set.
///
/// # Errors
/// It is set to something else than a number.
pub(super) fn queue_max_depth(
    get: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<u64>, Failure> {
    number(QUEUE_MAX_DEPTH, "a number of jobs", get)
}

/// From how many waiting jobs on it is told, if its variable is set; zero is never.
///
/// # Errors
/// It is set to something else than a number.
pub(super) fn queue_warning_depth(
    get: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<u64>, Failure> {
    number(QUEUE_WARNING_DEPTH, "a number of jobs", get)
}

/// How long a job may wait, if its variable is set; zero is for ever.
///
/// # Errors
/// It is set to something else than a number.
pub(super) fn queue_timeout(
    get: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<Duration>, Failure> {
    let millis = number(QUEUE_TIMEOUT, "a number of milliseconds", get)?;
    Ok(millis.map(Duration::from_millis))
}

/// An empty value counts as unset.
fn number(
    name: &str,
    what: &str,
    get: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<u64>, Failure> {
    let Some(value) = get(name).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let text = value.to_string_lossy();
    text.parse().map(Some).map_err(|_| {
        Failure::usage(format!("{name} is `{}`", text.escape_debug()))
            .hint(format!("write {what}, or unset it"))
    })
}

/// What is said of the variables with these names, a sentence for each that does nothing
/// here, in their order.
pub(super) fn remarks(names: impl IntoIterator<Item = OsString>) -> Vec<String> {
    let mut names: Vec<String> = names
        .into_iter()
        .filter_map(|name| name.into_string().ok())
        .filter(|name| name.starts_with(PREFIX) && !name.starts_with(FORWARDED))
        .filter(|name| !READ.contains(&name.as_str()))
        .collect();
    names.sort_unstable();
    let remark = |name: &String| {
        let known = INSTEAD.iter().find(|(known, _)| known == name);
        let instead = known.map_or("unset it", |(_, instead)| instead);
        format!("{name} has no effect here: {instead}")
    };
    names.iter().map(remark).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &'static str, value: &'static str) -> impl Fn(&str) -> Option<OsString> {
        move |asked| (asked == name).then(|| value.into())
    }

    #[test]
    fn the_queues_bounds_are_numbers() {
        let depth = |value| queue_max_depth(set(QUEUE_MAX_DEPTH, value));
        assert_eq!(depth("1000"), Ok(Some(1000)));
        assert_eq!(depth(""), Ok(None));
        assert_eq!(queue_max_depth(|_| None), Ok(None));
        let warning = |value| queue_warning_depth(set(QUEUE_WARNING_DEPTH, value));
        assert_eq!((warning("0"), warning("")), (Ok(Some(0)), Ok(None)));
        assert_eq!(
            warning("many").unwrap_err().render(false),
            "error: KICI_QUEUE_BACKPRESSURE_THRESHOLD is `many`\n\
             hint: write a number of jobs, or unset it\n"
        );
        let timeout = |value| queue_timeout(set(QUEUE_TIMEOUT, value));
        assert_eq!(timeout("3600000"), Ok(Some(Duration::from_secs(3600))));
        assert_eq!(timeout("0"), Ok(Some(Duration::ZERO)));
        assert_eq!(
            timeout("1h").unwrap_err().render(false),
            "error: KICI_QUEUE_TIMEOUT_MS is `1h`\n\
             hint: write a number of milliseconds, or unset it\n"
        );
        assert_eq!(
            depth("-1").unwrap_err().render(false),
            "error: KICI_QUEUE_MAX_DEPTH is `-1`\nhint: write a number of jobs, or unset it\n"
        );
    }

    #[test]
    fn what_is_not_read_is_told_with_what_to_use_instead() {
        let names = [
            "PATH",
            "KICI_SCALER_CONFIG_PATH",
            "KICI_AGENT_ENV_HTTP_PROXY",
            "KICI_PORT",
            "KICI_NEVER_HEARD_OF",
            "KICI_AGENT_TOKEN_TTL_MS",
        ];
        assert_eq!(
            remarks(names.map(OsString::from)),
            [
                "KICI_AGENT_TOKEN_TTL_MS has no effect here: an agent's token is good for one \
                 registration within `timeouts.launch` of its scaler, and ends no running job",
                "KICI_NEVER_HEARD_OF has no effect here: unset it",
                "KICI_PORT has no effect here: the API listens where --listen says; agents use a \
                 socket of their own",
            ]
        );
    }
}
