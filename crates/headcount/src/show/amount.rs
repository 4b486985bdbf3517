//! CPUs and memory in a few words: `2 CPUs, 4g`.

use headcount_api::{Amount, Resources};
use headcount_config::format_memory;

/// What is asked for or granted. Where requests and limits are the same, it is said once;
/// `None` when nothing is said.
pub(crate) fn resources(resources: &Resources) -> Option<String> {
    let requests = amount(&resources.requests);
    let limits = amount(&resources.limits);
    match (requests, limits) {
        (Some(requests), Some(limits)) if requests != limits => {
            Some(format!("{requests} (limit {limits})"))
        }
        (Some(both), Some(_)) => Some(both),
        (Some(requests), None) => Some(format!("{requests} (no limit)")),
        (None, Some(limits)) => Some(format!("limit {limits}")),
        (None, None) => None,
    }
}

fn amount(amount: &Amount) -> Option<String> {
    let cpus = amount.cpus.map(|cpus| match cpus {
        1.0 => "1 CPU".to_owned(),
        _ => format!("{cpus} CPUs"),
    });
    let parts = [cpus, amount.memory_bytes.map(format_memory)];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// `1 job`, `2 jobs`.
pub(crate) fn count(n: u64, one: &str, many: &str) -> String {
    match n {
        1 => format!("1 {one}"),
        _ => format!("{n} {many}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(cpus: Option<f64>, memory_bytes: Option<u64>) -> Amount {
        Amount { cpus, memory_bytes }
    }

    #[test]
    fn amounts_are_said_once() {
        let both = of(Some(2.0), Some(4 << 30));
        let less = of(Some(0.5), None);
        let one = of(Some(1.0), None);
        let none = Amount::default();
        for (requests, limits, text) in [
            (both, both, Some("2 CPUs, 4g")),
            (less, both, Some("0.5 CPUs (limit 2 CPUs, 4g)")),
            (one, none, Some("1 CPU (no limit)")),
            (none, one, Some("limit 1 CPU")),
            (none, none, None),
        ] {
            let words = resources(&Resources { requests, limits });
            assert_eq!(words.as_deref(), text);
        }
    }

    #[test]
    fn counts_have_a_plural() {
        assert_eq!(count(1, "job", "jobs"), "1 job");
        assert_eq!(count(0, "job", "jobs"), "0 jobs");
    }
}
