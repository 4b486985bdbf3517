//! How two queue policies differ, in the words in which they are written.

use headcount_model::{Combine, Compat, QueueRule, Strategy, Trigger};

use super::{Words, span};

impl Words {
    pub(super) fn queue(&mut self, old: Option<&QueueRule>, new: Option<&QueueRule>) {
        match (old, new) {
            (None, None) => {}
            (None, Some(_)) => self.0.push("triggers: added".into()),
            (Some(_), None) => self.0.push("triggers: removed".into()),
            (Some(old), Some(new)) => self.rule(old, new),
        }
    }

    fn rule(&mut self, old: &QueueRule, new: &QueueRule) {
        self.say("minReplicaCount", &old.min, &new.min);
        self.say("maxReplicaCount", &max(old), &max(new));
        let polling = (span(old.polling), span(new.polling));
        self.say("pollingInterval", &polling.0, &polling.1);
        self.say("strategy", &strategy(old), &strategy(new));
        let combine = (combine(old.combine), combine(new.combine));
        self.say("multipleScalersCalculation", &combine.0, &combine.1);
        self.say("compat", &compat(old.compat), &compat(new.compat));
        for trigger in &old.triggers {
            match named(new, &trigger.name) {
                None => self.0.push(format!("triggers.{}: removed", trigger.name)),
                Some(now) => self.trigger(trigger, now),
            }
        }
        let fresh = new.triggers.iter();
        let fresh = fresh.filter(|trigger| named(old, &trigger.name).is_none());
        self.0
            .extend(fresh.map(|trigger| format!("triggers.{}: added", trigger.name)));
    }

    /// Where it is read may hold secrets, so that is only said to differ.
    fn trigger(&mut self, old: &Trigger, new: &Trigger) {
        let key = format!("triggers.{}", old.name);
        self.say(&format!("{key}.target"), &old.target.0, &new.target.0);
        let activation = (old.activation.0, new.activation.0);
        self.say(&format!("{key}.activation"), &activation.0, &activation.1);
        if old.kind != new.kind {
            self.0.push(format!("{key}: what it reads"));
        }
    }
}

fn named<'r>(rule: &'r QueueRule, name: &str) -> Option<&'r Trigger> {
    rule.triggers.iter().find(|trigger| trigger.name == name)
}

fn max(rule: &QueueRule) -> String {
    rule.max.map_or("default".to_owned(), |max| max.to_string())
}

fn strategy(rule: &QueueRule) -> String {
    match rule.strategy {
        Strategy::Default => "default".to_owned(),
        Strategy::Accurate => "accurate".to_owned(),
        Strategy::Eager => "eager".to_owned(),
        Strategy::Custom { deduction, running } => {
            format!("custom (deduction {deduction}, running {})", running.0)
        }
    }
}

const fn combine(combine: Combine) -> &'static str {
    match combine {
        Combine::Max => "max",
        Combine::Min => "min",
        Combine::Avg => "avg",
        Combine::Sum => "sum",
    }
}

const fn compat(compat: Compat) -> &'static str {
    match compat {
        Compat::Headcount => "headcount",
        Compat::Keda => "keda",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use headcount_model::{CronWindow, Level, TriggerKind};
    use std::time::Duration;

    fn trigger(name: &str, desired: u32) -> Trigger {
        Trigger {
            name: name.into(),
            target: Level(1.0),
            activation: Level(0.0),
            kind: TriggerKind::Cron(CronWindow {
                timezone: "UTC".into(),
                start: "0 8 * * *".into(),
                end: "0 18 * * *".into(),
                desired,
                compat: Compat::Headcount,
            }),
        }
    }

    fn rule() -> QueueRule {
        QueueRule {
            triggers: vec![trigger("day", 1), trigger("night", 1)],
            strategy: Strategy::Default,
            combine: Combine::Max,
            min: 0,
            max: None,
            compat: Compat::Headcount,
            polling: Duration::from_secs(30),
        }
    }

    fn said(old: Option<&QueueRule>, new: Option<&QueueRule>) -> Vec<String> {
        let mut words = Words::default();
        words.queue(old, new);
        words.0
    }

    #[test]
    fn whatever_differs_is_named() {
        let mut day = trigger("day", 2);
        day.target = Level(2.0);
        let new = QueueRule {
            triggers: vec![day, trigger("noon", 1)],
            strategy: Strategy::Custom {
                deduction: 1,
                running: Level(0.5),
            },
            combine: Combine::Sum,
            min: 1,
            max: Some(5),
            compat: Compat::Keda,
            polling: Duration::from_secs(10),
        };
        assert_eq!(
            said(Some(&rule()), Some(&new)),
            [
                "minReplicaCount: 0 -> 1",
                "maxReplicaCount: default -> 5",
                "pollingInterval: 30s -> 10s",
                "strategy: default -> custom (deduction 1, running 0.5)",
                "multipleScalersCalculation: max -> sum",
                "compat: headcount -> keda",
                "triggers.day.target: 1 -> 2",
                "triggers.day: what it reads",
                "triggers.night: removed",
                "triggers.noon: added",
            ]
        );
        assert_eq!(said(None, Some(&new)), ["triggers: added"]);
        assert_eq!(said(Some(&new), None), ["triggers: removed"]);
        assert_eq!(said(Some(&new), Some(&new)), Vec::<String>::new());
    }
}
