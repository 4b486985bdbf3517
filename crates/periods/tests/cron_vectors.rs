//! Cases of the KEDA `ScaledJob` reference for cron windows, by name: what KEDA does, and
//! what a window here does where that differs.

#![expect(clippy::unwrap_used, reason = "a case that cannot be read must fail")]

use headcount_periods::{Active, Window};
use jiff::Timestamp;
use serde_json::Value;

/// Cases in which a window here is not what the last event on the clocks of the zone says,
/// because an hour that comes twice counts once and one that is left out is passed at once.
const OTHERWISE: &[(&str, bool)] = &[
    // 01:40 for the second time: the window of that day is over.
    ("dst-fall-second", false),
    // 03:10 after 02:30 was left out: the window opened when the clocks were set.
    ("dst-gap-day", true),
];

#[test]
fn every_case_by_name() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("vectors/keda_cron.json")).unwrap();
    assert_eq!(cases.len(), 38);
    let wrong: Vec<String> = cases.iter().filter_map(|case| check(case).err()).collect();
    assert_eq!(wrong, Vec::<String>::new());
}

fn check(case: &Value) -> Result<(), String> {
    let (id, input, expected) = (text(&case["id"]), &case["input"], &case["expected"]);
    let now: Timestamp = text(&input["now"]).parse().unwrap();
    let window = Window::parse(
        text(&input["timezone"]),
        text(&input["start"]),
        text(&input["end"]),
    );
    let window = match window {
        Err(error) if expected["error"] == true => {
            let wanted = text(&expected["error_contains"]);
            let said = error.to_string();
            return said
                .contains(wanted)
                .then_some(())
                .ok_or(format!("{id}: {said}"));
        }
        Err(error) => return Err(format!("{id}: {error}")),
        Ok(_) if expected["error"] == true => return Err(format!("{id}: was taken")),
        Ok(window) => window,
    };
    same(id, "keda", window.open_as_keda(now), &expected["active"])?;
    let ours = OTHERWISE.iter().find(|(name, _)| *name == id);
    let ours = ours.map_or(expected["active_by_last_event"].clone(), |(_, active)| {
        Value::Bool(*active)
    });
    same(id, "ours", window.open(now), &ours)
}

fn same(id: &str, whose: &str, said: Active, wanted: &Value) -> Result<(), String> {
    let same = *wanted == Value::Bool(said.active);
    same.then_some(()).ok_or(format!("{id}: {whose} {said:?}"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}
