//! A reader of triggers in memory that says what a test lets it say.

use std::sync::Mutex;

use async_trait::async_trait;
use headcount_controller::Inbox;
use headcount_model::{
    Level, Measure, PoolName, Reading, Sample, Timestamp, Timing, Trouble, TroubleKind,
};
use headcount_ports::{SignalInbox, Signals, TriggersOf};

#[derive(Default)]
pub struct TestSignals {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    rules: TriggersOf,
    value: f64,
    number: u64,
    silent: bool,
    fails: bool,
    said: Vec<String>,
}

impl TestSignals {
    /// One line an order, in order.
    pub fn said(&self) -> Vec<String> {
        self.state.lock().unwrap().said.clone()
    }

    /// So much waits, and nobody is told.
    pub fn set(&self, value: f64) {
        self.state.lock().unwrap().value = value;
    }

    /// From now on nothing is answered.
    pub fn silent(&self, silent: bool) {
        self.state.lock().unwrap().silent = silent;
    }

    /// From now on nothing can be read.
    pub fn fail(&self, fails: bool) {
        self.state.lock().unwrap().fails = fails;
    }

    /// So much waits, and that is told.
    pub async fn push(&self, inbox: &Inbox, pool: &str, value: f64, now: Timestamp) {
        self.push_arrived(inbox, pool, value, (now, None)).await;
    }

    /// So much waits since then, and that is told.
    pub async fn push_arrived(
        &self,
        inbox: &Inbox,
        pool: &str,
        value: f64,
        (now, arrived): (Timestamp, Option<Timestamp>),
    ) {
        self.set(value);
        let mut sample = self.state.lock().unwrap().sample(now);
        sample.timing.arrived = arrived;
        SignalInbox::post(inbox, &PoolName::new(pool), sample).await;
    }
}

impl State {
    fn sample(&mut self, as_of: Timestamp) -> Sample {
        self.number += 1;
        Sample {
            number: self.number,
            as_of,
            readings: vec![Reading::Known(Measure {
                value: Level(self.value),
                backlog: None,
            })],
            next_change: None,
            timing: Timing::default(),
        }
    }
}

#[async_trait]
impl Signals for TestSignals {
    async fn configure(&self, rules: TriggersOf) {
        let mut state = self.state.lock().unwrap();
        let names: Vec<String> = rules.iter().map(|(pool, _)| pool.to_string()).collect();
        state.said.push(format!("configure [{}]", names.join(", ")));
        state.rules = rules;
    }

    async fn sample(&self, pool: &PoolName) -> Result<Sample, Trouble> {
        let sample = {
            let mut state = self.state.lock().unwrap();
            state.said.push(format!("sample {pool}"));
            let known = state.rules.iter().any(|(known, _)| known == pool);
            match (state.silent, state.fails || !known) {
                (true, _) => None,
                (false, true) => Some(Err(Trouble {
                    kind: TroubleKind::Transient,
                    message: "connection refused".into(),
                })),
                // Begun at once, in the clock of nobody: the asking says when.
                (false, false) => Some(Ok(state.sample(Timestamp::ZERO))),
            }
        };
        match sample {
            Some(sample) => sample,
            None => std::future::pending().await,
        }
    }
}
