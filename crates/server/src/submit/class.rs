//! What a job asks of an agent: labels and resources.

use headcount_api::{AskedAmount, AskedResources, LabelList, Quantity};
use headcount_model::{ClassKey, Layer, Partial, Pattern, Selectors, SourceId};
use headcount_patterns::Checked;

use super::parse::{Wrong, keep, refused};
use crate::needs::{Grammar, GrammarError};
use crate::refused::Answer;

/// What somebody asks about without submitting a job.
#[derive(Clone, Debug, Default)]
pub(crate) struct AskedClass {
    pub(crate) runs_on: LabelList,
    pub(crate) exclude: LabelList,
    pub(crate) resources: AskedResources,
    pub(crate) priority: i32,
}

/// The class that jobs asking for this would belong to.
pub(crate) fn class_key(
    asked: &AskedClass,
    source: SourceId,
    grammar: &dyn Grammar,
) -> Answer<ClassKey> {
    let (mut wrong, mut checked) = (Vec::new(), Checked::default());
    let mut read = |asked: &LabelList, field, wrong: &mut Vec<Wrong>| {
        read_selectors(asked, field, (grammar, &mut checked), wrong)
    };
    let key = ClassKey {
        source,
        runs_on: read(&asked.runs_on, "runsOn", &mut wrong),
        exclude: read(&asked.exclude, "exclude", &mut wrong),
        resources: read_resources(&asked.resources, grammar, &mut wrong),
        priority: asked.priority,
    };
    if wrong.is_empty() {
        return Ok(key);
    }
    let problems = wrong.into_iter().map(|(field, error)| {
        let mut item = headcount_api::ProblemItem::error(error.message);
        item.field = Some(field.to_owned());
        item.hint = Some(error.hint);
        item
    });
    Err(refused(problems.collect()))
}

/// Labels are checked by the grammar of the configuration, patterns by their own.
pub(super) fn read_selectors(
    asked: &LabelList,
    field: &'static str,
    (grammar, checked): (&dyn Grammar, &mut Checked),
    wrong: &mut Vec<Wrong>,
) -> Selectors {
    for text in &asked.0 {
        if Pattern::read(text).is_none() {
            keep(grammar.label(text), field, wrong);
        }
    }
    let selectors = Selectors::new(&asked.0);
    for error in checked.problems(&selectors) {
        let error = GrammarError {
            message: error.to_string(),
            hint: error.hint().to_owned(),
        };
        wrong.push((field, error));
    }
    selectors
}

pub(super) fn read_resources(
    asked: &AskedResources,
    grammar: &dyn Grammar,
    wrong: &mut Vec<Wrong>,
) -> Layer {
    let flat = asked.cpus.is_some() || asked.memory.is_some();
    let nested = asked.requests.is_some() || asked.limits.is_some();
    if flat && nested {
        let error = GrammarError {
            message: "`cpus` and `memory` stand beside `requests` or `limits`".to_owned(),
            hint: "write either the former, which are request and limit at once, or the latter"
                .to_owned(),
        };
        wrong.push(("resources", error));
        return Layer::default();
    }
    if flat {
        let both = Partial {
            cpu_millis: amount(&asked.cpus, "resources.cpus", &|t| grammar.cpus(t), wrong),
            memory_bytes: memory(&asked.memory, "resources.memory", grammar, wrong),
        };
        return Layer {
            requests: both,
            limits: both,
        };
    }
    let names = ["resources.requests.cpus", "resources.requests.memory"];
    let requests = partial(asked.requests.as_ref(), names, grammar, wrong);
    let names = ["resources.limits.cpus", "resources.limits.memory"];
    let limits = partial(asked.limits.as_ref(), names, grammar, wrong);
    check_order(requests, limits, wrong);
    Layer { requests, limits }
}

/// A limit below its request could never be kept.
fn check_order(requests: Partial, limits: Partial, wrong: &mut Vec<Wrong>) {
    let mut check = |request: Option<u64>, limit: Option<u64>, field, what: &str| {
        let above = request.zip(limit).is_some_and(|(r, l)| l != 0 && r > l);
        if above {
            let error = GrammarError {
                message: format!("the request of {what} is above its limit"),
                hint: "raise the limit or lower the request".to_owned(),
            };
            wrong.push((field, error));
        }
    };
    check(
        requests.cpu_millis,
        limits.cpu_millis,
        "resources.requests.cpus",
        "CPUs",
    );
    check(
        requests.memory_bytes,
        limits.memory_bytes,
        "resources.requests.memory",
        "memory",
    );
}

fn partial(
    asked: Option<&AskedAmount>,
    [cpus, mem]: [&'static str; 2],
    grammar: &dyn Grammar,
    wrong: &mut Vec<Wrong>,
) -> Partial {
    let Some(asked) = asked else {
        return Partial::default();
    };
    Partial {
        cpu_millis: amount(&asked.cpus, cpus, &|text| grammar.cpus(text), wrong),
        memory_bytes: memory(&asked.memory, mem, grammar, wrong),
    }
}

fn memory(
    asked: &Option<Quantity>,
    field: &'static str,
    grammar: &dyn Grammar,
    wrong: &mut Vec<Wrong>,
) -> Option<u64> {
    amount(asked, field, &|text| grammar.memory(text), wrong)
}

fn amount(
    asked: &Option<Quantity>,
    field: &'static str,
    read: &dyn Fn(&str) -> Result<u64, GrammarError>,
    wrong: &mut Vec<Wrong>,
) -> Option<u64> {
    let read = asked.as_ref().map(|asked| read(asked.as_str()));
    keep(read.transpose(), field, wrong).flatten()
}
