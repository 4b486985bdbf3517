//! Virtual clock, fakes, faults, reference model, invariants.
