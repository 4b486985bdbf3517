//! Writing a round down, however long it takes.
//!
//! Promise: nothing is written twice, and nothing goes on before it is written; questions
//! are answered meanwhile and news is kept, as far as there is room.

use std::sync::Arc;
use std::time::Duration;

use headcount_ports::StoreError;
use tokio::time::{Instant, timeout, timeout_at};

use super::{Hall, MAX_MAILS};
use crate::Round;
use crate::inbox::{Ask, Mail};

/// A round that is not written within this is given out as trouble.
const COMMIT_PATIENCE: Duration = Duration::from_secs(10);
/// A round that could not be written is written again after this, then after twice as
/// long, and so on.
const FIRST_COMMIT_RETRY: Duration = Duration::from_millis(200);
/// The longest such delay.
const LONGEST_COMMIT_RETRY: Duration = Duration::from_secs(10);

impl Hall {
    /// Writes until it is written: until then nothing is done and nothing acknowledged.
    /// New jobs are refused by the ledger itself in the meantime. Returns the questions
    /// that are still open.
    pub(super) async fn make_durable(&mut self, round: &Round, mut asks: Vec<Ask>) -> Vec<Ask> {
        if !round.orders.is_empty() || !round.changes.is_empty() {
            self.view = None;
        }
        if round.changes.is_empty() && round.decision.is_none() {
            return asks;
        }
        let mut delay = FIRST_COMMIT_RETRY;
        loop {
            let Err(error) = self.commit(round, &mut asks).await else {
                return asks;
            };
            tracing::error!(%error, retry_in = ?delay, "a round could not be written; nothing is done until it is");
            let until = Instant::now() + delay;
            self.serve_meanwhile(&error, std::mem::take(&mut asks), until)
                .await;
            delay = (delay * 2).min(LONGEST_COMMIT_RETRY);
        }
    }

    /// One attempt to write. One that hangs is waited for, because it may yet succeed and
    /// must not be made twice; questions are answered meanwhile, and say so.
    async fn commit(&mut self, round: &Round, asks: &mut Vec<Ask>) -> Result<(), StoreError> {
        let (changes, decision) = (round.changes.clone(), round.decision.clone());
        let ledger = Arc::clone(&self.ledger);
        let mut writing = std::pin::pin!(ledger.commit(changes, decision));
        if let Ok(result) = timeout(COMMIT_PATIENCE, &mut writing).await {
            return result;
        }
        let waited = COMMIT_PATIENCE.as_secs();
        let trouble = StoreError::Busy(format!(
            "a round is being written for more than {waited} s; is the state disk alive?"
        ));
        tracing::error!(error = %trouble, "nothing is done until it is written");
        loop {
            let until = Instant::now() + COMMIT_PATIENCE;
            tokio::select! {
                result = &mut writing => return result,
                () = self.serve_meanwhile(&trouble, std::mem::take(asks), until) => {}
            }
        }
    }

    /// While nothing can be written, questions are still answered and news is kept, as
    /// far as there is room.
    async fn serve_meanwhile(&mut self, error: &StoreError, asks: Vec<Ask>, until: Instant) {
        let trouble = error.to_string();
        for ask in asks {
            self.answer_one(ask, Some(trouble.clone()), self.clock.now());
        }
        while self.kept.len() < MAX_MAILS {
            match timeout_at(until, self.mails.recv()).await {
                Ok(Some(Mail::Ask(ask))) => {
                    self.answer_one(ask, Some(trouble.clone()), self.clock.now());
                }
                Ok(Some(mail)) => self.kept.push(mail),
                Ok(None) | Err(_) => break,
            }
        }
        tokio::time::sleep_until(until).await;
    }
}
