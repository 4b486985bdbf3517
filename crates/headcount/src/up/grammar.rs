//! Small texts of the API, read with the grammar of the configuration.

use std::time::Duration;

use headcount_config::ValueError;
use headcount_server::{Grammar, GrammarError};

/// The grammar of the configuration.
pub(super) struct ConfigGrammar;

impl Grammar for ConfigGrammar {
    fn cpus(&self, text: &str) -> Result<u64, GrammarError> {
        headcount_config::parse_cpus(text).map_err(refused)
    }

    fn memory(&self, text: &str) -> Result<u64, GrammarError> {
        headcount_config::parse_memory(text).map_err(refused)
    }

    fn duration(&self, text: &str) -> Result<Duration, GrammarError> {
        headcount_config::parse_duration(text).map_err(refused)
    }

    fn label(&self, text: &str) -> Result<(), GrammarError> {
        headcount_config::check_label(text).map_err(refused)
    }

    fn show_memory(&self, bytes: u64) -> String {
        headcount_config::format_memory(bytes)
    }

    fn show_cpus(&self, millis: u64) -> String {
        headcount_config::format_cpus(millis)
    }
}

fn refused(error: ValueError) -> GrammarError {
    GrammarError {
        message: error.message().to_owned(),
        hint: error.hint().to_owned(),
    }
}
