//! What becomes of agents when the daemon ends.

/// What becomes of agents when the daemon ends; from one to the next nothing is taken back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Shutdown {
    /// They stay, and the next daemon finds them.
    #[default]
    Leave,
    /// Those without a job leave, those with one once it has ended; workers stay.
    Drain,
    /// All are destroyed, whatever they do.
    Destroy,
}

impl Shutdown {
    /// All, from the mildest on.
    pub const ALL: [Self; 3] = [Self::Leave, Self::Drain, Self::Destroy];

    /// The word in the configuration.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Leave => "leave",
            Self::Drain => "drain",
            Self::Destroy => "destroy",
        }
    }
}
