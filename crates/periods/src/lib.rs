//! Patterns of time: which moments they match, and when that changes next.
//!
//! Promise: a pattern is read once and either understood whole or refused with the place
//! that is wrong; what it means depends on the pattern, the zone and the moment alone.
//! Daylight-saving changes open each window once, because a window is measured on a wall
//! clock that waits instead of going back ([`Zone`]). Where a format's own arithmetic must
//! be repeated, quirks included, its function says so.
//! Leaves to others: what happens inside a window (`planner`), which formats have such
//! patterns (`config`), and the clock (`sources`, `controller`).

mod days;
mod error;
mod field;
mod grammar;
mod pattern;
mod period;
mod search;
mod window;
mod zone;

pub use error::{PatternError, WindowError};
pub use pattern::{Grammar, Pattern};
pub use period::{Active, Period};
pub use window::Window;
pub use zone::Zone;
