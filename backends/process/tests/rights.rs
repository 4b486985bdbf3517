//! What agents of this host may do: nothing that the daemon was given for itself.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

mod support;

use std::process::Command;
use std::time::Duration;

use headcount_ports::Backend;
use rustix::thread::{
    CapabilitySet, capabilities, configure_capability_in_ambient_set, set_capabilities,
};
use support::{Place, agent, destroy, wait_for_file};

const ASK: &str = "grep CapAmb /proc/self/status";
const NONE: &str = "CapAmb:\t0000000000000000\n";

/// Gives this thread, and those it starts, an ambient right, as a service manager may give
/// it to the daemon. False where that is not allowed.
fn raise() -> bool {
    let raised = capabilities(None).and_then(|mut sets| {
        sets.inheritable |= CapabilitySet::NET_ADMIN;
        set_capabilities(None, sets)?;
        configure_capability_in_ambient_set(CapabilitySet::NET_ADMIN, true)
    });
    if let Err(error) = raised {
        println!("not tried: no ambient capability can be raised: {error}");
    }
    raised.is_ok()
}

#[tokio::test]
async fn ambient_rights_of_the_daemon_reach_no_agent() {
    // Before the runtime starts threads of its own: rights belong to threads.
    if !raise() {
        return;
    }
    let plain = Command::new("sh").args(["-c", ASK]).output().unwrap();
    let plain = String::from_utf8(plain.stdout).unwrap();
    assert_ne!(plain, NONE, "a plain child has them");

    let place = Place::new();
    let (backend, _events) = place.open();
    let script = format!("{ASK} > rights.new; mv rights.new rights; sleep 600");
    backend
        .create(place.worker(agent(1), &script))
        .await
        .unwrap();
    assert_eq!(
        wait_for_file(&place.agent_dir(agent(1)).join("rights")),
        NONE
    );
    backend
        .destroy(destroy(agent(1), Duration::from_secs(1)))
        .await
        .unwrap();
}
