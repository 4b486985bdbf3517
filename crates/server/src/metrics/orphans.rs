//! Orphans by what becomes of them, so that those which stay can be told from those which
//! go.

use headcount_api::OrphanState;
use headcount_controller::BackendView;
use headcount_model::{BackendId, Timestamp};

use super::gauges::{Page, float};
use crate::show::{orphan_state, other_state};

type Row = (Vec<(&'static str, String)>, f64);

impl Page {
    /// Each state of each backend, also where there are none: a row that is missing sets off
    /// no alarm, and ends none.
    pub(super) fn orphans(&mut self, backends: &[BackendView]) {
        let rows = backends.iter().flat_map(|backend| {
            let found = backend.orphans.iter();
            let found = found.map(|(_, stranger)| orphan_state(stranger));
            rows(&backend.id, &OrphanState::ALL, found.collect())
        });
        let help = "Instances with our mark that the ledger does not know, by what becomes of them";
        self.gauges("orphan_instances", help, rows);
    }

    /// The same of other daemons, of each backend that has listed theirs: of one that could
    /// not, nothing is said.
    pub(super) fn orphans_of_others(&mut self, backends: &[BackendView], now: Timestamp) {
        let rows = backends.iter().flat_map(|backend| {
            let others = backend.others.iter();
            let others = others.filter(|others| others.listed_at.is_some());
            others.flat_map(move |others| {
                let found = others.known.iter().map(|it| other_state(it, now));
                rows(&backend.id, &OrphanState::OF_OTHERS, found.collect())
            })
        });
        let help = "Instances of other daemons whose leases are watched, by what becomes of them";
        self.gauges("other_daemon_instances", help, rows);
    }
}

fn rows(backend: &BackendId, states: &'static [OrphanState], found: Vec<OrphanState>) -> Vec<Row> {
    let row = |state: &OrphanState| {
        let labels = vec![
            ("backend", backend.to_string()),
            ("state", state.word().to_owned()),
        ];
        let n = found.iter().filter(|it| *it == state).count();
        (labels, float(n as u64))
    };
    states.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use headcount_controller::{Effect, Removal, Stranger};
    use headcount_model::{AgentId, BackendId, PoolName, Timestamp};

    use super::*;

    fn stranger(effect: Effect, wanted: bool) -> Stranger {
        let mut removal = Removal::default();
        (removal.effect, removal.wanted) = (effect, wanted);
        Stranger {
            pool: PoolName::new("p"),
            seen_at: Timestamp::default(),
            removal,
        }
    }

    #[test]
    fn those_that_stay_are_told_from_those_that_go() {
        let later = Timestamp::default();
        let orphans = [
            stranger(Effect::None, false),
            stranger(Effect::None, true),
            stranger(Effect::InFlight(0), false),
            stranger(Effect::RetryAt(later, 9), false),
            stranger(Effect::RetryAt(later, 10), false),
            stranger(Effect::InFlight(12), true),
        ];
        let orphans = (1..).zip(orphans).map(|(number, stranger)| {
            let agent = AgentId { epoch: 1, number };
            (agent, stranger)
        });
        let orphans: Vec<_> = orphans.collect();
        let backend = |name: &str, orphans: Vec<_>| BackendView {
            others: None,
            id: BackendId::new(name),
            fresh: true,
            trouble: None,
            strangers: orphans.len(),
            orphans,
            listed_at: None,
        };
        let mut page = Page::new("headcount");
        page.orphans(&[backend("cloud", orphans), backend("host", Vec::new())]);
        let mut text = String::new();
        page.write(&mut text).unwrap();
        let mut lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        lines.sort_unstable();
        assert_eq!(
            lines,
            [
                r#"headcount_orphan_instances{backend="cloud",state="quarantined"} 2.0"#,
                r#"headcount_orphan_instances{backend="cloud",state="removing"} 3.0"#,
                r#"headcount_orphan_instances{backend="cloud",state="waiting"} 1.0"#,
                r#"headcount_orphan_instances{backend="host",state="quarantined"} 0.0"#,
                r#"headcount_orphan_instances{backend="host",state="removing"} 0.0"#,
                r#"headcount_orphan_instances{backend="host",state="waiting"} 0.0"#,
            ]
        );
    }
}
