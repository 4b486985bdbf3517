//! Orphans by what becomes of them, so that those which stay can be told from those which
//! go.

use std::collections::BTreeMap;

use headcount_api::OrphanState;
use headcount_controller::BackendView;

use super::gauges::{Page, float};
use crate::show::orphan_state;

impl Page {
    /// Each state of each backend, also where there are none: a row that is missing sets off
    /// no alarm, and ends none.
    pub(super) fn orphans(&mut self, backends: &[BackendView]) {
        let rows = backends.iter().flat_map(|backend| {
            let found = count(backend);
            OrphanState::ALL.map(|state| {
                let labels = vec![
                    ("backend", backend.id.to_string()),
                    ("state", state.word().to_owned()),
                ];
                let n = found.get(state.word()).copied().unwrap_or_default();
                (labels, float(n))
            })
        });
        let help = "Instances with our mark that the ledger does not know, by what becomes of them";
        self.gauges("orphan_instances", help, rows);
    }
}

fn count(backend: &BackendView) -> BTreeMap<&'static str, u64> {
    let mut found = BTreeMap::new();
    for (_, stranger) in &backend.orphans {
        *found.entry(orphan_state(stranger).word()).or_default() += 1;
    }
    found
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
