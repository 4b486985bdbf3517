//! How the suite gets its stores, and the list of what it checks.

use async_trait::async_trait;

use super::{jobs, ledger, logs, time};
use crate::{JobBook, Ledger, LogBook, TimeBook};

/// Makes the stores under test.
#[async_trait]
pub trait StoreFactory: Send {
    /// One store that is all the books.
    type Store: Ledger + JobBook + LogBook + TimeBook;

    /// A new, empty store.
    async fn fresh(&mut self) -> Self::Store;

    /// The same store after its daemon ended and started again.
    async fn reopen(&mut self, store: Self::Store) -> Self::Store;
}

/// Runs the whole suite.
///
/// # Panics
/// When a promise is broken.
pub async fn check_all<F: StoreFactory>(factory: &mut F) {
    ledger::an_empty_ledger_has_an_owner_and_an_epoch(factory).await;
    ledger::rounds_survive_a_restart(factory).await;
    ledger::rows_are_absolute_and_can_be_repeated(factory).await;
    ledger::what_is_gone_or_settled_is_not_restored(factory).await;
    ledger::an_attempt_settled_and_made_anew_is_unsettled(factory).await;
    ledger::decisions_come_newest_first(factory).await;

    jobs::submitted_jobs_come_back_whole(factory).await;
    jobs::ids_grow_and_are_never_used_again(factory).await;
    jobs::a_known_key_is_the_same_job(factory).await;
    jobs::a_conflict_accepts_none_of_the_batch(factory).await;
    jobs::status_follows_attempts_and_ends(factory).await;
    jobs::queued_leaves_out_held_and_ended_jobs(factory).await;
    jobs::requeues_are_counted(factory).await;
    jobs::an_end_is_recorded_once(factory).await;
    jobs::the_environment_ends_with_the_job(factory).await;
    jobs::lists_are_paged_and_filtered(factory).await;
    jobs::sources_have_their_own_jobs_and_keys(factory).await;
    jobs::a_job_of_another_source_is_open_until_its_end_was_told(factory).await;

    logs::output_comes_back_in_order(factory).await;
    logs::repeated_chunks_are_dropped(factory).await;
    logs::a_gap_holds_back_what_follows(factory).await;
    logs::the_limit_cuts_and_says_so(factory).await;
    logs::pages_are_bounded_and_make_progress(factory).await;
    logs::attempts_have_their_own_output(factory).await;

    time::time_is_added_up_by_pool_and_usage(factory).await;
    time::a_piece_that_is_written_again_counts_once(factory).await;
}
