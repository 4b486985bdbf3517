//! Which addresses the containers of one backend have.
//!
//! Promise: the same backend asks for the same subnets in the same order, another one for
//! others; a subnet that this host already routes elsewhere is recognised. Leaves to the
//! engine: refusing one that another of its networks has.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use headcount_model::Cidr;

/// 4094 addresses: more than one host has room for containers.
const PREFIX: u8 = 20;
/// All of them are below this range.
const POOL: Ipv4Addr = Ipv4Addr::new(10, 128, 0, 0);
/// Subnets of that size in it.
const SUBNETS_IN_POOL: u64 = 1 << (PREFIX - 9);
/// The network's own address, the gateway's and the broadcast one are no container's.
const RESERVED: u32 = 3;
/// Where Linux shows its routes.
const ROUTES: &str = "/proc/net/route";

/// One subnet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Subnet {
    network: u32,
    prefix: u8,
}

impl Subnet {
    /// The nth choice of whoever has this seed.
    pub(super) fn nth(seed: u64, number: u32) -> Self {
        let index = seed.wrapping_add(u64::from(number)) % SUBNETS_IN_POOL;
        let size = 1u32 << (32 - PREFIX);
        let offset = u32::try_from(index).unwrap_or(0) * size;
        Self {
            network: POOL.to_bits() + offset,
            prefix: PREFIX,
        }
    }

    pub(super) const fn gateway(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.network + 1)
    }

    /// How many containers have room.
    pub(super) const fn hosts(self) -> u32 {
        (1u32 << (32 - self.prefix)).saturating_sub(RESERVED)
    }

    /// The address of the nth container, below [`Self::hosts`].
    pub(super) const fn host(self, number: u32) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.network + 2 + number)
    }

    /// Whether this host sends it somewhere already. Without routes to read it is taken
    /// as free: the engine has the last word.
    pub(super) fn is_routed_elsewhere(self) -> bool {
        let routes = std::fs::read_to_string(ROUTES).unwrap_or_default();
        self.meets(&routes)
    }

    fn meets(self, routes: &str) -> bool {
        let route = |line: &str| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let number = |index: usize| {
                let text = fields.get(index)?;
                u32::from_str_radix(text, 16).ok().map(u32::swap_bytes)
            };
            Some((number(1)?, number(7)?))
        };
        let mask = u32::MAX << (32 - self.prefix);
        routes
            .lines()
            .skip(1)
            .filter_map(route)
            .any(|(to, its_mask)| {
                // The default route is no claim.
                its_mask != 0 && (to ^ self.network) & (mask & its_mask) == 0
            })
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from_bits(self.network), self.prefix)
    }
}

impl FromStr for Subnet {
    type Err = ();

    /// An IPv4 subnet with room for a container.
    fn from_str(text: &str) -> Result<Self, ()> {
        let cidr: Cidr = text.parse().map_err(|_| ())?;
        match cidr.network() {
            std::net::IpAddr::V4(network) if (8..=30).contains(&cidr.prefix()) => Ok(Self {
                network: network.to_bits(),
                prefix: cidr.prefix(),
            }),
            _ => Err(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_follow_one_another_and_wrap_around() {
        assert_eq!(Subnet::nth(0, 0).to_string(), "10.128.0.0/20");
        assert_eq!(Subnet::nth(0, 1).to_string(), "10.128.16.0/20");
        assert_eq!(Subnet::nth(2047, 0).to_string(), "10.255.240.0/20");
        assert_eq!(Subnet::nth(2047, 1), Subnet::nth(0, 0));
        assert_eq!(Subnet::nth(u64::MAX, 1), Subnet::nth(0, 0));
    }

    #[test]
    fn a_subnet_has_a_gateway_and_room_for_the_rest() {
        let subnet: Subnet = "10.128.16.0/30".parse().unwrap();
        assert_eq!(subnet.gateway().to_string(), "10.128.16.1");
        assert_eq!(
            (subnet.hosts(), subnet.host(0).to_string()),
            (1, "10.128.16.2".into())
        );
        for wrong in ["fd00::/64", "10.0.0.0/31", "10.0.0.0/7", "x"] {
            assert!(wrong.parse::<Subnet>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn routes_of_this_host_are_kept_clear_of() {
        let routes = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n\
                      eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\n\
                      tun0\t0010800A\t00000000\t0001\t0\t0\t0\t00FFFFFF\n";
        assert!(!Subnet::nth(0, 0).meets(routes));
        assert!(Subnet::nth(0, 1).meets(routes), "10.128.16.0/24 is in it");
        assert!(!Subnet::nth(0, 1).meets(""));
    }
}
