use std::path::Path;

use super::*;

fn files(variables: &[(&str, &str)]) -> Vec<String> {
    let variables = variables.to_vec();
    let login = HostLogin::from_environment(|name| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| OsString::from(value))
    });
    let shown = |path: &PathBuf| path.display().to_string();
    login.files.iter().map(shown).collect()
}

#[test]
fn the_environment_leads_to_files_in_this_order() {
    let uid = rustix::process::geteuid().as_raw();
    assert_eq!(
        files(&[("HOME", "/home/ann")]),
        [
            "/home/ann/.docker/config.json".to_owned(),
            format!("/run/containers/{uid}/auth.json"),
            "/home/ann/.config/containers/auth.json".to_owned(),
        ]
    );
    assert_eq!(
        files(&[
            ("HOME", "/home/ann"),
            ("DOCKER_CONFIG", "/etc/docker-login"),
            ("REGISTRY_AUTH_FILE", "/etc/auth.json"),
            ("XDG_RUNTIME_DIR", "/run/user/7"),
            ("XDG_CONFIG_HOME", "/home/ann/conf"),
        ]),
        [
            "/etc/docker-login/config.json",
            "/etc/auth.json",
            "/run/user/7/containers/auth.json",
            "/home/ann/conf/containers/auth.json",
        ]
    );
    // Set to nothing is not set.
    assert_eq!(
        files(&[
            ("DOCKER_CONFIG", ""),
            ("HOME", "/h"),
            ("XDG_RUNTIME_DIR", "/r")
        ]),
        [
            "/h/.docker/config.json",
            "/r/containers/auth.json",
            "/h/.config/containers/auth.json",
        ]
    );
}

fn entry(registry: &str, user: &str) -> String {
    format!(r#""{registry}": {{"username": "{user}", "password": "secret"}}"#)
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

async fn user(login: &HostLogin, image: &str) -> Option<String> {
    match login.of_image(image).await.unwrap()? {
        Login::Password { user, .. } => Some(user),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_first_file_that_knows_a_registry_wins() {
    let folder = tempfile::tempdir().unwrap();
    let auths = |entries: &[String]| format!(r#"{{"auths": {{{}}}}}"#, entries.join(","));
    let first = write(folder.path(), "first", &auths(&[entry("quay.io", "one")]));
    let second = auths(&[entry("quay.io/team", "two"), entry("docker.io", "hub")]);
    let second = write(folder.path(), "second", &second);
    let absent = folder.path().join("absent");
    let login = HostLogin::new([absent.clone(), first, second], None);
    assert_eq!(
        user(&login, "quay.io/team/tool").await.as_deref(),
        Some("one")
    );
    assert_eq!(user(&login, "nginx").await.as_deref(), Some("hub"));
    assert_eq!(user(&login, "registry:5000/tool").await, None);

    // A login made meanwhile is found.
    std::fs::write(&absent, auths(&[entry("quay.io", "new")])).unwrap();
    assert_eq!(
        user(&login, "quay.io/team/tool").await.as_deref(),
        Some("new")
    );
}

#[tokio::test]
async fn a_registrys_own_helper_goes_before_the_store_and_the_store_before_entries() {
    let folder = tempfile::tempdir().unwrap();
    for (name, script) in [
        ("own", r#"echo '{"Username": "own", "Secret": "s"}'"#),
        (
            "nothing",
            "echo 'credentials not found in native keychain'; exit 1",
        ),
        (
            "store",
            r#"read server
            test "$server" != "https://index.docker.io/v1/" || exec docker-credential-nothing
            echo '{"Username": "store", "Secret": "s"}'"#,
        ),
    ] {
        let path = folder.path().join(format!("docker-credential-{name}"));
        // Written by another process, so that no child of this one holds it open.
        let words = [
            "-c",
            "printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$2\"; chmod 755 \"$2\"",
            "sh",
        ];
        let mut write = std::process::Command::new("sh");
        assert!(
            write
                .args(words)
                .arg(script)
                .arg(path)
                .status()
                .unwrap()
                .success()
        );
    }
    let entries = [
        entry("gcr.io", "entry"),
        entry("quay.io", "entry"),
        entry("docker.io", "entry"),
    ];
    let text = format!(
        r#"{{"credHelpers": {{"gcr.io": "own", "ghcr.io": "nothing"}}, "credsStore": "store",
            "auths": {{{}, {}}}}}"#,
        entries.join(","),
        entry("ghcr.io", "entry"),
    );
    let file = write(folder.path(), "config.json", &text);
    let mut path = OsString::from(folder.path());
    path.push(":/usr/bin:/bin");
    let login = HostLogin::new([file], Some(path));
    for (image, expected) in [
        ("gcr.io/tool", Some("own")),
        ("quay.io/tool", Some("store")),
        // The store knows nothing of it: the entry may be older, but is all there is.
        ("nginx", Some("entry")),
        // Its own helper knows nothing: whatever else stands there is not for it.
        ("ghcr.io/tool", None),
    ] {
        assert_eq!(user(&login, image).await.as_deref(), expected, "{image}");
    }
}

#[tokio::test]
async fn a_login_that_cannot_be_read_is_never_anonymous() {
    let folder = tempfile::tempdir().unwrap();
    let broken = write(folder.path(), "broken", "{");
    let good = format!(r#"{{"auths": {{{}}}}}"#, entry("quay.io", "ann"));
    let good = write(folder.path(), "good", &good);
    let login = HostLogin::new([broken.clone(), good], None);
    assert_eq!(
        Credentials::of(&login, "quay.io/tool").await.unwrap_err(),
        format!(
            "{}:1:1: this is not a login file as `docker login` writes it",
            broken.display()
        )
    );
}

#[test]
fn the_engine_is_told_what_each_kind_of_login_is() {
    let server = || "quay.io".to_owned();
    let base = DockerCredentials {
        serveraddress: Some(server()),
        ..DockerCredentials::default()
    };
    let secret = || Secret::new("s".to_owned());
    let text = || Some("s".to_owned());
    assert_eq!(
        Login::of("ann", "s").credentials(server()),
        DockerCredentials {
            username: Some("ann".to_owned()),
            password: text(),
            ..base.clone()
        }
    );
    assert_eq!(
        Login::IdentityToken(secret()).credentials(server()),
        DockerCredentials {
            identitytoken: text(),
            ..base.clone()
        }
    );
    assert_eq!(
        Login::RegistryToken(secret()).credentials(server()),
        DockerCredentials {
            registrytoken: text(),
            ..base
        }
    );
    assert_eq!(
        format!("{:?}", Login::of("ann", "hunter2")),
        "Password { user: \"ann\", password: [secret] }"
    );
}
