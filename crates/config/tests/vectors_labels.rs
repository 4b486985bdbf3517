//! The vectors L of section 18 of the `scalers.yaml` reference that concern loading, and
//! which keys may stand in which file.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use headcount_config::{ConfigText, ConfigTexts, overlaps, parse_texts};
use headcount_model::Labels;

/// What is said of a text that is refused.
fn told(text: &str) -> String {
    parse_texts(ConfigTexts::single("c", text))
        .unwrap_err()
        .to_string()
}

#[test]
fn l3_overlap_of_two_scalers() {
    let a = "- {name: A, type: bare-metal, maxAgents: 1, labelSets: [{labels: [docker, linux]}]}";
    let b = "- {name: B, type: bare-metal, maxAgents: 1, labelSets: [{labels: [Linux, docker]}]}";
    let problems = told(&format!("version: 1\nscalers:\n{a}\n{b}\n"));
    assert_eq!(
        problems,
        "c:4:66: error: the labels `docker,linux` belong to both scaler `A` and scaler `B` (give \
         one of them another label, or leave this label set out)"
    );
}

#[test]
fn l4_repeats_inside_one_scaler_are_no_overlap() {
    let text = "version: 1\nscalers:\n- name: main\n  type: bare-metal\n  maxAgents: 5\n  \
                labelSets: [{labels: [a, b]}, {labels: [B, a]}]\n";
    let parsed = parse_texts(ConfigTexts::single("c", text)).unwrap();
    assert_eq!(
        parsed.warnings.to_string(),
        "c:6:42: warning: this scaler has a label set with these labels already (remove it, or \
         give it other labels)"
    );
}

#[test]
fn l5_two_overlaps() {
    let owned = |sets: &[&str]| {
        sets.iter()
            .map(|set| Labels::new([set]))
            .collect::<Vec<_>>()
    };
    let found = overlaps(&[owned(&["x", "y"]), owned(&["x"]), owned(&["y"])]);
    let pairs: Vec<_> = found
        .iter()
        .map(|o| (o.labels.join(","), o.first, o.second))
        .collect();
    assert_eq!(pairs, [("x".to_owned(), 0, 1), ("y".to_owned(), 0, 2)]);
}

#[test]
fn drop_ins_hold_scalers_only() {
    let main = ConfigText::new("main", "version: 1\n");
    let drop_in = |text: &str| ConfigTexts {
        main: main.clone(),
        drop_ins: vec![ConfigText::new("d", text)],
    };
    let one = "scalers: []\n";
    for (text, problem) in [
        (
            "globalMaxAgents: 3\nscalers: []\n",
            "d:1:1: error: a drop-in file has no key \
          `globalMaxAgents` (`globalMaxAgents` is a key of the main file)",
        ),
        (
            "scalers: {}\n",
            "d:1:10: error: `scalers` must be a list (put it into a list: `- ` \
          before each item, or `[` and `]` around them)",
        ),
        (
            "version: 2\nscalers: []\n",
            "d:1:10: error: `version` must be 1 (write for example `1`)",
        ),
    ] {
        let problems = parse_texts(drop_in(text)).unwrap_err();
        assert!(problems.to_string().contains(problem), "{problems}");
    }
    assert!(parse_texts(drop_in(one)).is_ok());
    assert!(parse_texts(drop_in("version: 1\nscalers: []\n")).is_ok());
    let nowhere = parse_texts(drop_in("# nothing yet\n")).unwrap_err();
    assert!(
        nowhere
            .to_string()
            .contains("there is no `scalers`, here or in a drop-in file")
    );
}
