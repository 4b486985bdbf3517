//! What an answer to several means for each, and the documents of `docs/provisioners.md`.

use headcount_model::{AgentId, InstanceState};
use headcount_ports::CreateRequest;
use serde_json::{Value, json};

use super::super::tests::{AGENT, as_shown, asked, page, provisioner, sent};
use super::*;
use crate::start_up::StartUp;

const NEXT: AgentId = AgentId {
    number: AGENT.number + 1,
    ..AGENT
};

fn order(request: &CreateRequest) -> Order<'_> {
    Order {
        request,
        options: r#"{"image": "debian-13", "size": "large"}"#,
        start_up: StartUp {
            environment: Vec::new(),
            token: None,
            command: vec!["headcount".into()],
        },
        url: "",
        token: None,
        lease: None,
    }
}

fn said(code: i32, output: &str) -> Said {
    Said {
        code: Some(code),
        output: output.as_bytes().to_vec(),
        words: String::new(),
        left: false,
    }
}

/// What becomes of two machines of this answer: the id of each, or what is wrong.
fn told(code: i32, answer: &Value) -> [Result<String, (Verdict, String)>; 2] {
    let to = provisioner();
    let mut told = heard(said(code, &answer.to_string())).and_then(Told::read);
    [AGENT, NEXT].map(|agent| {
        let told = told.as_mut().map_err(|fault| fault.clone());
        let request = asked(&to, agent);
        let machine = told.and_then(|told| told.of(&to, &order(&request)));
        let machine = machine.map(|machine| machine.id);
        machine.map_err(|fault| (fault.verdict, fault.message))
    })
}

/// One of `machines`, as it should be.
fn machine(agent: AgentId) -> Value {
    let name = provisioner().name(agent);
    json!({
        "id": format!("i-{}", agent.number), "name": name, "status": "starting",
        "owner": "0123456789abcdef", "pool": "farm/linux+x64", "agent": agent.to_string(),
        "generation": agent.epoch
    })
}

fn answer(machines: Value, errors: Value) -> Value {
    json!({"contract": "headcount/v1", "machines": machines, "errors": errors})
}

fn with(agent: AgentId, key: &str, value: Value) -> Value {
    let mut machine = machine(agent);
    machine[key] = value;
    machine
}

#[test]
fn the_page_shows_a_batch_as_it_is_sent() {
    let to = provisioner();
    let requests = [AGENT, NEXT].map(|agent| asked(&to, agent));
    let orders = [order(&requests[0]), order(&requests[1])];
    let options = super::super::options(&orders[0]).unwrap();
    let mut document = sent(&creation(&to, &orders, &options).unwrap());
    for machine in document["machines"].as_array_mut().unwrap() {
        as_shown(machine);
    }
    assert_eq!(document, page("request: create of several"));
    assert!(creation(&to, &[], &options).is_none());
}

#[test]
fn the_pages_answer_is_understood() {
    let [first, second] = told(0, &page("answer: create of several"));
    assert_eq!(first, Ok("i-0abc".to_owned()));
    assert_eq!(second, Err((Verdict::Capacity, "no room in zone b".into())));
}

