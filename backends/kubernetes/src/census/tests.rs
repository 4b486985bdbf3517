use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};

use super::*;

fn agent(number: u32) -> AgentId {
    AgentId { epoch: 1, number }
}

/// A Job that ended so many seconds after the epoch, if it did.
fn job(number: u32, condition: Option<(&str, i64)>) -> JobFacts {
    let conditions: Vec<Value> = condition
        .map(|(name, at)| {
            let at = Timestamp::from_second(at).unwrap().to_string();
            json!({"type": name, "status": "True", "lastTransitionTime": at})
        })
        .into_iter()
        .collect();
    let job = json!({
        "metadata": {
            "name": format!("j{number}"), "uid": format!("u{number}"),
            "creationTimestamp": Timestamp::from_second(number.into()).unwrap().to_string(),
            "annotations": {"headcount.keep-successful": "1", "headcount.keep-failed": "2"},
        },
        "spec": {"template": {}}, "status": {"conditions": conditions},
    });
    let job: Job = serde_json::from_value(job).unwrap();
    JobFacts::of(&job, "p".into())
}

fn pod(phase: &str) -> PodFacts {
    let pod = json!({"metadata": {"name": "p", "uid": phase}, "status": {"phase": phase}});
    let pod: Pod = serde_json::from_value(pod).unwrap();
    PodFacts::of(&pod)
}

fn known() -> Census {
    let mut census = Census::default();
    assert_eq!(census.jobs(Vec::new()), []);
    assert_eq!(census.pods(Vec::new()), []);
    census
}

#[test]
fn each_step_is_told_once() {
    let mut census = known();
    assert_eq!(census.job(agent(1), job(1, None)), []);
    let refused = census.pod_refused("u1", "quota".to_owned());
    let waits = |why: Option<&str>| Turn::Waits(agent(1), why.map(str::to_owned));
    assert_eq!(refused, [waits(Some("quota"))]);
    assert_eq!(census.job(agent(1), job(1, None)), []);
    assert_eq!(census.pod(agent(1), pod("Pending")), [waits(None)]);
    assert_eq!(
        census.pod(agent(1), pod("Running")),
        [Turn::Running(agent(1))]
    );
    assert_eq!(census.pod(agent(1), pod("Running")), []);
    assert_eq!(census.pod_gone(agent(1), "Pending"), []);
    assert_eq!(
        census.job(agent(1), job(1, Some(("Complete", 9)))),
        [],
        "it still runs"
    );
    let over = census.pod_gone(agent(1), "Running");
    assert!(
        matches!(over[..], [Turn::Over(_, end)] if end.exit == Exit::Code(0)),
        "{over:?}"
    );
    let first = census.conclude(agent(1));
    assert_eq!((first.tell_running, first.tell_over), (false, true));
    assert!(!census.conclude(agent(1)).tell_over);
    assert_eq!(census.job_gone(agent(1), "u1"), [], "history is no news");
    assert!(census.agents.is_empty());
}

#[test]
fn what_is_not_known_completely_is_not_absent() {
    let mut census = Census::default();
    assert_eq!(census.jobs(vec![(agent(1), job(1, None))]), []);
    assert_eq!(
        census.job_gone(agent(1), "u1"),
        [],
        "its pods are not known"
    );
    assert_eq!(census.pods(Vec::new()), [Turn::Vanished(agent(1))]);
    let mut census = known();
    census.job(agent(1), job(1, None));
    census.pods_unknown();
    assert_eq!(census.job_gone(agent(1), "u1"), []);
    census.jobs_unknown();
    assert_eq!(census.pods(Vec::new()), []);
    assert_eq!(census.jobs(Vec::new()), [Turn::Vanished(agent(1))]);
}

#[test]
fn what_was_missed_shows_in_the_next_whole() {
    let mut census = known();
    census.job(agent(1), job(1, None));
    census.job(agent(2), job(2, None));
    let turns = census.jobs(vec![(agent(2), job(2, Some(("Failed", 9))))]);
    assert_eq!(turns.len(), 2);
    assert_eq!(turns[0], Turn::Vanished(agent(1)));
    assert!(matches!(turns[1], Turn::Over(it, _) if it == agent(2)));
}

#[test]
fn what_was_created_and_not_yet_seen_has_not_vanished() {
    // The Jobs were listed before it was made, the pods after.
    let mut census = Census::default();
    census.jobs(Vec::new());
    assert_eq!(census.pods(vec![(agent(1), pod("Failed"))]), []);
    let over = census.job(agent(1), job(1, Some(("Failed", 9))));
    assert!(matches!(over[..], [Turn::Over(..)]), "{over:?}");
}

#[test]
fn what_a_list_has_concluded_is_not_told_again_by_watches_that_catch_up() {
    let mut census = Census::default();
    assert!(census.conclude(agent(1)).tell_over);
    census.pods(Vec::new());
    assert_eq!(census.jobs(Vec::new()), []);
    assert_eq!(census.job(agent(1), job(1, Some(("Failed", 9)))), []);
    assert!(!census.conclude(agent(1)).tell_over);
    assert!(census.agents[&agent(1)].told.over, "it counts as history");
}

#[test]
fn another_job_of_the_same_name_is_another() {
    let mut census = known();
    census.job(agent(1), job(1, None));
    assert_eq!(census.job_gone(agent(1), "u0"), []);
    assert_eq!(census.job_gone(agent(1), "u1"), [Turn::Vanished(agent(1))]);
}

#[test]
fn the_end_of_what_is_ended_on_request_is_no_news() {
    let mut census = known();
    census.job(agent(1), job(1, None));
    census.end(agent(1));
    assert_eq!(census.pod(agent(1), pod("Running")), []);
    census.pod_gone(agent(1), "Running");
    assert_eq!(census.job_gone(agent(1), "u1"), []);
    assert!(!census.conclude(agent(1)).tell_over);
    census.untell(agent(1));
    assert!(census.conclude(agent(1)).tell_over);
}

#[test]
fn a_refusal_may_be_told_before_its_job_and_memory_of_them_is_bounded() {
    let mut census = known();
    assert_eq!(census.pod_refused("u1", "quota".to_owned()), []);
    let waits = census.job(agent(1), job(1, None));
    assert_eq!(waits, [Turn::Waits(agent(1), Some("quota".to_owned()))]);
    for number in 0..=REMEMBERED {
        census.pod_refused(&format!("other{number}"), String::new());
    }
    assert!(census.refused.len() <= REMEMBERED);
    assert!(census.refused.contains_key("u1"), "what is of use stays");
}

#[test]
fn the_oldest_finished_jobs_go_first_and_untold_ones_stay() {
    let mut census = known();
    for (number, condition) in [
        (1, ("Complete", 30)),
        (2, ("Complete", 10)),
        (3, ("Complete", 20)),
        (4, ("Failed", 1)),
        (5, ("Failed", 2)),
        (6, ("Failed", 3)),
    ] {
        census.job(agent(number), job(number, Some(condition)));
    }
    assert_eq!(census.beyond_history(), [], "nobody was told yet");
    for number in 1..=6 {
        census.conclude(agent(number));
    }
    let names: Vec<String> = census
        .beyond_history()
        .into_iter()
        .map(|it| it.name)
        .collect();
    assert_eq!(names, ["j2", "j3", "j4"]);
}
