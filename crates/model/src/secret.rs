//! Secrets and their fingerprints. Neither prints what it holds.

use alloc::string::String;
use core::fmt;

/// A text that must not appear in logs, arguments or documents.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret text.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, for the one place that hands it over.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// The SHA-256 of a secret. Only this is ever stored.
#[derive(Clone, Copy, Eq)]
pub struct Digest(pub [u8; 32]);

impl PartialEq for Digest {
    /// Looks at every byte whatever the first ones are, so that the time it takes tells
    /// nothing about where two digests differ.
    fn eq(&self, other: &Self) -> bool {
        let pairs = self.0.iter().zip(other.0.iter());
        pairs.fold(0_u8, |differs, (a, b)| differs | (a ^ b)) == 0
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[digest]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString;

    #[test]
    fn secrets_print_nothing() {
        assert_eq!(
            format!("{:?}", Secret::new("hunter2".to_string())),
            "[secret]"
        );
        assert_eq!(format!("{:?}", Digest([7; 32])), "[digest]");
    }

    #[test]
    fn digests_compare_every_byte() {
        let mut other = [7; 32];
        assert_eq!(Digest(other), Digest([7; 32]));
        other[31] = 8;
        assert_ne!(Digest(other), Digest([7; 32]));
    }
}
