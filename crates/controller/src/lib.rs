//! The loop: inbox, rounds, executor, recovery, published view.
