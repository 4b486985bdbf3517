//! What the triggers of a pool say.

use headcount_api::{PoolSignal, TriggerReading};
use headcount_controller::SignalView;
use headcount_model::{Compat, Reading, Trigger};

use super::moment;

pub(super) fn signal(view: &SignalView) -> PoolSignal {
    let rule = &view.rule;
    let sample = view.sample.as_ref();
    let readings = sample.map_or(&[][..], |sample| &sample.readings);
    let triggers = rule.triggers.iter().enumerate();
    PoolSignal {
        desired: view.desired,
        min: rule.min,
        max: rule.max,
        compat: match rule.compat {
            Compat::Headcount => "headcount",
            Compat::Keda => "keda",
        }
        .to_owned(),
        as_of: sample.map(|sample| moment(sample.as_of)),
        used: view.spent,
        trouble: view.trouble.clone(),
        unread: view.unread,
        triggers: triggers
            .map(|(n, trigger)| reading(trigger, readings.get(n)))
            .collect(),
    }
}

fn reading(trigger: &Trigger, reading: Option<&Reading>) -> TriggerReading {
    let (measure, trouble) = match reading {
        Some(Reading::Known(measure)) => (Some(measure), None),
        Some(Reading::Unknown(trouble)) => (None, Some(trouble.message.clone())),
        None => (None, None),
    };
    let backlog = measure.and_then(|measure| measure.backlog);
    TriggerReading {
        name: trigger.name.clone(),
        target: trigger.target.0,
        value: measure.map(|measure| measure.value.0),
        waiting: backlog.map(|backlog| backlog.waiting),
        in_flight: backlog.map(|backlog| backlog.in_flight),
        claimable: backlog.map(|backlog| backlog.claimable),
        trouble,
    }
}
