//! The life of an agent.
//!
//! ```text
//! reserving -> creating -> starting -> ready -> draining -+
//!     |           |            |         |         |      |
//!     |           +------------+---------+---------+-> destroying -> quarantined
//!     |           |            |         |         |      |              |
//!     +-----------+------- absent -------+---------+------+--------------+-> releasing -> end
//! ```
//!
//! `reserving` and `releasing` are passed through only by agents of a machine pool; the
//! caller ends a `releasing` agent at once where there is nothing to release.

use headcount_model::{AgentPhase, Refusal};

/// What can happen to an agent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AgentInput {
    /// The shared ledger has room for it.
    Reserved,
    /// The shared ledger has none.
    ReserveRefused,
    /// The shared ledger has its room back.
    Released,
    /// The backend made it.
    Created,
    /// The backend says that nothing was made.
    NotCreated,
    /// The backend cannot say whether it was made.
    CreateUnknown,
    /// The backend lists it, or says it executes.
    Present,
    /// It registered (a worker: it executes).
    Ready,
    /// It is to leave by itself.
    Drain,
    /// It is to be destroyed.
    Destroy,
    /// The backend did not remove it, again and again.
    GiveUp,
    /// The backend confirms that nothing is left of it: for a quarantined one, twice.
    Absent,
}

impl AgentInput {
    /// All inputs, for table tests.
    pub const ALL: [Self; 12] = [
        Self::Reserved,
        Self::ReserveRefused,
        Self::Released,
        Self::Created,
        Self::NotCreated,
        Self::CreateUnknown,
        Self::Present,
        Self::Ready,
        Self::Drain,
        Self::Destroy,
        Self::GiveUp,
        Self::Absent,
    ];
}

/// What follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AgentStep {
    /// It is in this phase now.
    To(AgentPhase),
    /// Nothing changes: known already, or of no consequence here.
    Stay,
    /// Its record ends.
    End,
    /// It cannot be so.
    Refuse(Refusal),
}

/// The one transition function.
#[must_use]
pub const fn step(phase: AgentPhase, input: AgentInput) -> AgentStep {
    use AgentInput as I;
    use AgentPhase as P;
    use AgentStep::{End, Refuse, Stay, To};
    match (phase, input) {
        (P::Reserving, I::Reserved) => To(P::Creating),
        (P::Reserving, I::ReserveRefused) | (P::Releasing, I::Released) => End,
        // Whether the ledger booked it is unknown, so it is released to be sure.
        (P::Reserving, I::Destroy) => To(P::Releasing),
        (P::Reserving, _) => Refuse(Refusal::Contradiction),

        (P::Creating, I::Created | I::Present) => To(P::Starting),
        // Agents often register before the backend's answer arrives.
        (P::Creating | P::Starting, I::Ready) => To(P::Ready),
        (P::Creating, I::CreateUnknown) => Stay,

        (P::Ready, I::Drain) => To(P::Draining),
        (P::Creating | P::Starting, I::Drain) => Refuse(Refusal::Contradiction),
        (P::Creating | P::Starting | P::Ready | P::Draining, I::Destroy) => To(P::Destroying),

        (P::Destroying, I::GiveUp) => To(P::Quarantined),
        (P::Creating | P::Starting | P::Ready | P::Draining, I::GiveUp) => {
            Refuse(Refusal::Contradiction)
        }

        // Nothing was made, or nothing is left: only the shared ledger's room remains.
        (P::Creating | P::Destroying, I::NotCreated)
        | (
            P::Creating | P::Starting | P::Ready | P::Draining | P::Destroying | P::Quarantined,
            I::Absent,
        ) => To(P::Releasing),

        (P::Destroying | P::Quarantined | P::Releasing, I::Ready) => Refuse(Refusal::AgentLeaving),
        (P::Releasing, I::ReserveRefused) => End,

        (_, I::Reserved | I::ReserveRefused | I::Released) => Stay,
        (
            P::Starting | P::Ready | P::Draining | P::Destroying | P::Quarantined | P::Releasing,
            I::Created | I::NotCreated | I::CreateUnknown | I::Present,
        )
        | (P::Ready | P::Draining, I::Ready)
        | (P::Draining | P::Destroying | P::Quarantined | P::Releasing, I::Drain)
        | (P::Destroying | P::Quarantined | P::Releasing, I::Destroy)
        | (P::Quarantined | P::Releasing, I::GiveUp)
        | (P::Releasing, I::Absent) => Stay,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::String;

    fn word(step: AgentStep) -> &'static str {
        match step {
            AgentStep::To(phase) => phase.code(),
            AgentStep::Stay => ".",
            AgentStep::End => "END",
            AgentStep::Refuse(Refusal::AgentLeaving) => "leaving!",
            AgentStep::Refuse(_) => "no!",
        }
    }

    #[test]
    fn every_phase_with_every_input() {
        let mut table = String::new();
        for input in AgentInput::ALL {
            table.push_str(&format!("{:<15}", format!("{input:?}")));
            for phase in AgentPhase::ALL {
                table.push_str(&format!("{:<12}", word(step(phase, input))));
            }
            table = format!("{}\n", table.trim_end());
        }
        // Columns: reserving creating starting ready draining destroying quarantined releasing.
        let expected = "\
Reserved       creating    .           .           .           .           .           .           .
ReserveRefused END         .           .           .           .           .           .           END
Released       no!         .           .           .           .           .           .           END
Created        no!         starting    .           .           .           .           .           .
NotCreated     no!         releasing   .           .           .           releasing   .           .
CreateUnknown  no!         .           .           .           .           .           .           .
Present        no!         starting    .           .           .           .           .           .
Ready          no!         ready       ready       .           .           leaving!    leaving!    leaving!
Drain          no!         no!         no!         draining    .           .           .           .
Destroy        releasing   destroying  destroying  destroying  destroying  .           .           .
GiveUp         no!         no!         no!         no!         no!         quarantined .           .
Absent         no!         releasing   releasing   releasing   releasing   releasing   releasing   .
";
        assert_eq!(table, expected);
    }
}
