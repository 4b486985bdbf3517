//! What a job asks for, what an agent is granted, what a cap allows.
//! Source: the `scalers.yaml` reference, sections 2.4 and 2.5.

/// An amount of CPU and memory. Zero means "asks for nothing" in a request and "no
/// limit set" in a limit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Resources {
    /// Thousandths of one CPU.
    pub cpu_millis: u64,
    /// Bytes.
    pub memory_bytes: u64,
}

impl Resources {
    /// Nothing of either.
    pub const ZERO: Self = Self {
        cpu_millis: 0,
        memory_bytes: 0,
    };

    /// The sum, stopping at the largest number.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            cpu_millis: self.cpu_millis.saturating_add(other.cpu_millis),
            memory_bytes: self.memory_bytes.saturating_add(other.memory_bytes),
        }
    }

    /// `n` times this, stopping at the largest number.
    #[must_use]
    pub const fn times(self, n: u64) -> Self {
        Self {
            cpu_millis: self.cpu_millis.saturating_mul(n),
            memory_bytes: self.memory_bytes.saturating_mul(n),
        }
    }

    /// Whether both amounts fit into `room`.
    #[must_use]
    pub const fn fits_in(self, room: Self) -> bool {
        self.cpu_millis <= room.cpu_millis && self.memory_bytes <= room.memory_bytes
    }
}

/// An upper bound on summed requests; an absent side is unlimited. Reaching the cap
/// exactly is allowed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Cap {
    /// Thousandths of one CPU.
    pub max_cpu_millis: Option<u64>,
    /// Bytes.
    pub max_memory_bytes: Option<u64>,
}

/// Resources of which some may be left unsaid.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Partial {
    /// Thousandths of one CPU.
    pub cpu_millis: Option<u64>,
    /// Bytes.
    pub memory_bytes: Option<u64>,
}

impl Partial {
    /// Whether nothing is said.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.cpu_millis.is_none() && self.memory_bytes.is_none()
    }

    const fn or(self, other: Self) -> Self {
        Self {
            cpu_millis: if self.cpu_millis.is_some() {
                self.cpu_millis
            } else {
                other.cpu_millis
            },
            memory_bytes: if self.memory_bytes.is_some() {
                self.memory_bytes
            } else {
                other.memory_bytes
            },
        }
    }

    fn resolve(self) -> Resources {
        Resources {
            cpu_millis: self.cpu_millis.unwrap_or(0),
            memory_bytes: self.memory_bytes.unwrap_or(0),
        }
    }
}

/// One layer of the cascade (a job's, a label set's, the defaults'), as written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Layer {
    /// Summed against caps.
    pub requests: Partial,
    /// Handed to the backend.
    pub limits: Partial,
}

impl Layer {
    /// The layer mirrored as a whole: where only one side is written, the other equals it.
    #[must_use]
    pub const fn mirrored(self) -> Self {
        match (self.requests.is_empty(), self.limits.is_empty()) {
            (false, true) => Self {
                requests: self.requests,
                limits: self.requests,
            },
            (true, false) => Self {
                requests: self.limits,
                limits: self.limits,
            },
            _ => self,
        }
    }
}

/// What the cascade resolves to: what an agent reserves and what bounds it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Granted {
    /// Counted against caps; zero counts toward agent caps only.
    pub requests: Resources,
    /// Given to the backend; zero means no limit.
    pub limits: Resources,
}

impl Granted {
    /// First hit wins, per dimension, requests and limits apart, each layer mirrored
    /// before it is looked at. Layers come in order: job, label set, defaults.
    #[must_use]
    pub fn cascade(layers: &[Layer]) -> Self {
        let mut requests = Partial::default();
        let mut limits = Partial::default();
        for layer in layers {
            let layer = layer.mirrored();
            requests = requests.or(layer.requests);
            limits = limits.or(layer.limits);
        }
        Self {
            requests: requests.resolve(),
            limits: limits.resolve(),
        }
    }

    /// Whether an agent granted this can hold what `other` asks for: no larger request,
    /// and no larger limit than ours unless ours is unlimited.
    #[must_use]
    pub const fn covers(&self, other: &Self) -> bool {
        other.requests.fits_in(self.requests)
            && bounded(self.limits.cpu_millis, other.limits.cpu_millis)
            && bounded(self.limits.memory_bytes, other.limits.memory_bytes)
    }
}

/// Zero is "no limit": an unlimited wish fits only an unlimited agent.
const fn bounded(ours: u64, wish: u64) -> bool {
    ours == 0 || (wish != 0 && wish <= ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    #[test]
    fn a9_cascade_resolves_each_dimension_apart() {
        let job = Layer {
            limits: Partial {
                cpu_millis: Some(1000),
                memory_bytes: None,
            },
            ..Layer::default()
        };
        let set = Layer {
            requests: Partial {
                cpu_millis: None,
                memory_bytes: Some(GIB),
            },
            limits: Partial {
                cpu_millis: None,
                memory_bytes: Some(2 * GIB),
            },
        };
        let both = Partial {
            cpu_millis: Some(3000),
            memory_bytes: Some(9 * GIB),
        };
        let defaults = Layer {
            requests: both,
            limits: both,
        };
        let granted = Granted::cascade(&[job, set, defaults]);
        assert_eq!(
            granted.requests,
            Resources {
                cpu_millis: 1000,
                memory_bytes: GIB
            }
        );
        assert_eq!(
            granted.limits,
            Resources {
                cpu_millis: 1000,
                memory_bytes: 2 * GIB
            }
        );
    }

    #[test]
    fn nothing_anywhere_resolves_to_zero() {
        assert_eq!(Granted::cascade(&[Layer::default(); 3]), Granted::default());
    }

    #[test]
    fn covering_needs_request_and_limit() {
        let small = Granted {
            requests: Resources {
                cpu_millis: 500,
                memory_bytes: 0,
            },
            limits: Resources {
                cpu_millis: 500,
                memory_bytes: 0,
            },
        };
        let large = Granted {
            requests: Resources {
                cpu_millis: 2000,
                memory_bytes: 0,
            },
            limits: Resources {
                cpu_millis: 2000,
                memory_bytes: 0,
            },
        };
        assert!(large.covers(&small) && !small.covers(&large));
        assert!(Granted::default().covers(&Granted::default()));
        assert!(
            !small.covers(&Granted::default()),
            "an unlimited wish needs an unlimited agent"
        );
    }
}
