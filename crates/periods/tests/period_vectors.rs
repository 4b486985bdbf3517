//! Cases of the machine autoscaling reference, section 13: periods, by number, as GitLab
//! Runner reads them and as they are read here.

#![expect(clippy::unwrap_used, reason = "a case that cannot be read must fail")]

use headcount_periods::{Grammar, Pattern, Period, Zone};
use jiff::Timestamp;

/// Number, pattern, zone, moment, what GitLab Runner says, what a period here says.
const CASES: &[(u8, &str, &str, &str, bool, bool)] = &[
    (40, WED, "UTC", "2017-02-22T14:59:00Z", true, true),
    (41, WED, "UTC", "2017-02-22T14:59:59Z", false, true),
    (42, WED, "UTC", "2017-02-22T15:03:00Z", false, false),
    (43, WED, "UTC", "2017-02-22T18:59:00Z", false, false),
    (44, WED, "UTC", "2017-02-24T14:59:00Z", false, false),
    (45, DAY, BERLIN, "2017-01-01T16:30:00Z", true, true),
    (46, DAY, BERLIN, "2017-07-01T16:30:00Z", false, false),
    (47, DAY, BERLIN, "2017-01-01T14:30:00Z", true, true),
    (47, DAY, BERLIN, "2017-07-01T14:30:00Z", true, true),
    (48, DAY, BERLIN, "2017-01-01T20:30:00Z", false, false),
    (48, DAY, BERLIN, "2017-07-01T20:30:00Z", false, false),
    (50, WORK, "UTC", "2025-11-03T07:59:59Z", true, false),
    (50, WORK, "UTC", "2025-11-03T18:59:59Z", false, true),
    (
        51,
        "* * * * * sat,sun *",
        "UTC",
        "2025-11-08T12:00:00Z",
        true,
        true,
    ),
    (
        51,
        "* * * * * sat-sun *",
        "UTC",
        "2025-11-08T12:00:00Z",
        false,
        true,
    ),
    (
        52,
        "* * 22-6 * * * *",
        "UTC",
        "2025-11-08T23:00:00Z",
        false,
        true,
    ),
    (
        54,
        "* * * 1 * mon *",
        "UTC",
        "2025-10-01T12:00:00Z",
        true,
        true,
    ),
];
const WED: &str = "* 59 14 * * wed *";
const DAY: &str = "* * 10-17 * * * *";
const WORK: &str = "* * 8-18 * * mon-fri *";
const BERLIN: &str = "Europe/Berlin";

fn period(pattern: &str, zone: &str, grammar: Grammar) -> Period {
    Period {
        pattern: Pattern::parse(pattern, grammar).unwrap(),
        zone: Zone::named(zone).unwrap(),
    }
}

#[test]
fn cases_40_to_54_by_number() {
    for (number, pattern, zone, at, gitlab, ours) in CASES {
        let now: Timestamp = at.parse().unwrap();
        let theirs = period(pattern, zone, Grammar::GitlabPeriod);
        assert_eq!(theirs.holds_as_gitlab(now), *gitlab, "{number} as GitLab");
        let native = period(pattern, zone, Grammar::Period);
        assert_eq!(native.holds(now).active, *ours, "{number} here");
    }
}

/// Whoever names one is refused: `headcount-config` says with which words.
#[test]
fn case_49_a_zone_that_nobody_knows_is_none() {
    assert!(Zone::named("InvalidTimezone/String").is_none());
    assert!(Zone::named(BERLIN).is_some());
}

#[test]
fn case_53_what_means_nothing_is_an_error() {
    for pattern in ["*/60 * * * * * *", "* * *"] {
        assert!(Pattern::parse(pattern, Grammar::Period).is_err());
        assert!(Pattern::parse(pattern, Grammar::GitlabPeriod).is_err());
    }
    let missing = Pattern::parse("* * *", Grammar::Period).unwrap_err();
    assert!(missing.to_string().starts_with("missing field(s)"));
}

/// What is restricted, a moment, what GitLab Runner says, what a period here says: a Sunday
/// of 7, and months and days with a zero before them.
const SEVENS_AND_ZEROS: &[(&str, &str, bool, bool)] = &[
    ("* 6-7", SATURDAY, false, true),
    ("* 6-7", SUNDAY, false, true),
    ("* 5-7", SUNDAY, false, true),
    ("* 1-7", MONDAY, false, true),
    ("* 1-7/2", SUNDAY, false, true),
    ("* 0-7", MONDAY, false, true),
    ("* 0-7", SUNDAY, true, true),
    ("* 7-7", SUNDAY, true, true),
    ("* 7", SUNDAY, true, true),
    ("* 07", SUNDAY, true, true),
    ("* 7/3", SATURDAY, true, false),
    ("* 7-2", MONDAY, true, true),
    ("* 7-2", SATURDAY, false, false),
    ("* 7L", "2025-11-30T12:00:00Z", true, true),
    ("* 7#2", SUNDAY, true, true),
    ("* 01", MONDAY, false, true),
    ("* 01", SUNDAY, true, false),
    ("11 *", SUNDAY, true, true),
    ("01 *", "2026-01-05T12:00:00Z", false, true),
    ("01-03 *", "2026-01-05T12:00:00Z", false, true),
    ("01-3 *", "2026-01-05T12:00:00Z", true, true),
];
const SATURDAY: &str = "2025-11-08T12:00:00Z";
const SUNDAY: &str = "2025-11-09T12:00:00Z";
const MONDAY: &str = "2025-11-10T12:00:00Z";

