//! Classes of waiting jobs, and the one reason of each of their jobs.

use headcount_api::{Class, Share};
use headcount_controller::{ClassView, ShareView};
use headcount_model::ClassKey;

use super::{layer, moment, selectors};

pub(crate) fn class(view: &ClassView) -> Class {
    Class {
        waiting: view.shares.iter().map(|share| share.jobs).sum(),
        oldest_at: view.count.oldest.map(moment),
        next_expiry_at: view.count.next_expiry.map(moment),
        shares: view.shares.iter().map(share).collect(),
        ..class_of_key(&view.key)
    }
}

/// A class in which nothing waits.
pub(crate) fn class_of_key(key: &ClassKey) -> Class {
    Class {
        source: key.source.to_string(),
        runs_on: selectors(&key.runs_on),
        exclude: selectors(&key.exclude),
        resources: layer(key.resources),
        priority: key.priority,
        waiting: 0,
        oldest_at: None,
        next_expiry_at: None,
        shares: Vec::new(),
    }
}

fn share(share: &ShareView) -> Share {
    Share {
        jobs: share.jobs,
        reason: share.reason.code().to_owned(),
        reason_text: share.reason.sentence().to_owned(),
        pool: share.pool.as_ref().map(ToString::to_string),
    }
}

/// The share of the job that has `ahead` others of its class before it. Shares go oldest
/// first; a job that came after the view was made is told what the newest are told.
pub(crate) fn waiting_reason(view: &ClassView, ahead: u64) -> Option<&ShareView> {
    let mut before = 0_u64;
    let found = view.shares.iter().find(|share| {
        before = before.saturating_add(share.jobs);
        ahead < before
    });
    found.or(view.shares.last())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use headcount_model::{ClassCount, Layer, Reason, Selectors, SourceId};

    use super::*;

    #[test]
    fn each_place_has_the_reason_of_its_share() {
        let share = |jobs, reason| ShareView {
            jobs,
            reason,
            pool: None,
        };
        let view = ClassView {
            key: Arc::new(ClassKey {
                source: SourceId::new("queue"),
                runs_on: Selectors::default(),
                exclude: Selectors::default(),
                resources: Layer::default(),
                priority: 0,
            }),
            count: ClassCount::default(),
            shares: vec![
                share(1, Reason::Assigning),
                share(2, Reason::AgentStarting),
                share(1, Reason::ScalerAtMaxAgents),
            ],
        };
        for (ahead, reason) in [
            (0, Reason::Assigning),
            (1, Reason::AgentStarting),
            (2, Reason::AgentStarting),
            (3, Reason::ScalerAtMaxAgents),
            (4, Reason::ScalerAtMaxAgents),
        ] {
            let found = waiting_reason(&view, ahead).unwrap();
            assert_eq!(found.reason, reason, "{ahead}");
        }
        let empty = ClassView {
            shares: Vec::new(),
            ..view
        };
        assert!(waiting_reason(&empty, 0).is_none());
    }
}
