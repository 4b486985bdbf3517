use headcount_model::{Level, Measure, Trouble, TroubleKind};

use super::*;

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn id(text: &str) -> EntryId {
    EntryId::parse(text).unwrap()
}

fn known(value: u64) -> Reading {
    Reading::Known(Measure {
        value: Level::count(value),
        backlog: None,
    })
}

fn begun(as_of: u64) -> Begun {
    Begun {
        as_of: at(as_of),
        told: None,
    }
}

fn told(as_of: u64, told: u64) -> Begun {
    Begun {
        told: Some(at(told)),
        ..begun(as_of)
    }
}

/// One that read this number at 1000 and knows entries up to `900-0`.
fn known_since(value: u64) -> Arrivals {
    let arrivals = Arrivals::default();
    let first = arrivals.judge(begun(1000), &known(value), None, News::UpTo(id("900-0")));
    assert_eq!(first, None, "what was there before is not new");
    arrivals
}

fn new(oldest: &str, newest: &str) -> News {
    News::Between(id(oldest), id(newest), Waits::Yes)
}

#[test]
fn an_entry_arrived_when_its_id_says_and_is_new_once() {
    let arrivals = known_since(0);
    let news = new("1500-0", "1600-0");
    let of = |as_of, news| arrivals.judge(begun(as_of), &known(2), None, news);
    assert_eq!(of(2000, news), Some(at(1500)));
    // Of two readings at the same time, one tells.
    assert_eq!(of(2000, news), None);
    assert_eq!(of(2100, News::None), None);
}

#[test]
fn a_clock_that_differs_is_believed_no_further_than_the_readings() {
    for (entry, expected) in [
        ("901-0", 1000),
        ("1-1", 1000),
        ("2000-0", 2000),
        ("999999-0", 2000),
    ] {
        let arrivals = known_since(0);
        let news = News::Between(id(entry), id("999999-1"), Waits::Yes);
        let arrived = arrivals.judge(begun(2000), &known(1), None, news);
        assert_eq!(arrived, Some(at(expected)), "{entry}");
    }
    // What was told of was there by then.
    let arrivals = known_since(0);
    let arrived = arrivals.judge(told(2000, 1990), &known(1), None, new("5000-0", "5000-0"));
    assert_eq!(arrived, Some(at(1990)));
}

#[test]
fn an_entry_that_somebody_took_unseen_was_not_waited_for() {
    let arrivals = known_since(0);
    let news = News::Between(id("1500-0"), id("1500-0"), Waits::No);
    assert_eq!(arrivals.judge(begun(2000), &known(1), None, news), None);
}

#[test]
fn a_number_that_rose_did_so_when_that_was_told_or_since_the_last_reading() {
    let of = |begun, value| {
        let arrivals = known_since(3);
        arrivals.judge(begun, &known(value), None, News::Unseen)
    };
    assert_eq!(of(begun(2000), 4), Some(at(1000)));
    assert_eq!(of(told(2000, 1998), 4), Some(at(1998)));
    assert_eq!(of(told(2000, 1998), 3), None);
    assert_eq!(of(told(2000, 1998), 2), None);
}

#[test]
fn a_window_opened_when_it_said_it_would() {
    let arrivals = Arrivals::default();
    let opens = Some(at(1700));
    arrivals.judge(begun(1000), &known(0), opens, News::Unseen);
    let arrived = arrivals.judge(begun(2000), &known(3), None, News::Unseen);
    assert_eq!(arrived, Some(at(1700)));
}

#[test]
fn what_could_not_be_read_bounds_nothing() {
    let arrivals = known_since(0);
    let unknown = Reading::Unknown(Trouble {
        kind: TroubleKind::Transient,
        message: "connection refused".into(),
    });
    assert_eq!(
        arrivals.judge(begun(1500), &unknown, None, News::Unseen),
        None
    );
    let arrived = arrivals.judge(begun(2000), &known(1), None, News::Unseen);
    assert_eq!(arrived, Some(at(1000)));
}

#[test]
fn a_stream_that_begins_anew_is_followed_again() {
    let arrivals = known_since(0);
    let arrived = arrivals.judge(told(2000, 1999), &known(1), None, News::None);
    assert_eq!(arrived, Some(at(1999)));
    assert_eq!(arrivals.mark(), Some(None));
    arrivals.judge(begun(2100), &known(1), None, News::UpTo(id("5-0")));
    assert_eq!(arrivals.mark(), Some(Some(id("5-0"))));
}

#[test]
fn where_entries_are_not_looked_at_the_mark_is_forgotten() {
    let arrivals = known_since(0);
    arrivals.rest();
    assert_eq!(arrivals.mark(), None);
    let arrived = arrivals.judge(begun(2000), &known(1), None, new("1500-0", "1500-0"));
    assert_eq!(arrived, Some(at(1500)), "what was seen is told");
    arrivals.lock().rests_until = None;
    assert_eq!(arrivals.mark(), Some(None));
}

#[test]
fn rests_grow_to_an_hour() {
    let arrivals = Arrivals::default();
    let minutes = [(); 9].map(|()| {
        arrivals.rest();
        let until = arrivals.lock().rests_until.unwrap();
        (until - Instant::now()).as_secs().div_ceil(60)
    });
    assert_eq!(minutes, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
}

#[test]
fn a_change_is_told_of_from_the_first_time_until_a_reading_begins() {
    let arrivals = Arrivals::default();
    assert_eq!(arrivals.begin(at(1000)).told, None);
    arrivals.told();
    arrivals.told();
    let told = arrivals.begin(at(1000)).told.unwrap();
    assert!(told <= at(1000));
    assert_eq!(arrivals.begin(at(1001)).told, None);
}
