use super::*;

fn file(text: &str) -> Result<ConfigFile, LoginError> {
    ConfigFile::parse(Path::new("/root/.docker/config.json"), text.as_bytes())
}

fn login(text: &str, image: &str) -> Result<Option<Login>, LoginError> {
    file(text).unwrap().login(&Repository::of_image(image))
}

fn known(text: &str, image: &str) -> Option<(String, String)> {
    match login(text, image).unwrap()? {
        Login::Password { user, password } => Some((user, password.expose().to_owned())),
        Login::IdentityToken(token) => Some(("identity".into(), token.expose().to_owned())),
        Login::RegistryToken(token) => Some(("registry".into(), token.expose().to_owned())),
    }
}

fn pair(user: &str, secret: &str) -> Option<(String, String)> {
    Some((user.to_owned(), secret.to_owned()))
}

#[test]
fn every_kind_of_entry_is_read() {
    for (entry, expected) in [
        // ann:secret
        (r#"{"auth": "YW5uOnNlY3JldA=="}"#, pair("ann", "secret")),
        (r#"{"auth": "YW5uOnNlY3JldA"}"#, pair("ann", "secret")),
        // ann:se:cr:et
        (r#"{"auth": "YW5uOnNlOmNyOmV0"}"#, pair("ann", "se:cr:et")),
        // ann:secret, padded with two zero bytes
        (r#"{"auth": "YW5uOnNlY3JldAAA"}"#, pair("ann", "secret")),
        // <token>:abc
        (r#"{"auth": "PHRva2VuPjphYmM="}"#, pair("identity", "abc")),
        (
            r#"{"username": "ann", "password": "secret"}"#,
            pair("ann", "secret"),
        ),
        // 00000000-...: as Azure writes it
        (
            r#"{"auth": "MDAwMDAwMDA6", "identitytoken": "t0"}"#,
            pair("identity", "t0"),
        ),
        (r#"{"registrytoken": "t1"}"#, pair("registry", "t1")),
        (r#"{"auth": "", "email": "ann@example.com"}"#, None),
        (r#"{"username": "ann"}"#, None),
        ("{}", None),
    ] {
        let text = format!(r#"{{"auths": {{"registry:5000": {entry}}}}}"#);
        assert_eq!(known(&text, "registry:5000/tool"), expected, "{entry}");
        assert_eq!(known(&text, "registry/tool"), None, "{entry}");
    }
}

#[test]
fn the_narrowest_entry_that_holds_anything_wins() {
    let text = r#"{"auths": {
        "quay.io": {"username": "all", "password": "1"},
        "quay.io/team": {"username": "team", "password": "2"},
        "quay.io/team/tool": {"username": "tool", "password": "3"},
        "quay.io/team/empty": {}
    }}"#;
    for (image, user) in [
        ("quay.io/team/tool:1", "tool"),
        ("quay.io/team/tool/part", "tool"),
        ("quay.io/team/toolbox", "team"),
        ("quay.io/team/empty", "team"),
        ("quay.io/teams/tool", "all"),
    ] {
        assert_eq!(known(text, image).unwrap().0, user, "{image}");
    }
    assert_eq!(known(text, "tool"), None);
}

#[test]
fn docker_hub_is_found_under_all_its_names() {
    for key in [
        "https://index.docker.io/v1/",
        "docker.io",
        "index.docker.io",
    ] {
        let text = format!(r#"{{"auths": {{"{key}": {{"username": "a", "password": "b"}}}}}}"#);
        for image in ["nginx", "docker.io/library/nginx:1", "team/tool"] {
            assert_eq!(known(&text, image), pair("a", "b"), "{key} {image}");
        }
    }
}

#[test]
fn a_bad_entry_is_an_error_that_holds_no_secret() {
    // "annsecret" without a colon, an empty user, no base64, no text.
    for encoded in ["YW5uc2VjcmV0", "OnNlY3JldA==", "hunter2!", "/////w=="] {
        let text = format!(r#"{{"auths": {{"https://quay.io": {{"auth": "{encoded}"}}}}}}"#);
        assert_eq!(
            login(&text, "quay.io/tool").unwrap_err().to_string(),
            "/root/.docker/config.json: the entry `https://quay.io` does not hold a user and a \
             password in base64; log in to it again"
        );
        assert_eq!(login(&text, "nginx"), Ok(None), "{encoded}");
    }
}

#[test]
fn a_file_of_another_shape_is_an_error_that_repeats_nothing_of_it() {
    for (text, place) in [
        ("{\n  \"auths\": hunter2", "2:12"),
        ("{\"auths\": \"hunter2\"}", "1:19"),
        ("[\"hunter2\"]", "1:1"),
        ("hunter2", "1:1"),
    ] {
        assert_eq!(
            file(text).err().unwrap().to_string(),
            format!(
                "/root/.docker/config.json:{place}: this is not a login file as `docker login` \
                 writes it"
            )
        );
    }
}

#[test]
fn keys_that_are_not_about_logins_are_left_alone() {
    let text = r#"{"psFormat": "table", "HttpHeaders": {"a": "b"}, "auths": null}"#;
    assert_eq!(login(text, "nginx"), Ok(None));
    for empty in ["", " \n"] {
        assert_eq!(login(empty, "nginx"), Ok(None));
    }
}

#[test]
fn helpers_are_named_for_one_registry_or_for_all() {
    let text = r#"{
        "credHelpers": {"https://index.docker.io/v1/": "hub", "gcr.io": "gcloud", "quay.io": ""},
        "credsStore": "pass"
    }"#;
    let file = file(text).unwrap();
    let own = |image| {
        file.own_helper(&Repository::of_image(image))
            .map(str::to_owned)
    };
    assert_eq!(own("nginx").as_deref(), Some("hub"));
    assert_eq!(own("gcr.io/team/tool").as_deref(), Some("gcloud"));
    assert_eq!(own("quay.io/tool"), None);
    assert_eq!(file.store(), Some("pass"));
}

#[tokio::test]
async fn files_that_are_absent_too_long_or_unreadable_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let read = async |path: &Path| ConfigFile::read(path).await.map(|file| file.is_some());
    let path = folder.path().join("config.json");
    assert_eq!(read(&path).await, Ok(false));
    assert_eq!(read(&path.join("below")).await, Ok(false));
    std::fs::write(&path, "{}").unwrap();
    assert_eq!(read(&path).await, Ok(true));
    assert_eq!(read(&path.join("below")).await, Ok(false));
    std::fs::write(&path, " ".repeat((1 << 20) + 1)).unwrap();
    assert_eq!(
        read(&path).await.unwrap_err().to_string(),
        format!(
            "{} is longer than 1048576 bytes, which no login file is",
            path.display()
        )
    );
    assert_eq!(
        read(folder.path()).await.unwrap_err().to_string(),
        format!(
            "{} cannot be read: Is a directory (os error 21)",
            folder.path().display()
        )
    );
}
