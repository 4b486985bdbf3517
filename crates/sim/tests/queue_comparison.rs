//! The inputs of the reference's comparison: what the original makes of them, polled, and
//! what ours makes of the same stories. The page for those who move shows the same table.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use headcount_model::{Compat, Level, QueueRule, Strategy, StreamMeasure, TriggerKind};
use headcount_sim::queue::{Story, Told, run};

const PAGE: &str = include_str!("../../../docs/migrate/keda.md");

fn group() -> String {
    "workers".to_owned()
}

fn backlog() -> StreamMeasure {
    StreamMeasure::Backlog {
        group: group(),
        claim_after: None,
    }
}

fn lag() -> StreamMeasure {
    StreamMeasure::Lag {
        group: group(),
        claim_after: None,
    }
}

fn pending() -> StreamMeasure {
    StreamMeasure::Pending { group: group() }
}

/// What distinguishes one input from a burst of ten.
type Input = (&'static str, fn(&mut Story));

const BURST: Input = ("burst of 10", |_| {});
const EVERY_7_S: Input = ("30 messages, every 7 s", |story| {
    story.arrivals = (0..30).map(|n| (5 + 7 * n, 1)).collect();
});
const SLOW_START: Input = ("burst of 10, starts take 45 s", |story| {
    story.starts_in = vec![45];
    story.rule.max = Some(30);
});
const SLOW_READ: Input = ("burst of 10, read 12 s after they run", |story| {
    story.reads_in = 12;
    story.rule.max = Some(30);
});
const INPUTS: [Input; 4] = [BURST, EVERY_7_S, SLOW_START, SLOW_READ];

/// A row of the comparison.
struct Case {
    input: Input,
    /// What a manifest says.
    says: &'static str,
    /// What the original reads.
    theirs: StreamMeasure,
    /// What ours reads for the same words.
    ours: StreamMeasure,
    strategy: Strategy,
    more: fn(&mut QueueRule),
}

fn case(
    input: Input,
    says: &'static str,
    measure: (StreamMeasure, StreamMeasure),
    strategy: Strategy,
) -> Case {
    Case {
        input,
        says,
        theirs: measure.0,
        ours: measure.1,
        strategy,
        more: |_| {},
    }
}

fn cases() -> Vec<Case> {
    use Strategy::{Accurate, Default, Eager};
    let pending = || (pending(), backlog());
    let waiting = || (lag(), lag());
    let all = || (backlog(), backlog());
    let length = (StreamMeasure::Length, StreamMeasure::Length);
    vec![
        case(BURST, "pending, `default`", pending(), Default),
        Case {
            more: |rule| rule.min = 1,
            ..case(BURST, "pending, `default`, minimum 1", pending(), Default)
        },
        case(BURST, "lag, `default`", waiting(), Default),
        case(BURST, "lag, `accurate`", waiting(), Accurate),
        Case {
            more: |rule| rule.triggers[0].target = Level(5.0),
            ..case(BURST, "lag, target 5, `default`", waiting(), Default)
        },
        case(BURST, "lag and pending, `default`", all(), Default),
        case(
            BURST,
            "length, `default`, nothing is deleted",
            length,
            Default,
        ),
        case(EVERY_7_S, "lag, `default`", waiting(), Default),
        case(EVERY_7_S, "lag, `accurate`", waiting(), Accurate),
        case(EVERY_7_S, "lag and pending, `default`", all(), Default),
        case(EVERY_7_S, "lag and pending, `accurate`", all(), Accurate),
        case(SLOW_START, "lag, `accurate`", waiting(), Accurate),
        case(SLOW_START, "lag, `eager`", waiting(), Eager),
        case(SLOW_START, "lag and pending, `accurate`", all(), Accurate),
        case(SLOW_READ, "lag, `accurate`", waiting(), Accurate),
        case(SLOW_READ, "lag and pending, `accurate`", all(), Accurate),
        case(SLOW_READ, "lag and pending, `default`", all(), Default),
    ]
}

fn tell(case: &Case, compat: Compat) -> Told {
    let measure = match compat {
        Compat::Keda => case.theirs.clone(),
        Compat::Headcount => case.ours.clone(),
    };
    let mut story = Story::burst(measure, case.strategy, compat);
    (case.input.1)(&mut story);
    (case.more)(&mut story.rule);
    run(&story, &[])
}

fn cells(told: &Told) -> String {
    let wait = told
        .mean_wait
        .map_or("never".to_owned(), |it| format!("{it:.1}"));
    let last = told
        .last_ack
        .map_or("never".to_owned(), |it| it.to_string());
    format!("{} | {} | {wait} | {last}", told.created, told.idle)
}

/// The table as the page has it.
fn table() -> String {
    let mut lines = vec![
        "| Input | Counted, strategy | KEDA: Jobs | idle | mean wait | last done | Headcount: \
         Jobs | idle | mean wait | last done |"
            .to_owned(),
        "|---|---|---|---|---|---|---|---|---|---|".to_owned(),
    ];
    lines.extend(cases().iter().map(|case| {
        let (theirs, ours) = (tell(case, Compat::Keda), tell(case, Compat::Headcount));
        let (input, says) = (case.input.0, case.says);
        format!(
            "| {input} | {says} | {} | {} |",
            cells(&theirs),
            cells(&ours)
        )
    }));
    lines.join("\n")
}

/// What this makes of the stories is what the page says, and its columns for KEDA are those
/// of the reference.
#[test]
fn the_page_has_the_table() {
    let table = table();
    assert!(PAGE.contains(&table), "docs/migrate/keda.md needs\n{table}");
}

#[test]
fn the_original_makes_of_them_what_the_reference_says() {
    let told = cases();
    let told = told.iter().map(|case| cells(&tell(case, Compat::Keda)));
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            "0 | 0 | never | never",
            "241 | 230 | 47.5 | 160",
            "10 | 0 | 12.5 | 80",
            "10 | 0 | 12.5 | 80",
            "10 | 0 | 190.5 | 540",
            "10 | 0 | 12.5 | 80",
            "2365 | 2345 | 12.5 | 80",
            "30 | 0 | 63.3 | 430",
            "30 | 0 | 16.7 | 300",
            "30 | 0 | 17.0 | 300",
            "46 | 16 | 11.2 | 300",
            "10 | 0 | 50.0 | 115",
            "20 | 10 | 50.0 | 115",
            "30 | 20 | 50.0 | 115",
            "25 | 15 | 24.5 | 92",
            "75 | 65 | 24.5 | 92",
            "10 | 0 | 24.5 | 92",
        ]
    );
}

