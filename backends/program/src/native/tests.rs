//! The documents of `docs/provisioners.md` are what is sent, and what is understood.

use std::collections::BTreeMap;
use std::sync::Arc;

use headcount_model::{
    AgentKind, CreateBatch, Granted, InstanceState, LogPressure, ProgramRecipe, ProvisionerAddress,
    ProvisionerContract, Recipe, Resources as Amounts,
};
use headcount_ports::CreateRequest;
use headcount_ports::agent_env::CallBack;

use super::*;
use crate::options::{Pace, ProgramOptions};
use crate::start_up::StartUp;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/provisioners.md");
pub(super) const AGENT: AgentId = AgentId {
    epoch: 0x65f1_c2a0,
    number: 7,
};

/// The document that follows this remark.
pub(super) fn page(remark: &str) -> Value {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (_, rest) = page
        .split_once(&format!("<!-- {remark} -->\n```json\n"))
        .expect(remark);
    let (document, _) = rest.split_once("```").unwrap();
    serde_json::from_str(document).unwrap()
}

pub(super) fn provisioner() -> Provisioner {
    Provisioner::new(ProgramOptions {
        provisioner: ProvisionerAddress {
            program: "/opt/p".into(),
            contract: ProvisionerContract::Native,
            environment: Vec::new(),
            config: Some("/var/lib/machines".into()),
        },
        owner: "0123456789abcdef".into(),
        state_dir: None,
        host_env: BTreeMap::new(),
        call_back: CallBack::default(),
        own_url: None,
        forwarded: BTreeMap::new(),
        known: Vec::new(),
        pools: BTreeMap::new(),
        pace: Pace::default(),
    })
}

fn target() -> Target {
    Target {
        agent: AGENT,
        pool: Some("farm/linux+x64".into()),
        id: None,
        owner: None,
    }
}

pub(super) fn sent(request: &Request<'_>) -> Value {
    serde_json::from_slice(&request.document()).unwrap()
}

/// What the controller asks for.
pub(super) fn asked(to: &Provisioner, agent: AgentId) -> CreateRequest {
    CreateRequest {
        agent,
        owner: "0123456789abcdef".into(),
        pool: "farm/linux+x64".into(),
        scaler: "farm".into(),
        kind: AgentKind::Managed,
        labels: "linux,x64".into(),
        granted: Granted {
            requests: Amounts {
                cpu_millis: 2000,
                memory_bytes: 4 << 30,
            },
            limits: Amounts::ZERO,
        },
        slots: 1,
        log_pressure: LogPressure::Pause,
        deadline: std::time::Duration::from_secs(60),
        recipe: Arc::new(Recipe::Program(ProgramRecipe {
            provisioner: to.options.provisioner.clone(),
            options: String::new(),
            env: BTreeMap::new(),
            agent_binary: None,
            agent_url: None,
            batch: CreateBatch::default(),
            lease_time: None,
        })),
        token: None,
    }
}

/// With texts that the page cuts, and a moment, as the page shows them: of a machine of this
/// document.
pub(super) fn as_shown(machine: &mut Value) {
    for (path, begin, shown) in [
        ("/startUp/script", "#!/bin/sh\n", "#!/bin/sh\n..."),
        (
            "/startUp/cloudInit",
            "#cloud-config\n",
            "#cloud-config\n...",
        ),
        ("/machine/leaseUntil", "2", "2026-11-29T14:00:00Z"),
    ] {
        let text = machine.pointer_mut(path).unwrap();
        assert!(text.as_str().unwrap().starts_with(begin), "{path}");
        *text = shown.into();
    }
}

#[test]
fn the_page_shows_a_create_as_it_is_sent() {
    let to = provisioner();
    let asked = asked(&to, AGENT);
    let order = Order {
        request: &asked,
        options: r#"{"image": "debian-13", "size": "large"}"#,
        start_up: StartUp {
            environment: Vec::new(),
            token: None,
            command: vec!["headcount".into()],
        },
        url: "",
        token: None,
        lease: None,
    };
    let options = options(&order).unwrap();
    let mut document = sent(&creation(&to, &order, &options));
    as_shown(&mut document);
    assert_eq!(document, page("request: create"));
}

