use super::*;

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = pairs
        .iter()
        .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
    owned.collect()
}

fn merged(
    host: &[(&str, &str)],
    label_set: &[(&str, &str)],
) -> Result<BTreeMap<String, String>, BackendError> {
    let host = map(host);
    Sources {
        host: &host,
        forwarded: &forwarded(&host),
        label_set: &map(label_set),
        identity: BTreeMap::from([(agent_env::ID, "a-1-1".to_owned())]),
    }
    .merge()
}

#[test]
fn e1_forwarded_variables_lose_their_prefix() {
    for prefixed in [
        "KICI_AGENT_ENV_HTTP_PROXY",
        "HEADCOUNT_AGENT_ENV_HTTP_PROXY",
    ] {
        let merged = merged(&[(prefixed, "p")], &[]).unwrap();
        assert_eq!(merged["HTTP_PROXY"], "p");
        assert!(!merged.contains_key(prefixed), "{merged:?}");
    }
    let bare = map(&[("KICI_AGENT_ENV_", "x"), ("HEADCOUNT_AGENT_ENV_", "y")]);
    assert_eq!(forwarded(&bare), map(&[]));
    let both = map(&[("HEADCOUNT_AGENT_ENV_A", "ours"), ("KICI_AGENT_ENV_A", "x")]);
    assert_eq!(forwarded(&both), map(&[("A", "ours")]));
}

#[test]
fn e2_the_label_set_wins_over_what_is_forwarded() {
    let merged = merged(
        &[("KICI_AGENT_ENV_MODE", "forwarded"), ("PATH", "/host")],
        &[("MODE", "label set"), ("PATH", "/set")],
    );
    let merged = merged.unwrap();
    assert_eq!(merged["MODE"], "label set");
    assert_eq!(merged["PATH"], "/set");
}

#[test]
fn e3_only_the_allow_list_of_the_host_reaches_an_agent() {
    let merged = merged(
        &[
            ("DATABASE_URL", "postgres://x"),
            ("AWS_ACCESS_KEY_ID", "k"),
            ("AWS_SECRET_ACCESS_KEY", "s"),
            ("RANDOM_VAR", "r"),
            ("PATH", "/bin"),
            ("HOME", "/root"),
            ("LANG", "C"),
        ],
        &[],
    );
    let expected = map(&[
        ("PATH", "/bin"),
        ("HOME", "/root"),
        ("LANG", "C"),
        (agent_env::ID, "a-1-1"),
    ]);
    assert_eq!(merged.unwrap(), expected);
}

#[test]
fn identity_cannot_be_replaced() {
    let forged = [
        ("HEADCOUNT_AGENT_ENV_HEADCOUNT_AGENT_ID", "forged"),
        ("HEADCOUNT_AGENT_ENV_HEADCOUNT_AGENT_TOKEN_FILE", "forged"),
    ];
    let label_set = [
        (agent_env::ID, "forged"),
        (agent_env::INSTANCE_MARK, "forged"),
        (agent_env::ORIGIN, "forged"),
    ];
    let merged = merged(&forged, &label_set).unwrap();
    assert_eq!(merged, map(&[(agent_env::ID, "a-1-1")]));
}

#[test]
fn e5_the_url_comes_from_the_configuration_then_the_environment_then_the_listener() {
    let own = "ws://127.0.0.1:4000/ws";
    let host = map(&[("KICI_ORCHESTRATOR_URL", "ws://env/ws")]);
    assert_eq!(
        call_back_url(Some("ws://config/ws"), &host, own),
        "ws://config/ws"
    );
    assert_eq!(call_back_url(None, &host, own), "ws://env/ws");
    assert_eq!(call_back_url(None, &map(&[]), own), own);
    let both = map(&[
        ("KICI_ORCHESTRATOR_URL", "ws://old/ws"),
        ("HEADCOUNT_ORCHESTRATOR_URL", "ws://new/ws"),
    ]);
    assert_eq!(call_back_url(None, &both, own), "ws://new/ws");
}

#[test]
fn names_and_values_no_process_can_be_given_are_refused() {
    let text = |label_set: &[(&str, &str)]| merged(&[], label_set).unwrap_err().to_string();
    assert_eq!(
        text(&[("A=B", "x")]),
        "`A=B` cannot be the name of an environment variable; rename it in the label set's `env`"
    );
    assert_eq!(
        text(&[("A", "x\0y")]),
        "the value of environment variable `A` contains a NUL byte; remove it"
    );
}