#[test]
fn a_seven_and_a_zero_are_read_as_gitlab_reads_them() {
    for (days, at, gitlab, ours) in SEVENS_AND_ZEROS {
        let now: Timestamp = at.parse().unwrap();
        let pattern = format!("* * * * {days} *");
        let theirs = period(&pattern, "UTC", Grammar::GitlabPeriod);
        assert_eq!(
            theirs.holds_as_gitlab(now),
            *gitlab,
            "{days} {at} as GitLab"
        );
        let native = period(&pattern, "UTC", Grammar::Period);
        assert_eq!(native.holds(now).active, *ours, "{days} {at} here");
    }
    let every_seventh = "* * * * * */7 *";
    assert!(Pattern::parse(every_seventh, Grammar::Period).is_ok());
    assert!(Pattern::parse(every_seventh, Grammar::GitlabPeriod).is_err());
}

/// Pattern, moment inside, moment outside.
const PLACES: &[(&str, &str, &str)] = &[
    ("* * L * *", "2024-02-29T12:00:00Z", "2024-02-28T12:00:00Z"),
    ("* * LW * *", "2025-08-29T12:00:00Z", "2025-08-31T12:00:00Z"),
    (
        "* * 15W * *",
        "2025-02-14T12:00:00Z",
        "2025-02-15T12:00:00Z",
    ),
    ("* * 1W * *", "2025-02-03T12:00:00Z", "2025-02-01T12:00:00Z"),
    ("* * * * 5L", "2025-11-28T12:00:00Z", "2025-11-21T12:00:00Z"),
    (
        "* * * * friL",
        "2025-11-28T12:00:00Z",
        "2025-11-21T12:00:00Z",
    ),
    (
        "* * * * 5#3",
        "2025-11-21T12:00:00Z",
        "2025-11-14T12:00:00Z",
    ),
    ("* * * * 7", "2025-11-09T12:00:00Z", "2025-11-08T12:00:00Z"),
    (
        "* 9-17 * * mon-fri",
        "2025-11-07T17:59:59Z",
        "2025-11-07T18:00:00Z",
    ),
    (
        "* * * * * 2026",
        "2026-01-01T00:00:00Z",
        "2025-12-31T23:59:59Z",
    ),
    (
        "30 0 12 * * * *",
        "2026-01-01T12:00:30Z",
        "2026-01-01T12:00:31Z",
    ),
    ("@hourly", "2026-01-01T12:00:00Z", "2026-01-01T12:00:01Z"),
];

#[test]
fn places_in_month_and_week() {
    for (pattern, inside, outside) in PLACES {
        let period = period(pattern, "UTC", Grammar::Period);
        assert!(period.holds(inside.parse().unwrap()).active, "{pattern}");
        assert!(!period.holds(outside.parse().unwrap()).active, "{pattern}");
    }
}

#[test]
fn a_pattern_that_no_moment_matches_is_known_to() {
    let never = |text| {
        Pattern::parse(text, Grammar::Period)
            .unwrap()
            .never_matches()
    };
    assert!(never("* * 30 2 *"));
    assert!(!never("* * 29 2 *"));
    assert!(!never("* * * 2 sun#5"));
}

#[test]
fn a_pattern_knows_whether_it_is_of_whole_minutes_and_of_all_time() {
    for (text, whole, always) in [
        ("* * * * * * *", true, true),
        ("0-59 ? * * * * *", true, true),
        ("* * * * *", true, true),
        ("*/1 * 9 * * * *", true, false),
        ("* * * * * * 2026", true, false),
        ("30 * * * * * *", false, false),
        ("0-58 * * * * * *", false, false),
        ("@daily", false, false),
    ] {
        let pattern = Pattern::parse(text, Grammar::Period).unwrap();
        assert_eq!(pattern.is_of_whole_minutes(), whole, "{text}");
        assert_eq!(pattern.always_matches(), always, "{text}");
    }
}

#[test]
fn a_window_over_the_change_to_winter_time_is_one() {
    // The hour from 01:00 comes twice in New York on this day.
    let zone = "America/New_York";
    let holds = |pattern, at: &str| {
        let held = period(pattern, zone, Grammar::Period).holds(at.parse().unwrap());
        (held.active, held.until.map(|until| until.to_string()))
    };
    let until = |text: &str| Some(text.to_owned());
    let night = "* 1-4 1 11 * 2026";
    assert_eq!(
        holds(night, "2026-11-01T05:30:00Z"),
        (true, until("2026-11-01T10:00:00Z"))
    );
    assert_eq!(
        holds(night, "2026-11-01T06:30:00Z"),
        (true, until("2026-11-01T10:00:00Z"))
    );
    let quarter = "30-44 1 1 11 * 2026";
    assert_eq!(
        holds(quarter, "2026-11-01T05:30:00Z"),
        (true, until("2026-11-01T05:45:00Z"))
    );
    assert_eq!(holds(quarter, "2026-11-01T06:30:00Z"), (false, None));
}
