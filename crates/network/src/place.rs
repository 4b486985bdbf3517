//! Whose table it is, and which bridge it watches.

use headcount_model::OwnerId;

use crate::NetworkError;

/// The longest name of an interface that the kernel takes.
const MAX_BRIDGE_BYTES: usize = 15;
/// The longest owner that still gives a readable name.
const MAX_OWNER_BYTES: usize = 64;

/// A table and its bridge, in characters that need no quoting in scripts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    pub table: String,
    pub bridge: String,
}

impl Place {
    /// Names the table after owner and bridge, so that neither two daemons nor two
    /// engines of one daemon share one.
    pub fn new(owner: &OwnerId, bridge: &str) -> Result<Self, NetworkError> {
        check("owner", owner.as_str(), MAX_OWNER_BYTES)?;
        check("bridge", bridge, MAX_BRIDGE_BYTES)?;
        Ok(Self {
            table: format!("headcount-{owner}-{bridge}"),
            bridge: bridge.to_owned(),
        })
    }
}

fn check(what: &str, text: &str, max: usize) -> Result<(), NetworkError> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let begins = text
        .bytes()
        .next()
        .is_some_and(|b| b.is_ascii_alphanumeric());
    if begins && text.len() <= max && text.bytes().all(plain) {
        return Ok(());
    }
    Err(NetworkError::Invalid(format!(
        "{text:?} cannot be the name of a {what}: write at most {max} letters, digits, dots, \
         dashes and underscores, the first a letter or a digit"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_named_after_owner_and_bridge() {
        let place = Place::new(&OwnerId::new("0123456789abcdef"), "headcount0").unwrap();
        assert_eq!(place.table, "headcount-0123456789abcdef-headcount0");
        assert_eq!(place.bridge, "headcount0");
    }

    #[test]
    fn names_that_would_need_quoting_are_refused() {
        let owner = OwnerId::new("ours");
        for wrong in [
            "",
            "br 0",
            "br*",
            "br\"0",
            "br;0",
            "-br",
            "sixteen-letters-",
            "größe",
        ] {
            assert!(Place::new(&owner, wrong).is_err(), "{wrong}");
        }
        assert_eq!(
            Place::new(&owner, "br*").unwrap_err().to_string(),
            "\"br*\" cannot be the name of a bridge: write at most 15 letters, digits, dots, \
             dashes and underscores, the first a letter or a digit"
        );
        assert!(Place::new(&OwnerId::new("{ drop }"), "br0").is_err());
        assert!(Place::new(&OwnerId::new(&"x".repeat(65)), "br0").is_err());
    }
}
