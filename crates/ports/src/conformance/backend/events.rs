//! An inbox that keeps what a backend tells, for tests to wait on.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use headcount_model::{BackendEvent, BackendId};
use tokio::sync::Notify;

use super::PATIENCE;
use crate::BackendInbox;

/// Everything a backend told, in order.
#[derive(Default)]
pub struct Events {
    told: Mutex<Vec<BackendEvent>>,
    news: Notify,
}

impl Events {
    /// All so far.
    #[must_use]
    pub fn all(&self) -> Vec<BackendEvent> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.clone()
    }

    /// Returns once `event` has been told, now or earlier.
    ///
    /// # Panics
    /// When it is not told within [`PATIENCE`].
    pub async fn wait_for(&self, event: BackendEvent) {
        self.wait_until(&format!("{event:?}"), |told| told.contains(&event))
            .await;
    }

    /// Returns once what was told satisfies `enough`.
    ///
    /// # Panics
    /// When it does not within [`PATIENCE`]; the message names `what`.
    pub async fn wait_until(&self, what: &str, enough: impl Fn(&[BackendEvent]) -> bool) {
        let waiting = async {
            loop {
                let news = self.news.notified();
                if enough(&self.all()) {
                    return;
                }
                news.await;
            }
        };
        if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
            panic!("never told: {what}; told: {:?}", self.all());
        }
    }
}

#[async_trait]
impl BackendInbox for Events {
    async fn post(&self, _backend: &BackendId, event: BackendEvent) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.push(event);
        drop(told);
        self.news.notify_waiters();
    }
}
