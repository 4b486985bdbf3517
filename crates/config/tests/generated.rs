//! The checked-in schema and the tables of the documentation are fresh.
//! `UPDATE_SCHEMA=1` writes them again.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::PathBuf;

use headcount_config::{json_schema, key_tables};
use serde_json::Value;

const BEGIN: &str = "<!-- generated: keys -->\n";
const END: &str = "<!-- end of generated -->";

fn docs(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs")
        .join(path)
}

fn updating() -> bool {
    std::env::var_os("UPDATE_SCHEMA").is_some()
}

#[test]
fn the_schema_is_fresh() {
    let path = docs("schema/scalers.schema.json");
    let schema = json_schema();
    if updating() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let text = serde_json::to_string_pretty(&schema).unwrap();
        std::fs::write(&path, text + "\n").unwrap();
    }
    let checked_in: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert!(
        checked_in == schema,
        "stale; run the tests once with UPDATE_SCHEMA=1"
    );
}

#[test]
fn the_tables_of_the_documentation_are_fresh() {
    let path = docs("configuration.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the begin mark");
    let (tables, after) = rest.split_once(END).expect("the end mark");
    if updating() {
        std::fs::write(
            &path,
            format!("{before}{BEGIN}\n{}{END}{after}", key_tables()),
        )
        .unwrap();
        return;
    }
    assert!(
        tables.trim() == key_tables().trim(),
        "stale; run with UPDATE_SCHEMA=1"
    );
}

/// Every object of the schema refuses unknown keys, and describes each of its own.
#[test]
fn the_schema_is_strict() {
    fn walk(schema: &Value, path: &str, n_objects: &mut usize) {
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            *n_objects += 1;
            assert_eq!(schema["additionalProperties"], false, "{path}");
            for (key, value) in properties {
                assert!(value["description"].is_string(), "{path}/{key}");
                walk(value, &format!("{path}/{key}"), n_objects);
            }
        }
        if let Some(items) = schema.get("items") {
            walk(items, &format!("{path}[]"), n_objects);
        }
    }
    let mut n_objects = 0;
    walk(&json_schema(), "", &mut n_objects);
    assert!(n_objects > 15, "{n_objects}");
}
