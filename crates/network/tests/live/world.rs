//! A host with a bridge for agents, and an outside with everything an agent may or may
//! not reach.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use headcount_model::{AgentId, NetworkPolicy, OwnerId};
use headcount_network::{Addresses, Admission, Nft, Table};

use crate::netns::{Netns, hindrance};

pub(crate) const PUBLIC: &str = "8.8.8.8:80";
pub(crate) const PUBLIC_6: &str = "[2001:4860::8888]:80";
pub(crate) const PRIVATE: &str = "10.9.9.9:80";
pub(crate) const PRIVATE_6: &str = "[fd09::9]:80";
pub(crate) const METADATA: &str = "169.254.169.254:80";
pub(crate) const METADATA_6: &str = "[fd00:ec2::254]:80";
pub(crate) const GATEWAY: &str = "172.30.0.1:80";
pub(crate) const GATEWAY_6: &str = "[fd30::1]:80";
/// The gateway, seen from the interface that agents have.
pub(crate) const GATEWAY_LINK: &str = "[fe80::1%7]:80";
/// The host's address towards the outside.
pub(crate) const HOST: &str = "10.99.0.1:80";
pub(crate) const HOST_6: &str = "[fd99::1]:80";
/// A public address of the host.
pub(crate) const HOST_PUBLIC: &str = "9.9.9.9:80";
pub(crate) const HOST_PUBLIC_6: &str = "[2620:fe::9]:80";
/// The daemon's own listener.
pub(crate) const SERVICE: &str = "172.30.0.1:4000";
pub(crate) const SERVICE_6: &str = "[fd30::1]:4000";

/// All of them.
pub(crate) const EVERYTHING: [&str; 15] = [
    PUBLIC,
    PUBLIC_6,
    PRIVATE,
    PRIVATE_6,
    METADATA,
    METADATA_6,
    GATEWAY,
    GATEWAY_6,
    GATEWAY_LINK,
    HOST,
    HOST_6,
    HOST_PUBLIC,
    HOST_PUBLIC_6,
    SERVICE,
    SERVICE_6,
];

pub(crate) const BRIDGE: &str = "agents0";
/// How long something that may be reached may take: long enough for a lost first packet.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long nothing must have come through.
const SILENCE: Duration = Duration::from_millis(300);

pub(crate) struct World {
    pub host: Netns,
    outside: Netns,
    resolver: UdpSocket,
    _listeners: Vec<TcpListener>,
}

impl World {
    /// `None`, said aloud, where it cannot be built.
    pub fn build() -> Option<Self> {
        if let Some(why) = hindrance() {
            eprintln!("skipped: nothing shows that network policies hold agents back: {why}");
            return None;
        }
        let host = Netns::new("host");
        let outside = Netns::new("outside");
        connect_outside(&host, &outside);
        bridge(&host, BRIDGE, 30);
        host.ip("addr add fe80::1/64 dev agents0");
        let listeners = vec![listen(&outside, 80), listen(&host, 80), listen(&host, 4000)];
        let resolver = host.inside(|| UdpSocket::bind("[::]:53").unwrap());
        Some(Self {
            host,
            outside,
            resolver,
            _listeners: listeners,
        })
    }

    /// A bridge of another daemon, `172.31.0.0/16`.
    pub fn second_bridge(&self) -> &'static str {
        bridge(&self.host, "agents1", 31);
        "agents1"
    }

    pub fn nft(&self) -> Nft {
        Nft::through(self.host.nft())
    }

    pub async fn table(&self) -> Table {
        let owner = OwnerId::new("0123456789abcdef");
        Table::open(self.nft(), &owner, BRIDGE).await.unwrap()
    }

    /// An agent at `172.<net>.0.<number>` and `fd<net>::<number>`, on the bridge.
    pub fn agent_on(&self, bridge: &str, net: u8, number: u8) -> Agent {
        let inside = Netns::new(&format!("agent{net}x{number}"));
        let port = format!("v{net}x{number}");
        inside.ip(&format!(
            "link add name eth0 index 7 type veth peer name {port} netns {}",
            self.host.name()
        ));
        self.host.ip(&format!("link set {port} master {bridge} up"));
        inside.ip("link set eth0 up");
        inside.ip(&format!("addr add 172.{net}.0.{number}/16 dev eth0"));
        inside.ip(&format!("addr add fd{net}::{number}/64 dev eth0"));
        inside.ip(&format!("addr add fe80::1:{number}/64 dev eth0"));
        inside.ip(&format!("route add default via 172.{net}.0.1"));
        inside.ip(&format!("route add default via fd{net}::1"));
        let listener = listen(&inside, 80);
        Agent {
            inside,
            id: agent(number),
            addresses: Addresses {
                v4: Some(format!("172.{net}.0.{number}").parse().unwrap()),
                v6: Some(format!("fd{net}::{number}").parse().unwrap()),
            },
            _listener: listener,
        }
    }

    pub fn agent(&self, number: u8) -> Agent {
        self.agent_on(BRIDGE, 30, number)
    }

    /// Whether the outside can open a connection to an agent.
    pub fn outside_reaches(&self, agent: &Agent) -> bool {
        let [v4, v6] = agent.listens_at();
        connects(&self.outside, &v4, SILENCE) || connects(&self.outside, &v6, SILENCE)
    }

    /// Whether the host can; nobody needs that, and the agent's answer is dropped.
    pub fn host_reaches(&self, agent: &Agent) -> bool {
        connects(&self.host, &agent.listens_at()[0], SILENCE)
    }

    /// Whether a question of an agent arrives at the gateway's resolver.
    pub fn is_asked_by(&self, agent: &Agent, awaited: bool) -> bool {
        let wait = if awaited { PATIENCE } else { SILENCE };
        self.resolver.set_read_timeout(Some(wait)).unwrap();
        agent.inside.inside(|| {
            let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
            // Refused by the agent's own kernel is as good as dropped.
            let _ = socket.send_to(b"?", "172.30.0.1:53");
        });
        self.resolver.recv_from(&mut [0; 8]).is_ok()
    }
}

