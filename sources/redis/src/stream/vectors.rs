//! The cases of the KEDA reference that give a server's replies, by their ids.
//!
//! Those that say how parameters choose a mode belong to the configuration.

use std::sync::Arc;

use headcount_model::Compat;
use redis::Value;
use serde::Deserialize;
use serde_json::Value as Json;

use super::backlog::{self, Question};
use super::groups::Undelivered;
use super::lag;
use super::pending;
use crate::fault::{Asked, Fault};
use crate::reply::{Refusal, Reply};

const FILE: &str = include_str!("../../tests/vectors/keda_redis_streams.json");

#[derive(Deserialize)]
struct Case {
    id: String,
    kind: String,
    input: Json,
    expected: Json,
}

#[derive(Deserialize)]
struct Expected {
    error: bool,
    error_contains: Option<String>,
    value: Option<u64>,
}

/// What ours answers where it is meant to differ, and why.
const OURS: [(&str, &str); 1] = [(
    // What was refused is said, not guessed around.
    "x-lag-xinfo-denied",
    "error: redis at r:6379 does not allow it to user \"default\": NOPERM; allow that command \
     and the key in the user's ACL",
)];

/// About the version of a server, which ours does not ask for: it counts on all of them.
const OF_VERSIONS: [&str; 3] = ["x-lag-old-server", "x-lag-no-version", "x-lag-bad-version"];

#[test]
fn every_metric_case_is_as_in_keda() {
    check(Compat::Keda, |_| None);
}

#[test]
fn every_metric_case_is_as_in_keda_but_for_what_ours_says_better() {
    check(Compat::Headcount, |id| {
        OURS.iter()
            .find(|(own, _)| *own == id)
            .map(|(_, said)| *said)
    });
}

fn check(compat: Compat, exception: impl Fn(&str) -> Option<&'static str>) {
    let cases: Vec<Case> = serde_json::from_str(FILE).unwrap();
    let cases = cases.into_iter().filter(|case| case.kind == "metric");
    let mut wrong = Vec::new();
    let mut seen = 0;
    for case in cases {
        seen += 1;
        if compat == Compat::Headcount && OF_VERSIONS.contains(&case.id.as_str()) {
            continue;
        }
        let answer = answer(&case.input, compat);
        let shown = match &answer {
            Ok(value) => value.to_string(),
            Err(fault) => format!("error: {fault}"),
        };
        let right = match exception(&case.id) {
            Some(said) => shown == said,
            None => as_expected(&case.expected, &answer),
        };
        if !right {
            wrong.push(format!("{}: {shown}", case.id));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(seen, 13);
}

fn as_expected(expected: &Json, answer: &Result<u64, Fault>) -> bool {
    let expected: Expected = serde_json::from_value(expected.clone()).unwrap();
    match answer {
        Ok(value) => !expected.error && expected.value == Some(*value),
        Err(fault) => {
            let text = expected.error_contains.unwrap_or_default();
            expected.error && fault.to_string().contains(&text)
        }
    }
}

fn answer(input: &Json, compat: Compat) -> Result<u64, Fault> {
    let asked = Asked {
        server: "r:6379".to_owned(),
        user: "default".to_owned(),
        cluster: false,
    };
    let replies = &input["replies"];
    if input["mode"] == "pending" {
        let reply = reply(&replies["XPENDING"], summary);
        return pending::read(&asked, "s", "g", &reply);
    }
    // Nothing was removed from a stream whose length is not given.
    let length = match (&replies["XLEN"], compat) {
        (Json::Null, Compat::Headcount) => Ok(Value::Int(1_000)),
        (length, _) => reply(length, Value::from_json),
    };
    let replies = [
        reply(&replies["INFO"], Value::from_json),
        length,
        reply(&replies["XINFO GROUPS"], groups),
    ]
    .map(Arc::new);
    if compat == Compat::Keda {
        return lag::read(&asked, "s", "g", &replies);
    }
    let question = Question {
        stream: "s",
        group: "g",
        claim_after: None,
    };
    match backlog::draft(&asked, question, &replies[1..])?.waiting {
        Undelivered::Exactly(entries) => Ok(entries),
        Undelivered::After { about, .. } => Ok(about.expect("no case has a lag that is nil")),
    }
}

/// An error is written as its line; a reply that is not given must not matter.
fn reply(json: &Json, value: impl Fn(&Json) -> Value) -> Reply {
    match json {
        Json::Null => Err(Refusal::new("ERR this reply was not to be used")),
        Json::String(line) if !line.contains(':') => Err(Refusal::new(line)),
        json => Ok(value(json)),
    }
}

trait FromJson {
    fn from_json(json: &Json) -> Value;
}

impl FromJson for Value {
    fn from_json(json: &Json) -> Value {
        match json {
            Json::Number(number) => Value::Int(number.as_i64().unwrap()),
            Json::String(text) => Value::BulkString(text.clone().into_bytes()),
            json => panic!("no reply is {json}"),
        }
    }
}

fn summary(json: &Json) -> Value {
    let count = Value::from_json(&json["count"]);
    Value::Array(vec![count, Value::Nil, Value::Nil, Value::Nil])
}

fn groups(json: &Json) -> Value {
    let rows = json.as_array().unwrap().iter().map(|row| {
        let text = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        Value::Array(vec![
            text("name"),
            Value::from_json(&row["name"]),
            text("pending"),
            Value::Int(0),
            text("last-delivered-id"),
            text("1-0"),
            text("lag"),
            Value::from_json(&row["lag"]),
        ])
    });
    Value::Array(rows.collect())
}
