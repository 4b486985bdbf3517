//! Commands that need no daemon.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that panics has failed, and the place is told"
)]

mod support;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use support::{Daemon, on, program, run};

const GOOD: &str = "\
version: 1
scalers:
  - name: local
    type: bare-metal
    maxAgents: 4
    labelSets:
      - labels: [linux]
";

fn file(dir: &Path, text: &str) -> PathBuf {
    let path = dir.join("scalers.yaml");
    std::fs::write(&path, text).unwrap();
    path
}

#[tokio::test]
async fn a_good_configuration_is_summed_up() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(dir.path(), GOOD);
    let path = path.to_str().unwrap();
    let told = run(&["check", path]).await;
    assert_eq!((told.code, told.err.as_str()), (0, ""));
    let same = run(&["check", "-c", path]).await;
    assert_eq!(told.out, same.out);
    assert_eq!(
        told.out,
        format!(
            "\
{path} is good: 1 scaler with 1 pool, 4 agents at most

local (bare-metal, 4 agents at most)
  local/linux: made on demand
  agents outlive a restart of the daemon, but not of this host: its jobs then end as agent_lost
  limits of CPU and memory are counted but not enforced; `enforceCgroups: true` enforces them
"
        )
    );
    let told = run(&["check", "-c", path, "--json"]).await;
    let report: Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!(report, json!({"valid": true, "problems": []}));
}

/// A manifest as users of KEDA have it: taken, summed up, and every line that does nothing
/// is told.
#[tokio::test]
async fn a_scaled_job_is_a_configuration() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/scaledjob.yaml");
    let told = run(&["check", "-c", path]).await;
    assert_eq!(told.code, 0, "{told:?}");
    let summary = "\
raibid-ci-agent (kubernetes:raibid-ci, 10 agents at most)
  raibid-ci-agent/raibid-ci-agent: as many as 1 trigger asks for
  agents outlive a restart of the daemon and of this host: the cluster runs them
  workers find their work themselves: no job is ever given to them
";
    assert!(told.out.ends_with(summary), "{told:?}");
    assert!(told.err.ends_with("\n4 warnings\n"), "{told:?}");
}

/// A file as users of GitLab Runner have it: taken, summed up, and every line that means
/// something else is told; its native form holds no secret and comes to the same.
#[tokio::test]
async fn a_config_toml_is_a_configuration() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../examples/gitlab/complete.toml"
    );
    let told = run(&["check", "-c", path]).await;
    assert_eq!(told.code, 0, "{told:?}");
    assert!(
        told.out
            .contains("is good: 1 scaler with 1 pool, 10 agents at most"),
        "{told:?}"
    );
    assert!(
        told.out
            .contains("autoscale-runner (docker-machine, 10 agents at most)"),
        "{told:?}"
    );
    assert!(
        told.err.ends_with("\n1 warning, 5 differences\n"),
        "{told:?}"
    );
    assert!(
        told.err.contains("complete.toml:12:17\n"),
        "each with its line: {told:?}"
    );
    let native = run(&["check", "--effective", "-c", path]).await;
    for shown in [&native.out, &native.err, &told.out] {
        assert!(!shown.contains("DO_ACCESS_TOKEN"), "{shown}");
        assert!(!shown.contains("AMAZON_S3_SECRET_KEY"), "{shown}");
    }
    let dir = tempfile::tempdir().unwrap();
    let again = file(dir.path(), &native.out);
    let again = run(&["check", "--effective", "-c", again.to_str().unwrap()]).await;
    assert_eq!((again.err.as_str(), again.out), ("", native.out));
    let periods = run(&["periods", "-c", path, "--json"]).await;
    let turns: Value = serde_json::from_str(&periods.out).unwrap();
    assert!(
        turns.as_array().unwrap().iter().any(|turn| {
            turn["inForce"] == "schedules[0]" && turn["applies"] == "10 ready, idle time 1h"
        }),
        "{turns}"
    );
}

#[tokio::test]
async fn the_effective_configuration_is_one_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(dir.path(), GOOD);
    let told = run(&["check", "--effective", "-c", path.to_str().unwrap()]).await;
    assert!(told.out.contains("globalMaxAgents: 50"), "{told:?}");
    let again = dir.path().join("again.yaml");
    std::fs::write(&again, &told.out).unwrap();
    let same = run(&["check", "--effective", "-c", again.to_str().unwrap()]).await;
    assert_eq!((same.out, same.code), (told.out, 0));
}

#[tokio::test]
async fn a_bad_configuration_is_shown_where_it_is_bad() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(dir.path(), &GOOD.replace("maxAgents", "maxAgent"));
    let path = path.to_str().unwrap();
    let told = run(&["check", "-c", path]).await;
    assert_eq!((told.code, told.out.as_str()), (2, ""));
    assert!(told.err.contains(&format!("{path}:5:5")), "{told:?}");
    assert!(told.err.contains("help: write `maxAgents`"), "{told:?}");
    let told = run(&["check", "-c", path, "--json"]).await;
    let report: Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!((told.code, &report["valid"]), (2, &json!(false)));
    let list = report["problems"].as_array().unwrap();
    let place = json!({"line": 5, "column": 5});
    assert!(list.iter().any(|p| p["position"] == place), "{report}");
}