#[test]
fn each_is_told_by_itself() {
    let (first, second) = (Ok("i-7".to_owned()), Ok("i-8".to_owned()));
    let both = json!([machine(NEXT), machine(AGENT)]);
    for answer in [answer(both.clone(), json!([])), answer(both, Value::Null)] {
        assert_eq!(told(0, &answer), [first.clone(), second.clone()]);
    }
    let name = provisioner().name(NEXT);
    let unknown = |text: &str| Err((Verdict::Unknown, text.replace("NAME", &name)));
    let refused = json!([{"name": name, "kind": "quota", "message": "20\nof 20"}]);
    for (machines, errors, expected) in [
        (
            json!([machine(AGENT)]),
            refused.clone(),
            Err((Verdict::Quota, "20 of 20".to_owned())),
        ),
        (
            json!([machine(AGENT)]),
            json!([{"name": name, "kind": "auth"}]),
            Err((
                Verdict::Auth,
                format!("`{name}` was refused with no message"),
            )),
        ),
        (
            json!([machine(AGENT)]),
            json!([{"name": name, "kind": "odd", "message": "?"}]),
            unknown("its answer refuses `NAME` with a kind that there is not: odd ?"),
        ),
        (
            json!([machine(AGENT)]),
            json!([]),
            unknown("its answer has `NAME` neither in `machines` nor in `errors`"),
        ),
        (
            json!([machine(AGENT), machine(NEXT)]),
            refused.clone(),
            unknown("its answer has `NAME` more than once"),
        ),
        (
            json!([machine(AGENT), machine(NEXT), machine(NEXT)]),
            json!([]),
            unknown("its answer has `NAME` more than once"),
        ),
        (
            json!([machine(AGENT)]),
            json!([refused[0], refused[0]]),
            unknown("its answer has `NAME` more than once"),
        ),
        (
            json!([machine(AGENT), with(NEXT, "owner", "two".into())]),
            json!([]),
            unknown("its answer has `NAME` with another `owner` than was asked for"),
        ),
        (
            json!([machine(AGENT), with(NEXT, "agent", "a-1-1".into())]),
            json!([]),
            unknown("its answer has `NAME` with another `agent` than was asked for"),
        ),
        (
            json!([machine(AGENT), with(NEXT, "pool", "farm/x".into())]),
            json!([]),
            unknown("its answer has `NAME` with another `pool` than was asked for"),
        ),
        (
            json!([machine(AGENT), with(NEXT, "generation", 5.into())]),
            json!([]),
            unknown("its answer has `NAME` with another `generation` than was asked for"),
        ),
        (
            json!([machine(AGENT), with(NEXT, "id", "".into())]),
            json!([]),
            unknown("machine `NAME` has an empty `id`"),
        ),
        (
            json!([machine(AGENT), with(NEXT, "name", "web-1".into())]),
            json!([]),
            unknown("its answer has `NAME` neither in `machines` nor in `errors`"),
        ),
    ] {
        let answer = answer(machines, errors);
        assert_eq!(told(0, &answer), [first.clone(), expected], "{answer}");
    }
}

#[test]
fn one_id_is_not_two_machines() {
    let machines = json!([machine(AGENT), with(NEXT, "id", "i-7".into())]);
    let unknown = |agent| {
        let name = provisioner().name(agent);
        let text = format!("its answer has the id `i-7` on `{name}` and on another machine");
        Err((Verdict::Unknown, text))
    };
    let told = told(0, &answer(machines, json!([])));
    assert_eq!(told, [unknown(AGENT), unknown(NEXT)]);
}

#[test]
fn what_is_said_of_the_whole_holds_for_each() {
    let error = |kind: &str| {
        json!({"contract": "headcount/v1", "machines": [],
               "error": {"kind": kind, "message": "no"}})
    };
    let both = json!([machine(AGENT), machine(NEXT)]);
    let made = answer(both, json!([]));
    for (code, answer, verdict, message) in [
        (1, error("capacity"), Verdict::Capacity, "no"),
        (
            1,
            error("invalid"),
            Verdict::Invalid,
            "no; if it does not know `machines` in a `create`, take `createBatch` out of its scaler",
        ),
        (
            14,
            Value::Null,
            Verdict::Invalid,
            "`create` ended with code 14 and no message; if it does not know `machines` in a \
             `create`, take `createBatch` out of its scaler",
        ),
        (
            0,
            error("capacity"),
            Verdict::Unknown,
            "`create` ended with code 0 and says that it failed",
        ),
        (
            10,
            made,
            Verdict::Unknown,
            "`create` ended with code 10 and tells of single machines; end with code 0 where \
             `machines` and `errors` say what became of each",
        ),
        (
            0,
            json!({"contract": "headcount/v1", "machine": machine(AGENT)}),
            Verdict::Unknown,
            "its answer to a `create` of several machines has neither `machines` nor `errors`; \
             if it does not know `machines` in a `create`, take `createBatch` out of its scaler",
        ),
        (
            0,
            answer(json!([]), json!({"name": "x"})),
            Verdict::Unknown,
            "`errors` in its answer cannot be read: invalid type: map, expected a sequence",
        ),
        (
            3,
            Value::Null,
            Verdict::Unknown,
            "`create` ended with code 3",
        ),
    ] {
        let each = Err((verdict, message.to_owned()));
        assert_eq!(told(code, &answer), [each.clone(), each], "{answer}");
    }
}

#[test]
fn what_is_told_of_one_machine_is_read_as_ever() {
    let request = asked(&provisioner(), AGENT);
    let answer = answer(json!([machine(AGENT)]), Value::Null);
    let mut told = Told::read(heard(said(0, &answer.to_string())).unwrap()).unwrap();
    let made = told.of(&provisioner(), &order(&request)).unwrap();
    assert_eq!((made.agent, made.state), (AGENT, InstanceState::Starting));
}
