use std::path::PathBuf;
use std::process::Command as StdCommand;

use tempfile::TempDir;

use super::*;

/// A folder of helpers, each a shell script.
struct Shelf(TempDir);

impl Shelf {
    fn with(name: &str, script: &str) -> Self {
        let shelf = Self(tempfile::tempdir().unwrap());
        let path = shelf.0.path().join(format!("docker-credential-{name}"));
        // Written by another process: a file that is open for writing anywhere in this one,
        // a starting child included, cannot be run.
        let words = [
            "-c",
            "printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$2\"; chmod 755 \"$2\"",
            "sh",
        ];
        let mut write = StdCommand::new("sh");
        let status = write.args(words).arg(script).arg(&path).status().unwrap();
        assert!(status.success());
        shelf
    }

    fn path(&self) -> OsString {
        let mut path = OsString::from(self.0.path());
        path.push(":/usr/bin:/bin");
        path
    }

    async fn ask(&self, name: &str) -> Result<Option<Login>, LoginError> {
        let helpers = Helpers::new(Some(self.path()));
        helpers.ask(name, "quay.io", &config()).await
    }
}

fn config() -> PathBuf {
    PathBuf::from("/root/.docker/config.json")
}

async fn error(script: &str) -> String {
    let asked = Shelf::with("test", script).ask("test").await;
    asked.unwrap_err().to_string()
}

#[tokio::test]
async fn a_helper_is_asked_on_its_input() {
    let script = r#"read server
        printf '{"ServerURL": "%s", "Username": "%s for %s", "Secret": "s"}' "$server" "$1" "$server""#;
    let login = Shelf::with("test", script).ask("test").await.unwrap();
    assert_eq!(login, Some(Login::of("get for quay.io", "s")));
}

#[tokio::test]
async fn a_token_is_told_from_a_password() {
    let script = r#"echo '{"Username": "<token>", "Secret": "abc"}'"#;
    let login = Shelf::with("test", script).ask("test").await.unwrap();
    assert!(matches!(login, Some(Login::IdentityToken(token)) if token.expose() == "abc"));
}

#[tokio::test]
async fn knowing_nothing_is_no_error() {
    let script = "echo 'credentials not found in native keychain'; exit 1";
    assert_eq!(Shelf::with("test", script).ask("test").await, Ok(None));
}

#[tokio::test]
async fn any_other_failure_is_one() {
    let begin = "the credential helper `docker-credential-test` gave nothing for `quay.io`: ";
    for (script, said) in [
        ("echo 'the store is locked'; exit 1", "the store is locked"),
        (
            "echo >&2; echo '  not signed in' >&2; exit 2",
            "not signed in",
        ),
        ("exit 3", "exit status: 3"),
        ("yes", "it said more than 65536 bytes"),
    ] {
        assert_eq!(error(script).await, format!("{begin}{said}"));
    }
}

#[tokio::test]
async fn an_answer_of_another_shape_is_not_repeated() {
    for script in [
        "echo hunter2",
        "true",
        r#"echo '{"Username": "", "Secret": "hunter2"}'"#,
    ] {
        assert_eq!(
            error(script).await,
            "the credential helper `docker-credential-test` did not answer for `quay.io` with a \
             user and a secret in JSON"
        );
    }
}

#[tokio::test]
async fn a_helper_that_is_not_there_is_an_error() {
    let asked = Shelf::with("test", "true").ask("desktop").await;
    assert_eq!(
        asked.unwrap_err().to_string(),
        "the credential helper `docker-credential-desktop`, named in /root/.docker/config.json, \
         cannot be run (it is not there): install it where PATH leads, or remove it from the file"
    );
}

#[tokio::test]
async fn a_name_leads_nowhere_else() {
    for name in ["../sh", "a/b", "a b", "a\0b"] {
        let error = Shelf::with("test", "true").ask(name).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "/root/.docker/config.json: `{name}` cannot be the name of a credential helper"
            )
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_helper_that_does_not_answer_is_given_up() {
    assert_eq!(
        error("exec sleep 1000").await,
        "the credential helper `docker-credential-test` did not answer for `quay.io` within 30 \
         seconds"
    );
}
