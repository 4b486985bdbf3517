//! A daemon with nothing to do: no agents, no clients. Nothing may wake it.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::block_on;
use crate::daemon::{Daemon, Home};
use crate::process::{self, Activity};
use crate::table::Line;

const WINDOW: Duration = Duration::from_secs(60);
/// After its start the daemon must come to rest: nothing happens for this long …
const REST: Duration = Duration::from_secs(3);
/// … within this.
const REST_PATIENCE: Duration = Duration::from_secs(60);

/// A pool that serves on demand, so that there is something to decide about.
const CONFIG: &str = "version: 1\nscalers:\n  - name: local\n    type: bare-metal\n    \
                      maxAgents: 8\n    labelSets:\n      - labels: [linux]\n";

pub(crate) fn measure() -> Result<Vec<Line>> {
    block_on(async {
        let home = Home::new(CONFIG)?;
        let daemon = home.start()?;
        // The connection that asked is closed again: no clients.
        drop(daemon.ready().await?);
        rest(&daemon).await?;
        let before = process::activity(daemon.pid())?;
        tokio::time::sleep(WINDOW).await;
        let did = process::activity(daemon.pid())?.since(before);
        let threads = process::threads(daemon.pid())?.len();
        daemon.stop(&home).await?;
        Ok(vec![line(did, threads)])
    })
}

fn line(did: Activity, threads: usize) -> Line {
    Line {
        what: "idle daemon, no agents, no clients, 60 s: context switches / CPU ticks".into(),
        budget: "0 / 0".into(),
        measured: format!("{} / {} ({threads} threads)", did.switches, did.ticks),
        holds: (did == Activity::default()).into(),
    }
}

/// Waits until the daemon has nothing left to do since its start, or the last client.
pub(super) async fn rest(daemon: &Daemon) -> Result<()> {
    let begun = Instant::now();
    let mut last = process::activity(daemon.pid())?;
    while begun.elapsed() < REST_PATIENCE {
        tokio::time::sleep(REST).await;
        let now = process::activity(daemon.pid())?;
        if now == last {
            return Ok(());
        }
        last = now;
    }
    bail!("the daemon does not come to rest within {REST_PATIENCE:?}");
}
