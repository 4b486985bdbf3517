//! How an agent of another machine knows its daemon.
//!
//! A pin is the SHA-256 of a public key, as the DER text of its `SubjectPublicKeyInfo`
//! (the same that HTTP's pinning used, RFC 7469): it stays when a certificate is renewed
//! and its key is kept.

use std::fmt;
use std::str::FromStr;

/// What every pin begins with.
const KIND: &str = "sha256:";

/// The digest of a public key that is trusted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Pin(pub [u8; 32]);

/// The text is no pin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotAPin;

impl Pin {
    /// Reads pins with commas between, at least one.
    ///
    /// # Errors
    /// One of them is no pin.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, NotAPin> {
        text.split(',').map(|pin| pin.trim().parse()).collect()
    }

    /// Pins with commas between.
    #[must_use]
    pub fn join(pins: &[Self]) -> String {
        let texts: Vec<String> = pins.iter().map(Self::to_string).collect();
        texts.join(",")
    }
}

impl FromStr for Pin {
    type Err = NotAPin;

    fn from_str(text: &str) -> Result<Self, NotAPin> {
        let digits = text.strip_prefix(KIND).ok_or(NotAPin)?.as_bytes();
        let (pairs, rest) = digits.as_chunks::<2>();
        let mut bytes = [0; 32];
        if pairs.len() != bytes.len() || !rest.is_empty() {
            return Err(NotAPin);
        }
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Ok(Self(bytes))
    }
}

const fn digit(character: u8) -> Result<u8, NotAPin> {
    match character {
        b'0'..=b'9' => Ok(character - b'0'),
        b'a'..=b'f' => Ok(character - b'a' + 10),
        b'A'..=b'F' => Ok(character - b'A' + 10),
        _ => Err(NotAPin),
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(KIND)?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_read_back_and_anything_else_is_refused() {
        let one = Pin(std::array::from_fn(|index| index as u8 * 7));
        let text = one.to_string();
        assert!(text.starts_with("sha256:00070e15"), "{text}");
        assert_eq!(text.parse(), Ok(one));
        let two = Pin([0xff; 32]);
        let both = Pin::join(&[one, two]);
        assert_eq!(Pin::parse_all(&both), Ok(vec![one, two]));
        assert_eq!(Pin::parse_all(&both.to_uppercase()), Err(NotAPin));
        for wrong in ["", "sha256:", "sha256:00", &text[..70], &text[7..]] {
            assert_eq!(Pin::parse_all(wrong), Err(NotAPin), "{wrong}");
        }
        assert_eq!(format!("{text}0").parse::<Pin>(), Err(NotAPin));
        assert_eq!(text.replace('7', "g").parse::<Pin>(), Err(NotAPin));
    }
}
