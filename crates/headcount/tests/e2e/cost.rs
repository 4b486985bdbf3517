//! What machine time went into and what it cost, told by a real daemon whose agents boot,
//! wait, work and fail.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use headcount_api::{AgentState, Cost, CostRow, CostSum, JobState, TimeCost};

use serde_json::{Value, json};

use crate::harness::{Api, House, until};

/// Millionths for a millisecond of the pool that works, at 3600 an hour.
const WORKING: u64 = 1000;
/// The same of the pool that fails, at 7200 an hour.
const FAILING: u64 = 2000;

/// One agent that is kept ready, and one pool whose agents end before they are ready.
const CONFIG: &str = "version: 1
scalers:
  - name: works
    type: bare-metal
    maxAgents: 1
    policy: {kind: idle, idleCount: 1, idleTime: 10m}
    labelSets:
      - labels: [linux]
        pricePerHour: 3600
  - name: fails
    type: bare-metal
    maxAgents: 1
    retry: {firstDelay: 1s, maxDelay: 5m, openAfter: 1}
    labelSets:
      - labels: [broken]
        binaryPath: /bin/false
        pricePerHour: 7200
";

fn cost(api: &Api, query: &str) -> Cost {
    let answer = api.get(&format!("/cost{query}"));
    assert_eq!(answer.status, 200, "{answer:?}");
    serde_json::from_str(&answer.text).unwrap()
}

fn sum(cost: &Cost, name: &str) -> CostSum {
    let found = cost.rows.iter().find(|row| row.name == name);
    found.map_or_else(CostSum::default, |row| row.sum)
}

fn parts(sum: &CostSum) -> [TimeCost; 5] {
    [sum.useful, sum.idle, sum.booting, sum.draining, sum.failed]
}

/// What holds of any sum at a price.
fn is_whole(name: &str, sum: &CostSum, micros: u64) {
    let parts = parts(sum);
    let time: u64 = parts.iter().map(|part| part.time_ms).sum();
    assert_eq!(time, sum.total.time_ms, "{name}: {sum:?}");
    for part in parts.iter().chain([&sum.total]) {
        assert_eq!(part.unpriced_ms, 0, "{name}: {sum:?}");
        assert_eq!(part.cost_micros, part.time_ms * micros, "{name}: {sum:?}");
    }
}

fn ready(api: &Api) -> String {
    api.when("the agent is ready", || {
        let agents = api.agents().into_iter();
        let mut idle = agents.filter(|agent| agent.state == AgentState::Idle);
        idle.next().map(|agent| agent.id)
    })
}

fn job(label: &str, script: &str) -> Value {
    json!({"script": script, "runsOn": [label]})
}

/// Between the two moments that it says.
fn span(log: &str) -> u64 {
    let moments: Vec<u64> = log.lines().map(|line| line.parse().unwrap()).collect();
    moments[1] - moments[0]
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap() + 1
}

