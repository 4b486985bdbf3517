//! A network namespace of our own.

use std::fs::File;
use std::os::fd::AsFd as _;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// Gone with its last user once dropped.
pub(crate) struct Netns {
    name: String,
}

impl Netns {
    /// # Panics
    /// When it cannot be made: see [`hindrance`].
    pub fn new(role: &str) -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("headcount-{}-{number}-{role}", std::process::id());
        run("ip", &["netns", "add", &name]);
        let this = Self { name };
        // Addresses can be used at once: what is not reached was held back, not too early.
        this.inside(|| {
            for scope in ["all", "default"] {
                let setting = format!("/proc/sys/net/ipv6/conf/{scope}/accept_dad");
                std::fs::write(setting, "0").unwrap();
            }
        });
        this.ip("link set lo up");
        this
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// `ip` inside, the words separated by blanks.
    pub fn ip(&self, words: &str) {
        let words = words.split(' ');
        let all: Vec<&str> = ["-n", &self.name].into_iter().chain(words).collect();
        run("ip", &all);
    }

    /// `nft` inside; the words that run it.
    pub fn nft(&self) -> [&str; 5] {
        ["ip", "netns", "exec", &self.name, "nft"]
    }

    /// What `nft` says inside.
    pub fn nft_says(&self, command: &str) -> String {
        let nft = self.nft();
        let words: Vec<&str> = nft[1..].iter().copied().chain([command]).collect();
        run(nft[0], &words)
    }

    /// Runs a piece of the test inside; its sockets stay there.
    pub fn inside<T: Send>(&self, f: impl FnOnce() -> T + Send) -> T {
        let namespace = File::open(format!("/run/netns/{}", self.name)).unwrap();
        let enter = move || {
            let network = Some(LinkNameSpaceType::Network);
            move_into_link_name_space(namespace.as_fd(), network).unwrap();
            f()
        };
        std::thread::scope(|scope| scope.spawn(enter).join().unwrap())
    }
}

impl Drop for Netns {
    fn drop(&mut self) {
        let _ = output("ip", &["netns", "delete", &self.name]);
    }
}

/// Why none of this can be shown on this machine.
pub(crate) fn hindrance() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("only root makes network namespaces".into());
    }
    for (program, version) in [("nft", "--version"), ("ip", "-V")] {
        if !output(program, &[version]).is_some_and(|output| output.status.success()) {
            return Some(format!("the program `{program}` is missing"));
        }
    }
    let name = format!("headcount-{}-probe", std::process::id());
    let added = output("ip", &["netns", "add", &name])?;
    let listed = output("ip", &["netns", "exec", &name, "nft", "list", "tables"])?;
    let _ = output("ip", &["netns", "delete", &name]);
    let failed = [added, listed]
        .into_iter()
        .find(|output| !output.status.success())?;
    Some(String::from_utf8_lossy(&failed.stderr).trim().to_owned())
}

fn output(program: &str, words: &[&str]) -> Option<Output> {
    Command::new(program).args(words).output().ok()
}

fn run(program: &str, words: &[&str]) -> String {
    let output = output(program, words).expect("the program runs");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {words:?}: {complaint}");
    String::from_utf8(output.stdout).unwrap()
}
