//! Which registry an image comes from, and how its entries in login files are spelled.

/// The registry of images that name none.
pub(crate) const DOCKER_HUB: &str = "docker.io";
/// What Docker calls it when it logs in, and what helpers know it by.
const DOCKER_HUB_SERVER: &str = "https://index.docker.io/v1/";
/// Other names of it in login files.
const DOCKER_HUB_HOSTS: [&str; 3] = ["docker.io", "index.docker.io", "registry-1.docker.io"];

/// Where an image comes from: a registry, and a path on it without tag or digest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Repository {
    /// `registry.example.com:5000`, or [`DOCKER_HUB`].
    host: String,
    /// `team/tool`; `library/` is filled in for Docker Hub.
    path: String,
}

impl Repository {
    /// Of an image as it is written in the configuration.
    pub fn of_image(image: &str) -> Self {
        let (host, rest) = match image.split_once('/') {
            Some((first, rest)) if is_host(first) => (normal_host(first), rest),
            _ => (DOCKER_HUB.to_owned(), image),
        };
        let path = without_tag(rest);
        let path = if host == DOCKER_HUB && !path.contains('/') {
            format!("library/{path}")
        } else {
            path.to_owned()
        };
        Self { host, path }
    }

    /// The registry, in the spelling by which keys are compared.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The registry as credential helpers know it.
    pub fn server(&self) -> &str {
        if self.host == DOCKER_HUB {
            DOCKER_HUB_SERVER
        } else {
            &self.host
        }
    }

    /// Keys that apply to this image, the narrowest first: `host/team/tool`, `host/team`,
    /// `host`.
    pub fn scopes(&self) -> Vec<String> {
        let full = format!("{}/{}", self.host, self.path);
        let shorter = full
            .rmatch_indices('/')
            .map(|(at, _)| full[..at].to_owned());
        std::iter::once(full.clone()).chain(shorter).collect()
    }
}

/// The key of a login file in the spelling of [`Repository::scopes`]. A key that is an
/// address, such as `https://registry.example.com/v2/`, stands for the whole registry.
pub(crate) fn normal_key(key: &str) -> String {
    let address = key.strip_prefix("https://").or(key.strip_prefix("http://"));
    let (host, path) = match address.unwrap_or(key).split_once('/') {
        Some((host, path)) => (host, path.trim_end_matches('/')),
        None => (address.unwrap_or(key), ""),
    };
    let host = normal_host(host);
    if address.is_some() || matches!(path, "" | "v1" | "v2") {
        return host;
    }
    format!("{host}/{path}")
}

fn normal_host(host: &str) -> String {
    let host = host.to_ascii_lowercase();
    if DOCKER_HUB_HOSTS.contains(&host.as_str()) {
        return DOCKER_HUB.to_owned();
    }
    host
}

/// The first part of an image is a registry only if it cannot be a user of Docker Hub.
fn is_host(first: &str) -> bool {
    let foreign = |c: char| matches!(c, '.' | ':') || c.is_ascii_uppercase();
    first == "localhost" || first.contains(foreign)
}

fn without_tag(rest: &str) -> &str {
    let rest = rest.split_once('@').map_or(rest, |(name, _)| name);
    let last = rest.rfind('/').map_or(0, |at| at + 1);
    let tag = rest[last..].find(':').map(|at| at + last);
    tag.map_or(rest, |at| &rest[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_without_a_registry_comes_from_docker_hub() {
        for (image, full) in [
            ("nginx", "docker.io/library/nginx"),
            ("nginx:1.29", "docker.io/library/nginx"),
            ("team/tool", "docker.io/team/tool"),
            ("docker.io/nginx", "docker.io/library/nginx"),
            ("index.docker.io/team/tool:2", "docker.io/team/tool"),
            ("quay.io/team/tool", "quay.io/team/tool"),
            ("localhost/tool", "localhost/tool"),
            ("localhost:5000/tool:1", "localhost:5000/tool"),
            ("Registry/tool", "registry/tool"),
            ("registry:5000/a/b/c:tag@sha256:00ff", "registry:5000/a/b/c"),
            ("tool@sha256:00ff", "docker.io/library/tool"),
            ("[fd00::1]:5000/tool", "[fd00::1]:5000/tool"),
            ("", "docker.io/library/"),
        ] {
            assert_eq!(Repository::of_image(image).scopes()[0], full, "{image}");
        }
    }

    #[test]
    fn scopes_go_from_the_image_to_the_registry() {
        assert_eq!(
            Repository::of_image("registry:5000/a/b/c:tag").scopes(),
            [
                "registry:5000/a/b/c",
                "registry:5000/a/b",
                "registry:5000/a",
                "registry:5000"
            ]
        );
    }

    #[test]
    fn helpers_know_docker_hub_by_its_old_address() {
        let server = |image| Repository::of_image(image).server().to_owned();
        assert_eq!(server("nginx"), "https://index.docker.io/v1/");
        assert_eq!(server("registry:5000/tool"), "registry:5000");
    }

    #[test]
    fn keys_are_compared_in_one_spelling() {
        for (key, normal) in [
            ("https://index.docker.io/v1/", "docker.io"),
            ("index.docker.io", "docker.io"),
            ("docker.io", "docker.io"),
            ("docker.io/team", "docker.io/team"),
            ("https://Registry.example.com/v2/", "registry.example.com"),
            ("http://registry:5000/any/path", "registry:5000"),
            ("registry.example.com/v2/", "registry.example.com"),
            (
                "registry.example.com/team/tool",
                "registry.example.com/team/tool",
            ),
            ("registry.example.com/team/", "registry.example.com/team"),
            ("localhost:5000", "localhost:5000"),
        ] {
            assert_eq!(normal_key(key), normal, "{key}");
        }
    }
}