#[test]
fn the_page_shows_the_other_requests_as_they_are_sent() {
    let to = provisioner();
    let pace = to.options.pace;
    let list = Request::new(Verb::List, &to, pace.list);
    assert_eq!(sent(&list), page("request: list"));
    let mut others = list;
    others.others = Some(true);
    assert_eq!(sent(&others), page("request: list others"));
    let mut renew = Request::new(Verb::Renew, &to, pace.renew);
    renew.lease_until = Some("2026-11-22T15:20:00Z");
    renew.lease_seconds = Some(3600);
    assert_eq!(sent(&renew), page("request: renew"));
    let target_of = target();
    let status = Request::about(Verb::Status, &to, pace.status, &target_of);
    assert_eq!(sent(&status), page("request: status"));
    let grace = Duration::from_secs(10);
    let numbered = Target {
        id: Some("i-0abc".into()),
        ..target()
    };
    let mut destroy = Request::about(Verb::Destroy, &to, pace.destroy + grace, &numbered);
    destroy.grace_seconds = Some(10);
    assert_eq!(sent(&destroy), page("request: destroy"));
}

#[test]
fn a_lease_is_told_with_the_machine_and_a_call_for_anothers_is_in_its_name() {
    let to = provisioner();
    let other = Target {
        owner: Some("fedcba9876543210".into()),
        ..target()
    };
    let status = sent(&Request::about(
        Verb::Status,
        &to,
        to.options.pace.status,
        &other,
    ));
    assert_eq!(status["owner"], "fedcba9876543210");
    assert_eq!(status["machine"]["owner"], "fedcba9876543210");
    assert_eq!(
        status["machine"]["name"],
        "headcount-fedcba987654-a-65f1c2a0-7"
    );
}

fn answer(remark: &str, code: i32) -> Result<Answer, Fault> {
    let said = Said {
        code: Some(code),
        output: page(remark).to_string().into_bytes(),
        words: String::new(),
        left: false,
    };
    heard(Verb::Create, said)
}

#[test]
fn the_pages_answers_are_understood() {
    let owner = "0123456789abcdef".into();
    let machine = one(
        answer("answer: machine", 0).unwrap(),
        &provisioner().name(AGENT),
    );
    let machine = machine.unwrap();
    assert_eq!(machine.price_per_hour, Some(0.12));
    let machine = read(&owner, machine).unwrap().unwrap();
    assert_eq!(
        (machine.agent, machine.state),
        (AGENT, InstanceState::Starting)
    );
    let list = answer("answer: machines", 0).unwrap();
    assert_eq!(list.complete, Some(true));
    let machine = list.machines.unwrap().remove(0);
    let machine = read(&owner, machine).unwrap().unwrap();
    assert_eq!(
        (machine.id.as_str(), machine.state),
        ("i-0abc", InstanceState::Running)
    );
    let fault = answer("answer: error", 1).unwrap_err();
    assert_eq!(
        (fault.verdict, fault.message.as_str(), fault.retry_after),
        (
            Verdict::Throttled,
            "429 from the API",
            Some(Duration::from_secs(30))
        )
    );
}

/// The table of the page names every kind with its code, and no other.
#[test]
fn the_pages_table_of_errors_is_whole() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let rows: Vec<(&str, i32)> = rows
        .filter_map(|row| {
            let mut cells = row.split(" | ");
            let kind = cells.next()?.strip_suffix('`')?;
            Some((kind, cells.next()?.parse().ok()?))
        })
        .collect();
    let known: Vec<_> = Verdict::WORDS
        .iter()
        .map(|(word, code, _)| (*word, *code))
        .collect();
    assert_eq!(rows, known);
}

#[test]
fn the_start_up_data_shows_nothing_in_logs() {
    let data = StartUpData {
        script: "t0ken".into(),
        cloud_init: "t0ken".into(),
    };
    assert_eq!(format!("{data:?}"), "[secret]");
}
