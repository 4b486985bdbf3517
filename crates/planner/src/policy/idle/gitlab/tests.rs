//! Vectors 1 to 39 of the machine autoscaling reference, section 13, by number.

use super::*;
use alloc::string::String;
use headcount_model::{IdleScale, Level};

const NOW: u64 = 10_000;

/// Reads `N10 m5 f1 G3 L15 t10 B1 c5 i3 u2`: settings as in the reference, and counters.
fn read(words: &str) -> (Settings, Counters) {
    let (mut settings, mut counters) = (Settings::default(), Counters::default());
    for word in words.split(' ') {
        let (key, number) = word.split_at(1);
        let n: u32 = number.parse().unwrap();
        match key {
            "N" => settings.keep = n,
            "m" => settings.min = n,
            "f" => settings.factor = f64::from(n),
            "G" => settings.growth = n,
            "L" => settings.limit = n,
            "t" => settings.idle_time = Duration::from_secs(n.into()),
            "B" => settings.max_jobs = n,
            "c" => counters.creating = n,
            "i" => counters.idle = n,
            "u" => counters.used = n,
            other => panic!("no such word: {other}"),
        }
    }
    (settings, counters)
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

/// Idle, last used a minute ago.
fn idle(jobs: u32) -> Machine {
    Machine {
        state: State::Idle,
        used: at(NOW - 60),
        jobs,
    }
}

/// Each table starts at this number of the reference.
fn creates(first: u32, table: &[(&str, bool)], purpose: For) {
    for (number, (words, expected)) in (first..).zip(table) {
        let (settings, counters) = read(words);
        let made = can_create(&settings, &counters, purpose);
        assert_eq!(made, *expected, "vector {number}: {words}");
    }
}

/// Those with an idle count; on demand they say the same.
const WITH_IDLE_COUNT: [(&str, bool); 12] = [
    ("L10 N10 i3 u2", true),
    ("N100 m10 f1 i0 u0", true),
    ("N100 m10 f1 i0 u1", true),
    ("N100 m10 f1 i5 u1", true),
    ("N100 m10 f1 i10 u15", true),
    ("N100 m10 f1 i10 u1", false),
    ("N100 f1 i0 u0", true),
    ("N10 f1 i10 u100", false),
    ("N10 i10", false),
    ("N10 i1", true),
    ("N5 m10 i8", false),
    ("N5 m10 f1 i8 u9", false),
];

#[test]
fn vectors_1_to_15_one_more_to_have_it_ready() {
    let none = [
        ("G10 c10", false),
        ("G10 N0 c1", false),
        ("L10 c5 i3 u2", false),
    ];
    creates(1, &none, For::Idle);
    creates(4, &WITH_IDLE_COUNT, For::Idle);
}

#[test]
fn vectors_16_to_22_one_more_for_a_job() {
    let table = [
        ("G10 N1 c10", false),
        ("G10 N1 c1", false),
        ("L10 N1 c5 i3 u2", false),
        ("N0 m10 f1 u10", true),
        ("N0 m10 f1 L10 i3 u2", true),
        ("N0 m10 f1 L10 u10", false),
        ("L10 N10 i3 u2", true),
    ];
    creates(16, &table, For::Demand);
    creates(4, &WITH_IDLE_COUNT, For::Demand);
}

#[test]
fn vector_23_only_idle_machines_are_removed() {
    let (settings, counters) = read("N0 t0 B1 L1 i10");
    for state in [
        State::Creating,
        State::Acquired,
        State::Used,
        State::Removing,
    ] {
        let machine = Machine { state, ..idle(1) };
        assert_eq!(should_remove(&settings, &counters, &machine, at(NOW)), None);
    }
}

#[test]
fn vectors_24_to_39_what_is_removed_and_why() {
    use Removal as R;
    let table = [
        ("N10 B1", Some(R::Builds)),
        ("N10 B10", None),
        ("N10 L15 c5 i5 u5", Some(R::Machines)),
        ("N10 t3600 i5", None),
        ("N10 t3600 i10", None),
        ("N10 t10 i5", None),
        ("N10 t10 i10", Some(R::Idle)),
        ("N100 m10 f1 t10 i0 u0", None),
        ("N100 m10 f1 t10 i0 u1", None),
        ("N100 m10 f1 t10 i5 u1", None),
        ("N100 m10 f1 t10 i10 u15", None),
        ("N100 m10 f1 t10 i10 u1", Some(R::Idle)),
        ("N100 f1 t10 i0 u0", None),
        ("N10 f1 t10 i10 u100", Some(R::Idle)),
        ("N5 m10 t10 i8", Some(R::Idle)),
        ("N5 m10 f1 t10 i8 u9", Some(R::Idle)),
    ];
    for (number, (words, expected)) in (24..).zip(table) {
        let (settings, counters) = read(words);
        let removed = should_remove(&settings, &counters, &idle(1), at(NOW));
        assert_eq!(removed, expected, "vector {number}: {words}");
    }
}

#[test]
fn idle_time_must_be_over_not_just_reached() {
    let (settings, counters) = read("N0 t60");
    let removed = |now| should_remove(&settings, &counters, &idle(0), at(now)).is_some();
    assert!(!removed(NOW));
    assert!(removed(NOW + 1));
}

/// What a pass makes of machines, one letter each: `C`reating, `I`dle, `A`cquired, `U`sed,
/// `R`emoving. Those it removes are told as `-`, with the number of new ones at the end.
fn passed(settings: &str, machines: &str) -> String {
    let (settings, _) = read(settings);
    let list: Vec<Machine> = machines
        .chars()
        .map(|letter| Machine {
            state: match letter {
                'C' => State::Creating,
                'I' => State::Idle,
                'A' => State::Acquired,
                'U' => State::Used,
                _ => State::Removing,
            },
            ..idle(0)
        })
        .collect();
    let proposal = pass(&settings, &list, at(NOW));
    let told = machines.chars().zip(&proposal.idle);
    let told = told.map(|(letter, fate)| match fate {
        Some(Fate::Leave(_)) => '-',
        Some(Fate::Stay(..)) | None => letter,
    });
    alloc::format!("{} +{}", told.collect::<String>(), proposal.add)
}

#[test]
fn a_pass_keeps_the_oldest_and_counts_as_it_goes() {
    assert_eq!(passed("N2 t10", "IIII"), "II-- +0");
    assert_eq!(passed("N2 t10", "UIUCA"), "UIUCA +0");
    assert_eq!(passed("N3 t10", "UU"), "UU +3");
    assert_eq!(passed("N0 t10", "I"), "- +0");
    // What leaves counts in the total, so nothing is made in its place.
    assert_eq!(passed("N2 t10 B1 L2", "RR"), "RR +0");
    assert_eq!(passed("N10 t90 L3", "IIIII"), "III-- +0");
    assert_eq!(passed("N10 G2", "C"), "C +1");
    // The scale sees what is in use so far: those in use that are newer help nobody.
    assert_eq!(passed("N10 f2 t10", "IIUU"), "I-UU +3");
    assert_eq!(passed("N10 f2 t10", "UUII"), "UUII +2");
}

/// All lists of so many machines.
fn lists(n: usize) -> Vec<String> {
    let shorter = match n.checked_sub(1) {
        None => return alloc::vec![String::new()],
        Some(fewer) => lists(fewer),
    };
    let longer = shorter.iter().flat_map(|list| {
        "CIAUR"
            .chars()
            .map(move |last| alloc::format!("{list}{last}"))
    });
    longer.collect()
}

/// So a cap that stands for no `limit` at all changes nothing else, as long as it is kept.
#[test]
fn a_limit_that_no_list_exceeds_only_bounds_how_many_are_made() {
    for rule in ["N3 t10", "N0 t10", "N3 t10 B1", "N9 m1 f1 t10", "N6 G2 t90"] {
        for list in (0..=5).flat_map(lists) {
            let told = |settings: &str| {
                let told = passed(settings, &list);
                let (list, add) = told.split_once(" +").unwrap();
                (String::from(list), add.parse::<usize>().unwrap())
            };
            let (fates, add) = told(rule);
            for limit in list.len().max(1)..=7 {
                let add = add.min(limit - list.len());
                let limited = told(&alloc::format!("{rule} L{limit}"));
                assert_eq!(limited, (fates.clone(), add), "{rule} L{limit} {list}");
            }
        }
    }
}

#[test]
fn a_rule_without_a_scale_has_none() {
    let rule = IdleRule {
        keep: 4,
        scale: Some(IdleScale {
            factor: Level(0.5),
            min: 2,
        }),
        idle_time: Duration::from_secs(9),
        ..IdleRule::default()
    };
    let settings = Settings::of(&rule);
    assert_eq!((settings.keep, settings.min), (4, 2));
    assert!(settings.factor > 0.4, "{settings:?}");
    let settings = Settings::of(&IdleRule {
        scale: None,
        ..rule
    });
    assert!(settings.factor < 0.1, "{settings:?}");
}
