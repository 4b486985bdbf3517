//! Scalers of provisioners: what they come to.

use headcount_model::{ProgramRecipe, ProvisionerAddress};

use crate::settings::{LabelSet, Program, ProgramTemplate, Scaler};

/// Which program a scaler runs.
pub(super) fn address(program: &Program) -> ProvisionerAddress {
    ProvisionerAddress {
        program: program.program.clone(),
        contract: program.contract,
        environment: program.environment.clone(),
        config: program.config.clone(),
    }
}

pub(super) fn recipe(
    scaler: &Scaler,
    program: &Program,
    set: &LabelSet,
    template: &ProgramTemplate,
) -> ProgramRecipe {
    ProgramRecipe {
        provisioner: address(program),
        options: template.options.to_string(),
        env: set.env.clone(),
        agent_binary: template.agent_binary.clone(),
        agent_url: scaler.orchestrator_url.clone(),
        batch: program.create_batch,
        lease_time: program.lease_time,
    }
}
