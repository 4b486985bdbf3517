//! What the listener may show: a key of its own, or files of somebody else.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use headcount_gateway::{AgentCertificate, CertificateSource};

use crate::authority::{Authority, NOW, files};

fn problem(source: &CertificateSource, host: Option<&str>) -> String {
    let refused = AgentCertificate::load(source, host).unwrap_err();
    refused.to_string()
}

#[test]
fn the_daemons_own_key_is_made_once_and_nobody_elses_to_read() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("agents.key");
    let source = CertificateSource::Own(file.clone());
    let first = AgentCertificate::load(&source, Some("ci.example.com")).unwrap();
    let mode = |file| fs::metadata(file).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&file), 0o600);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let again = AgentCertificate::load(&source, Some("192.0.2.7")).unwrap();
    assert_eq!(again.pins(), first.pins());
    assert_eq!(mode(&file), 0o600);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    fs::remove_file(&file).unwrap();
    let other = AgentCertificate::load(&source, None).unwrap();
    assert_ne!(other.pins(), first.pins());
}

#[test]
fn a_key_file_that_is_none_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("agents.key");
    fs::write(&file, "hello").unwrap();
    let told = problem(&CertificateSource::Own(file.clone()), None);
    let start = format!("`{}` holds no key of this program's (", file.display());
    assert!(told.starts_with(&start), "{told}");
    assert!(
        told.ends_with(
            "); restore it, or remove it: then a new one is made, and agents that run cannot \
             come back"
        ),
        "{told}"
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "hello");
    let nowhere = CertificateSource::Own("/nowhere/agents.key".into());
    assert_eq!(
        problem(&nowhere, None),
        "`/nowhere/agents.key` cannot be used: No such file or directory (os error 2)"
    );
}

#[test]
fn what_agents_would_refuse_is_refused_first() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let chain = |stem: &str| dir.path().join(format!("{stem}.pem"));
    let host = Some("ci.example.com");
    let past = authority.sign(dir.path(), "past", "ci.example.com", (2000, 2001));
    let future = authority.sign(dir.path(), "future", "ci.example.com", (2800, 2801));
    let other = authority.sign(dir.path(), "other", "other.example.com", NOW);
    for (source, stem, expected) in [
        (
            &past,
            "past",
            "it, or one that signed it, has expired; renew it",
        ),
        (
            &future,
            "future",
            "it, or one that signed it, is not valid yet; is this machine's clock right?",
        ),
        (
            &other,
            "other",
            "it is for other.example.com, and agents are told `ci.example.com`; \
             change --agent-url, or get a certificate for that name",
        ),
    ] {
        assert_eq!(
            problem(source, host),
            format!(
                "agents would refuse the certificate in `{}`: {expected}",
                chain(stem).display()
            )
        );
    }
    assert!(AgentCertificate::load(&other, None).is_ok());
    let stranger = dir.path().join("stranger.pem");
    fs::write(&stranger, Authority::new().pem()).unwrap();
    let of_stranger = files(chain("other"), dir.path().join("other.key"), Some(stranger));
    assert_eq!(
        problem(&of_stranger, None),
        format!(
            "agents would refuse the certificate in `{}`: none of the authorities signed it; put \
             those that signed it behind it, and the authority's own into --agent-ca",
            chain("other").display()
        )
    );
}

#[test]
fn files_that_do_not_fit_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    authority.sign(dir.path(), "one", "a", NOW);
    authority.sign(dir.path(), "two", "a", NOW);
    let path = |name: &str| dir.path().join(name);
    let (one, two) = (path("one.pem"), path("two.key"));
    let show = |path: &PathBuf| path.display().to_string();
    assert_eq!(
        problem(&files(one.clone(), two.clone(), None), None),
        format!(
            "the key in `{}` is not the one of the certificate in `{}`; name the two that were \
             made together",
            show(&two),
            show(&one)
        )
    );
    assert_eq!(
        problem(&files(path("no"), two.clone(), None), None),
        format!(
            "`{}` cannot be used: No such file or directory (os error 2)",
            show(&path("no"))
        )
    );
    assert_eq!(
        problem(&files(two.clone(), two.clone(), None), None),
        format!(
            "`{}` holds no certificate in PEM form (`-----BEGIN CERTIFICATE-----`)",
            show(&two)
        )
    );
    assert_eq!(
        problem(&files(one.clone(), one.clone(), None), None),
        format!(
            "`{}` holds no private key in PEM form that is not encrypted (`-----BEGIN PRIVATE \
             KEY-----`)",
            show(&one)
        )
    );
}

/// Renewed certificates have other keys; whoever signed them stays.
#[test]
fn agents_are_told_who_signs() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let load = |source: &CertificateSource| AgentCertificate::load(source, Some("a")).unwrap();
    let first = load(&authority.sign(dir.path(), "first", "a", NOW));
    let second = load(&authority.sign(dir.path(), "second", "a", NOW));
    assert_eq!(first.pins(), second.pins());
    let (chain, key) = (dir.path().join("alone.pem"), dir.path().join("first.key"));
    let text = fs::read_to_string(dir.path().join("first.pem")).unwrap();
    let (end, ca) = ("-----END CERTIFICATE-----\n", dir.path().join("ca.pem"));
    fs::write(&chain, text.split_inclusive(end).next().unwrap()).unwrap();
    fs::write(&ca, authority.pem()).unwrap();
    let alone = load(&files(chain.clone(), key.clone(), None));
    assert_ne!(alone.pins(), first.pins(), "then it is its own key");
    let with_authority = load(&files(chain, key, Some(ca)));
    assert_eq!(with_authority.pins(), first.pins());
}
