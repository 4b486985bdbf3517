//! `ScaledJob` manifests as configuration: what they come to, and what is named in them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod told;
mod yields;

use headcount_config::settings::{Queue, Readiness, Scaler, SecretFrom, SecretRef, Settings};
use headcount_config::{ConfigTexts, Parsed, Problems, effective_yaml, parse_texts};

const WHOLE: &str = include_str!("../manifest.yaml");

fn parse(text: &str) -> Result<Parsed, Problems> {
    parse_texts(ConfigTexts::single("m", text))
}

fn settings(text: &str) -> Settings {
    let parsed = parse(text).unwrap_or_else(|p| panic!("{p}"));
    let printed = effective_yaml(&parsed.settings);
    let again = parse(&printed).unwrap_or_else(|p| panic!("{p}\n{printed}"));
    assert_eq!(again.settings, parsed.settings, "{printed}");
    parsed.settings
}

fn queue(scaler: &Scaler) -> &Queue {
    match &scaler.readiness {
        Readiness::Queue(queue) => queue,
        _ => panic!("no queue"),
    }
}

fn home(secret: Option<&SecretRef>) -> String {
    match secret.map(|secret| &secret.from) {
        Some(SecretFrom::Manifest(place)) => place.to_string(),
        other => panic!("{other:?}"),
    }
}

fn example(name: &str) -> Parsed {
    let path = format!("{}/../../examples/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    settings(&text);
    parse_texts(ConfigTexts::single(name, text)).unwrap()
}
