//! Text to typed settings, every problem at once, each pointing at the text.
//!
//! Promise: a configuration is taken as a whole or not at all. Whatever is wrong, in the
//! main file or in a drop-in file, on any level, is told in one run, with file, line,
//! column, the marked text and what to write instead; unknown keys are problems
//! everywhere. The schema for editors and the tables of the documentation come from the
//! same tables of keys that reading uses, so they cannot say anything else.
//!
//! Leaves to others: which jobs a pool serves (`planner`), how agents are made
//! (backends), what a reload changes (`controller`).
//!
//! ```text
//! text --yaml--> tree with places --read--> mappings as written --check--> settings
//!                                                               --fleet--> fleet
//! ```

mod check;
mod effective;
mod environment;
mod files;
mod fleet;
mod formats;
mod load;
mod manifest;
mod platform;
mod problem;
mod read;
mod render;
mod schema;
mod secrets;
mod source;
mod suggest;
mod toml;
mod value;
mod written;
mod yaml;

pub mod settings;

pub use check::{Overlap, overlaps};
pub use effective::effective_yaml;
pub use environment::{CONFIG_DIR, CONFIG_PATH, ConfigPaths};
pub use files::MAX_DROP_INS;
pub use fleet::BARE_METAL;
pub use load::{ConfigTexts, Loaded, Parsed, load, load_texts, parse_texts, read_texts};
pub use platform::{Platform, system_labels};
pub use problem::{MAX_PROBLEMS, Position, Problem, Problems, Severity};
pub use schema::{json_schema, key_tables};
pub use settings::Settings;
pub use source::{ConfigText, MAX_FILE_BYTES};
pub use value::{
    MAX_CPUS, MAX_LABEL_BYTES, ValueError, check_label, format_cpus, format_duration,
    format_memory, parse_cpus, parse_duration, parse_memory,
};
