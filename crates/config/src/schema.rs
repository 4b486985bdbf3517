//! The schema for editors and the tables of the documentation, from the tables that
//! reading uses.

use std::fmt::Write;

use serde_json::{Value as Json, json};

use crate::read::{Key, Nested, Object, Shape};
use crate::written::{
    Amount, Cap, Defaults, DropIn, EntryJob, Firecracker, LabelSet, MachinePool, NetworkPolicy,
    Policy, Resources, Retry, Rollout, Scaler, SecretOption, SecretVariable, Source, Timeouts, Top,
    Trigger, TriggerMetadata, WarmPool,
};

/// JSON Schema, draft 2020-12, of the main file. It refuses no file that this program
/// accepts; what keys mean together is checked by the program alone.
#[must_use]
pub fn json_schema() -> Json {
    let mut schema = Nested::<Top>::NEW.schema();
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("Headcount scalers.yaml");
    schema
}

/// Every key of the format as Markdown tables, one for each mapping.
#[must_use]
pub fn key_tables() -> String {
    let mut page = String::new();
    table::<Top>(&mut page, "Top level");
    table::<DropIn>(&mut page, "Drop-in files");
    table::<MachinePool>(&mut page, "`machinePools` entry");
    table::<Defaults>(&mut page, "`defaults`");
    table::<Firecracker>(&mut page, "`firecracker`");
    table::<Source>(&mut page, "`sources` entry");
    table::<EntryJob>(&mut page, "`job` of a source");
    table::<Scaler>(&mut page, "`scalers` entry");
    table::<Policy>(&mut page, "`policy`");
    table::<WarmPool>(&mut page, "`warmPool`");
    table::<Trigger>(&mut page, "`triggers` entry");
    table::<TriggerMetadata>(&mut page, "`metadata` of a trigger or a source");
    table::<Rollout>(&mut page, "`rollout`");
    table::<Timeouts>(&mut page, "`timeouts`");
    table::<Retry>(&mut page, "`retry`");
    table::<LabelSet>(&mut page, "`labelSets` entry");
    table::<SecretOption>(&mut page, "A secret among `options` of `docker-machine`");
    table::<SecretVariable>(&mut page, "An entry of `secretEnv`");
    table::<Resources>(&mut page, "`resources`");
    table::<Amount>(&mut page, "`requests` and `limits`");
    table::<Cap>(&mut page, "`globalResourceCap`, `resourceCap`, `cap`");
    table::<NetworkPolicy>(&mut page, "`networkPolicy`");
    page
}

fn table<T: Object>(page: &mut String, title: &str) {
    let rows = T::KEYS.iter().zip(T::shapes());
    let rows = rows.map(|(key, (_, words))| row(key, &words));
    let rows: String = rows.collect();
    // Writing to a string does not fail.
    let _ = write!(
        page,
        "### {title}\n\n{}\n\n| Key | Value | Without it | Meaning |\n|---|---|---|---|\n{rows}\n",
        T::ABOUT
    );
}

fn row(key: &Key, words: &str) -> String {
    let without = match (key.need.required, key.need.default) {
        (true, _) => "required",
        (false, Some(default)) => default,
        (false, None) => "unset",
    };
    let only = match key.need.only {
        [] => String::new(),
        ["idle"] | ["queue"] => format!(" Kind {} only.", crate::suggest::choices(key.need.only)),
        only => format!(" Type {} only.", crate::suggest::choices(only)),
    };
    let (name, about) = (key.name, key.about);
    format!("| `{name}` | {words} | {without} | {about}{only} |\n")
}
