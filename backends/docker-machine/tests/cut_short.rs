//! A tool that is ended before it has done: what is certain is removed, and what nobody can
//! tell is counted and told until a person has looked.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "only tests")]

mod support;

use headcount_model::{Exit, InstanceState};
use headcount_ports::Backend;
use headcount_test_machine::Fault;
use support::{Place, agent, destroy, engine, instance, name, told};

/// How far the tool comes before it hangs.
const CHECKS: &str = "Running pre-create checks...";
const CALLS: &str = "Creating machine...";
const SAVED: &str = "Waiting for machine to be running";

/// What becomes of a creation whose tool is killed once it has said this.
async fn cut_short(place: &Place<'_>, driver: &str, said: &str) -> (&'static str, String) {
    let (backend, _events) = place.open_with(|options| {
        options.pace.create = std::time::Duration::from_secs(600);
    });
    let mut recipe = place.recipe(support::LONG);
    driver.clone_into(&mut recipe.driver);
    let request = place.wanted(&support::owner(), agent(1), recipe);
    let killing = async {
        place.until_tool_says(said).await;
        let made = usize::from(said != CHECKS);
        place
            .stand_in
            .until("it hangs", |all| all.len() == made)
            .await;
        place.kill_tool().await;
    };
    let (created, ()) = tokio::join!(backend.create(request), killing);
    told(created.unwrap_err())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_that_is_ended_before_its_record_names_the_machine_leaves_a_doubt() {
    let Some(engine) = engine() else { return };
    let place = Place::new(&engine);
    place.stand_in.set(Fault::HangBeforeSaving);
    let (kind, text) = cut_short(&place, "stand-in", CALLS).await;
    let deed = place.deeds().pop().unwrap();
    let unsure = format!(
        "the creation of the machine `{0}` was ended before the tool had noted what its cloud \
         calls it, so nobody can tell whether there is one; look for `{0}` where the driver \
         `stand-in` makes machines and remove it there, then remove `{1}`",
        name(1),
        deed.display()
    );
    let expected = format!(
        "`docker-machine create` was ended by a signal: Running pre-create checks... Creating \
         machine...; and then {unsure}"
    );
    assert_eq!((kind, text), ("unknown", expected));
    assert_eq!(place.stand_in.calls_of("rm"), [["rm", "-y", &name(1)]]);
    assert_eq!(place.stand_in.machines(), [name(1)], "it is there indeed");
    place.stand_in.mend();
    // Nobody forgets it, however often it is asked for, and whoever asks.
    for _ in 0..2 {
        let (backend, _events) = place.open();
        let listed = backend.list().await.unwrap().instances;
        assert_eq!(listed, [instance(1, InstanceState::Ended(Exit::Unknown))]);
        let again = backend.create(place.long(agent(1))).await.unwrap_err();
        assert_eq!(told(again), ("unknown", unsure.clone()));
        let error = destroy(&*backend, agent(1)).await.unwrap_err();
        assert_eq!(told(error), ("unknown", unsure.clone()));
    }
    // A person looks, removes it, and says so.
    place.stand_in.end_in_cloud(&name(1)).await;
    std::fs::remove_file(deed).unwrap();
    let (backend, _events) = place.open();
    assert_eq!(backend.list().await.unwrap().instances, []);
    destroy(&*backend, agent(1)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_doubt_stays_although_the_tool_cannot_even_remove_the_record() {
    let Some(engine) = engine() else { return };
    let place = Place::new(&engine);
    place.stand_in.set(Fault::HangBeforeSaving);
    place.stand_in.set(Fault::RefuseRemove);
    let (kind, text) = cut_short(&place, "stand-in", CALLS).await;
    assert_eq!(kind, "unknown");
    let both = "; and then `docker-machine rm` failed with code 1: ";
    assert!(
        text.contains(both) && text.contains("; and the creation of"),
        "{text}"
    );
    assert_eq!(place.records(), [name(1)]);
    place.stand_in.mend();
    let (backend, _events) = place.open();
    let (kind, text) = told(destroy(&*backend, agent(1)).await.unwrap_err());
    assert!(
        kind == "unknown" && text.starts_with("the creation of"),
        "{text}"
    );
    assert_eq!(place.records(), Vec::<String>::new());
    assert_eq!(place.stand_in.machines(), [name(1)]);
    place.stand_in.end_in_cloud(&name(1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_driver_that_finds_machines_by_name_leaves_no_doubt() {
    let Some(engine) = engine() else { return };
    let place = Place::new(&engine);
    place.stand_in.set(Fault::HangBeforeSaving);
    let (kind, text) = cut_short(&place, "google", CALLS).await;
    assert_eq!(kind, "transient", "{text}");
    assert_eq!(place.stand_in.machines(), Vec::<String>::new());
    assert_eq!(place.deeds(), Vec::<std::path::PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_that_is_ended_before_its_driver_was_called_has_made_nothing() {
    let Some(engine) = engine() else { return };
    let place = Place::new(&engine);
    place.stand_in.set(Fault::HangInCheck);
    let (kind, text) = cut_short(&place, "stand-in", CHECKS).await;
    assert_eq!(kind, "transient", "{text}");
    assert_eq!(place.stand_in.calls_of("rm"), Vec::<Vec<String>>::new());
    assert_eq!(place.deeds(), Vec::<std::path::PathBuf>::new());
}

/// The daemon is gone, the tool is killed, and somebody takes the record away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_creation_that_nobody_saw_the_end_of_is_never_taken_for_none() {
    let Some(engine) = engine() else { return };
    let place = Place::new(&engine);
    place.stand_in.set(Fault::HangBeforeSaving);
    drop(cut_short(&place, "stand-in", CALLS).await);
    place.rewrite(|note| note["phase"] = "making".into());
    assert_eq!(place.records(), Vec::<String>::new());
    let (backend, _events) = place.open();
    let listed = backend.list().await.unwrap().instances;
    assert_eq!(listed, [instance(1, InstanceState::Ended(Exit::Unknown))]);
    for error in [
        destroy(&*backend, agent(1)).await.unwrap_err(),
        backend.create(place.long(agent(1))).await.unwrap_err(),
    ] {
        let (kind, text) = told(error);
        assert!(
            kind == "unknown" && text.starts_with("the store has no record"),
            "{text}"
        );
    }
    place.stand_in.end_in_cloud(&name(1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_that_is_ended_after_its_record_names_the_machine_leaves_nothing() {
    let Some(engine) = engine() else { return };
    let place = Place::new(&engine);
    place.stand_in.set(Fault::HangAfterMaking);
    let (kind, text) = cut_short(&place, "stand-in", SAVED).await;
    assert_eq!(kind, "transient", "{text}");
    assert_eq!(place.stand_in.machines(), Vec::<String>::new());
    assert_eq!(place.deeds(), Vec::<std::path::PathBuf>::new());
}

/// The host loses its power: the note is on the disk, the tool's words are not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_that_a_power_loss_took_are_not_taken_for_unsaid() {
    let Some(engine) = engine() else { return };
    for (left, has_record, removed) in [
        (CHECKS, true, false),
        (CHECKS, false, false),
        (SAVED, true, true),
    ] {
        let place = Place::new(&engine);
        place.stand_in.set(Fault::HangAfterMaking);
        place.former(place.long(agent(1)), SAVED).await;
        place.kill_tool().await;
        place.until_tool_has_ended().await;
        place.stand_in.mend();
        std::fs::write(place.deed().with_extension("log"), left).unwrap();
        place.rewrite(|note| note["boot"] = "another".into());
        if !has_record {
            std::fs::remove_dir_all(place.record(&name(1))).unwrap();
        }
        let (backend, _events) = place.open();
        let listed = backend.list().await.unwrap().instances;
        assert_eq!(listed.len(), 1, "{left}");
        match destroy(&*backend, agent(1)).await {
            Ok(()) => assert!(removed, "{left}"),
            Err(error) => {
                let (kind, text) = told(error);
                assert!(kind == "unknown" && !removed, "{text}");
                // What the record tells is removed all the same.
                let stays = usize::from(!has_record);
                assert_eq!(place.stand_in.machines().len(), stays, "{left}");
                assert_eq!(backend.list().await.unwrap().instances.len(), 1, "{left}");
            }
        }
        place.stand_in.end_in_cloud(&name(1)).await;
    }
}
