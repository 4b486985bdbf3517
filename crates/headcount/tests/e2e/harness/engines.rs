//! Real engines, and a daemon beside them as on a user's machine.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use headcount_test_engines::{Engine, Kind, skip};

use super::house::House;

/// Tells a story on each engine that this machine can run.
pub fn on_each_engine(story: impl Fn(Engine)) {
    for kind in Kind::ALL {
        if !skip(kind) {
            story(Engine::start(kind));
        }
    }
}

impl House {
    /// The daemon sees the engine where a user's machine has it, and changes the rules of the
    /// engine's network.
    pub fn on_a_machine_with(self, engine: &Engine) -> Self {
        let programs = self.path("programs");
        fs::create_dir_all(&programs).unwrap();
        let nft = programs.join("nft");
        let text = format!(
            "#!/bin/sh\nexec nsenter --net={} /usr/sbin/nft \"$@\"\n",
            engine.network().display()
        );
        fs::write(&nft, text).unwrap();
        fs::set_permissions(&nft, fs::Permissions::from_mode(0o755)).unwrap();
        let socket = match engine.kind() {
            Kind::Docker => "/run/docker.sock",
            Kind::Podman => "/run/podman/podman.sock",
        };
        let prelude = format!(
            "mount -t tmpfs tmpfs /run && mkdir -p /run/podman && ln -s {} {socket} && \
             PATH={}:$PATH exec \"$0\" \"$@\"",
            engine.socket().display(),
            programs.display()
        );
        self.through(&["unshare", "--mount", "sh", "-c", &prelude])
    }
}
