//! What only scalers of a Kubernetes cluster have.

use super::writer::Writer;
use crate::settings::{
    Kubernetes, KubernetesAgent, KubernetesTemplate, Propagation, RolloutStrategy,
};

pub(super) fn kubernetes(out: &mut Writer, cluster: &Kubernetes) {
    out.optional_text("kubeconfig", cluster.kubeconfig.as_deref());
    out.optional_text("context", cluster.context.as_deref());
    out.optional_text("namespace", cluster.namespace.as_deref());
    out.plain("successfulJobsHistoryLimit", cluster.successful_jobs);
    out.plain("failedJobsHistoryLimit", cluster.failed_jobs);
    out.map("rollout", |out| {
        let strategy = match cluster.rollout {
            RolloutStrategy::Gradual => "gradual",
            RolloutStrategy::Immediate => "immediate",
        };
        out.text("strategy", strategy);
        let propagation = match cluster.propagation {
            Propagation::Background => "background",
            Propagation::Foreground => "foreground",
        };
        out.text("propagationPolicy", propagation);
    });
}

pub(super) fn template(out: &mut Writer, template: &KubernetesTemplate) {
    match template.agent {
        KubernetesAgent::Nobody => {}
        KubernetesAgent::Image => out.text("agent", "image"),
    }
    for (key, texts) in [
        ("jobLabels", &template.labels),
        ("jobAnnotations", &template.annotations),
    ] {
        if !texts.is_empty() {
            out.map(key, |out| {
                for (name, value) in texts {
                    out.text(name, value);
                }
            });
        }
    }
    out.tree("jobTargetRef", &template.job);
}
