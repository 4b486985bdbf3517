//! What only scalers of a provisioner have.

use std::time::Duration;

use headcount_model::{CONTROLLER_VARIABLES, ProvisionerContract};

use crate::read::{Choice, SpanText, Text};
use crate::suggest::quoted;
use crate::value::ValueError;

pub(super) const CONTRACT: Choice<ProvisionerContract> = Choice {
    words: &[
        ("headcount/v1", ProvisionerContract::Native),
        ("garm/v0.1.0", ProvisionerContract::GarmV010),
        ("garm/v0.1.1", ProvisionerContract::GarmV011),
    ],
    others: &[
        ("v0.1.0", "write `garm/v0.1.0`"),
        ("v0.1.1", "write `garm/v0.1.1`"),
        (
            "garm",
            "write `garm/v0.1.1`, or `garm/v0.1.0` for a provider that knows no other",
        ),
    ],
};

/// Part of the name of a backend, which ends at the first `?`.
pub(crate) const PROGRAM_PATH: Text = Text {
    words: "absolute path",
    check: |text| match check_path(text) {
        Ok(()) if text.contains('?') => refuse(
            "a provisioner's path cannot have a `?` in it",
            "rename it, or name a link to it",
        ),
        checked => checked,
    },
    pattern: Some("^/[^?\\u0000-\\u001f]+$"),
};

/// Renewed at a third of it by a process of its own: a shorter lease is no lease.
pub(super) const LEASE_TIME: SpanText = SpanText {
    min: Duration::from_secs(10),
    max: LONGEST_LEASE,
};
/// On top of the lease.
pub(super) const REAP_OTHERS: SpanText = SpanText {
    min: Duration::from_secs(1),
    max: LONGEST_LEASE,
};
const LONGEST_LEASE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

pub(crate) const HOST_PATH: Text = Text {
    words: "absolute path",
    check: check_path,
    pattern: Some("^/"),
};

/// The name of a variable, or a prefix of names.
pub(super) const VARIABLE: Text = Text {
    words: "name of a variable, or a prefix that ends in `_`",
    check: |text| {
        let usual = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        let mut own = CONTROLLER_VARIABLES.iter();
        let own = own.find(|own| text.starts_with(**own));
        match own {
            Some(own) => refuse(
                &format!("variables that start with `{own}` never reach a provisioner"),
                "take it out, or give the value another name",
            ),
            None if text.is_empty() || !text.bytes().all(usual) => refuse(
                &format!("{} cannot name a variable", quoted(text)),
                "write letters, digits and `_`; a prefix ends in `_`",
            ),
            None => Ok(()),
        }
    },
    pattern: Some("^[A-Za-z0-9_]+$"),
};

fn check_path(text: &str) -> Result<(), ValueError> {
    match (text.starts_with('/'), text.chars().any(char::is_control)) {
        (_, true) => refuse("it holds a control character", "remove that"),
        (false, _) => refuse(
            &format!("{} is no absolute path", quoted(text)),
            "write the whole path, from `/` on, and no arguments",
        ),
        _ => Ok(()),
    }
}

fn refuse(message: &str, hint: &str) -> Result<(), ValueError> {
    Err(ValueError::new(message, hint))
}
