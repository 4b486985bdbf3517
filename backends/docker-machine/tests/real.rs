//! The real `docker-machine`, where it is on the `PATH`, with its driver `none`, which makes
//! a record and no machine: our words are taken, and what is of no use is removed.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "only tests"
)]

mod support;

use std::sync::Arc;

use headcount_backend_docker_machine::{DockerMachineBackend, find_program};
use headcount_model::{MachineOption, Recipe};
use headcount_ports::Backend;
use headcount_ports::conformance::backend::Events;
use support::{options_of, told, wanted_of};

#[tokio::test]
async fn the_real_tool_takes_our_words() {
    let environment = std::env::vars().collect();
    let program = match find_program(None, &environment) {
        Ok(program) => program.display().to_string(),
        Err(why) => {
            eprintln!("skipped: no test with the real tool: {why}");
            return;
        }
    };
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    let mut options = options_of(&program, &store, dir.path());
    options.host_env = environment;
    let backend = DockerMachineBackend::new(options, Arc::new(Events::default()));
    let mut request = wanted_of(&program, &store);
    let Recipe::DockerMachine(recipe) = &*request.recipe else {
        panic!("no machine");
    };
    let mut recipe = recipe.clone();
    recipe.driver = "none".into();
    recipe.options = vec![MachineOption::Plain("url=tcp://127.0.0.1:1".into())];
    recipe.options_with_name = Vec::new();
    request.recipe = Arc::new(Recipe::DockerMachine(recipe));
    let (kind, text) = told(backend.create(request).await.unwrap_err());
    assert_eq!(kind, "transient", "{text}");
    assert!(
        text.contains("cannot be reached: `docker-machine config` failed"),
        "{text}"
    );
    assert_eq!(backend.list().await.unwrap().instances, []);
    let left = std::fs::read_dir(store.join("machines")).unwrap();
    assert_eq!(left.count(), 0);
}
