//! What a scenario shows of its world, as text.

use headcount_planner::plan;

use super::Scenario;

impl Scenario {
    /// Each agent: phase and the reason in the last plan.
    pub fn agents(&self) -> String {
        let made = plan(&self.world, self.now);
        let rows = made.report.agents.iter().map(|(id, reason)| {
            let phase = self.world.agent(*id).unwrap().phase().code();
            format!("{id} {phase}: {reason}")
        });
        rows.collect::<Vec<_>>().join("\n")
    }

    /// Each taken job: stage, agent and attempt.
    pub fn taken(&self) -> String {
        let rows = self.world.jobs().map(|job| {
            format!(
                "{} {:?} on {} attempt {}",
                job.info().job,
                job.phase().stage(),
                job.agent(),
                job.attempt()
            )
        });
        rows.collect::<Vec<_>>().join("\n").to_lowercase()
    }

    /// How jobs ended, as far as the source was told.
    pub fn ends(&self) -> String {
        let rows = self.outside.ended.iter().map(|(id, end)| {
            let end = match end {
                headcount_model::JobEnd::Succeeded => "succeeded".to_owned(),
                headcount_model::JobEnd::Failed { reason, .. } => format!("failed: {reason}"),
                headcount_model::JobEnd::Cancelled { .. } => "cancelled".to_owned(),
                headcount_model::JobEnd::Expired => "expired".to_owned(),
            };
            format!("{id} {end}")
        });
        rows.collect::<Vec<_>>().join("\n")
    }
}
