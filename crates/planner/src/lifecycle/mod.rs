//! The state machines: one file each, one transition function each, every state with
//! every input in a table test. They decide what may follow what, and nothing else.

pub mod agent;
pub mod job;
