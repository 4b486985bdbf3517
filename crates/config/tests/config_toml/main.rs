//! GitLab Runner's `config.toml` as configuration: what it comes to, and what is named in it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod examples;
mod hidden;
mod refused;
mod told;
mod yields;

use headcount_config::settings::{
    DockerMachineTemplate, IdlePolicy, LabelSet, Readiness, Scaler, Settings, Template,
};
use headcount_config::{ConfigTexts, Loaded, Platform, Problems, effective_yaml, load_texts};
use headcount_model::{DockerMachineRecipe, Recipe};

fn load(text: &str) -> Result<Loaded, Problems> {
    load_texts(ConfigTexts::single("c", text), &platform())
}

fn platform() -> Platform {
    Platform {
        os: "linux".into(),
        arch: "x86_64".into(),
    }
}

/// Of a file that is good, and whose native form comes to the same.
fn settings(text: &str) -> Settings {
    let loaded = load(text).unwrap_or_else(|p| panic!("{p}"));
    let printed = effective_yaml(&loaded.settings);
    let again = headcount_config::parse_texts(ConfigTexts::single("n", &printed));
    let again = again.unwrap_or_else(|p| panic!("{p}\n{printed}"));
    assert_eq!(again.settings, loaded.settings, "{printed}");
    loaded.settings
}

/// A runner of three lines, with more before and after these.
fn runner(before: &str, after: &str) -> String {
    format!(
        "concurrent = 5\n{before}[[runners]]\nname = \"r\"\nexecutor = \"docker+machine\"\n{after}"
    )
}

/// The same with keys of `[runners.machine]`, from line 6 on.
fn machine(keys: &str) -> String {
    runner("", &format!("[runners.machine]\n{keys}"))
}

/// Everything that is said of a text.
fn said(text: &str) -> String {
    match load(text) {
        Ok(loaded) => loaded.warnings.to_string(),
        Err(problems) => problems.to_string(),
    }
}

/// What is said of a text beside what is said of [`machine`] without any keys.
fn more(text: &str) -> String {
    const ALWAYS: [&str; 6] = [
        "no `MachineName`: machines are called",
        "machines at once, as no `limit` says it",
        "jobs come from the built-in queue",
        "jobs ask for these machines by the label",
        "no `image`: agents run in",
        "no `MachineDriver`: machines are made by",
    ];
    let all = said(text);
    let lines = all
        .lines()
        .filter(|line| !ALWAYS.iter().any(|usual| line.contains(usual)));
    lines.collect::<Vec<_>>().join("\n")
}

fn scaler(settings: &Settings) -> &Scaler {
    &settings.scalers[0]
}

fn set(settings: &Settings) -> &LabelSet {
    &scaler(settings).label_sets[0]
}

fn template(settings: &Settings) -> &DockerMachineTemplate {
    match &set(settings).template {
        Template::DockerMachine(template) => template,
        other => panic!("{other:?}"),
    }
}

fn idle(settings: &Settings) -> &IdlePolicy {
    match &scaler(settings).readiness {
        Readiness::Idle(policy) => policy,
        other => panic!("{other:?}"),
    }
}

fn recipe(loaded: &Loaded) -> DockerMachineRecipe {
    match &*loaded.fleet.scalers[0].pools[0].recipe {
        Recipe::DockerMachine(recipe) => recipe.clone(),
        other => panic!("{other:?}"),
    }
}
