//! The cluster as of now: objects, time, what is broken, and what its controllers do.
//!
//! Promise: after every change the controllers run until nothing changes, so a test sees
//! the cluster settled and never half-way.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::clock::Clock;
use crate::faults::Faults;
use crate::kubelet::Kubelet;
use crate::lists::Pages;
use crate::objects::Objects;
use crate::requests::Granted;
use crate::{control, deletion, kubelet};

/// Controllers that have not come to rest by then never will.
const ROUNDS: usize = 1000;

#[derive(Default)]
pub(crate) struct State {
    pub(crate) objects: Objects,
    pub(crate) clock: Clock,
    pub(crate) pages: Pages,
    pub(crate) faults: Faults,
    /// Every request that came in, as access rules name it.
    pub(crate) asked: BTreeSet<Granted>,
    pub(crate) counts: BTreeMap<Granted, usize>,
    pub(crate) kubelet: Kubelet,
    /// What pods wrote, by pod.
    pub(crate) logs: BTreeMap<String, String>,
    /// Why no pod can be made now.
    pub(crate) pods_refused: Option<String>,
    /// Jobs stop at the condition before the last one.
    pub(crate) hold_terminal: bool,
    /// Nobody makes pods for Jobs.
    pub(crate) no_job_controller: bool,
}

impl State {
    /// Lets the controllers run until nothing changes.
    pub(crate) fn settle(&mut self) {
        for _ in 0..ROUNDS {
            let before = self.objects.revision();
            if !self.no_job_controller {
                control::jobs(self);
            }
            deletion::collect(self);
            kubelet::work(self);
            if self.objects.revision() == before {
                return;
            }
        }
        panic!("the controllers of the double never come to rest");
    }

    /// The pods of a Job, by its name.
    pub(crate) fn pods_of(&self, job: &str) -> Vec<Value> {
        let pods = self.objects.all("pods", "").map(|(_, pod)| pod);
        pods.filter(|pod| pod["metadata"]["labels"]["batch.kubernetes.io/job-name"] == *job)
            .cloned()
            .collect()
    }
}
