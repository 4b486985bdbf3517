//! What only scalers of a provisioner have.

use super::writer::Writer;
use crate::settings::{Program, ProgramTemplate};
use crate::value::format_duration;

pub(super) fn program(out: &mut Writer, program: &Program) {
    out.text("program", &program.program);
    out.text("contract", program.contract.word());
    out.optional_text("config", program.config.as_deref());
    out.texts("environment", &program.environment);
    out.plain("createBatch", program.create_batch.machines());
    let spans = [
        ("leaseTime", program.lease_time),
        ("reapOthersAfter", program.reap_others_after),
    ];
    for (key, span) in spans {
        out.optional_text(key, span.map(format_duration).as_deref());
    }
}

pub(super) fn template(out: &mut Writer, template: &ProgramTemplate) {
    out.optional_text("agentBinary", template.agent_binary.as_deref());
    if template
        .options
        .as_object()
        .is_some_and(|options| !options.is_empty())
    {
        out.tree("options", &template.options);
    }
}
