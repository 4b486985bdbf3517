//! What no agent reaches unless its policy allows it by name: everything that is not
//! the public internet.

use std::net::{IpAddr, Ipv6Addr};

use headcount_model::Cidr;

/// IPv4: the special-purpose registry's ranges that are not globally reachable, and the
/// one public address at which a cloud answers its machines.
const V4: [([u8; 4], u8); 16] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    // The wire server of Azure.
    ([168, 63, 129, 16], 32),
    // Link-local, and with it the metadata services at 169.254.169.254.
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
];

/// IPv6 alike, and every way of writing an IPv4 address into an IPv6 one whose other end
/// is not known to be public.
const V6: [([u16; 8], u8); 14] = [
    // Unspecified, loopback and the old embedding of IPv4.
    ([0, 0, 0, 0, 0, 0, 0, 0], 96),
    // IPv4-mapped and IPv4-translated.
    ([0, 0, 0, 0, 0, 0xffff, 0, 0], 96),
    ([0, 0, 0, 0, 0xffff, 0, 0, 0], 96),
    // NAT64 of one's own network.
    ([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48),
    ([0x100, 0, 0, 0, 0, 0, 0, 0], 64),
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
    // 6to4 carries any IPv4 address.
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16),
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
    ([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16),
    // Unique local, and with it fd00:ec2::254 and its like.
    ([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7),
    ([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10),
    ([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10),
    ([0xff00, 0, 0, 0, 0, 0, 0, 0], 8),
];

/// The well-known prefix of NAT64: 96 bits before an IPv4 address.
const NAT64: Ipv6Addr = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0);

/// Every range that is blocked unless a policy allows it, IPv4 first, none overlapping
/// another. The host's own addresses are blocked too, whichever they are.
#[must_use]
pub fn default_block() -> Vec<Cidr> {
    let v4 = V4
        .iter()
        .map(|&(address, prefix)| (IpAddr::from(address), prefix));
    let v6 = V6
        .iter()
        .map(|&(address, prefix)| (IpAddr::from(address), prefix));
    let nat64 = V4.iter().map(|&(address, prefix)| {
        let bits = NAT64.to_bits() | u128::from(u32::from_be_bytes(address));
        (IpAddr::V6(Ipv6Addr::from_bits(bits)), 96 + prefix)
    });
    let all = v4.chain(v6).chain(nat64);
    all.filter_map(|(address, prefix)| Cidr::new(address, prefix))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_blocked(address: &str) -> bool {
        let address = address.parse().unwrap();
        default_block().iter().any(|range| range.contains(address))
    }

    #[test]
    fn private_addresses_and_metadata_services_are_blocked() {
        for address in [
            "10.1.2.3",
            "172.31.255.255",
            "192.168.1.1",
            "100.100.100.200",
            "169.254.169.254",
            "168.63.129.16",
            "192.0.0.192",
            "127.0.0.1",
            "0.0.0.0",
            "224.0.0.251",
            "255.255.255.255",
            "::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b::192.168.0.1",
            "2002:a00:1::1",
            "fd00:ec2::254",
            "fe80::1",
            "ff02::1",
        ] {
            assert!(is_blocked(address), "{address}");
        }
    }

    #[test]
    fn public_addresses_are_not() {
        for address in [
            "1.1.1.1",
            "100.63.255.255",
            "100.128.0.0",
            "168.63.129.17",
            "172.15.0.1",
            "172.32.0.1",
            "192.167.0.1",
            "2001:4860:4860::8888",
            "2606:4700:4700::1111",
            "64:ff9b::101:101",
        ] {
            assert!(!is_blocked(address), "{address}");
        }
    }

    #[test]
    fn no_range_holds_another_and_each_is_written_by_its_network_address() {
        let block = default_block();
        assert_eq!(block.len(), 2 * V4.len() + V6.len());
        for (at, range) in block.iter().enumerate() {
            let others = block.iter().enumerate().filter(|(other, _)| *other != at);
            for (_, other) in others {
                assert!(!other.contains(range.network()), "{range} lies in {other}");
            }
        }
        for (range, (address, _)) in block.iter().zip(V4) {
            assert_eq!(range.network(), IpAddr::from(address));
        }
    }
}
