//! What only scalers of a Kubernetes cluster have.

use crate::read::{Choice, Integer, Text, default, integer, object};
use crate::settings::{Propagation, RolloutStrategy};
use crate::suggest::quoted;
use crate::value::ValueError;

object! {
    /// What becomes of Jobs when what they are made of changes.
    Rollout, "`rollout`" {
        /// `gradual`: Jobs that live end by themselves. `immediate`: they are deleted, also
        /// while they work; what they took from a queue waits there until it may be claimed.
        strategy: RolloutStrategy = "strategy", ROLLOUT, default("gradual");
        /// Whether a Job that `immediate` deletes goes before its pods or after them. Read and
        /// not needed: an agent is gone once neither is left.
        propagation: Propagation = "propagationPolicy", PROPAGATION, default("background");
    }
}

pub(crate) const ROLLOUT: Choice<RolloutStrategy> = Choice {
    words: &[
        ("gradual", RolloutStrategy::Gradual),
        ("immediate", RolloutStrategy::Immediate),
    ],
    others: &[(
        "default",
        "write `gradual` or `immediate`: `default` was never taken",
    )],
};

pub(crate) const PROPAGATION: Choice<Propagation> = Choice {
    words: &[
        ("background", Propagation::Background),
        ("foreground", Propagation::Foreground),
    ],
    others: &[],
};

pub(crate) const HISTORY: Integer<u32> = integer(0..=1_000_000);

/// A DNS label, as Kubernetes wants it.
pub(crate) const NAMESPACE: Text = Text {
    words: "name of a namespace",
    check: |text| {
        let usual = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let ends = !text.starts_with('-') && !text.ends_with('-');
        match (1..=63).contains(&text.len()) && text.bytes().all(usual) && ends {
            true => Ok(()),
            false => Err(ValueError::new(
                format!("{} cannot name a namespace", quoted(text)),
                "write small letters, digits and `-`, at most 63 of them",
            )),
        }
    },
    pattern: Some("^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"),
};
