//! What the API needs of the daemon's configuration and of what it keeps of the past.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use headcount_api::{Place, PlanRequest, ProblemItem, Severity};
use headcount_config::{ConfigText, ConfigTexts, Problems};
use headcount_gateway::Gateway;
use headcount_model::SourceId;
use headcount_ports::{DecisionRow, Ledger, StoreError};
use headcount_server::{Candidate, Daemon, ReloadRefused, Reloaded, StreamNumbers};
use headcount_store::SqliteStore;

use super::configuration::{ConfigError, Configuration};
use super::sources::Streams;

/// The daemon as the API sees it.
pub(super) struct Office {
    pub(super) configuration: Arc<Configuration>,
    pub(super) store: SqliteStore,
    pub(super) gateway: Arc<Gateway>,
    pub(super) streams: Streams,
}

#[async_trait]
impl Daemon for Office {
    async fn reload(&self) -> Result<Reloaded, ReloadRefused> {
        match self.configuration.reload().await {
            Ok((changes, warnings)) => Ok(Reloaded {
                changes,
                warnings: items(&warnings),
            }),
            Err(ConfigError::Stopping) => Err(ReloadRefused::Stopping),
            Err(error) => Err(ReloadRefused::Invalid(problems(error))),
        }
    }

    fn candidate(&self, texts: &PlanRequest) -> Result<Candidate, Vec<ProblemItem>> {
        let text = |text: &headcount_api::ConfigText| {
            ConfigText::new(text.name.clone(), text.text.clone())
        };
        let texts = ConfigTexts {
            main: text(&texts.config),
            drop_ins: texts.drop_ins.iter().map(text).collect(),
        };
        let loaded = self.configuration.candidate(texts).map_err(problems)?;
        Ok(Candidate {
            fleet: loaded.fleet,
            warnings: items(&loaded.warnings),
        })
    }

    async fn decisions(&self, limit: usize) -> Result<Vec<DecisionRow>, StoreError> {
        self.store.decisions(limit).await
    }

    fn stream_numbers(&self) -> BTreeMap<SourceId, StreamNumbers> {
        self.streams.numbers()
    }

    fn refused_registrations(&self) -> BTreeMap<&'static str, u64> {
        self.gateway.stats().refused
    }
}

fn problems(error: ConfigError) -> Vec<ProblemItem> {
    match error {
        ConfigError::Problems(problems) => items(&problems),
        ConfigError::Missing(lines) => lines.into_iter().map(ProblemItem::error).collect(),
        other @ (ConfigError::Certificate(_) | ConfigError::Stopping) => {
            vec![ProblemItem::error(other.to_string())]
        }
    }
}

fn items(problems: &Problems) -> Vec<ProblemItem> {
    problems.iter().map(item).collect()
}

fn item(problem: &headcount_config::Problem) -> ProblemItem {
    ProblemItem {
        severity: match problem.severity {
            headcount_config::Severity::Error => Severity::Error,
            headcount_config::Severity::Warning => Severity::Warning,
            headcount_config::Severity::Difference => Severity::Difference,
        },
        file: Some(problem.file.clone()),
        position: problem.position.map(|position| Place {
            line: position.line as u64,
            column: position.column as u64,
        }),
        index: None,
        field: None,
        message: problem.message.clone(),
        label: problem.label.clone(),
        hint: problem.hint.clone(),
    }
}
