//! What a run is asked for, and what comes out of it.

use std::fmt;

use headcount_model::Timestamp;

/// Which kind of story a seed is told as.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Story {
    /// Some minutes of anything.
    #[default]
    Short,
    /// A week with machines that a provisioner makes.
    Week,
}

/// How to run a seed.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which kind of story.
    pub story: Story,
    /// Whether the promises are checked at every step.
    pub checks: bool,
    /// Lines of the trace that a failure shows. With 0 nothing is written down, which is
    /// quicker, and two runs are compared by their counts alone.
    pub trace_lines: usize,
    /// Whether the seed is run a second time and compared byte for byte.
    pub twice: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            story: Story::Short,
            checks: true,
            trace_lines: 120,
            twice: true,
        }
    }
}

/// What a run that kept every promise did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Outcome {
    /// Which seed.
    pub seed: u64,
    /// One number for everything that happened: equal runs have equal ones.
    pub hash: u64,
    /// Jobs that were accepted.
    pub jobs: u64,
    /// Jobs that began to run, every repeat counted.
    pub executions: u64,
    /// Instances that were made.
    pub instances: u64,
    /// Rounds of the controller.
    pub rounds: u64,
    /// Times the daemon was killed.
    pub crashes: u64,
    /// Virtual time that passed, in milliseconds.
    pub virtual_millis: u64,
}

impl Outcome {
    /// Adds what another run did.
    pub const fn add(&mut self, other: &Self) {
        self.hash ^= other.hash;
        self.jobs += other.jobs;
        self.executions += other.executions;
        self.instances += other.instances;
        self.rounds += other.rounds;
        self.crashes += other.crashes;
        self.virtual_millis += other.virtual_millis;
    }
}

/// A promise of the design, or what this crate adds to them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Promise {
    /// 1: never above a cap.
    Caps,
    /// 2: nothing we made is forgotten.
    Forgotten,
    /// 3: nothing that is not ours is touched.
    Foreign,
    /// 4: a running job is not killed by scale-down.
    Running,
    /// 5: no accepted job is lost and no recorded completion runs again.
    Jobs,
    /// 6: everything has exactly one reason.
    Reasons,
    /// 7: no configuration is half applied.
    Config,
    /// 8: once faults stop, it converges.
    Converges,
    /// The same seed gives the same bytes.
    Deterministic,
}

impl Promise {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Caps,
        Self::Forgotten,
        Self::Foreign,
        Self::Running,
        Self::Jobs,
        Self::Reasons,
        Self::Config,
        Self::Converges,
        Self::Deterministic,
    ];

    /// One sentence for a person.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Caps => "promise 1, never above a cap",
            Self::Forgotten => "promise 2, nothing we made is forgotten",
            Self::Foreign => "promise 3, nothing that is not ours is touched",
            Self::Running => "promise 4, a running job is not killed by scale-down",
            Self::Jobs => {
                "promise 5, no accepted job is lost and no recorded completion runs again"
            }
            Self::Reasons => "promise 6, everything has exactly one reason",
            Self::Config => "promise 7, no configuration is half applied",
            Self::Converges => "promise 8, once faults stop, it converges",
            Self::Deterministic => "the same seed gives the same bytes",
        }
    }
}

/// A promise that did not hold. Printing it tells how to see it again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// Which kind of story.
    pub story: Story,
    /// Which seed.
    pub seed: u64,
    /// Which promise.
    pub promise: Promise,
    /// What was seen.
    pub what: String,
    /// When, in virtual time.
    pub at: Timestamp,
    /// The last lines of what happened.
    pub trace: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.trace {
            writeln!(f, "{line}")?;
        }
        writeln!(
            f,
            "seed {} at {} ms broke {}:\n  {}",
            self.seed,
            self.at.as_millis(),
            self.promise.sentence(),
            self.what
        )?;
        let week = match self.story {
            Story::Short => "",
            Story::Week => "--week ",
        };
        write!(
            f,
            "repeat it with: cargo xtask sim {week}--seed {}",
            self.seed
        )
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_prints_the_command_that_repeats_it() {
        let mut failure = Failure {
            story: Story::Short,
            seed: 17,
            promise: Promise::Caps,
            what: "3 agents in scaler s of at most 2".into(),
            at: Timestamp::from_millis(1500),
            trace: vec!["     1400 create a-1-3".into()],
        };
        let expected = "     1400 create a-1-3
seed 17 at 1500 ms broke promise 1, never above a cap:
  3 agents in scaler s of at most 2
repeat it with: cargo xtask sim --seed 17";
        assert_eq!(failure.to_string(), expected);
        failure.story = Story::Week;
        let text = failure.to_string();
        assert!(text.ends_with("cargo xtask sim --week --seed 17"), "{text}");
    }
}
