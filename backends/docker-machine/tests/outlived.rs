//! Creations that outlive their daemon: the next one finishes them, whatever it finds, and
//! takes none of them for nothing.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "only tests")]

mod support;

use std::io::Write;
use std::time::Duration;

use headcount_model::{BackendEvent, Exit, InstanceState};
use headcount_ports::Backend;
use headcount_test_machine::Fault;
use support::{Place, agent, destroy, engine, instance, name, told};

const CHECKS: &str = "Running pre-create checks...";
const SAVED: &str = "Waiting for machine to be running";

/// A former daemon, gone while the tool was at work in this way.
async fn left_at_work<'a>(
    engine: &'a headcount_test_engines::Engine,
    fault: Fault,
    said: &str,
) -> Place<'a> {
    let place = Place::new(engine);
    place.stand_in.set(fault);
    place.former(place.long(agent(1)), said).await;
    place
}

async fn listed(backend: &dyn Backend) -> Vec<headcount_model::Instance> {
    backend.list().await.unwrap().instances
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_creation_is_finished_by_the_next_daemon() {
    let Some(engine) = engine() else { return };
    let place = left_at_work(&engine, Fault::PauseAfterMaking, SAVED).await;
    let (backend, events) = place.open();
    let unfinished = [instance(1, InstanceState::Unfinished)];
    assert_eq!(listed(&*backend).await, unfinished);
    // By now new machines would have another name.
    let mut recipe = place.recipe(support::LONG);
    recipe.name = "renamed-%s".into();
    let request = place.wanted(&support::owner(), agent(1), recipe);
    let mending = async {
        while listed(&*backend).await == unfinished {
            tokio::task::yield_now().await;
        }
        let starting = [instance(1, InstanceState::Starting)];
        assert_eq!(listed(&*backend).await, starting);
        place.stand_in.mend();
    };
    let (made, ()) = tokio::join!(backend.create(request), mending);
    made.unwrap();
    events.wait_for(BackendEvent::Running(agent(1))).await;
    let running = [instance(1, InstanceState::Running)];
    assert_eq!(listed(&*backend).await, running);
    assert_eq!(place.stand_in.machines(), [name(1)]);
    assert_eq!(place.stand_in.calls_of("create").len(), 1);
    destroy(&*backend, agent(1)).await.unwrap();
    assert_eq!(place.stand_in.machines(), Vec::<String>::new());
    assert_eq!(place.deeds(), Vec::<std::path::PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_that_was_made_while_no_daemon_ran_is_used() {
    let Some(engine) = engine() else { return };
    let place = left_at_work(&engine, Fault::PauseAfterMaking, SAVED).await;
    place.stand_in.mend();
    place.until_tool_has_ended().await;
    let (backend, _events) = place.open();
    let unfinished = [instance(1, InstanceState::Unfinished)];
    assert_eq!(listed(&*backend).await, unfinished);
    backend.create(place.long(agent(1))).await.unwrap();
    let running = [instance(1, InstanceState::Running)];
    assert_eq!(listed(&*backend).await, running);
    assert_eq!(place.stand_in.calls_of("create").len(), 1);
    destroy(&*backend, agent(1)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_that_was_killed_with_its_daemon_leaves_what_is_to_be_removed() {
    let Some(engine) = engine() else { return };
    let place = left_at_work(&engine, Fault::HangBeforeSaving, "Creating machine...").await;
    place.kill_tool().await;
    place.until_tool_has_ended().await;
    place.stand_in.mend();
    let (backend, _events) = place.open();
    let ended = [instance(1, InstanceState::Ended(Exit::Unknown))];
    assert_eq!(listed(&*backend).await, ended);
    let (kind, text) = told(destroy(&*backend, agent(1)).await.unwrap_err());
    assert!(
        kind == "unknown" && text.starts_with("the creation of"),
        "{text}"
    );
    place.stand_in.end_in_cloud(&name(1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_cloud_refused_while_no_daemon_ran_is_told_as_it_was() {
    let Some(engine) = engine() else { return };
    let place = left_at_work(&engine, Fault::HangBeforeSaving, "Creating machine...").await;
    let refused = "Error in driver during machine creation: Quota 'CPUS' exceeded";
    let (backend, _events) = place.open();
    let unfinished = [instance(1, InstanceState::Unfinished)];
    assert_eq!(listed(&*backend).await, unfinished);
    place.stand_in.end_in_cloud(&name(1)).await;
    let log = place.deed().with_extension("log");
    let mut log = std::fs::File::options().append(true).open(log).unwrap();
    writeln!(log, "{refused}").unwrap();
    place.kill_tool().await;
    let error = backend.create(place.long(agent(1))).await.unwrap_err();
    let expected = format!(
        "`docker-machine create` did not come to its end: Running pre-create checks... Creating \
         machine... {refused}"
    );
    assert_eq!(told(error), ("capacity", expected));
    assert_eq!(place.records(), Vec::<String>::new());
    assert_eq!(place.deeds(), Vec::<std::path::PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_has_its_time_whoever_started_it() {
    let Some(engine) = engine() else { return };
    let place = left_at_work(&engine, Fault::HangAfterMaking, SAVED).await;
    let short = Duration::from_millis(100);
    let (backend, _events) = place.open_with(|options| options.pace.create = short);
    let (kind, text) = told(backend.create(place.long(agent(1))).await.unwrap_err());
    let expected = "`docker-machine create` did not end within 0.1 s and was ended; it said: \
                    Running pre-create checks... Creating machine... Waiting for machine to be \
                    running, this may take a few minutes...";
    assert_eq!((kind, text.as_str()), ("transient", expected));
    assert_eq!(place.stand_in.machines(), Vec::<String>::new());
    assert_eq!(place.deeds(), Vec::<std::path::PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_of_which_nothing_was_noted_is_found_and_waited_for() {
    let Some(engine) = engine() else { return };
    for (fault, said) in [
        (Fault::HangInCheck, CHECKS),
        (Fault::HangAfterMaking, SAVED),
    ] {
        let place = left_at_work(&engine, fault, said).await;
        // The daemon was killed between the start of the tool and the note of it.
        place.rewrite(|note| drop(note.as_object_mut().unwrap().remove("maker")));
        let (backend, _events) = place.open();
        let unfinished = [instance(1, InstanceState::Unfinished)];
        assert_eq!(listed(&*backend).await, unfinished, "{fault:?}");
        drop(backend);
        let short = Duration::from_millis(100);
        let (backend, _events) = place.open_with(|options| options.pace.create = short);
        destroy(&*backend, agent(1)).await.unwrap();
        assert_eq!(place.stand_in.machines(), Vec::<String>::new(), "{fault:?}");
        assert_eq!(place.deeds(), Vec::<std::path::PathBuf>::new(), "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_that_a_person_crossed_out_too_early_is_waited_for() {
    let Some(engine) = engine() else { return };
    let place = left_at_work(&engine, Fault::PauseAfterMaking, SAVED).await;
    let log = place.deed().with_extension("log");
    std::fs::remove_file(place.deed()).unwrap();
    let (backend, _events) = place.open();
    let mending = async {
        tokio::task::yield_now().await;
        assert!(log.exists());
        place.stand_in.mend();
    };
    let (ended, ()) = tokio::join!(destroy(&*backend, agent(1)), mending);
    ended.unwrap();
    assert_eq!(place.stand_in.machines(), Vec::<String>::new());
    let removals = place.stand_in.calls_of("rm");
    assert_eq!(removals, [["rm", "-y", &name(1)]]);
}

/// The former daemon had noted that it starts the agent, and not that it had.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_whose_start_was_not_noted_is_started_unless_it_runs() {
    let Some(engine) = engine() else { return };
    let place = Place::new(&engine);
    for runs in [true, false] {
        let (backend, _events) = place.open();
        backend.create(place.long(agent(1))).await.unwrap();
        drop(backend);
        place.rewrite(|note| note["phase"] = "settling".into());
        let before = engine.containers();
        if !runs {
            engine.remove_all();
        }
        let (backend, events) = place.open();
        let unfinished = [instance(1, InstanceState::Unfinished)];
        assert_eq!(listed(&*backend).await, unfinished);
        backend.create(place.long(agent(1))).await.unwrap();
        events.wait_for(BackendEvent::Running(agent(1))).await;
        let running = [instance(1, InstanceState::Running)];
        assert_eq!(listed(&*backend).await, running);
        assert_eq!(engine.containers(), before, "one, and not a second");
        assert_eq!(place.stand_in.machines(), [name(1)]);
        destroy(&*backend, agent(1)).await.unwrap();
        assert_eq!(place.stand_in.machines(), Vec::<String>::new());
    }
}
