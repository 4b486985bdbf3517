//! Where questions for names go that Docker's own resolver passes on from inside a
//! container: to the name servers of this host.

use std::fs;
use std::net::IpAddr;

const HOST: &str = "/etc/resolv.conf";
/// Where a host whose name server is itself keeps those behind it.
const BEHIND: &str = "/run/systemd/resolve/resolv.conf";

/// The name servers, those of this very host left out: a container cannot reach them.
pub(super) fn upstream() -> Vec<IpAddr> {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    choose(&read(HOST), || read(BEHIND))
}

fn choose(host: &str, behind: impl Fn() -> String) -> Vec<IpAddr> {
    let named = servers(host);
    match named.is_empty() {
        true => servers(&behind()),
        false => named,
    }
}

fn servers(text: &str) -> Vec<IpAddr> {
    let lines = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some("nameserver")).then(|| words.next()?.parse().ok())?
    });
    lines
        .filter(|address: &IpAddr| !address.is_loopback())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_asks_itself_is_asked_behind() {
        let addresses = |list: &[&str]| -> Vec<IpAddr> {
            list.iter().map(|text| text.parse().unwrap()).collect()
        };
        let behind = || "nameserver 192.0.2.1\n# x\nnameserver bad\n".to_owned();
        let host = "search x\nnameserver 192.0.2.7\nnameserver 127.0.0.1\nnameserver 2001:db8::1\n";
        assert_eq!(
            choose(host, behind),
            addresses(&["192.0.2.7", "2001:db8::1"])
        );
        assert_eq!(
            choose("nameserver 127.0.0.53\n", behind),
            addresses(&["192.0.2.1"])
        );
        assert_eq!(choose("", String::new), addresses(&[]));
    }
}
