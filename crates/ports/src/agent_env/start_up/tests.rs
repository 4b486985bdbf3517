use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};
use std::sync::Arc;

use headcount_model::{AgentId, AgentKind, Granted, LogPressure, OwnerId, ProcessProgram, Recipe};

use super::*;
use crate::CreateRequest;
use crate::agent_env::{Places, Told};

fn places() -> Places {
    Places {
        token_file: "/var/lib/headcount-agent/token".to_owned(),
        dir: "/var/lib/headcount-agent/work".to_owned(),
    }
}

fn agent(places: Places, given: &[(&str, &str)]) -> RemoteAgent {
    let request = CreateRequest {
        agent: AgentId {
            epoch: 1,
            number: 2,
        },
        owner: OwnerId::new("me"),
        pool: "cloud/linux+x".into(),
        scaler: "cloud".into(),
        kind: AgentKind::Managed,
        labels: "linux,x".into(),
        granted: Granted::default(),
        slots: 1,
        log_pressure: LogPressure::Pause,
        recipe: Arc::new(Recipe::Process {
            program: ProcessProgram::OwnAgent,
            env: [].into(),
            enforce_cgroups: false,
        }),
        token: Some(Secret::new("hunter2".to_owned())),
    };
    let told = Told {
        url: "wss://ci.example.com:7118".to_owned(),
        pins: Some("sha256:aa".to_owned()),
    };
    let given: BTreeMap<String, String> = given
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    RemoteAgent::new(&request, told, places, &given).unwrap()
}

#[test]
fn a_script_becomes_the_agent() {
    let agent = agent(
        places(),
        &[
            ("GREETING", "it's `here`"),
            ("HEADCOUNT_AGENT_ID", "stolen"),
        ],
    );
    let script = script(&agent, "/usr/local/bin/headcount").unwrap();
    assert_eq!(
        script.expose(),
        r#"#!/bin/sh
# Starts an agent of Headcount. This holds its one-time token: show it to nobody.
set -eu
mkdir -p -- "$(dirname -- '/var/lib/headcount-agent/token')" '/var/lib/headcount-agent/work'
(umask 077; printf '%s\n' 'hunter2' > '/var/lib/headcount-agent/token')
export GREETING='it'\''s `here`'
export HEADCOUNT_AGENT_DIR='/var/lib/headcount-agent/work'
export HEADCOUNT_AGENT_ID='a-1-2'
export HEADCOUNT_AGENT_LABELS='linux,x'
export HEADCOUNT_AGENT_LOG_PRESSURE='pause'
export HEADCOUNT_AGENT_PIN='sha256:aa'
export HEADCOUNT_AGENT_SLOTS='1'
export HEADCOUNT_AGENT_TOKEN_FILE='/var/lib/headcount-agent/token'
export HEADCOUNT_AGENT_URL='wss://ci.example.com:7118'
export HEADCOUNT_INSTANCE_MARK='me/cloud/linux+x/a-1-2'
export HEADCOUNT_ORIGIN='me/a-1-2'
exec '/usr/local/bin/headcount' agent
"#
    );
    let shown = format!("{script:?} {agent:?}");
    assert!(
        !shown.contains("hunter2") && !shown.contains("it's"),
        "{shown}"
    );
}

#[test]
fn cloud_init_gets_the_same_script() {
    let agent = agent(places(), &[]);
    let document = cloud_init(&agent, "/opt/headcount").unwrap();
    let content = STANDARD.encode(script(&agent, "/opt/headcount").unwrap().expose());
    assert_eq!(
        document.expose(),
        format!(
            "#cloud-config\n\
             write_files:\n\
             - path: /run/headcount/start-agent\n\
             \x20 owner: root:root\n\
             \x20 permissions: \"0600\"\n\
             \x20 encoding: b64\n\
             \x20 content: {content}\n\
             runcmd:\n\
             - [systemd-run, --unit=headcount-agent, --collect, /bin/sh, \
             /run/headcount/start-agent]\n"
        )
    );
}

/// Whatever a value holds, a real shell hands on as it is, and nobody else reads the token.
#[test]
fn a_shell_hands_on_what_it_is_given() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let places = Places {
        token_file: path("it's\n$(a) token"),
        dir: path("work dir"),
    };
    let odd = "a'b\"c$(touch x)`y`\\ \n\t*;&é\u{7}";
    let agent = agent(places.clone(), &[("ODD", odd), ("EMPTY", "")]);
    let program = dir.path().join("an agent");
    let text = "#!/bin/sh\ntest \"$1\" = agent && cat \"$HEADCOUNT_AGENT_TOKEN_FILE\" && cd \
                \"$HEADCOUNT_AGENT_DIR\" && printf '%s|%s' \"$ODD\" \"${EMPTY-unset}\"\n";
    std::fs::write(&program, text).unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    let script = script(&agent, &program.display().to_string()).unwrap();
    let file = dir.path().join("script");
    std::fs::write(&file, script.expose()).unwrap();
    let Output { status, stdout, .. } = Command::new("/bin/sh").arg(&file).output().unwrap();
    assert!(status.success());
    assert_eq!(
        String::from_utf8(stdout).unwrap(),
        format!("hunter2\n{odd}|")
    );
    let mode = std::fs::metadata(places.token_file)
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn names_that_no_shell_can_set_are_refused() {
    for name in ["A.B", "1A", "A B", "A-B", "é"] {
        let refused = script(&agent(places(), &[(name, "x")]), "headcount").unwrap_err();
        assert_eq!(
            refused.to_string(),
            format!(
                "environment variable `{}` cannot be given to an agent by a start-up script: its \
                 name may have letters, digits and `_` only; rename it, or do not forward it",
                name.escape_default()
            )
        );
    }
}
