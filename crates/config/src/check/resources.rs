//! Caps and layers of resources.

use headcount_model::{Cap, Granted, Layer, Partial};

use super::value;
use crate::problem::{Draft, Problems};
use crate::source::{Place, Spanned};
use crate::value::{format_cpus, format_memory};
use crate::written;

pub(super) fn cap(written: Option<&Spanned<written::Cap>>) -> Cap {
    let written = written.map(|written| &written.value);
    Cap {
        max_cpu_millis: written.and_then(|cap| value(cap.max_cpu.as_ref())),
        max_memory_bytes: written.and_then(|cap| value(cap.max_memory.as_ref())),
    }
}

/// The layer of one `resources`, its checks made.
pub(super) fn layer(
    written: Option<&Spanned<written::Resources>>,
    problems: &mut Problems,
) -> Layer {
    let Some(written) = written.map(|written| &written.value) else {
        return Layer::default();
    };
    check_mixed(written, problems);
    let layer = read_layer(written);
    check_order(written, layer, problems);
    layer
}

fn read_layer(written: &written::Resources) -> Layer {
    let both = Partial {
        cpu_millis: value(written.cpus.as_ref()),
        memory_bytes: value(written.memory.as_ref()),
    };
    if !both.is_empty() {
        return Layer {
            requests: both,
            limits: both,
        };
    }
    Layer {
        requests: amount(written.requests.as_ref()),
        limits: amount(written.limits.as_ref()),
    }
}

fn amount(written: Option<&Spanned<written::Amount>>) -> Partial {
    let written = written.map(|written| &written.value);
    Partial {
        cpu_millis: written.and_then(|amount| value(amount.cpus.as_ref())),
        memory_bytes: written.and_then(|amount| value(amount.memory.as_ref())),
    }
}

fn check_mixed(written: &written::Resources, problems: &mut Problems) {
    let is = |names: [&str; 2]| {
        let mut keys = written.written.iter();
        keys.find(|(key, _)| names.contains(key)).copied()
    };
    if let (Some((flat, _)), Some((nested, place))) =
        (is(["cpus", "memory"]), is(["requests", "limits"]))
    {
        let message = format!("`{flat}` and `{nested}` cannot stand together");
        let hint = "write `cpus` and `memory` inside `requests` and `limits`, or only outside";
        problems.at(place, Draft::error(message).hint(hint));
    }
}

/// A limit below its request; a limit of zero is none.
fn check_order(written: &written::Resources, layer: Layer, problems: &mut Problems) {
    let place = written.limits.as_ref().map_or(written.place, |l| l.place);
    let layer = layer.mirrored();
    let (requests, limits) = (layer.requests, layer.limits);
    let above = |request: Option<u64>, limit: Option<u64>| match (request, limit) {
        (Some(request), Some(limit)) if limit > 0 && request > limit => Some((request, limit)),
        _ => None,
    };
    if let Some((request, limit)) = above(requests.cpu_millis, limits.cpu_millis) {
        let [request, limit] = [request, limit].map(format_cpus);
        problems.at(place, below("cpus", &request, &limit));
    }
    if let Some((request, limit)) = above(requests.memory_bytes, limits.memory_bytes) {
        let [request, limit] = [request, limit].map(format_memory);
        problems.at(place, below("memory", &request, &limit));
    }
}

fn below(key: &str, request: &str, limit: &str) -> Draft {
    Draft::error(format!(
        "the limit of `{key}` ({limit}) is below its request ({request})"
    ))
    .hint(format!(
        "write a limit of at least {request}, or a smaller request"
    ))
}

/// Warns of label sets whose agents ask for more than a cap has: none of them can start
/// for a job that does not ask for less.
pub(super) fn check_fits(
    scaler: &written::Scaler,
    defaults: Layer,
    global: Cap,
    problems: &mut Problems,
) {
    let own = cap(scaler.resource_cap.as_ref());
    let sets = scaler.label_sets.iter().flat_map(|sets| &sets.value);
    for (index, set) in sets.enumerate() {
        let resources = set.value.resources.as_ref();
        let layer = resources.map_or(Layer::default(), |r| read_layer(&r.value));
        let granted = Granted::cascade(&[layer, defaults]);
        let place = resources.map_or(set.place, |resources| resources.place);
        let mut warner = Warner {
            index,
            place,
            problems,
        };
        for (name, cap) in [("`resourceCap`", own), ("`globalResourceCap`", global)] {
            warner.compare(name, cap, granted);
        }
    }
}

struct Warner<'p> {
    index: usize,
    place: Place,
    problems: &'p mut Problems,
}

impl Warner<'_> {
    fn compare(&mut self, name: &str, cap: Cap, granted: Granted) {
        let (cpus, memory) = (granted.requests.cpu_millis, granted.requests.memory_bytes);
        if let Some(max) = cap.max_cpu_millis.filter(|max| cpus > *max) {
            let [cpus, max] = [cpus, max].map(format_cpus);
            self.warn(&format!("{cpus} CPUs"), &format!("{name} has {max}"));
        }
        if let Some(max) = cap.max_memory_bytes.filter(|max| memory > *max) {
            let [memory, max] = [memory, max].map(format_memory);
            self.warn(&format!("{memory} of memory"), &format!("{name} has {max}"));
        }
    }

    fn warn(&mut self, asked: &str, has: &str) {
        let index = self.index;
        let message = format!("an agent of `labelSets[{index}]` asks for {asked}, but {has}");
        let hint = "such an agent never starts; ask for less, or raise the cap";
        self.problems
            .at(self.place, Draft::warning(message).hint(hint));
    }
}