#[test]
fn what_time_went_into_and_what_it_cost_agrees_with_the_clock() {
    let start = Instant::now();
    let mut house = House::up(CONFIG);
    let api = house.api();
    let first = ready(&api);
    until("idle time is told while it passes", || {
        let idle = sum(&cost(&api, ""), "works/linux").idle;
        (idle.time_ms > 0).then_some(())
    });
    let end = house.path("end");
    let work = format!(
        "date +%s%3N; until [ -e '{}' ]; do sleep 0.02; done; date +%s%3N",
        end.display()
    );
    let handed_in = Instant::now();
    let id = api.submit(&job("linux", &work));
    api.running(&id);
    let broken = api.submit(&job("broken", "true"));
    until("a launch has failed", || {
        let failed = sum(&cost(&api, ""), "fails/broken").failed;
        (failed.time_ms > 0).then_some(())
    });
    until("useful time is told while it passes", || {
        let useful = sum(&cost(&api, ""), "works/linux").useful;
        (useful.time_ms > 0).then_some(())
    });
    std::fs::write(&end, "").unwrap();
    let ended = api.end_of(&id);
    assert_eq!(ended.state, JobState::Succeeded, "{ended:#?}");
    let outside = millis(handed_in);
    let inside = span(&api.log(&id));
    assert_eq!(house.run(&["cancel", &broken]).code, 0);
    assert_ne!(ready(&api), first, "an agent has one job here");
    api.when("nobody fails any more", || {
        let mut agents = api.agents().into_iter();
        agents
            .all(|agent| agent.pool == "works/linux")
            .then_some(())
    });

    let told = cost(&api, "");
    let most = millis(start);
    let works = sum(&told, "works/linux");
    is_whole("works", &works, WORKING);
    let within = |part: TimeCost, bounds: RangeInclusive<u64>| {
        assert!(bounds.contains(&part.time_ms), "{bounds:?}: {told:#?}");
    };
    within(works.useful, inside.saturating_sub(1)..=outside);
    within(works.booting, 1..=most - inside);
    within(works.idle, 1..=most - inside);
    within(works.failed, 0..=0);
    // There was never more than one.
    within(works.total, inside..=most);
    let fails = sum(&told, "fails/broken");
    is_whole("fails", &fails, FAILING);
    within(fails.failed, 1..=most);
    assert_eq!(fails.failed, fails.total, "{told:#?}");
    let all = works.total.cost_micros + fails.total.cost_micros;
    assert_eq!(told.total.total.cost_micros, all, "{told:#?}");
    assert_eq!(
        told.total.total.time_ms,
        works.total.time_ms + fails.total.time_ms
    );

    shown_in_other_ways(&house, &works, &fails);
    house.stop_daemon();
    house.start();
    let later = cost(&house.api(), "");
    for (name, before) in [("works/linux", works), ("fails/broken", fails)] {
        let after = sum(&later, name);
        assert!(after.useful.time_ms >= before.useful.time_ms, "{later:#?}");
        assert!(after.failed.time_ms >= before.failed.time_ms, "{later:#?}");
        assert!(after.total.time_ms >= before.total.time_ms, "{later:#?}");
    }
    house.close();
}

/// As a table, by label, by the metrics, and of the time since the last moment.
fn shown_in_other_ways(house: &House, works: &CostSum, fails: &CostSum) {
    let api = house.api();
    let table = house.run(&["cost"]).good().text();
    let names: Vec<&str> = table.split_whitespace().take(11).collect();
    assert_eq!(
        names.join(" "),
        "POOL USEFUL IDLE BOOTING DRAINING FAILED TOTAL COST OF IT NOT"
    );
    for row in ["fails/broken ", "works/linux ", "total "] {
        assert!(table.lines().any(|line| line.starts_with(row)), "{table}");
    }
    let json: Cost = serde_json::from_value(
        house
            .run(&["cost", "--by", "label", "--json"])
            .good()
            .json(),
    )
    .unwrap();
    let useful = |row: &CostRow| (row.name.clone(), row.sum.useful.time_ms);
    let labels: Vec<_> = json.rows.iter().map(useful).collect();
    let expected = [("broken", 0), ("linux", works.useful.time_ms)];
    assert_eq!(labels, expected.map(|(name, time)| (name.to_owned(), time)));
    let metric = |name: &str, part: &str| api.metric(name, part);
    let seconds = |time: u64| Duration::from_millis(time).as_secs_f64();
    for (part, of) in [
        ("pool=\"works/linux\",state=\"useful\"", works.useful),
        ("pool=\"fails/broken\",state=\"failed\"", fails.failed),
    ] {
        let time = metric("headcount_machine_seconds_total", part);
        assert!(
            (time - seconds(of.time_ms)).abs() < 0.0015,
            "{part}: {time}"
        );
        let money = metric("headcount_machine_cost_total", part);
        let told = seconds(of.cost_micros) / 1000.0;
        assert!((money - told).abs() < 0.01, "{part}: {money}, {told}");
    }
    let none = cost(&api, "?since=1ms");
    assert_eq!(sum(&none, "works/linux").useful.time_ms, 0, "{none:#?}");
}