pub(crate) struct Agent {
    pub inside: Netns,
    pub id: AgentId,
    pub addresses: Addresses,
    _listener: TcpListener,
}

impl Agent {
    /// Shows that this is reached, and nothing else of [`EVERYTHING`].
    #[track_caller]
    pub fn reaches_only(&self, expected: &[&str]) {
        let all = EVERYTHING.iter().chain(expected);
        let expected: BTreeMap<&str, bool> = all
            .map(|target| (*target, expected.contains(target)))
            .collect();
        let reached: BTreeMap<&str, bool> = std::thread::scope(|scope| {
            let probe = |target: &str, expected: bool| {
                let wait = if expected { PATIENCE } else { SILENCE };
                connects(&self.inside, target, wait)
            };
            let probes = expected
                .iter()
                .map(|(target, expected)| (*target, scope.spawn(move || probe(target, *expected))));
            let probes: Vec<_> = probes.collect();
            let joined = probes.into_iter();
            joined
                .map(|(target, probe)| (target, probe.join().unwrap()))
                .collect()
        });
        assert_eq!(reached, expected);
    }

    pub fn reaches(&self, other: &Agent) -> bool {
        let mut targets = other.listens_at().into_iter();
        targets.any(|target| connects(&self.inside, &target, SILENCE))
    }

    /// With a policy, and nothing it needs besides.
    pub fn with(&self, allow: &[&str], deny_all: bool) -> Admission {
        Admission {
            addresses: self.addresses,
            services: Vec::new(),
            resolvers: Vec::new(),
            policy: NetworkPolicy {
                allow: allow.iter().map(|text| text.parse().unwrap()).collect(),
                deny_all,
            },
        }
    }

    fn listens_at(&self) -> [String; 2] {
        let Addresses { v4, v6 } = self.addresses;
        [
            format!("{}:80", v4.unwrap()),
            format!("[{}]:80", v6.unwrap()),
        ]
    }
}

pub(crate) fn agent(number: u8) -> AgentId {
    AgentId {
        epoch: 0xab,
        number: number.into(),
    }
}

fn connects(from: &Netns, target: &str, wait: Duration) -> bool {
    let target: SocketAddr = target.parse().unwrap();
    from.inside(|| TcpStream::connect_timeout(&target, wait).is_ok())
}

/// Both families; the kernel completes connections on its own.
fn listen(at: &Netns, port: u16) -> TcpListener {
    at.inside(|| TcpListener::bind(("::", port)).unwrap())
}

fn bridge(host: &Netns, name: &str, net: u8) {
    host.ip(&format!("link add {name} type bridge"));
    host.ip(&format!("link set {name} up"));
    host.ip(&format!("addr add 172.{net}.0.1/16 dev {name}"));
    host.ip(&format!("addr add fd{net}::1/64 dev {name}"));
}

fn connect_outside(host: &Netns, outside: &Netns) {
    for namespace in [host, outside] {
        namespace.inside(|| {
            for setting in ["ipv4/ip_forward", "ipv6/conf/all/forwarding"] {
                std::fs::write(format!("/proc/sys/net/{setting}"), "1").unwrap();
            }
        });
    }
    host.ip(&format!(
        "link add uplink type veth peer name uplink netns {}",
        outside.name()
    ));
    for (namespace, number) in [(host, 1), (outside, 2)] {
        namespace.ip("link set uplink up");
        namespace.ip(&format!("addr add 10.99.0.{number}/24 dev uplink"));
        namespace.ip(&format!("addr add fd99::{number}/64 dev uplink"));
        let other = 3 - number;
        namespace.ip(&format!("route add default via 10.99.0.{other}"));
        namespace.ip(&format!("route add default via fd99::{other}"));
    }
    for target in [PUBLIC, PUBLIC_6, PRIVATE, PRIVATE_6, METADATA, METADATA_6] {
        own(outside, target);
    }
    own(host, HOST_PUBLIC);
    own(host, HOST_PUBLIC_6);
}

fn own(namespace: &Netns, target: &str) {
    let target: SocketAddr = target.parse().unwrap();
    match target {
        SocketAddr::V4(at) => namespace.ip(&format!("addr add {}/32 dev lo", at.ip())),
        SocketAddr::V6(at) => namespace.ip(&format!("addr add {}/128 dev lo", at.ip())),
    }
}
