//! Short names for the nouns that tests speak of.

use headcount_model::{AgentId, ClassKey, Digest, JobId, Layer, Selectors, SourceId};

/// The first epoch of every scenario: agents are `a-1-1`, `a-1-2`, ...
pub const EPOCH: u64 = 1;
/// Whose daemon it is.
pub const OWNER: &str = "ours";
/// Agents of the epoch after the first are counted from here, and so on.
const PER_EPOCH: u32 = 10_000;

pub fn agent(number: u32) -> AgentId {
    AgentId {
        epoch: EPOCH + u64::from(number / PER_EPOCH),
        number: number % PER_EPOCH,
    }
}

/// The number [`agent`] knows it by.
pub fn number(id: AgentId) -> u32 {
    u32::try_from(id.epoch - EPOCH).unwrap() * PER_EPOCH + id.number
}

pub fn job(number: u64) -> JobId {
    JobId(number)
}

pub fn source() -> SourceId {
    SourceId::new("queue")
}

/// Comma-joined labels; `!label` excludes, `cpu:1500` and `mem:1g` ask for resources,
/// `limit-cpu:2000` limits them, `prio:5` is a priority. An empty text asks for nothing.
pub fn class(text: &str) -> ClassKey {
    let mut key = ClassKey {
        source: source(),
        runs_on: Selectors::default(),
        exclude: Selectors::default(),
        resources: Layer::default(),
        priority: 0,
    };
    let (mut runs_on, mut exclude) = (Vec::new(), Vec::new());
    for word in text.split(',').map(str::trim).filter(|w| !w.is_empty()) {
        match word.split_once(':') {
            Some(("cpu", n)) => key.resources.requests.cpu_millis = Some(n.parse().unwrap()),
            Some(("mem", n)) => key.resources.requests.memory_bytes = Some(bytes(n)),
            Some(("limit-cpu", n)) => key.resources.limits.cpu_millis = Some(n.parse().unwrap()),
            Some(("prio", n)) => key.priority = n.parse().unwrap(),
            _ => match word.strip_prefix('!') {
                Some(word) => exclude.push(word),
                None => runs_on.push(word),
            },
        }
    }
    key.runs_on = Selectors::new(runs_on);
    key.exclude = Selectors::new(exclude);
    key
}

/// `1500m` and `2g`, in bytes.
pub fn bytes(text: &str) -> u64 {
    let (number, unit) = text.split_at(text.len() - 1);
    let shift = match unit {
        "k" => 10,
        "m" => 20,
        "g" => 30,
        _ => panic!("not a size: {text}"),
    };
    number.parse::<u64>().unwrap() << shift
}

pub fn digest(byte: u8) -> Digest {
    Digest([byte; 32])
}
