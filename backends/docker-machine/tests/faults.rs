//! Tools that fail, stores that vanish, machines that will not go: what is told, and that
//! nothing is forgotten.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "only tests")]

mod support;

use std::time::Duration;

use headcount_model::{Exit, InstanceState};
use headcount_ports::{Backend, BackendError};
use headcount_test_machine::Fault;
use support::{Place, agent, destroy, engine, instance, name, script, told};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tool_is_driven_as_its_users_drive_it() {
    let Some(engine) = engine() else { return };
    let place = Place::new(&engine);
    let (backend, _events) = place.open();
    backend.create(place.long(agent(1))).await.unwrap();
    destroy(&*backend, agent(1)).await.unwrap();
    let name = name(1);
    let calls = place.stand_in.calls();
    assert!(
        calls
            .iter()
            .all(|call| call.arguments[0] == "--bugsnag-api-token=no-report")
    );
    let store = place.stand_in.store().display().to_string();
    assert!(
        calls
            .iter()
            .all(|call| call.environment["MACHINE_STORAGE_PATH"] == store)
    );
    let secret = |call: &headcount_test_machine::Call| format!("{call:?}").contains("t0ken");
    assert!(!calls.iter().any(secret));
    let words: Vec<String> = calls
        .iter()
        .map(|call| call.arguments[1..].join(" "))
        .collect();
    let label = "--engine-label=headcount.mark=v1.b25l.a-1-1.dGVzdHMvbGludXgreA";
    assert_eq!(
        words,
        [
            format!(
                "create --driver stand-in --stand-in-size=a b --stand-in-tag={name} {label} {name}"
            ),
            format!("config {name}"),
            format!("url {name}"),
            format!("inspect {name} -f {{{{.HostOptions.AuthOptions.StorePath}}}}"),
            format!("stop {name}"),
            format!("rm -y {name}"),
        ]
    );
    assert_eq!(place.deeds(), Vec::<std::path::PathBuf>::new());
    assert_eq!(place.stand_in.machines(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn creations_that_fail_are_told_and_leave_nothing() {
    let Some(engine) = engine() else { return };
    for (fault, kind, expected) in [
        (
            Fault::PreCreate,
            "invalid",
            "`docker-machine create` failed with code 3: Running pre-create checks... Error with \
             pre-create check: \"no such zone\""
                .to_owned(),
        ),
        (
            Fault::Quota,
            "capacity",
            "`docker-machine create` failed with code 1: Running pre-create checks... Creating \
             machine... Error creating machine: Error in driver during machine creation: Quota \
             'CPUS' exceeded. Limit: 8.0"
                .to_owned(),
        ),
        (
            Fault::LateFailure,
            "transient",
            "`docker-machine create` failed with code 1: Running pre-create checks... Creating \
             machine... Waiting for machine to be running, this may take a few minutes... Error \
             creating machine: Error running provisioning: ssh: handshake failed"
                .to_owned(),
        ),
        (
            Fault::Unreachable,
            "transient",
            format!(
                "the engine of `{}` cannot be reached: `docker-machine config` failed with code \
                 1: Error checking TLS connection: Error checking and/or regenerating the certs: \
                 There was an error validating certificates for host",
                name(1)
            ),
        ),
        (
            Fault::Garbage,
            "transient",
            format!(
                "the engine of `{}` cannot be reached: `docker-machine url` said `\\u{{1b}}[31mwhat?`, \
                 which is no address of an engine",
                name(1)
            ),
        ),
    ] {
        let place = Place::new(&engine);
        let (backend, _events) = place.open();
        place.stand_in.set(fault);
        let error = backend.create(place.long(agent(1))).await.unwrap_err();
        assert_eq!(told(error), (kind, expected));
        assert_eq!(place.stand_in.machines(), Vec::<String>::new(), "{fault:?}");
        assert_eq!(place.records(), Vec::<String>::new(), "{fault:?}");
        assert_eq!(place.deeds(), Vec::<std::path::PathBuf>::new(), "{fault:?}");
        assert_eq!(backend.list().await.unwrap().instances, [], "{fault:?}");
        place.stand_in.mend();
        backend
            .create(place.long(agent(1)))
            .await
            .expect("it may be tried again");
        destroy(&*backend, agent(1)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cloud_that_keeps_a_machine_is_believed_and_nothing_is_forced() {
    let Some(engine) = engine() else { return };
    let place = Place::new(&engine);
    let (backend, _events) = place.open();
    backend.create(place.long(agent(1))).await.unwrap();
    place.stand_in.set(Fault::RefuseRemove);
    let refused = format!(
        "`docker-machine rm` failed with code 1: Error removing host \"{}\": the cloud is not \
         available",
        name(1)
    );
    for _ in 0..3 {
        let error = destroy(&*backend, agent(1)).await.unwrap_err();
        assert_eq!(told(error), ("unknown", refused.clone()));
    }
    let ended = [instance(1, InstanceState::Ended(Exit::Unknown))];
    assert_eq!(backend.list().await.unwrap().instances, ended);
    assert_eq!(place.stand_in.machines(), [name(1)]);
    drop(backend);
    let (backend, _events) = place.open();
    assert_eq!(backend.list().await.unwrap().instances, ended);
    // Somebody loses patience and takes the record away: that is not the tool's word.
    let (record, away) = (place.record(&name(1)), place.dir.path().join("away"));
    std::fs::rename(&record, &away).unwrap();
    let (kind, text) = told(destroy(&*backend, agent(1)).await.unwrap_err());
    assert!(
        kind == "unknown" && text.starts_with("the store has no record"),
        "{text}"
    );
    assert_eq!(backend.list().await.unwrap().instances, ended);
    std::fs::rename(&away, &record).unwrap();
    place.stand_in.mend();
    destroy(&*backend, agent(1)).await.unwrap();
    assert_eq!(place.stand_in.machines(), Vec::<String>::new());
    let forced = place.stand_in.calls_of("rm");
    assert!(forced.iter().all(|words| words[1] == "-y"), "{forced:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_creation_that_fails_and_cannot_be_removed_is_unknown_and_stays_listed() {
    let Some(engine) = engine() else { return };
    let place = Place::new(&engine);
    let (backend, _events) = place.open();
    place.stand_in.set(Fault::LateFailure);
    place.stand_in.set(Fault::RefuseRemove);
    let error = backend.create(place.long(agent(1))).await.unwrap_err();
    let (kind, text) = told(error);
    assert_eq!(kind, "unknown");
    assert!(
        text.contains("handshake failed; and then `docker-machine rm`"),
        "{text}"
    );
    let listed = backend.list().await.unwrap().instances;
    assert_eq!(listed, [instance(1, InstanceState::Ended(Exit::Unknown))]);
    place.stand_in.mend();
    destroy(&*backend, agent(1)).await.unwrap();
    assert_eq!(place.stand_in.machines(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_somebody_takes_away_is_missed_until_a_person_says_so() {
    let Some(engine) = engine() else { return };
    let place = Place::new(&engine);
    let (backend, _events) = place.open();
    backend.create(place.long(agent(1))).await.unwrap();
    std::fs::remove_dir_all(place.record(&name(1))).unwrap();
    let listed = backend.list().await.unwrap().instances;
    assert_eq!(listed, [instance(1, InstanceState::Running)]);
    let deed = place.deeds().pop().unwrap();
    let lost = format!(
        "the store has no record of the machine `{}` any more, so nobody can tell whether it is \
         gone; look for it where the driver `stand-in` makes machines and remove it there, then \
         remove `{}`",
        name(1),
        deed.display()
    );
    let error = destroy(&*backend, agent(1)).await.unwrap_err();
    assert_eq!(told(error), ("unknown", lost));
    assert_eq!(place.stand_in.machines(), [name(1)], "it is there indeed");
    std::fs::remove_file(deed).unwrap();
    assert_eq!(backend.list().await.unwrap().instances, []);
    destroy(&*backend, agent(1)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_vanishes_is_never_read_as_no_machines() {
    let Some(engine) = engine() else { return };
    let place = Place::new(&engine);
    let (backend, _events) = place.open();
    backend.create(place.long(agent(1))).await.unwrap();
    let (store, away) = (place.stand_in.store(), place.dir.path().join("away"));
    std::fs::rename(&store, &away).unwrap();
    let folder = place.deeds().pop().unwrap();
    let gone = |what: &str| {
        format!(
            "the store `{}`, in which this daemon's machines were made, {what}; put it back or \
             mount it; if its machines are gone for certain, stop the daemon and remove `{}`",
            store.display(),
            folder.parent().unwrap().display()
        )
    };
    let unknown = BackendError::Unknown(gone("is gone"));
    assert_eq!(backend.list().await.unwrap_err(), unknown);
    assert_eq!(destroy(&*backend, agent(1)).await.unwrap_err(), unknown);
    let (kind, text) = told(backend.create(place.long(agent(2))).await.unwrap_err());
    assert_eq!(kind, "transient");
    assert!(text.contains("is gone; put it back"), "{text}");
    assert_eq!(
        place.stand_in.machines().len(),
        1,
        "none is made in another store"
    );
    std::fs::create_dir(&store).unwrap();
    std::fs::write(store.join(".headcount-store"), "another\n").unwrap();
    let another = BackendError::Unknown(gone("is another one"));
    assert_eq!(backend.list().await.unwrap_err(), another);
    std::fs::remove_dir_all(&store).unwrap();
    std::fs::rename(&away, &store).unwrap();
    let listed = backend.list().await.unwrap().instances;
    assert_eq!(listed, [instance(1, InstanceState::Running)]);
    destroy(&*backend, agent(1)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn machines_that_nobody_wrote_down_are_found_and_others_are_left_alone() {
    let Some(engine) = engine() else { return };
    let place = Place::new(&engine);
    let (backend, _events) = place.open();
    for number in [1, 2] {
        backend.create(place.long(agent(number))).await.unwrap();
    }
    drop(backend);
    std::fs::remove_dir_all(place.state_dir(&support::owner())).unwrap();
    std::fs::remove_file(place.record(&name(1)).join("headcount.json")).unwrap();
    let foreign = place.record("somebody-elses");
    std::fs::create_dir_all(&foreign).unwrap();
    std::fs::write(foreign.join("config.json"), "{}").unwrap();
    // Of another owner whose digits happen to be ours.
    let twin = place.record(&name(9));
    std::fs::create_dir_all(&twin).unwrap();
    let label = "headcount.mark=v1.dHdv.a-1-9.cA";
    let text = format!(r#"{{"HostOptions":{{"EngineOptions":{{"Labels":["{label}"]}}}}}}"#);
    std::fs::write(twin.join("config.json"), text).unwrap();
    let (backend, _events) = place.open();
    let expected = [1, 2].map(|number| instance(number, InstanceState::Running));
    assert_eq!(backend.list().await.unwrap().instances, expected);
    for number in [1, 2, 9] {
        destroy(&*backend, agent(number)).await.unwrap();
    }
    assert_eq!(place.stand_in.machines(), Vec::<String>::new());
    assert_eq!(place.records(), [name(9), "somebody-elses".to_owned()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_that_takes_too_long_is_ended() {
    let Some(engine) = engine() else { return };
    let place = Place::new(&engine);
    let (backend, _events) = place.open_with(|options| {
        options.pace.create = Duration::from_millis(500);
    });
    place.stand_in.set(Fault::HangInCheck);
    let (kind, text) = told(backend.create(place.long(agent(1))).await.unwrap_err());
    let program = place.stand_in.program().display().to_string();
    let late = format!("`{program}` did not answer within 0.5 s and was ended");
    // How far it came in that time is nobody's business.
    assert!(kind == "transient" && text.starts_with(&late), "{text}");
    assert_eq!(place.stand_in.machines(), Vec::<String>::new());
    assert_eq!(place.deeds(), Vec::<std::path::PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_machine_of_a_store_is_made_alone_and_the_rest_together() {
    let Some(engine) = engine() else { return };
    let place = Place::new(&engine);
    let (backend, _events) = place.open();
    let making = (1..=4).map(|number| backend.create(place.long(agent(number))));
    for made in futures_util::future::join_all(making).await {
        made.unwrap();
    }
    assert_eq!(place.stand_in.raced(), 0);
    let ending = (1..=4).map(|number| destroy(&*backend, agent(number)));
    for ended in futures_util::future::join_all(ending).await {
        ended.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_ends_is_told_and_its_machine_is_ended_for() {
    let Some(engine) = engine() else { return };
    let place = Place::new(&engine);
    let (backend, events) = place.open();
    backend.create(place.short(agent(1))).await.unwrap();
    events.wait_for(headcount_model::BackendEvent::Missed).await;
    let ended = InstanceState::Ended(Exit::Code(3));
    assert_eq!(
        backend.list().await.unwrap().instances,
        [instance(1, ended)]
    );
    destroy(&*backend, agent(1)).await.unwrap();
}

#[tokio::test]
async fn a_tool_that_is_missing_or_prints_nonsense_makes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let nowhere = headcount_test_machine::StandIn::new(dir.path());
    let other = script(dir.path(), "echo '%PDF-1.7 garbage'; exit 77");
    for (program, kind, expected) in [
        (
            "/none".to_owned(),
            "transient",
            "cannot run `docker-machine`: `/none` cannot be used: No such file or directory (os \
             error 2); correct `program`"
                .to_owned(),
        ),
        (
            other.display().to_string(),
            "transient",
            "`docker-machine create` failed with code 77: %PDF-1.7 garbage".to_owned(),
        ),
    ] {
        let options = support::options_of(&program, &nowhere.store(), dir.path());
        let events = std::sync::Arc::new(headcount_ports::conformance::backend::Events::default());
        let backend = headcount_backend_docker_machine::DockerMachineBackend::new(options, events);
        let request = support::wanted_of(&program, &nowhere.store());
        let error = backend.create(request).await.unwrap_err();
        assert_eq!(told(error), (kind, expected));
        assert_eq!(backend.list().await.unwrap().instances, []);
    }
}
