//! Windows of time as triggers.

use headcount_model::{Compat, CronWindow};
use headcount_periods::{PatternError, Window, WindowError};

use super::backend::need;
use super::trigger::{Parts, number};
use super::value;
use crate::problem::{Draft, Problems};
use crate::settings::TriggerKind;
use crate::source::Place;
use crate::suggest::quoted;
use crate::written::TriggerMetadata;

/// The window; `None` only when a problem forbids it.
pub(super) fn window(
    metadata: &TriggerMetadata,
    compat: Compat,
    problems: &mut Problems,
) -> Option<Parts> {
    let who = "a trigger of type `cron`";
    for key in ["timezone", "start", "end", "desiredReplicas"] {
        need(metadata, who, key, metadata.place, problems);
    }
    let desired = u32::try_from(value(metadata.desired_replicas.as_ref())?).ok()?;
    let window = CronWindow {
        timezone: value(metadata.timezone.as_ref())?,
        start: value(metadata.start.as_ref())?,
        end: value(metadata.end.as_ref())?,
        desired,
        compat,
    };
    check_window(&window, metadata, problems).then(|| {
        let (target, activation) = (number(1), number(0));
        (TriggerKind::Cron(window), target, activation)
    })
}

/// Whether a window may be one; the one place where its patterns are looked at.
fn check_window(window: &CronWindow, metadata: &TriggerMetadata, problems: &mut Problems) -> bool {
    let [zone, start, end] = [&metadata.timezone, &metadata.start, &metadata.end]
        .map(|written| written.as_ref().map_or(metadata.place, |text| text.place));
    match Window::parse(&window.timezone, &window.start, &window.end) {
        Ok(found) => {
            warn_of_never(&found, window.compat, start, end, problems);
            true
        }
        Err(error) => {
            let (place, draft) = match error {
                WindowError::Start(error) => wrong_pattern("start", &window.start, start, error),
                WindowError::End(error) => wrong_pattern("end", &window.end, end, error),
                WindowError::Zone(name) => (
                    zone,
                    Draft::error(format!("there is no time zone {}", quoted(&name)))
                        .hint("write an IANA name such as `Europe/Berlin`, or `UTC`"),
                ),
                WindowError::Same => (
                    end,
                    Draft::error("`start` and `end` are the same: the window would never be open")
                        .hint("write the moment at which it closes"),
                ),
            };
            problems.at(place, draft);
            false
        }
    }
}

/// The wrong part of a pattern, where its text stands as it is.
pub(super) fn wrong_pattern(
    key: &str,
    text: &str,
    place: Place,
    error: PatternError,
) -> (Place, Draft) {
    let draft = Draft::error(format!("`{key}`: {}", error.message));
    let length = usize::try_from(place.end.saturating_sub(place.start)).unwrap_or(0);
    let quotes = match length.checked_sub(text.len()) {
        Some(0) => 0,
        Some(2) => 1,
        _ => return (place, draft),
    };
    let at = |byte: usize| {
        place
            .start
            .saturating_add(quotes + u32::try_from(byte).unwrap_or(0))
    };
    let part = Place {
        start: at(error.span.start),
        end: at(error.span.end.max(error.span.start + 1)),
        ..place
    };
    (part, draft)
}

fn warn_of_never(
    window: &Window,
    compat: Compat,
    start: Place,
    end: Place,
    problems: &mut Problems,
) {
    let (opens, closes) = match compat {
        Compat::Headcount => (
            "the window is never open",
            "once open, the window stays open",
        ),
        Compat::Keda => ("the window is always open", "the window is never open"),
    };
    let hint = "write a day that exists";
    if window.never_opens() {
        let draft = Draft::warning("`start` never comes").label(opens);
        problems.at(start, draft.hint(hint));
    }
    if window.never_closes() {
        let draft = Draft::warning("`end` never comes").label(closes);
        problems.at(end, draft.hint(hint));
    }
}
