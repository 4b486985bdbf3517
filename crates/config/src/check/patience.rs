//! Timeouts and retries.

use std::time::Duration;

use headcount_model::{Retry, Timeouts};

use super::value;
use crate::problem::{Draft, Problems};
use crate::source::Spanned;
use crate::value::format_duration;
use crate::written::{self, BackendKind};

/// A cloud takes minutes for a machine, and so does taking it back.
const FOR_MACHINES: Timeouts = Timeouts {
    create: Duration::from_secs(20 * 60),
    launch: Duration::from_secs(30 * 60),
    destroy: Duration::from_secs(20 * 60),
    claim: Duration::from_secs(10),
    recovery: Duration::from_secs(120),
    retire: Duration::from_secs(10),
    lifetime: None,
};

pub(super) fn timeouts(
    kind: Option<BackendKind>,
    written: Option<&Spanned<written::Timeouts>>,
) -> Timeouts {
    let default = match kind {
        Some(BackendKind::DockerMachine) => FOR_MACHINES,
        _ => Timeouts::default(),
    };
    let Some(written) = written.map(|written| &written.value) else {
        return default;
    };
    Timeouts {
        create: value(written.create.as_ref()).unwrap_or(default.create),
        launch: value(written.launch.as_ref()).unwrap_or(default.launch),
        claim: value(written.claim.as_ref()).unwrap_or(default.claim),
        recovery: value(written.recovery.as_ref()).unwrap_or(default.recovery),
        retire: value(written.retire.as_ref()).unwrap_or(default.retire),
        destroy: value(written.destroy.as_ref()).unwrap_or(default.destroy),
        lifetime: value(written.lifetime.as_ref()),
    }
}

pub(super) fn retry(written: Option<&Spanned<written::Retry>>, problems: &mut Problems) -> Retry {
    let default = Retry::default();
    let Some(written) = written.map(|written| &written.value) else {
        return default;
    };
    let retry = Retry {
        first_delay: value(written.first_delay.as_ref()).unwrap_or(default.first_delay),
        max_delay: value(written.max_delay.as_ref()).unwrap_or(default.max_delay),
        open_after: value(written.open_after.as_ref()).unwrap_or(default.open_after),
    };
    if retry.first_delay > retry.max_delay {
        let [first, max] = [retry.first_delay, retry.max_delay].map(format_duration);
        let message = format!("`firstDelay` ({first}) is longer than `maxDelay` ({max})");
        let places = [&written.max_delay, &written.first_delay];
        let place = places.into_iter().flatten().next().map(|w| w.place);
        let hint = "write a longer `maxDelay`, or a shorter `firstDelay`";
        let place = place.unwrap_or(written.place);
        problems.at(place, Draft::error(message).hint(hint));
    }
    retry
}
