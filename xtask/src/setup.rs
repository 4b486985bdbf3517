//! What the tests need of the machine beyond Rust: found, or installed where we may.

use std::process::Command;

use anyhow::Result;

use crate::run;

/// A program, the Debian package that brings it, and what is skipped without it.
struct Need {
    program: &'static str,
    check: &'static [&'static str],
    package: &'static str,
    without: &'static str,
}

const NEEDS: &[Need] = &[
    Need {
        program: "cc",
        check: &["--version"],
        package: "build-essential",
        without: "nothing can be built: SQLite and TLS are compiled from C",
    },
    Need {
        program: "setsid",
        check: &["--version"],
        package: "util-linux",
        without: "tests of jobs that escape their process group fail",
    },
    Need {
        program: "nft",
        check: &["--version"],
        package: "nftables",
        without: "nothing shows that network policies hold agents back",
    },
    Need {
        program: "dockerd",
        check: &["--version"],
        package: "docker.io",
        without: "nothing is tested with a real Docker",
    },
    Need {
        program: "podman",
        check: &["--version"],
        package: "podman",
        without: "nothing is tested with a real Podman",
    },
    Need {
        program: "runc",
        check: &["--version"],
        package: "runc",
        without: "nothing is tested with a real Podman",
    },
    Need {
        program: "busybox",
        check: &["true"],
        package: "busybox-static",
        without: "there is no image to test containers with",
    },
    Need {
        program: "jq",
        check: &["--version"],
        package: "jq",
        without: "tests of provisioners that are shell programs fail",
    },
    Need {
        program: "python3",
        check: &["--version"],
        package: "python3",
        without: "tests of the provisioner that is a Python program fail",
    },
    Need {
        program: "ip",
        check: &["-V"],
        package: "iproute2",
        without: "nothing shows that network policies hold agents back",
    },
    // The server is in there under this name too. The package that is named after the
    // server would start one for the whole machine.
    Need {
        program: "redis-check-rdb",
        check: &["--version"],
        package: "redis-tools",
        without: "nothing is tested with a real Redis",
    },
];

/// Installs what is missing, when it may. Returns what is still missing, in words.
pub(crate) fn machine() -> Vec<String> {
    let missing: Vec<&Need> = NEEDS.iter().filter(|need| !found(need)).collect();
    if missing.is_empty() {
        return Vec::new();
    }
    if let Err(why) = may_install() {
        return missing.iter().map(|need| lacking(need, &why)).collect();
    }
    let attempts = missing.iter().map(|need| (need, install(need)));
    let still = attempts.filter(|(need, _)| !found(need));
    still
        .map(|(need, attempt)| match attempt {
            Ok(()) => lacking(need, "installing it did not help"),
            Err(error) => lacking(need, &format!("installing it failed ({error})")),
        })
        .collect()
}

fn found(need: &Need) -> bool {
    run::works(need.program, need.check)
}

/// Only root installs, and only once the lists of packages are there.
fn may_install() -> Result<(), String> {
    if !run::works("apt-get", &["--version"]) {
        return Err("there is no apt-get".into());
    }
    if !run::works("sh", &["-c", "test \"$(id -u)\" = 0"]) {
        return Err("only root may install it".into());
    }
    let mut update = Command::new("apt-get");
    run::finish(update.args(["update", "-qq"])).map_err(|error| error.to_string())
}

fn install(need: &Need) -> Result<()> {
    let mut install = Command::new("apt-get");
    install.env("DEBIAN_FRONTEND", "noninteractive");
    run::finish(install.args(["install", "-y", "-qq", need.package]))
}

fn lacking(need: &Need, why: &str) -> String {
    format!("{} is missing and {why}: {}", need.program, need.without)
}
