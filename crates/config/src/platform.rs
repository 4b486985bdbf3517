//! The labels that the house adds to those of the file.
//! Source: the `scalers.yaml` reference, section 3.2.

use headcount_model::{Labels, Role, Roles};

use crate::settings::Backend;

/// What a host is, which its agents inherit as labels.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Platform {
    /// As Rust calls it: `linux`, `macos`, `windows` or another.
    pub os: String,
    /// As Rust calls it: `x86_64`, `aarch64` or another.
    pub arch: String,
}

impl Platform {
    /// The host of this program.
    #[must_use]
    pub fn current() -> Self {
        Self {
            os: std::env::consts::OS.to_owned(),
            arch: std::env::consts::ARCH.to_owned(),
        }
    }

    fn os_words(&self) -> Vec<&str> {
        match self.os.as_str() {
            "macos" => vec!["macos", "darwin"],
            "windows" => vec!["windows", "win32"],
            other => vec![other],
        }
    }

    fn arch_words(&self) -> Vec<&str> {
        match self.arch.as_str() {
            "x86_64" => vec!["x64", "amd64"],
            "aarch64" => vec!["arm64"],
            other => vec![other],
        }
    }
}

/// The labels that agents of a scaler get by themselves, each with both prefixes, `kici:`
/// and `headcount:`. Containers and microVMs are Linux whatever their host is; what machine
/// a remote engine or a cluster runs on cannot be told from here, so no architecture is
/// claimed for it; of a machine that a program makes nothing is known at all.
#[must_use]
pub fn system_labels(name: &str, backend: &Backend, roles: &Roles, host: &Platform) -> Labels {
    let os = match backend {
        Backend::BareMetal { .. } => host.os_words(),
        Backend::Container(_)
        | Backend::Firecracker(_)
        | Backend::Kubernetes(_)
        | Backend::DockerMachine(_) => vec!["linux"],
        // What a program makes is whatever its label set says.
        Backend::Program(_) => vec![],
    };
    let mut words: Vec<String> = Vec::new();
    words.extend(os.iter().map(|os| format!("os:{os}")));
    if !is_remote(backend) {
        words.extend(host.arch_words().iter().map(|arch| format!("arch:{arch}")));
    }
    words.push(format!("agent:{}", backend.word()));
    words.push(format!("scaler:{name}"));
    words.extend(role_words(roles).iter().map(|role| format!("role:{role}")));
    let both = words
        .iter()
        .flat_map(|word| [format!("kici:{word}"), format!("headcount:{word}")]);
    Labels::new(both)
}

const fn is_remote(backend: &Backend) -> bool {
    match backend {
        Backend::Container(engine) => engine.host.is_some(),
        Backend::Kubernetes(_) | Backend::Program(_) | Backend::DockerMachine(_) => true,
        Backend::BareMetal { .. } | Backend::Firecracker(_) => false,
    }
}

fn role_words(roles: &Roles) -> Vec<&'static str> {
    let word = |role: &Role| match role {
        Role::Builder => "builder",
        Role::InitRunner => "init-runner",
    };
    match roles {
        Roles::Unrestricted => vec!["builder", "init-runner"],
        Roles::Only(roles) => roles.iter().map(word).collect(),
    }
}

#[cfg(test)]
mod tests {
    use headcount_model::EngineKind;

    use super::*;
    use crate::settings::Container;

    fn labels(os: &str, arch: &str, roles: &Roles) -> String {
        let host = Platform {
            os: os.to_owned(),
            arch: arch.to_owned(),
        };
        let backend = Backend::BareMetal {
            enforce_cgroups: false,
        };
        let labels = system_labels("Main", &backend, roles, &host);
        let own = labels.iter().filter(|l| l.as_str().starts_with("kici:"));
        let own: Vec<&str> = own.map(|l| &l.as_str()["kici:".len()..]).collect();
        assert_eq!(labels.len(), own.len() * 2);
        own.join(" ")
    }

    #[test]
    fn a_host_has_every_spelling_of_its_platform() {
        let none = Roles::Only(Vec::new());
        assert_eq!(
            labels("linux", "x86_64", &none),
            "agent:bare-metal arch:amd64 arch:x64 os:linux scaler:main"
        );
        assert_eq!(
            labels("macos", "aarch64", &none),
            "agent:bare-metal arch:arm64 os:darwin os:macos scaler:main"
        );
        assert_eq!(
            labels("windows", "riscv64", &none),
            "agent:bare-metal arch:riscv64 os:win32 os:windows scaler:main"
        );
    }

    /// The original gives agents of a remote engine the architecture of its own host.
    #[test]
    fn l19_no_architecture_is_claimed_for_a_remote_engine() {
        let host = Platform {
            os: "macos".to_owned(),
            arch: "x86_64".to_owned(),
        };
        let labels = |remote: Option<&str>| {
            let engine = Container {
                host: remote.map(str::to_owned),
                socket_path: None,
                runtime: EngineKind::Any,
                extra_hosts: Vec::new(),
                network_isolation: false,
            };
            let none = Roles::Only(Vec::new());
            let labels = system_labels("c", &Backend::Container(engine), &none, &host);
            let own = labels.iter().filter(|l| l.as_str().starts_with("kici:"));
            own.map(|l| l.to_string()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            labels(None),
            "kici:agent:container kici:arch:amd64 kici:arch:x64 kici:os:linux kici:scaler:c"
        );
        assert_eq!(
            labels(Some("tcp://192.0.2.7:2376")),
            "kici:agent:container kici:os:linux kici:scaler:c"
        );
    }

    #[test]
    fn roles_make_labels() {
        let all = labels("linux", "riscv64", &Roles::Unrestricted);
        assert!(all.contains("role:builder role:init-runner"), "{all}");
        let one = labels("linux", "riscv64", &Roles::Only(vec![Role::Builder]));
        assert!(
            one.contains("role:builder") && !one.contains("init-runner"),
            "{one}"
        );
    }
}
