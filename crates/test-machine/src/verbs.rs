//! What each verb does, with the tool's exit codes: 0, 1, and 3 for a check before anything
//! is made.

use std::sync::Arc;

use serde_json::Value;

use crate::store::{Options, Store};
use crate::wire::Mouth;
use crate::{Call, Fault, Shared, authority};

/// Its exit code.
pub(crate) async fn run(shared: &Arc<Shared>, call: &Call, mouth: &mut Mouth) -> i32 {
    let words = call.arguments.iter().map(String::as_str);
    let words: Vec<&str> = words.skip_while(|word| word.starts_with("--")).collect();
    let Some(root) = call.environment.get("MACHINE_STORAGE_PATH") else {
        mouth
            .complain("the stand-in needs MACHINE_STORAGE_PATH")
            .await;
        return 1;
    };
    let store = Store::new(root);
    match words.as_slice() {
        ["create", rest @ ..] => create(shared, &store, rest, mouth).await,
        ["rm", "-y", name] => remove(shared, &store, name, false, mouth).await,
        ["rm", "-f", name] => remove(shared, &store, name, true, mouth).await,
        ["ls", "-q"] => list(&store, mouth).await,
        [_, name, ..] if !store.has(name) => {
            let line = format!(
                "Docker machine \"{name}\" does not exist. Use \"docker-machine ls\" to see a list."
            );
            mouth.complain(&line).await;
            1
        }
        ["stop", _] | ["provision", _] => 0,
        ["config", name] => config(shared, name, mouth).await,
        ["url", _] if shared.has(Fault::Garbage) => {
            mouth.say("\u{1b}[31mwhat?").await;
            0
        }
        ["url", name] => match store.look_up(name, "/Driver/EnginePort") {
            Some(port) => {
                mouth.say(&format!("tcp://127.0.0.1:{port}")).await;
                0
            }
            None => 1,
        },
        ["inspect", name, "-f", form] => inspect(&store, name, form, mouth).await,
        ["inspect", _] => 0,
        _ => {
            mouth.complain(&format!("unknown: {words:?}")).await;
            1
        }
    }
}

async fn create(shared: &Arc<Shared>, store: &Store, words: &[&str], mouth: &mut Mouth) -> i32 {
    let Some((name, words)) = words.split_last() else {
        return 1;
    };
    let mut driver = "virtualbox";
    let mut options = Options::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.split_once('=') {
            Some(("--engine-label", label)) => options.labels.push(label.to_owned()),
            Some(("--engine-registry-mirror", url)) => options.mirrors.push(url.to_owned()),
            None if *word == "--driver" => driver = words.next().copied().unwrap_or_default(),
            _ => {}
        }
    }
    if store.has(name) {
        let line = format!("Docker machine \"{name}\" already exists");
        mouth.complain(&line).await;
        return 1;
    }
    bootstrap(shared, store).await;
    mouth.say("Running pre-create checks...").await;
    if shared.has(Fault::HangInCheck) {
        std::future::pending::<()>().await;
    }
    if shared.has(Fault::PreCreate) {
        mouth
            .complain("Error with pre-create check: \"no such zone\"")
            .await;
        return 3;
    }
    mouth.say("Creating machine...").await;
    store.write(name, driver, 0, &options);
    if shared.has(Fault::Quota) {
        mouth.complain("Error creating machine: Error in driver during machine creation: Quota 'CPUS' exceeded. Limit: 8.0").await;
        return 1;
    }
    store.copy_certificates(name);
    let folder = store.folder(name);
    authority::sign(&store.certs(), &folder, "server-", "stand-in machine");
    let port = shared.cloud.make(name, &folder, &shared.engine).await;
    if shared.has(Fault::HangBeforeSaving) {
        shared.changed.notify_waiters();
        std::future::pending::<()>().await;
    }
    store.write(name, driver, port, &options);
    mouth
        .say("Waiting for machine to be running, this may take a few minutes...")
        .await;
    shared.changed.notify_waiters();
    if shared.has(Fault::HangAfterMaking) {
        std::future::pending::<()>().await;
    }
    shared.until_mended(Fault::PauseAfterMaking).await;
    if shared.has(Fault::LateFailure) {
        mouth
            .complain("Error creating machine: Error running provisioning: ssh: handshake failed")
            .await;
        return 1;
    }
    mouth.say("Docker is up and running!").await;
    0
}

/// The first creation of a store makes what all share. Two at once spoil it.
async fn bootstrap(shared: &Arc<Shared>, store: &Store) {
    if store.has_authority() {
        return;
    }
    {
        let mut state = shared.state();
        state.bootstrapping += 1;
        state.raced += usize::from(state.bootstrapping > 1);
    }
    let certs = store.certs();
    let making = tokio::task::spawn_blocking(move || authority::make(&certs));
    making.await.expect("certificates");
    shared.state().bootstrapping -= 1;
}

async fn remove(
    shared: &Arc<Shared>,
    store: &Store,
    name: &str,
    force: bool,
    mouth: &mut Mouth,
) -> i32 {
    if !store.has(name) {
        let line =
            format!("Error removing host \"{name}\": Docker machine \"{name}\" does not exist.");
        mouth.complain(&line).await;
        return 1;
    }
    let refused = shared.has(Fault::RefuseRemove);
    if refused {
        let line = format!("Error removing host \"{name}\": the cloud is not available");
        mouth.complain(&line).await;
    } else if names_its_machine(store, name) {
        shared.cloud.end(name, &shared.engine).await;
    }
    if refused && !force {
        return 1;
    }
    store.remove(name);
    shared.changed.notify_waiters();
    0
}

/// Drivers that do not find a machine in their cloud take it for removed. Most look for what
/// the cloud called it, which the record has from its second writing on.
fn names_its_machine(store: &Store, name: &str) -> bool {
    let port = store.look_up(name, "/Driver/EnginePort");
    let driver = store.look_up(name, "/DriverName");
    port.is_some_and(|port| port != 0) || driver.is_some_and(|driver| driver == "google")
}

async fn list(store: &Store, mouth: &mut Mouth) -> i32 {
    let entries = std::fs::read_dir(store.root().join("machines"));
    for entry in entries.into_iter().flatten().flatten() {
        mouth.say(&entry.file_name().to_string_lossy()).await;
    }
    0
}

async fn config(shared: &Arc<Shared>, name: &str, mouth: &mut Mouth) -> i32 {
    if shared.has(Fault::Unreachable) || shared.cloud.port(name).is_none() {
        mouth.complain("Error checking TLS connection: Error checking and/or regenerating the certs: There was an error validating certificates for host").await;
        return 1;
    }
    mouth.say("--tlsverify").await;
    0
}

async fn inspect(store: &Store, name: &str, form: &str, mouth: &mut Mouth) -> i32 {
    let path = form.trim_start_matches("{{").trim_end_matches("}}");
    match store.look_up(name, &path.replace('.', "/")) {
        Some(Value::String(text)) => {
            mouth.say(&text).await;
            0
        }
        _ => 1,
    }
}
