//! A master, its replica, and the sentinel that tells which of them is the master.

use redis::Value;

use crate::server::{Server, wait_until};

/// Under this name the sentinel knows the master.
pub const MASTER: &str = "house";

/// A master and a replica, watched by one sentinel.
pub struct Sentinels {
    /// The master and its replica; who is who changes.
    pub servers: [Server; 2],
    /// Who tells.
    pub sentinel: Server,
}

impl Sentinels {
    /// Starts them; returns once the replica follows and the sentinel knows it.
    ///
    /// # Panics
    /// When they do not come up.
    #[must_use]
    pub fn start() -> Self {
        let master = Server::start();
        let follow = format!("replicaof 127.0.0.1 {}", master.port());
        let replica = Server::with(&[&follow]);
        wait_until("the replica follows", || {
            info(&replica).contains("master_link_status:up")
        });
        let monitor = format!("sentinel monitor {MASTER} 127.0.0.1 {} 1", master.port());
        let patience = format!("sentinel down-after-milliseconds {MASTER} 1000");
        let sentinel = Server::sentinel(&[&monitor, &patience]);
        let house = Self {
            servers: [master, replica],
            sentinel,
        };
        wait_until("the sentinel knows the replica", || {
            let told = house.sentinel.say(&["SENTINEL", "REPLICAS", MASTER]);
            matches!(told, Value::Array(replicas) if replicas.len() == 1)
        });
        house
    }

    /// Makes the replica the master; returns once the sentinel says so and it is.
    ///
    /// # Panics
    /// When that does not happen.
    pub fn fail_over(&mut self) {
        wait_until("the sentinel finds the replica good", || {
            self.sentinel.ask(&["SENTINEL", "FAILOVER", MASTER]).is_ok()
        });
        let port = self.servers[1].port().to_string();
        wait_until("the sentinel tells the new master", || {
            let told = self
                .sentinel
                .say(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER]);
            let told: Vec<String> = redis::from_redis_value(told).expect("an address");
            told.get(1) == Some(&port)
        });
        wait_until("it is the master", || {
            info(&self.servers[1]).contains("role:master")
        });
        self.servers.swap(0, 1);
    }
}

fn info(server: &Server) -> String {
    let info = server.say(&["INFO", "replication"]);
    redis::from_redis_value(info).expect("a text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_before_a_failover_is_there_after_it() {
        if crate::skip() {
            return;
        }
        let mut house = Sentinels::start();
        house.servers[0].say(&["XADD", "s", "1-1", "a", "b"]);
        wait_until("the replica has it", || {
            house.servers[1].say(&["XLEN", "s"]) == Value::Int(1)
        });
        house.fail_over();
        assert_eq!(house.servers[0].say(&["XLEN", "s"]), Value::Int(1));
        house.servers[0].say(&["XADD", "s", "2-1", "a", "b"]);
    }
}
