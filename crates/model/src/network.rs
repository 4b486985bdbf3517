//! What an agent may reach over the network: address ranges and a policy made of them.
//!
//! Promise: a range holds its network address, so that two spellings of one range are
//! equal and print alike. Leaves to others: which ranges are private, and how a policy
//! is enforced (`headcount-network`).

use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str::FromStr;

/// What an agent may reach. The default blocks private ranges and the host itself, and
/// nothing else.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct NetworkPolicy {
    /// Ranges that may be reached in any case, private or not.
    pub allow: Vec<Cidr>,
    /// Whether everything else is denied, public addresses included.
    pub deny_all: bool,
}

/// A range of addresses, `10.0.1.0/24` or `fd00:1::/64`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr {
    network: IpAddr,
    prefix: u8,
}

impl Cidr {
    /// The range that `address` lies in; `None` where the prefix is longer than the
    /// address (32 bits for IPv4, 128 for IPv6).
    #[must_use]
    pub fn new(address: IpAddr, prefix: u8) -> Option<Self> {
        let network = match address {
            IpAddr::V4(address) => {
                let kept = 32_u32.checked_sub(u32::from(prefix))?;
                let mask = u32::MAX.checked_shl(kept).unwrap_or(0);
                IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & mask))
            }
            IpAddr::V6(address) => {
                let kept = 128_u32.checked_sub(u32::from(prefix))?;
                let mask = u128::MAX.checked_shl(kept).unwrap_or(0);
                IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask))
            }
        };
        Some(Self { network, prefix })
    }

    /// The lowest address of the range.
    #[must_use]
    pub const fn network(&self) -> IpAddr {
        self.network
    }

    /// How many leading bits all its addresses share.
    #[must_use]
    pub const fn prefix(&self) -> u8 {
        self.prefix
    }

    /// Whether an address lies in the range; one of the other family never does.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.network.is_ipv4() == address.is_ipv4()
            && Self::new(address, self.prefix) == Some(*self)
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.prefix)
    }
}

impl fmt::Debug for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Cidr {
    type Err = ParseCidrError;

    /// An address and a prefix length; an address alone is the range of just itself.
    fn from_str(text: &str) -> Result<Self, ParseCidrError> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| ParseCidrError::Address)?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let wrong = ParseCidrError::Prefix { longest };
        let prefix = prefix.map_or(Some(longest), decimal).ok_or(wrong)?;
        Self::new(address, prefix).ok_or(wrong)
    }
}

/// Digits only: `u8::from_str` would also take a plus sign.
fn decimal(text: &str) -> Option<u8> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// A text that is not a range of addresses. Show it; nothing else to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseCidrError {
    /// What stands before the slash is not an address.
    Address,
    /// What stands after the slash is not a prefix length of that family.
    Prefix {
        /// The longest prefix that the family has.
        longest: u8,
    },
}

impl fmt::Display for ParseCidrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => f.write_str("it does not begin with an IPv4 or IPv6 address"),
            Self::Prefix { longest } => {
                write!(f, "its prefix length is not a number from 0 to {longest}")
            }
        }
    }
}

impl core::error::Error for ParseCidrError {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn cidr(text: &str) -> Cidr {
        text.parse().unwrap()
    }

    #[test]
    fn ranges_print_their_network_address() {
        for (text, printed) in [
            ("10.0.1.0/24", "10.0.1.0/24"),
            ("10.0.1.77/24", "10.0.1.0/24"),
            ("10.0.1.77", "10.0.1.77/32"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("1.2.3.4/0", "0.0.0.0/0"),
            ("fd00:1::7/64", "fd00:1::/64"),
            ("fd00:1::7", "fd00:1::7/128"),
            ("::/0", "::/0"),
            ("FD00:0001:0::/48", "fd00:1::/48"),
        ] {
            assert_eq!(cidr(text).to_string(), printed, "{text}");
        }
    }

    #[test]
    fn other_texts_are_told_what_is_wrong() {
        let v4 = ParseCidrError::Prefix { longest: 32 };
        let v6 = ParseCidrError::Prefix { longest: 128 };
        for (text, wrong) in [
            ("", ParseCidrError::Address),
            ("x", ParseCidrError::Address),
            ("/24", ParseCidrError::Address),
            ("10.0.0.256/8", ParseCidrError::Address),
            ("10.0.0/8", ParseCidrError::Address),
            (" 10.0.0.0/8", ParseCidrError::Address),
            ("fe80::1%eth0/64", ParseCidrError::Address),
            ("10.0.0.0/", v4),
            ("10.0.0.0/33", v4),
            ("10.0.0.0/+8", v4),
            ("10.0.0.0/8/8", v4),
            ("10.0.0.0/256", v4),
            ("fd00::/129", v6),
            ("fd00::/-1", v6),
        ] {
            assert_eq!(text.parse::<Cidr>(), Err(wrong), "{text}");
        }
        assert_eq!(
            v4.to_string(),
            "its prefix length is not a number from 0 to 32"
        );
    }

    #[test]
    fn a_range_contains_its_own_addresses_only() {
        let range = cidr("10.0.1.0/24");
        for (address, inside) in [
            ("10.0.1.0", true),
            ("10.0.1.255", true),
            ("10.0.2.0", false),
            ("::ffff:10.0.1.1", false),
        ] {
            assert_eq!(
                range.contains(address.parse().unwrap()),
                inside,
                "{address}"
            );
        }
        assert!(cidr("::/0").contains("fd00::1".parse().unwrap()));
        assert!(!cidr("::/0").contains("10.0.0.1".parse().unwrap()));
    }
}
