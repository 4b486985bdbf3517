//! Scenarios A to D of the KEDA reference, row by row: polled with the original's
//! arithmetic they are its tables, and ours is no worse on any row.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use headcount_model::{Compat, Strategy, StreamMeasure};
use headcount_sim::queue::{Row, Story, Told, run};
use serde_json::Value;

const SCENARIOS: &str = include_str!("vectors/keda_scenarios.json");

fn scenarios() -> Vec<Value> {
    serde_json::from_str(SCENARIOS).unwrap()
}

fn numbers(value: &Value) -> Vec<u64> {
    let numbers = value.as_array().unwrap().iter();
    numbers.map(|n| n.as_u64().unwrap()).collect()
}

fn story(scenario: &Value, compat: Compat) -> Story {
    let group = "workers".to_owned();
    let measure = StreamMeasure::Backlog {
        group,
        claim_after: None,
    };
    let arrivals = scenario["arrivals"].as_array().unwrap().iter();
    Story {
        arrivals: arrivals
            .map(|it| {
                let n = u32::try_from(it["count"].as_u64().unwrap()).unwrap();
                (it["t"].as_u64().unwrap(), n)
            })
            .collect(),
        initial: u32::try_from(scenario["initial_in_flight"].as_u64().unwrap()).unwrap(),
        takes: numbers(&scenario["durations_by_start_order_s"]),
        starts_in: match scenario["id"].as_str().unwrap() {
            "B" => vec![5, 5, 5, 5, 5, 10, 10, 10, 10, 10],
            "D" => [[5; 5], [10; 5], [5; 5], [5; 5]].concat(),
            _ => vec![5],
        },
        lag: 5,
        ends: 4000,
        ..Story::burst(measure, Strategy::Default, compat)
    }
}

fn rows(scenario: &Value) -> Vec<Row> {
    let rows = scenario["expected_rows"].as_array().unwrap().iter();
    rows.map(|row| {
        let of = |name: &str| row[name].as_u64().unwrap();
        Row {
            t: of("t"),
            unacked: of("unacked"),
            waiting: of("waiting"),
            in_flight: of("in_flight"),
            unfinished: of("unfinished_jobs"),
            objects: of("job_objects"),
            running: of("pods_running"),
            created: of("jobs_created_total"),
        }
    })
    .collect()
}

fn tell(scenario: &Value, compat: Compat) -> Told {
    let moments: Vec<u64> = rows(scenario).iter().map(|row| row.t).collect();
    run(&story(scenario, compat), &moments)
}

#[test]
fn polled_with_the_arithmetic_of_the_original_they_are_its_tables() {
    for scenario in scenarios() {
        let told = tell(&scenario, Compat::Keda);
        assert_eq!(told.rows, rows(&scenario), "{}", scenario["id"]);
        assert_eq!((told.idle, told.most <= 10), (0, true));
    }
}

#[test]
fn ours_is_no_worse_on_any_row() {
    for scenario in scenarios() {
        let told = tell(&scenario, Compat::Headcount);
        for (ours, theirs) in told.rows.iter().zip(rows(&scenario)) {
            let id = &scenario["id"];
            assert!(ours.unacked <= theirs.unacked, "{id}: {ours:?} {theirs:?}");
            assert!(ours.unfinished <= 10, "{id}: {ours:?}");
        }
        assert_eq!(told.idle, 0);
    }
}

/// As text: `t unacked waiting in-flight | unfinished running | created`.
fn table(told: &Told) -> String {
    let rows = told.rows.iter().map(|row| {
        format!(
            "{:>5} {:>3} {:>3} {:>3} |{:>3} {:>3} |{:>3}",
            row.t,
            row.unacked,
            row.waiting,
            row.in_flight,
            row.unfinished,
            row.running,
            row.created
        )
    });
    rows.collect::<Vec<_>>().join("\n")
}

#[test]
fn our_own_tables() {
    let scenarios = scenarios();
    let tables = scenarios.iter().map(|scenario| {
        let told = tell(scenario, Compat::Headcount);
        format!("{}\n{}", scenario["id"].as_str().unwrap(), table(&told))
    });
    assert_eq!(
        tables.collect::<Vec<_>>().join("\n"),
        "\
A
    0   0   0   0 |  0   0 |  0
    5   1   1   0 |  1   0 |  1
   10   1   0   1 |  1   1 |  1
   15   1   0   1 |  1   1 |  1
   20   1   0   1 |  1   1 |  1
  300   0   0   0 |  0   0 |  1
  305   0   0   0 |  0   0 |  1
B
    0   0   0   0 |  0   0 |  0
    5  10  10   0 | 10   0 | 10
   10  10   5   5 | 10   5 | 10
   15  10   0  10 | 10  10 | 10
   20   8   0   8 | 10  10 | 10
   25   5   0   5 |  8   8 | 10
   30   2   0   2 |  5   5 | 10
   35   0   0   0 |  2   2 | 10
   40   0   0   0 |  0   0 | 10
   45   0   0   0 |  0   0 | 10
   50   0   0   0 |  0   0 | 10
C
    0   5   0   5 |  5   5 |  5
   10   5   2   3 |  5   3 |  7
   15   5   1   4 |  5   5 |  7
   20   5   1   4 |  5   4 |  8
   25   5   0   5 |  5   5 |  8
   30   8   3   5 |  8   5 | 11
   35   8   0   8 |  8   8 | 11
   40  12   4   8 | 10   8 | 13
   45   9   2   7 | 10  10 | 13
   50   9   2   7 |  9   7 | 15
   55   5   0   5 |  9   9 | 15
   60   5   0   5 |  5   5 | 15
   65   5   0   5 |  5   5 | 15
   70   5   0   5 |  5   5 | 15
D
    0   0   0   0 |  0   0 |  0
    1  50  50   0 | 10   0 | 10
   10  50  45   5 | 10   5 | 10
   15  50  40  10 | 10  10 | 10
   20  50  40  10 | 10  10 | 10
  300  45  40   5 | 10   5 | 15
  305  45  35  10 | 10  10 | 15
  310  45  35  10 | 10  10 | 15
  315  45  35  10 | 10  10 | 15
  600  40  35   5 | 10   5 | 20
  605  40  30  10 | 10  10 | 20
  610  40  30  10 | 10  10 | 20
  615  40  30  10 | 10  10 | 20
  900  30  25   5 | 10   5 | 30
  905  30  20  10 | 10  10 | 30
  910  30  20  10 | 10  10 | 30
  915  30  20  10 | 10  10 | 30
  920  30  20  10 | 10  10 | 30"
    );
}