#[tokio::test]
async fn a_configuration_must_be_named() {
    let told = run(&["check"]).await;
    assert_eq!(told.code, 2);
    assert_eq!(
        told.err,
        "error: no configuration is named\n\
         hint: write -c scalers.yaml, or set HEADCOUNT_SCALER_CONFIG_PATH\n"
    );
}

#[tokio::test]
async fn plan_sends_texts_and_shows_what_would_change() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(dir.path(), GOOD);
    let drop_ins = dir.path().join("scalers.d");
    std::fs::create_dir(&drop_ins).unwrap();
    let further = "scalers:\n  - name: more\n    type: bare-metal\n    maxAgents: 1\n    \
                   labelSets:\n      - labels: [big]\n";
    let drop_in = drop_ins.join("more.yaml");
    std::fs::write(&drop_in, further).unwrap();
    let sent = json!({
        "config": {"name": path, "text": GOOD},
        "dropIns": [{"name": drop_in, "text": further}]
    });
    let preview = json!({"changes": [{"pool": "local/linux", "change": "added"}], "actions": []});
    let daemon = Daemon::plays([on("POST /plan").with(sent).json(preview)]).await;
    let (path, drop_ins) = (path.to_str().unwrap(), drop_ins.to_str().unwrap());
    let told = daemon
        .asked(&["plan", "-c", path, "--config-dir", drop_ins])
        .await;
    daemon.finished();
    assert_eq!(
        (told.out.as_str(), told.code),
        ("+ pool local/linux\n\nnothing would be done at once\n", 0),
        "{told:?}"
    );
}

#[tokio::test]
async fn plan_asks_nobody_about_a_bad_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(dir.path(), "version: 2\n");
    let daemon = Daemon::plays([]).await;
    let told = daemon.asked(&["plan", "-c", path.to_str().unwrap()]).await;
    daemon.finished();
    assert_eq!(told.code, 2, "{told:?}");
}

#[tokio::test]
async fn an_agent_without_a_daemon_says_what_is_missing() {
    let told = run(&["agent"]).await;
    assert_eq!(told.code, 2);
    assert!(
        told.err.contains("HEADCOUNT_AGENT_URL is not set"),
        "{told:?}"
    );
}

#[tokio::test]
async fn output_is_pumped_into_files() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    let input = std::fs::File::open(file(dir.path(), "some output\n")).unwrap();
    let output = program(&["pump", path, "65536"])
        .stdin(input)
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let files = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let pumped = files.filter(|path| !path.ends_with("scalers.yaml"));
    let texts: Vec<String> = pumped
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    assert_eq!(texts, ["some output\n"]);
}

#[tokio::test]
async fn help_and_version_are_no_failures() {
    let told = run(&["--version"]).await;
    assert_eq!(
        told.out,
        concat!("headcount ", env!("CARGO_PKG_VERSION"), "\n")
    );
    let told = run(&["--help"]).await;
    assert_eq!(told.code, 0);
    assert!(
        told.out.contains("127  it expired in the queue"),
        "{told:?}"
    );
    let told = run(&["sumbit"]).await;
    assert_eq!((told.code, told.out.as_str()), (2, ""));
    assert!(
        told.err.contains("a similar subcommand exists: 'submit'"),
        "{told:?}"
    );
}

#[tokio::test]
async fn schema_and_completions_are_printed() {
    let told = run(&["schema"]).await;
    let schema: Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!(schema["title"], "Headcount scalers.yaml");
    let told = run(&["completions", "bash"]).await;
    assert!(told.out.contains("_headcount()"));
}

fn example(name: &str) -> String {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/provisioners");
    examples.join(name).display().to_string()
}

#[tokio::test]
async fn a_provisioner_is_tried_case_by_case() {
    let dir = tempfile::tempdir().unwrap();
    let (program, config) = (example("forty-lines.sh"), dir.path().display().to_string());
    let arguments = ["provisioner", "test", &program, "--config", &config];
    let one = ["--only", "create makes a machine"];
    let told = run(&[&arguments[..], &one].concat()).await;
    assert_eq!((told.code, told.err.as_str()), (0, ""), "{}", told.out);
    let kept = "\nok      create makes a machine and answers with it (its id was `headcount-kit";
    assert!(told.out.contains(kept), "{}", told.out);
    assert!(
        told.out
            .ends_with("\n22 promises: 2 kept, 0 broken, 20 not tried\n"),
        "{}",
        told.out
    );
    let told = run(&[&arguments[..], &one, &["--json"]].concat()).await;
    let report: Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!((told.code, &report["passed"]), (0, &json!(true)));
}

#[tokio::test]
async fn a_provisioner_that_breaks_its_contract_ends_with_code_1() {
    let told = run(&["provisioner", "test", "/bin/true"]).await;
    assert_eq!((told.code, told.err.as_str()), (1, ""));
    let broken = "\
failed  the list of an owner without machines is complete and empty
        the answer to `list` is empty; write one JSON document on standard output
        hint: answer `list` with {\"contract\": \"headcount/v1\", \"complete\": true, \"machines\": []}
";
    assert!(told.out.contains(broken), "{}", told.out);
    let told = run(&["provisioner", "test", "/bin/true", "--options", "[]"]).await;
    assert_eq!(told.code, 2);
    assert_eq!(
        told.err,
        "error: --options is no JSON object\nhint: write for example --options '{\"image\": \"debian\"}'\n"
    );
}
