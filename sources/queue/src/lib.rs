//! The built-in queue.
