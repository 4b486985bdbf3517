#![allow(clippy::unwrap_used)]

use super::*;
use headcount_model::IdleRule;

fn at(text: &str) -> Timestamp {
    stamp(text.parse().unwrap()).unwrap()
}

fn schedule(timezone: &str, period: &str) -> Schedule {
    Schedule {
        periods: vec![period.to_owned()],
        timezone: timezone.to_owned(),
        rule: IdleRule::default(),
    }
}

/// One line per turn: when, and which schedule, `-` for none.
fn told(schedules: &[Schedule], from: &str) -> String {
    let table = timetable(schedules, at(from)).unwrap();
    let turns = table.turns.iter().map(|(from, schedule)| {
        let schedule = schedule.map_or("-".to_owned(), |n| n.to_string());
        format!("{} {schedule}", moment(*from).unwrap())
    });
    turns.collect::<Vec<_>>().join("\n")
}

#[test]
fn working_hours_of_a_week() {
    let work = [schedule("Europe/Berlin", "* 9-17 * * mon-fri")];
    // A Friday; the next Monday is in another week.
    assert_eq!(
        told(&work, "2026-11-20T12:00:00Z")
            .lines()
            .take(4)
            .collect::<Vec<_>>(),
        [
            "2026-11-20T12:00:00Z 0",
            "2026-11-20T17:00:00Z -",
            "2026-11-23T08:00:00Z 0",
            "2026-11-23T17:00:00Z -",
        ]
    );
}

/// The clocks are set back on 2026-10-25 at 3:00 and forward on 2026-03-29 at 2:00.
#[test]
fn a_daylight_saving_change_opens_each_window_once() {
    let night = [schedule("Europe/Berlin", "* 2 * * *")];
    let autumn = told(&night, "2026-10-24T12:00:00Z");
    assert_eq!(
        autumn.lines().take(4).collect::<Vec<_>>(),
        [
            "2026-10-24T12:00:00Z -",
            "2026-10-25T00:00:00Z 0",
            "2026-10-25T02:00:00Z -",
            "2026-10-26T01:00:00Z 0",
        ]
    );
    let spring = told(&night, "2026-03-28T12:00:00Z");
    assert_eq!(
        spring.lines().take(3).collect::<Vec<_>>(),
        [
            "2026-03-28T12:00:00Z -",
            "2026-03-30T00:00:00Z 0",
            "2026-03-30T01:00:00Z -",
        ],
        "left out is left out"
    );
}

/// Vectors 55 to 62 of the machine autoscaling reference, section 13, as far as they are
/// about sections: which holds at 20:00.
#[test]
fn vectors_55_to_62_the_last_match_wins() {
    let (on, off) = ("* * 20 * * * *", "* * 22 * * * *");
    let at_eight = |periods: &[&str]| {
        let list: Vec<Schedule> = periods.iter().map(|text| schedule("UTC", text)).collect();
        let table = timetable(&list, at("2026-11-20T20:00:00Z")).unwrap();
        table.at(at("2026-11-20T20:00:00Z")).unwrap().schedule
    };
    assert_eq!(at_eight(&[]), None, "55: the root alone");
    assert_eq!(at_eight(&[on]), Some(0), "59");
    assert_eq!(at_eight(&[off]), None, "60");
    assert_eq!(at_eight(&[on, on]), Some(1), "61");
    assert_eq!(at_eight(&[on, on, off]), Some(1), "62");
}

#[test]
fn what_never_changes_has_no_end_and_what_always_changes_is_bounded() {
    let from = at("2026-11-20T12:00:00Z");
    let always = timetable(&[schedule("UTC", "* * * * *")], from).unwrap();
    assert_eq!(
        (always.turns, always.ends),
        (vec![(from, Some(0))], Timestamp::MAX)
    );
    let none = timetable(&[], from).unwrap();
    assert_eq!(
        (none.turns, none.ends),
        (vec![(from, None)], Timestamp::MAX)
    );
    let flickers = timetable(&[schedule("UTC", "*/2 * * * * * *")], from).unwrap();
    assert_eq!(flickers.turns.len(), MAX_TURNS);
    assert_eq!(
        flickers.ends,
        from.after(Duration::from_secs(MAX_TURNS as u64))
    );
    // Nothing comes of these changes, and there is an end to them all the same.
    let both = [
        schedule("UTC", "*/2 * * * * * *"),
        schedule("UTC", "* * * * * * *"),
    ];
    let both = timetable(&both, from).unwrap();
    assert_eq!(both.turns.len(), 1);
    assert_eq!(both.ends, from.after(Duration::from_secs(MAX_STEPS as u64)));
}

#[test]
fn what_means_nothing_here_is_an_error() {
    let words = |schedule: Schedule| {
        let error = timetable(&[schedule], at("2026-11-20T12:00:00Z")).unwrap_err();
        error.to_string()
    };
    assert_eq!(
        words(schedule("Mars/Olympus", "* * * * *")),
        "there is no time zone `Mars/Olympus`"
    );
    let told = words(schedule("UTC", "* * *"));
    assert!(
        told.starts_with("the period `* * *` cannot be read: "),
        "{told}"
    );
}
