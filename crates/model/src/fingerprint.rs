//! Fingerprints that are the same for ever.

use core::hash::{Hash, Hasher};

/// FNV-1a, 64 bit: the standard hasher may change between releases; a ledger, and what is
/// written on an instance, may not.
#[must_use]
pub fn fingerprint(what: &impl Hash) -> u64 {
    let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
    what.hash(&mut hasher);
    hasher.finish()
}

struct Fnv(u64);

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_down_once_is_found_again() {
        assert_eq!(fingerprint(&"linux"), 0x1fcf_8ec5_9cc1_8346);
        assert_ne!(fingerprint(&"linux"), fingerprint(&"linuy"));
    }
}
