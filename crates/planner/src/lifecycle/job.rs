//! The life of a taken job, one attempt at a time.
//!
//! ```text
//! taken -> assigned -> running -> settling -> end
//!   |         |           |          ^
//!   |         |           +-> lost --+
//!   +---------+----------------------+
//! ```
//!
//! A job that merely waits has no state here: it is a number in its class. `settling`
//! tells the source: it goes back to its place, or it ended, and how.

use headcount_model::Refusal;

/// How far a taken job has come, without what goes with it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum JobStage {
    /// Handed out by its source, given to nobody yet.
    Taken,
    /// Offered to an agent, not claimed.
    Assigned,
    /// Claimed, durably.
    Running,
    /// Over as far as its agent goes; the agent's absence is awaited.
    Lost,
    /// Its source is being told.
    Settling,
}

impl JobStage {
    /// All stages, for table tests.
    pub const ALL: [Self; 5] = [
        Self::Taken,
        Self::Assigned,
        Self::Running,
        Self::Lost,
        Self::Settling,
    ];
}

/// What can happen to a taken job.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JobInput {
    /// It is offered to an agent.
    Assign,
    /// Its agent asks to run it.
    Claim,
    /// Its agent declines it, or did not claim it in time, or is no longer free.
    Unclaimed,
    /// Its agent reports how it ended.
    Finish,
    /// Its agent will not be heard of again.
    AgentLost,
    /// The backend confirms that its agent is gone.
    AgentAbsent,
    /// Somebody wants it cancelled.
    Cancel,
    /// Its source has been told.
    Settled,
}

impl JobInput {
    /// All inputs, for table tests.
    pub const ALL: [Self; 8] = [
        Self::Assign,
        Self::Claim,
        Self::Unclaimed,
        Self::Finish,
        Self::AgentLost,
        Self::AgentAbsent,
        Self::Cancel,
        Self::Settled,
    ];
}

/// What follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JobStep {
    /// It is offered now.
    ToAssigned,
    /// It may run now.
    ToRunning,
    /// Its agent's absence is awaited now.
    ToLost,
    /// Nothing ran: back to its place, or failed as undeliverable.
    SettleUnclaimed,
    /// An agent told how it ended: done, failed, cancelled, or another attempt.
    SettleFinished,
    /// Its agent was lost while it ran: failed, cancelled, or another attempt.
    SettleLost,
    /// It is cancelled before it ran.
    SettleCancelled,
    /// Remember that it should be cancelled.
    NoteCancel,
    /// Nothing changes.
    Stay,
    /// Its record ends.
    End,
    /// It cannot be so.
    Refuse(Refusal),
}

/// The one transition function.
#[must_use]
pub const fn step(stage: JobStage, input: JobInput) -> JobStep {
    use JobInput as I;
    use JobStage as S;
    use JobStep as T;
    match (stage, input) {
        (S::Taken, I::Assign) => T::ToAssigned,
        (S::Assigned, I::Assign) => T::Stay,
        (S::Running | S::Lost | S::Settling, I::Assign) => T::Refuse(Refusal::Contradiction),

        (S::Assigned, I::Claim) => T::ToRunning,
        (S::Running, I::Claim) => T::Stay,
        (S::Taken | S::Lost | S::Settling, I::Claim) => T::Refuse(Refusal::NotYours),

        (S::Taken | S::Assigned, I::Unclaimed | I::AgentLost | I::AgentAbsent) => {
            T::SettleUnclaimed
        }
        (S::Running, I::Unclaimed) => T::Refuse(Refusal::Contradiction),
        (S::Lost | S::Settling, I::Unclaimed) => T::Stay,

        (S::Running, I::Finish) => T::SettleFinished,
        (S::Taken | S::Assigned, I::Finish) => T::Refuse(Refusal::NotYours),
        // What was decided stays decided: the attempt ended as lost.
        (S::Lost, I::Finish) => T::Refuse(Refusal::TooLate),
        (S::Settling, I::Finish) => T::Stay,

        (S::Running, I::AgentLost) => T::ToLost,
        // The backend's word alone is enough: what it ran is over and cannot come back.
        (S::Running | S::Lost, I::AgentAbsent) => T::SettleLost,
        (S::Lost, I::AgentLost) | (S::Settling, I::AgentLost | I::AgentAbsent) => T::Stay,

        (S::Taken | S::Assigned, I::Cancel) => T::SettleCancelled,
        (S::Running | S::Lost, I::Cancel) => T::NoteCancel,
        (S::Settling, I::Cancel) => T::Stay,

        (S::Settling, I::Settled) => T::End,
        (_, I::Settled) => T::Refuse(Refusal::Contradiction),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::String;

    #[test]
    fn every_stage_with_every_input() {
        let mut table = String::new();
        for input in JobInput::ALL {
            table.push_str(&format!("{:<13}", format!("{input:?}")));
            for stage in JobStage::ALL {
                let word = match step(stage, input) {
                    JobStep::Stay => String::from("."),
                    JobStep::Refuse(refusal) => format!("!{}", refusal.code()),
                    other => format!("{other:?}"),
                };
                table.push_str(&format!("{word:<17}"));
            }
            table = format!("{}\n", table.trim_end());
        }
        // Columns: taken assigned running lost settling.
        let expected = "\
Assign       ToAssigned       .                !contradiction   !contradiction   !contradiction
Claim        !not_yours       ToRunning        .                !not_yours       !not_yours
Unclaimed    SettleUnclaimed  SettleUnclaimed  !contradiction   .                .
Finish       !not_yours       !not_yours       SettleFinished   !too_late        .
AgentLost    SettleUnclaimed  SettleUnclaimed  ToLost           .                .
AgentAbsent  SettleUnclaimed  SettleUnclaimed  SettleLost       SettleLost       .
Cancel       SettleCancelled  SettleCancelled  NoteCancel       NoteCancel       .
Settled      !contradiction   !contradiction   !contradiction   !contradiction   End
";
        assert_eq!(table, expected);
    }
}
