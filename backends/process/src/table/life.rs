//! One instance, from being asked for to being gone: the transition function.

use headcount_model::Exit;

/// Where an instance stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Life {
    /// It is being made.
    Starting,
    /// It is being made although it is to be ended already.
    Unwanted,
    /// It executes.
    Running,
    /// Its process ended; what it left is being removed.
    Ended(Exit),
    /// What it left cannot be removed; somebody must ask again.
    Stuck(Exit),
    /// Nothing of it is left.
    Absent,
}

/// What happens to an instance.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Input {
    /// It was made.
    Made,
    /// It could not be made, or will not be.
    NotMade,
    /// It is to be ended.
    Unwant,
    /// Its process ended.
    Died(Exit),
    /// All it left is removed.
    Swept,
    /// Something it left cannot be removed.
    SweepFailed,
    /// Remove what it left, again.
    SweepAgain,
}

/// What an input comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    /// The instance stands here now.
    To(Life),
    /// Known already, or too late to matter.
    Ignored,
    /// It cannot happen here.
    Refused,
}

/// The one place where an instance changes.
pub(crate) const fn step(life: Life, input: Input) -> Step {
    match (life, input) {
        (Life::Starting | Life::Unwanted, Input::Made) => Step::To(Life::Running),
        (Life::Starting | Life::Unwanted, Input::NotMade) => Step::To(Life::Absent),
        (Life::Starting, Input::Unwant) => Step::To(Life::Unwanted),
        // A leftover of an earlier daemon ends without having run under this one.
        (Life::Starting | Life::Unwanted | Life::Running, Input::Died(exit)) => {
            Step::To(Life::Ended(exit))
        }
        (Life::Ended(_), Input::Swept) => Step::To(Life::Absent),
        (Life::Ended(exit), Input::SweepFailed) => Step::To(Life::Stuck(exit)),
        (Life::Stuck(exit), Input::SweepAgain) => Step::To(Life::Ended(exit)),
        (_, Input::Unwant | Input::SweepAgain) | (Life::Ended(_), Input::Died(_)) => Step::Ignored,
        _ => Step::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXIT: Exit = Exit::Code(3);

    #[test]
    fn every_life_meets_every_input() {
        use Input::{Died, Made, NotMade, SweepAgain, SweepFailed, Swept, Unwant};
        use Life::{Absent, Ended, Running, Starting, Stuck, Unwanted};
        use Step::{Ignored, Refused, To};
        let inputs = [
            Made,
            NotMade,
            Unwant,
            Died(EXIT),
            Swept,
            SweepFailed,
            SweepAgain,
        ];
        let ended = To(Ended(EXIT));
        let no = Refused;
        #[rustfmt::skip]
        let table = [
            //               Made         NotMade     Unwant        Died     Swept       SweepFailed      SweepAgain
            (Starting,    [To(Running), To(Absent), To(Unwanted), ended,   no,         no,              Ignored]),
            (Unwanted,    [To(Running), To(Absent), Ignored,      ended,   no,         no,              Ignored]),
            (Running,     [no,          no,         Ignored,      ended,   no,         no,              Ignored]),
            (Ended(EXIT), [no,          no,         Ignored,      Ignored, To(Absent), To(Stuck(EXIT)), Ignored]),
            (Stuck(EXIT), [no,          no,         Ignored,      no,      no,         no,              ended]),
            (Absent,      [no,          no,         Ignored,      no,      no,         no,              Ignored]),
        ];
        for (life, expected) in table {
            for (input, expected) in inputs.into_iter().zip(expected) {
                assert_eq!(step(life, input), expected, "{life:?} {input:?}");
            }
        }
    }
}
