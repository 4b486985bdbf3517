//! Agents of other machines: pods that are given jobs over TLS, and what is told to whoever
//! cannot be reached.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use headcount_api::JobState;

use crate::harness::{House, Pods, pool_of, script, until};

/// Agents in pods; `more` are lines of the scaler.
fn pods_of(kubeconfig: &Path, more: &str) -> String {
    format!(
        "version: 1\n\
         scalers:\n\
         \x20 - name: pods\n\
         \x20   type: kubernetes\n\
         \x20   maxAgents: 2\n\
         \x20   kubeconfig: {}\n\
         {more}\
         \x20   labelSets:\n\
         \x20     - labels: [linux]\n\
         \x20       agent: image\n\
         \x20       jobTargetRef:\n\
         \x20         template: {{spec: {{containers: [{{name: agent, image: 'ci/agent:1'}}]}}}}\n",
        kubeconfig.display()
    )
}

/// An address of this host that nobody else uses, for a daemon that is to be found at the
/// same one twice.
fn address() -> String {
    let pid = std::process::id();
    let [_, _, high, low] = pid.to_be_bytes();
    let free = TcpListener::bind((format!("127.9.{high}.{}", low.max(1)), 0)).unwrap();
    free.local_addr().unwrap().to_string()
}

#[test]
fn jobs_run_in_pods_over_tls() {
    let pods = Pods::new();
    let mut house = House::new("").with(&["--agent-listen", "127.0.0.1:0"]);
    house.write_config(&pods_of(&pods.kubeconfig(house.home()), ""));
    house.start();
    let api = house.api();
    let id = api.submit(&script(
        "echo over TLS; env | grep -c '^HEADCOUNT_AGENT' || true",
    ));
    let pod = pods.start_next(house.home());
    assert!(pod.variables["HEADCOUNT_AGENT_URL"].starts_with("wss://127.0.0.1:"));
    assert!(pod.variables["HEADCOUNT_AGENT_PIN"].starts_with("sha256:"));
    assert_eq!(api.end_of(&id).state, JobState::Succeeded);
    assert_eq!(api.log(&id), "over TLS\n0\n");
    assert_eq!(pods.end(pod), 0);
    house.close();
}

#[test]
fn a_pod_finds_the_daemon_again_that_was_killed() {
    let pods = Pods::new();
    let mut house = House::new("").with(&["--agent-listen", &address()]);
    house.write_config(&pods_of(&pods.kubeconfig(house.home()), ""));
    house.start();
    let go = house.path("go");
    let job = format!(
        "while ! test -e {}; do sleep 0.05; done; echo done",
        go.display()
    );
    let id = house.api().submit(&script(&job));
    let pod = pods.start_next(house.home());
    let api = house.api();
    api.when("the job runs", || {
        (api.job(&id).state == JobState::Running).then_some(())
    });
    house.kill_daemon();
    house.start();
    fs::write(go, "").unwrap();
    let api = house.api();
    let job = api.end_of(&id);
    assert_eq!((job.state, job.attempts), (JobState::Succeeded, 1));
    assert_eq!(api.log(&id), "done\n");
    assert_eq!(pods.end(pod), 0);
    house.close();
}

#[test]
fn pods_that_could_not_find_the_daemon_are_not_made() {
    let pods = Pods::new();
    for (arguments, more, told) in [
        (
            &[][..],
            "",
            "scaler `pods`: agents of other machines cannot find this daemon; start it with \
             --agent-listen ADDRESS, or write `orchestratorUrl` at the scaler",
        ),
        (
            &["--agent-listen", "0.0.0.0:0"],
            "",
            "scaler `pods`: agents of other machines cannot find this daemon, which awaits them on \
             every address (0.0.0.0:0); say with --agent-url which one they reach, or write \
             `orchestratorUrl` at the scaler",
        ),
        (
            &["--agent-listen", "0.0.0.0:0"],
            "    orchestratorUrl: ws://ci.example.com:7118\n",
            "scaler `pods`: `ws://ci.example.com:7118` is no address for agents of other machines: \
             without TLS anybody on the network could read their tokens; write `wss://` and start \
             the daemon with --agent-listen",
        ),
    ] {
        let house = House::new("").with(arguments);
        house.write_config(&pods_of(&pods.kubeconfig(house.home()), more));
        let refused = house.refused();
        assert_eq!(refused.code, 2, "{refused:?}");
        assert_eq!(
            refused.err.lines().last(),
            Some(&*format!("  - {told}")),
            "{refused:?}"
        );
        house.close_unused();
    }
    assert_eq!(pods.cluster.all("jobs").len(), 0);
}

#[test]
fn arguments_that_do_not_fit_are_told() {
    let house = House::new(&pool_of(1)).with(&["--agent-url", "ws://ci.example.com:7118"]);
    let refused = house.refused();
    assert_eq!(refused.code, 2, "{refused:?}");
    let told = "`ws://ci.example.com:7118` is no address for agents of other machines";
    assert!(refused.err.contains(told), "{refused:?}");
    house.close_unused();

    let house = House::new(&pool_of(1));
    let file = house.path("cert.pem");
    let file = file.to_str().unwrap();
    let arguments = ["--agent-listen", "127.0.0.1:0", "--agent-cert", file];
    let house = house.with(&arguments);
    let refused = house.refused();
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("--agent-key <FILE>"), "{refused:?}");
    let house = house.with(&["--agent-key", file]);
    let refused = house.refused();
    assert_eq!(refused.code, 2, "{refused:?}");
    assert_eq!(
        refused.err,
        format!("error: `{file}` cannot be used: No such file or directory (os error 2)\n")
    );
    house.close_unused();
}

#[test]
fn a_reload_keeps_what_is_good() {
    let mut house = House::new(&pool_of(1)).with(&["--agent-listen", "127.0.0.1:0"]);
    house.start();
    let key = house.state().join("agents.key");
    let good = fs::read_to_string(&key).unwrap();
    house.run(&["reload"]).good();
    fs::write(&key, "no key").unwrap();
    let refused = house.run(&["reload"]);
    assert_ne!(refused.code, 0, "{refused:?}");
    let told = format!("`{}` holds no key of this program's", key.display());
    assert!(refused.err.contains(&told), "{refused:?}");
    fs::write(&key, good).unwrap();
    house.run(&["reload"]).good();
    fs::remove_file(&key).unwrap();
    house.run(&["reload"]).good();
    let warning = "the key that agents trust is another now";
    until("it is told", || {
        house.daemon().said().contains(warning).then_some(())
    });
    house.close();
}
