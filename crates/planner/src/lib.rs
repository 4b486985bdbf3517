//! Everything decidable from data alone: observe and plan.
