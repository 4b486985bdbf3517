//! The first creation of a store goes alone.
//!
//! Promise: while a store has no certificate authority, at most one creation of this daemon
//! is under way, because several would each make their own and spoil the others'; as soon
//! as it is there, everybody goes. Where the files are elsewhere, nobody waits for long: a
//! creation that succeeds opens the gate for good.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::sleep;

use crate::store::Store;

/// The tool tells nobody when the files are there.
const LOOK_PAUSE: Duration = Duration::from_millis(200);

/// Of one store.
#[derive(Default)]
pub(crate) struct Gate {
    is_open: AtomicBool,
    alone: Mutex<()>,
}

impl Gate {
    /// Makes a machine as soon as that does no harm. `succeeded` looks at what came of it.
    pub(crate) async fn pass<T>(
        &self,
        store: &Store,
        making: impl Future<Output = T>,
        succeeded: impl Fn(&T) -> bool,
    ) -> T {
        if self.is_open.load(Ordering::Acquire) || authority(store).await.is_some() {
            self.is_open.store(true, Ordering::Release);
            return making.await;
        }
        let alone = self.alone.lock().await;
        if self.is_open.load(Ordering::Acquire) || authority(store).await.is_some() {
            drop(alone);
            return making.await;
        }
        tokio::pin!(making);
        let made = tokio::select! {
            made = &mut making => made,
            () = whole(store) => {
                self.is_open.store(true, Ordering::Release);
                drop(alone);
                return making.await;
            }
        };
        if succeeded(&made) {
            self.is_open.store(true, Ordering::Release);
        }
        made
    }
}

/// Until the files are there and do not grow any more.
async fn whole(store: &Store) {
    let mut last = None;
    loop {
        let now = authority(store).await;
        if now.is_some() && now == last {
            return;
        }
        last = now;
        sleep(LOOK_PAUSE).await;
    }
}

/// See [`Store::authority`]. A store that hangs keeps a thread that nothing else needs.
async fn authority(store: &Store) -> Option<[u64; 4]> {
    let store = store.clone();
    let looking = tokio::task::spawn_blocking(move || store.authority());
    looking.await.ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::sync::atomic::AtomicUsize;

    /// Creations of a store, and how many of them have been under way at once.
    async fn at_once(makes_authority: bool, succeeds: bool) -> usize {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path().to_str(), &BTreeMap::new());
        let (gate, now, most) = (Gate::default(), AtomicUsize::new(0), AtomicUsize::new(0));
        let make = || async {
            let under_way = now.fetch_add(1, Ordering::SeqCst) + 1;
            most.fetch_max(under_way, Ordering::SeqCst);
            if makes_authority {
                let certs = dir.path().join("certs");
                std::fs::create_dir_all(&certs).unwrap();
                for name in ["ca.pem", "ca-key.pem", "cert.pem", "key.pem"] {
                    std::fs::write(certs.join(name), "x").unwrap();
                }
            }
            sleep(Duration::from_secs(60)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            succeeds
        };
        let one = || gate.pass(&store, make(), |made| *made);
        tokio::join!(one(), one(), one());
        most.load(Ordering::SeqCst)
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_goes_alone_until_the_authority_is_there() {
        assert_eq!(
            at_once(true, true).await,
            3,
            "the rest waits for files only"
        );
        assert_eq!(at_once(false, true).await, 2, "or for the first to be made");
        assert_eq!(at_once(false, false).await, 1, "who fails opens nothing");
    }
}
