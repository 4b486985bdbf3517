//! Three masters that share the slots.

use redis::Value;

use crate::certificates::Certificates;
use crate::server::{Server, free_port, wait_until};

const SLOTS: u32 = 16_384;
const MASTERS: u32 = 3;

/// A cluster of three masters without replicas.
pub struct Cluster {
    masters: Vec<Server>,
}

impl Cluster {
    /// Starts it; returns once all agree that it is whole.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn start() -> Self {
        Self::of(Server::with)
    }

    /// As [`start`](Self::start), of servers that speak TLS, also with each other.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn with_tls(certificates: &Certificates) -> Self {
        Self::of(|lines| {
            let lines = [lines, &["tls-cluster yes", "tls-replication yes"]].concat();
            Server::with_tls(certificates, false, &lines)
        })
    }

    fn of(server: impl Fn(&[&str]) -> Server) -> Self {
        let masters = (0..MASTERS).map(|_| master(&server));
        let cluster = Self {
            masters: masters.collect(),
        };
        cluster.divide();
        cluster.introduce();
        cluster
    }

    fn divide(&self) {
        for (place, server) in (0..).zip(&self.masters) {
            let first = (place * SLOTS / MASTERS).to_string();
            let last = ((place + 1) * SLOTS / MASTERS - 1).to_string();
            server.say(&["CLUSTER", "ADDSLOTSRANGE", &first, &last]);
            // Epochs that differ from the start need no vote about whose slots are whose.
            let epoch = (place + 1).to_string();
            server.say(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch]);
        }
    }

    fn introduce(&self) {
        let (first, others) = self.masters.split_first().expect("three masters");
        for server in others {
            let port = server.port().to_string();
            let bus = bus_port(server);
            first.say(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]);
        }
        wait_until("every master knows every slot", || {
            self.masters.iter().all(|server| {
                let info = server.say(&["CLUSTER", "INFO"]);
                let text = text(&info);
                text.contains("cluster_state:ok") && text.contains("cluster_known_nodes:3")
            })
        });
    }

    /// The masters, for commands of tests.
    #[must_use]
    pub fn masters(&self) -> &[Server] {
        &self.masters
    }

    /// The masters, to be killed by tests.
    pub fn masters_mut(&mut self) -> &mut [Server] {
        &mut self.masters
    }

    /// `host:port` of every master.
    #[must_use]
    pub fn addresses(&self) -> Vec<String> {
        self.masters.iter().map(Server::address).collect()
    }

    /// The place, among the masters, of the one that holds a key.
    ///
    /// # Panics
    /// When nobody does.
    #[must_use]
    pub fn owner(&self, key: &str) -> usize {
        let slot = self.masters[0].say(&["CLUSTER", "KEYSLOT", key]);
        let Value::Int(slot) = slot else {
            panic!("not a slot: {slot:?}");
        };
        let slot = u32::try_from(slot).expect("a slot");
        let owner = (0..MASTERS).rfind(|place| place * SLOTS / MASTERS <= slot);
        owner.expect("every slot has a master") as usize
    }
}

fn master(server: impl Fn(&[&str]) -> Server) -> Server {
    let bus = format!("cluster-port {}", free_port());
    server(&["cluster-enabled yes", &bus, "cluster-node-timeout 2000"])
}

fn bus_port(server: &Server) -> String {
    let answer = server.say(&["CONFIG", "GET", "cluster-port"]);
    let Value::Array(pair) = answer else {
        panic!("not a pair: {answer:?}");
    };
    text(&pair[1])
}

fn text(value: &Value) -> String {
    redis::from_redis_value_ref(value).expect("a text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_one_master() {
        if crate::skip() {
            return;
        }
        let cluster = Cluster::start();
        for key in ["a", "b", "c", "jobs"] {
            let owner = cluster.owner(key);
            for (place, server) in cluster.masters().iter().enumerate() {
                let answer = server.ask(&["XLEN", key]);
                assert_eq!(
                    answer.is_ok(),
                    place == owner,
                    "{key} at {place}: {answer:?}"
                );
            }
        }
    }
}
