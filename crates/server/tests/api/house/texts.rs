//! Twins of the grammar and of the configuration.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use headcount_api::{PlanRequest, ProblemItem};
use headcount_controller::Handle;
use headcount_model::{Fleet, SourceId};
use headcount_ports::conformance::memory::MemoryStore;
use headcount_ports::{DecisionRow, Ledger as _, StoreError};
use headcount_server::{
    Candidate, Daemon, Grammar, GrammarError, ReloadRefused, Reloaded, StreamNumbers,
};

use super::fleet;

/// Digits and one unit; enough to tell right from wrong.
pub(crate) struct TestGrammar;

fn refused<T>(message: String, hint: &str) -> Result<T, GrammarError> {
    Err(GrammarError {
        message,
        hint: hint.to_owned(),
    })
}

fn with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let (unit, factor) = units.iter().find(|(unit, _)| text.ends_with(unit))?;
    let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
    Some(number * factor)
}

impl Grammar for TestGrammar {
    fn cpus(&self, text: &str) -> Result<u64, GrammarError> {
        match text.parse::<f64>() {
            Ok(cpus) if cpus > 0.0 => Ok((cpus * 1000.0) as u64),
            _ => refused(format!("`{text}` is not a number of CPUs"), "write `2`"),
        }
    }

    fn memory(&self, text: &str) -> Result<u64, GrammarError> {
        let bytes = with_unit(text, &[("g", 1 << 30), ("m", 1 << 20), ("k", 1 << 10)]);
        bytes.map_or_else(
            || {
                refused(
                    format!("`{text}` is not an amount of memory"),
                    "write `512m`",
                )
            },
            Ok,
        )
    }

    fn duration(&self, text: &str) -> Result<Duration, GrammarError> {
        let units = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)];
        with_unit(text, &units)
            .map(Duration::from_millis)
            .map_or_else(
                || refused(format!("`{text}` is not a span of time"), "write `30s`"),
                Ok,
            )
    }

    fn label(&self, text: &str) -> Result<(), GrammarError> {
        match text.is_empty() {
            true => refused("a label must not be empty".to_owned(), "remove it"),
            false => Ok(()),
        }
    }

    fn show_memory(&self, bytes: u64) -> String {
        format!("{}m", bytes >> 20)
    }

    fn show_cpus(&self, millis: u64) -> String {
        format!("{}", millis / 1000)
    }
}

/// A text says `maxAgents: N` and nothing else; anything else is wrong on line 1.
pub(crate) struct TestDaemon {
    handle: Handle,
    store: MemoryStore,
    /// What the file on disk says.
    pub(crate) file: Mutex<String>,
}

impl TestDaemon {
    pub(crate) fn new(handle: Handle, store: MemoryStore) -> Self {
        Self {
            handle,
            store,
            file: Mutex::new("maxAgents: 4".to_owned()),
        }
    }
}

fn read(name: &str, text: &str) -> Result<Fleet, Vec<ProblemItem>> {
    let number = text.strip_prefix("maxAgents: ").map(str::parse);
    let Some(Ok(max_agents)) = number else {
        let mut item = ProblemItem::error("`maxAgent` is not a key of this file");
        item.file = Some(name.to_owned());
        item.position = Some(headcount_api::Place { line: 1, column: 1 });
        item.hint = Some("write `maxAgents`".to_owned());
        return Err(vec![item]);
    };
    let mut fleet = fleet();
    fleet.scalers[0].max_agents = max_agents;
    Ok(fleet)
}

#[async_trait]
impl Daemon for TestDaemon {
    async fn reload(&self) -> Result<Reloaded, ReloadRefused> {
        let text = self.file.lock().unwrap().clone();
        let fleet = read("scalers.yaml", &text).map_err(ReloadRefused::Invalid)?;
        let changes = self.handle.configure(fleet).await;
        Ok(Reloaded {
            changes: changes.map_err(|_| ReloadRefused::Stopping)?,
            warnings: Vec::new(),
        })
    }

    fn candidate(&self, texts: &PlanRequest) -> Result<Candidate, Vec<ProblemItem>> {
        let fleet = read(&texts.config.name, &texts.config.text)?;
        Ok(Candidate {
            fleet,
            warnings: Vec::new(),
        })
    }

    async fn decisions(&self, limit: usize) -> Result<Vec<DecisionRow>, StoreError> {
        self.store.decisions(limit).await
    }

    fn stream_numbers(&self) -> BTreeMap<SourceId, StreamNumbers> {
        let numbers = StreamNumbers {
            taken: 7,
            buried: 2,
            held: 3,
            ..StreamNumbers::default()
        };
        [(SourceId::new("ci"), numbers)].into()
    }

    fn refused_registrations(&self) -> BTreeMap<&'static str, u64> {
        BTreeMap::from([("token_used", 2)])
    }
}
