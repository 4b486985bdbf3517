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
        program: "ip",
        check: &["-V"],
        package: "iproute2",
        without: "nothing shows that network policies hold agents back",
    },
];

/// Installs what is missing, when it may. Returns what is still missing, in words.
pub(crate) fn machine() -> Result<Vec<String>> {
    let missing: Vec<&Need> = NEEDS
        .iter()
        .filter(|need| !run::works(need.program, need.check))
        .collect();
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    if !run::works("apt-get", &["--version"]) {
        return Ok(missing
            .iter()
            .map(|need| lacking(need, "there is no apt-get"))
            .collect());
    }
    let mut update = Command::new("apt-get");
    run::finish(update.args(["update", "-qq"]))?;
    for need in &missing {
        let mut install = Command::new("apt-get");
        install.env("DEBIAN_FRONTEND", "noninteractive");
        run::finish(install.args(["install", "-y", "-qq", need.package]))?;
    }
    let still = missing
        .iter()
        .filter(|need| !run::works(need.program, need.check));
    Ok(still
        .map(|need| lacking(need, "installing it did not help"))
        .collect())
}

fn lacking(need: &Need, why: &str) -> String {
    format!("{} is missing and {why}: {}", need.program, need.without)
}
