//! What holds for any pattern, zone and moment.

#![expect(clippy::unwrap_used, reason = "a case that cannot be read must fail")]

use headcount_periods::{Grammar, Pattern, Period, Window, Zone};
use jiff::Timestamp;
use proptest::prelude::*;

const ZONES: &[&str] = &[
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
];

fn field(low: u16, high: u16) -> impl Strategy<Value = String> {
    let number = low..=high;
    prop_oneof![
        3 => Just("*".to_owned()),
        2 => number.clone().prop_map(|n| n.to_string()),
        2 => (number.clone(), number.clone()).prop_map(|(a, b)| format!("{a}-{b}")),
        1 => (1..=high).prop_map(|step| format!("*/{step}")),
        1 => (number.clone(), number).prop_map(|(a, b)| format!("{a},{b}")),
    ]
}

fn pattern() -> impl Strategy<Value = String> {
    (
        field(0, 59),
        field(0, 23),
        field(1, 31),
        field(1, 12),
        field(0, 6),
    )
        .prop_map(|(m, h, d, mo, w)| format!("{m} {h} {d} {mo} {w}"))
}

/// Around changes of the clocks more often than not.
fn moment() -> impl Strategy<Value = Timestamp> {
    let around = |text: &str| text.parse::<Timestamp>().unwrap().as_second();
    let changes = [
        around("2026-03-08T07:00:00Z"),
        around("2026-11-01T06:00:00Z"),
        around("2026-03-29T01:00:00Z"),
        around("2026-10-25T01:00:00Z"),
    ];
    let near = (proptest::sample::select(changes.to_vec()), -9000_i64..9000);
    prop_oneof![
        near.prop_map(|(at, off)| at + off),
        1_700_000_000_i64..1_900_000_000,
    ]
    .prop_map(|second| Timestamp::from_second(second).unwrap())
}

fn second_later(at: Timestamp, by: i64) -> Timestamp {
    Timestamp::from_second(at.as_second() + by).unwrap()
}

proptest! {
    /// Nothing changes before the moment that is named, and something does then.
    #[test]
    fn a_period_changes_when_it_says(
        text in pattern(), zone in proptest::sample::select(ZONES), now in moment(), part in 0.0_f64..1.0,
    ) {
        let period = Period {
            pattern: Pattern::parse(&text, Grammar::Period).unwrap(),
            zone: Zone::named(zone).unwrap(),
        };
        let held = period.holds(now);
        let Some(until) = held.until else { return Ok(()) };
        prop_assert!(until > now);
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a place in between")]
        let between = ((until.as_second() - now.as_second() - 1) as f64 * part) as i64;
        prop_assert_eq!(period.holds(second_later(now, between)).active, held.active);
        prop_assert_eq!(period.holds(until).active, !held.active);
    }

    /// A window is the same until the moment that is named.
    #[test]
    fn a_window_stays_as_it_is_until_it_says(
        start in pattern(), end in pattern(), zone in proptest::sample::select(ZONES),
        now in moment(), part in 0.0_f64..1.0,
    ) {
        let Ok(window) = Window::parse(zone, &start, &end) else { return Ok(()) };
        for open in [Window::open, Window::open_as_keda] {
            let held = open(&window, now);
            let until = held.until.unwrap_or_else(|| second_later(now, 1_000_000));
            prop_assert!(until > now);
            #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a place in between")]
            let between = ((until.as_second() - now.as_second() - 1) as f64 * part) as i64;
            prop_assert_eq!(open(&window, second_later(now, between)).active, held.active);
        }
    }

    /// Whatever is written is understood or refused with a place inside the text.
    #[test]
    fn no_text_is_too_strange(text in "[ -~]{0,40}") {
        for grammar in [Grammar::Cron, Grammar::Period, Grammar::GitlabPeriod] {
            if let Err(error) = Pattern::parse(&text, grammar) {
                prop_assert!(error.span.start <= text.len());
            }
        }
    }
}
