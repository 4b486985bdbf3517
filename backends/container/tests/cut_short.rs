//! What a daemon leaves that dies while it makes a container, on real engines.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod support;

use std::collections::HashMap;
use std::time::Duration;

use bollard::models::ContainerCreateBody;
use bollard::query_parameters::CreateContainerOptionsBuilder;
use headcount_model::{Exit, InstanceState};
use headcount_ports::{Backend, DestroyRequest};
use headcount_test_engines::{Engine, IMAGE, Kind, skip};
use support::{Place, agent};

#[tokio::test]
async fn a_container_that_was_made_and_never_started_is_over() {
    for kind in Kind::ALL {
        if !skip(kind) {
            made_and_never_started(&Engine::start(kind)).await;
        }
    }
}

async fn made_and_never_started(engine: &Engine) {
    let place = Place::new(engine);
    let (backend, _events) = place.open();
    let (owner, agent) = (place.owner("one"), agent(7));
    let labels = [
        ("headcount.owner", owner.to_string()),
        ("headcount.backend", backend.id().to_string()),
        ("headcount.pool", "tests/linux+x".to_owned()),
        ("headcount.agent", agent.to_string()),
    ];
    let labels = labels.map(|(name, value)| (name.to_owned(), value));
    let name = format!("headcount-{owner}-{agent}");
    let options = CreateContainerOptionsBuilder::default().name(&name).build();
    let body = ContainerCreateBody {
        image: Some(IMAGE.to_owned()),
        cmd: Some(vec!["true".to_owned()]),
        labels: Some(HashMap::from(labels)),
        ..ContainerCreateBody::default()
    };
    let made = engine.docker().create_container(Some(options), body).await;
    made.unwrap();

    let listed = backend.list().await.unwrap().instances;
    let states: Vec<InstanceState> = listed.iter().map(|instance| instance.state).collect();
    assert_eq!(states, [InstanceState::Ended(Exit::Unknown)]);

    let grace = Duration::from_secs(1);
    backend
        .destroy(DestroyRequest { agent, grace })
        .await
        .unwrap();
    assert_eq!(place.names(agent, false).await, Vec::<String>::new());
}
