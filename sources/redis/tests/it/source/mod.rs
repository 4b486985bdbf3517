//! A stream as a source, on real servers.

mod elsewhere;
mod ends;
mod killed;
mod taken;
mod trouble;
mod world;
