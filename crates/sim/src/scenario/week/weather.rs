//! What a provisioner and its cloud do wrong for a while.

use std::time::Duration;

use headcount_model::{BackendId, Timestamp};

use crate::random::Random;
use crate::scenario::{BACKENDS, Deed};
use crate::stage::millis_between;

/// What is wrong.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Weather {
    /// Nothing can be asked or done.
    Outage,
    /// Lists fail; everything else works.
    ListFails,
    /// Lists show what there was when this began.
    ListStale,
    /// Lists lack some machines; asked for by name they are there.
    ListLoses,
    /// No machine can be destroyed.
    DestroyRefused,
    /// There is no room for another machine.
    Full,
    /// The account's limit is reached.
    Quota,
    /// Whoever asks is told to come back later.
    Throttled,
    /// Making a machine takes until its deadline or longer.
    Slow,
}

impl Weather {
    pub(crate) const ALL: [Self; 9] = [
        Self::Outage,
        Self::ListFails,
        Self::ListStale,
        Self::ListLoses,
        Self::DestroyRefused,
        Self::Full,
        Self::Quota,
        Self::Throttled,
        Self::Slow,
    ];

    /// How long it lasts at most, in milliseconds.
    const fn longest(self) -> u64 {
        match self {
            Self::ListLoses => 120_000,
            Self::ListStale | Self::Outage | Self::ListFails => 1_800_000,
            Self::DestroyRefused => 3_600_000,
            Self::Full | Self::Quota | Self::Throttled | Self::Slow => 5_400_000,
        }
    }
}

/// Spells of bad weather until it is quiet.
pub(super) fn draw(
    random: &mut Random,
    monday: Timestamp,
    quiet: Timestamp,
) -> Vec<(Timestamp, Deed)> {
    let span = millis_between(monday, quiet);
    let spells = random.pick(&[4, 12, 40]).unwrap_or(4);
    let spell = |_| {
        let at = monday.after(Duration::from_millis(random.below(span)));
        let weather = random.pick(&Weather::ALL).unwrap_or(Weather::Outage);
        let backend = BackendId::new(random.pick(&BACKENDS).unwrap_or(BACKENDS[0]));
        let lasts = random.millis(30_000, weather.longest());
        (at, Deed::Weather(backend, weather, lasts))
    };
    (0..spells).map(spell).collect()
}
