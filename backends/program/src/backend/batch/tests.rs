//! Who goes with whom.

use std::collections::BTreeMap;

use headcount_model::{
    AgentId, AgentKind, LogPressure, ProvisionerAddress, ProvisionerContract, Recipe, Resources,
};

use super::*;

fn request(number: u32) -> CreateRequest {
    CreateRequest {
        agent: AgentId { epoch: 1, number },
        owner: "one".into(),
        pool: "farm/linux".into(),
        scaler: "farm".into(),
        kind: AgentKind::Managed,
        labels: "linux".into(),
        granted: Granted::default(),
        slots: 1,
        log_pressure: LogPressure::Pause,
        deadline: std::time::Duration::from_secs(60),
        recipe: Arc::new(Recipe::Program(recipe())),
        token: None,
    }
}

fn recipe() -> ProgramRecipe {
    ProgramRecipe {
        provisioner: ProvisionerAddress {
            program: "/opt/p".into(),
            contract: ProvisionerContract::Native,
            environment: Vec::new(),
            config: None,
        },
        options: "{}".into(),
        env: BTreeMap::new(),
        agent_binary: None,
        agent_url: None,
        batch: CreateBatch::new(3),
        lease_time: None,
    }
}

/// Somebody for whom nobody waits.
fn waiting(number: u32) -> Waiting {
    Waiting {
        request: request(number),
        wish: Wish {
            start_up: StartUp {
                environment: Vec::new(),
                token: None,
                command: Vec::new(),
            },
            url: String::new(),
            lease: None,
        },
        tell: oneshot::channel().0,
    }
}

fn numbers(batch: &Batch) -> Vec<u32> {
    let each = batch.waiting.iter();
    each.map(|one| one.request.agent.number).collect()
}

#[test]
fn a_batch_goes_when_it_is_full_and_the_next_is_another() {
    let batches = Batches::default();
    let kind = || Kind::of(&request(0), &recipe());
    let Joined::Opens(first) = batches.join(kind(), waiting(1)) else {
        panic!("it is the first");
    };
    assert!(matches!(batches.join(kind(), waiting(2)), Joined::Waits));
    let Joined::Fills(batch) = batches.join(kind(), waiting(3)) else {
        panic!("three fill it");
    };
    assert_eq!(numbers(&batch), [1, 2, 3]);
    let Joined::Opens(second) = batches.join(kind(), waiting(4)) else {
        panic!("the one before is gone");
    };
    assert!(batches.close(first).is_none(), "it went when it was full");
    assert_eq!(numbers(&batches.close(second).unwrap()), [4]);
    assert!(batches.close(second).is_none());
}

#[test]
fn only_those_that_want_the_same_go_together() {
    let (own, of) = (request(0), recipe());
    let other = |mend: &dyn Fn(&mut CreateRequest, &mut ProgramRecipe)| {
        let (mut request, mut recipe) = (request(0), recipe());
        mend(&mut request, &mut recipe);
        Kind::of(&request, &recipe)
    };
    let cpus = Resources {
        cpu_millis: 1,
        memory_bytes: 0,
    };
    for (what, kind) in [
        ("pool", other(&|it, _| it.pool = "farm/x".into())),
        ("labels", other(&|it, _| it.labels = "linux,x".into())),
        ("requests", other(&|it, _| it.granted.requests = cpus)),
        ("limits", other(&|it, _| it.granted.limits = cpus)),
        ("options", other(&|_, it| it.options = r#"{"a":1}"#.into())),
        ("size", other(&|_, it| it.batch = CreateBatch::new(4))),
    ] {
        assert_ne!(kind, Kind::of(&own, &of), "{what}");
        let batches = Batches::default();
        let _ = batches.join(Kind::of(&own, &of), waiting(1));
        let alone = batches.join(kind, waiting(2));
        assert!(matches!(alone, Joined::Opens(2)), "{what}");
    }
    let same = other(&|it, _| (it.agent.number, it.slots) = (9, 2));
    assert_eq!(same, Kind::of(&own, &of));
}
