//! Scalers of a Kubernetes cluster.

use super::backend::need;
use super::job_template::job_template;
use super::value;
use crate::problem::{Draft, Problems};
use crate::settings::{Kubernetes, KubernetesAgent, KubernetesTemplate, Template};
use crate::written::{self, AgentPlace};

/// Finished Jobs that are kept where nothing is written: as many as KEDA keeps.
const HISTORY: u32 = 100;

/// What all Jobs of a scaler have in common.
pub(super) fn kubernetes(scaler: &written::Scaler) -> Kubernetes {
    let rollout = scaler.rollout.as_ref().map(|rollout| &rollout.value);
    let strategy = rollout.and_then(|rollout| rollout.strategy.as_ref());
    let propagation = rollout.and_then(|rollout| rollout.propagation.as_ref());
    Kubernetes {
        kubeconfig: value(scaler.kubeconfig.as_ref()),
        context: value(scaler.context.as_ref()),
        namespace: value(scaler.namespace.as_ref()),
        successful_jobs: value(scaler.successful_jobs.as_ref()).unwrap_or(HISTORY),
        failed_jobs: value(scaler.failed_jobs.as_ref()).unwrap_or(HISTORY),
        rollout: value(strategy).unwrap_or_default(),
        propagation: value(propagation).unwrap_or_default(),
    }
}

fn agent(written: &written::LabelSet, problems: &mut Problems) -> KubernetesAgent {
    let Some(agent) = &written.agent else {
        return KubernetesAgent::Nobody;
    };
    match agent.value {
        AgentPlace::Nobody => KubernetesAgent::Nobody,
        AgentPlace::Image => KubernetesAgent::Image,
        AgentPlace::Mounted => {
            let draft = Draft::error("this program cannot be mounted into the pods of a cluster")
                .hint(
                    "write `agent: image` for an image that has the agent in it, `none` for one \
                     whose program finds its work by itself",
                );
            problems.at(agent.place, draft);
            KubernetesAgent::Nobody
        }
    }
}

/// What a Job is made from; `None` only when a problem forbids it.
pub(super) fn template(
    index: usize,
    written: &written::LabelSet,
    problems: &mut Problems,
) -> Option<Template> {
    let who = format!("`labelSets[{index}]` of type `kubernetes`");
    need(written, &who, "jobTargetRef", written.place, problems);
    if let Some(env) = &written.env {
        let draft = Draft::warning("`env` has no effect on a label set of type `kubernetes`")
            .hint("write it into a container of `jobTargetRef`");
        problems.at(env.place, draft);
    }
    let agent = agent(written, problems);
    let job = written.job_target_ref.as_ref()?;
    Some(Template::Kubernetes(KubernetesTemplate {
        job: job_template(&job.value, agent, problems)?,
        agent,
        labels: value(written.job_labels.as_ref()).unwrap_or_default(),
        annotations: value(written.job_annotations.as_ref()).unwrap_or_default(),
    }))
}