/// Only a minimum that leaves when it finds nothing, and a number that never falls, make
/// anybody come for nothing, and no more of them than in the original.
#[test]
fn ours_is_worse_in_no_row() {
    for case in cases() {
        let (theirs, ours) = (tell(&case, Compat::Keda), tell(&case, Compat::Headcount));
        let what = format!("{}, {}: {ours:?}", case.input.0, case.says);
        let by_nature = case.says.contains("minimum") || case.says.contains("length");
        assert!(ours.idle == 0 || by_nature, "{what}");
        assert!(ours.idle <= theirs.idle, "{what}");
        let wait = |told: &Told| told.mean_wait.unwrap_or(f64::MAX);
        assert!(wait(&ours) <= wait(&theirs), "{what}");
        let last = |told: &Told| told.last_ack.unwrap_or(u64::MAX);
        assert!(last(&ours) <= last(&theirs), "{what}");
    }
}

fn line(story: &Story) -> String {
    let told = run(story, &[]);
    let wait = told.mean_wait.unwrap();
    let last = told.last_ack.unwrap();
    format!("{:>5} {:>5} {wait:>7.1} {last:>6}", told.created, told.idle)
}

#[test]
fn nobody_comes_for_nothing_told_or_polled_whatever_the_strategy() {
    let mut lines = Vec::new();
    for (name, mend) in INPUTS {
        for (measure, what) in [(backlog(), "backlog"), (lag(), "lag")] {
            for (told, how) in [(true, "told"), (false, "polled")] {
                let of = |strategy| {
                    let mut story = Story::burst(measure.clone(), strategy, Compat::Headcount);
                    mend(&mut story);
                    story.told = told;
                    let told = run(&story, &[]);
                    assert_eq!(told.idle, 0, "{name}, {what}, {how}, {strategy:?}");
                    assert!(told.most <= u64::from(story.rule.max.unwrap()));
                    line(&story)
                };
                let by_default = of(Strategy::Default);
                for same in [Strategy::Accurate, Strategy::Eager] {
                    assert_eq!(of(same), by_default, "{name}, {what}, {how}, {same:?}");
                }
                lines.push(format!("{name:<38} {what:<8}{how:<7}{by_default}"));
            }
        }
    }
    assert_eq!(
        lines.join("\n"),
        "\
burst of 10                            backlog told      10     0     7.5     75
burst of 10                            backlog polled    10     0    12.5     80
burst of 10                            lag     told      10     0     7.5     75
burst of 10                            lag     polled    10     0    12.5     80
30 messages, every 7 s                 backlog told      30     0     8.0    281
30 messages, every 7 s                 backlog polled    30     0    12.2    283
30 messages, every 7 s                 lag     told      30     0     8.0    281
30 messages, every 7 s                 lag     polled    30     0    15.0    283
burst of 10, starts take 45 s          backlog told      10     0    45.0    110
burst of 10, starts take 45 s          backlog polled    10     0    50.0    115
burst of 10, starts take 45 s          lag     told      10     0    45.0    110
burst of 10, starts take 45 s          lag     polled    10     0    50.0    115
burst of 10, read 12 s after they run  backlog told      10     0    19.5     87
burst of 10, read 12 s after they run  backlog polled    10     0    24.5     92
burst of 10, read 12 s after they run  lag     told      10     0    19.5     87
burst of 10, read 12 s after they run  lag     polled    10     0    24.5     92"
    );
}

/// A list tells nothing but its length; that it falls tells who took something.
#[test]
fn nobody_comes_for_nothing_to_a_list() {
    let mut lines = Vec::new();
    for (name, mend) in INPUTS {
        for (told, how) in [(true, "told"), (false, "polled")] {
            let mut story = Story::burst(lag(), Strategy::Default, Compat::Headcount);
            mend(&mut story);
            story.told = told;
            let trigger = &mut story.rule.triggers[0];
            if let TriggerKind::RedisStream { connection, .. } = &trigger.kind {
                let (connection, key) = (connection.clone(), "jobs".to_owned());
                trigger.kind = TriggerKind::RedisKey { connection, key };
            }
            assert_eq!(run(&story, &[]).idle, 0, "{name}, {how}");
            lines.push(format!("{name:<38} {how:<7}{}", line(&story)));
        }
    }
    assert_eq!(
        lines.join("\n"),
        "\
burst of 10                            told      10     0     7.5     75
burst of 10                            polled    10     0    12.5     80
30 messages, every 7 s                 told      30     0     8.0    280
30 messages, every 7 s                 polled    30     0    27.3    318
burst of 10, starts take 45 s          told      10     0    45.0    110
burst of 10, starts take 45 s          polled    10     0    50.0    115
burst of 10, read 12 s after they run  told      10     0    19.5     87
burst of 10, read 12 s after they run  polled    10     0    24.5     92"
    );
}
