//! What a class wants of labels, seen against one fleet.
//!
//! Promise: a pattern is made ready once for a class ([`Patterns`]) and matched once
//! against each label that the fleet has ([`Wants::of`]); which pools qualify then is a
//! matter of sets. A pattern that means nothing, which only an old record can hold,
//! selects nothing in `runsOn` and everything in `exclude`: what cannot be told opens no
//! pool.

use alloc::vec::Vec;

use headcount_model::{ClassKey, Label, Labels, Pattern, PoolSpec, ScalerSpec, Selectors};
use headcount_patterns::Matcher;

use crate::World;

/// The patterns of a class, made ready; none for those that mean nothing.
#[derive(Clone, Default, Debug)]
pub(crate) struct Patterns {
    runs_on: Vec<Option<Matcher>>,
    exclude: Vec<Option<Matcher>>,
}

impl Patterns {
    pub(crate) fn of(key: &ClassKey) -> Self {
        let ready = |selectors: &Selectors| {
            let patterns = selectors.patterns().iter();
            patterns.map(|pattern| Matcher::of(pattern).ok()).collect()
        };
        Self {
            runs_on: ready(&key.runs_on),
            exclude: ready(&key.exclude),
        }
    }
}

/// What a class wants, with the labels of the fleet that each of its patterns selects.
#[derive(Clone, Debug)]
pub(crate) struct Wants<'k> {
    pub(crate) key: &'k ClassKey,
    runs_on: Vec<Labels>,
    exclude: Vec<Labels>,
}

impl<'k> Wants<'k> {
    /// Against the fleet of this world.
    pub(crate) fn of(world: &World, key: &'k ClassKey, patterns: &Patterns) -> Self {
        let all = || world.labelled.labels();
        let selected = |matcher: &Matcher| matcher.among(all());
        let everything = || Labels::new(all().map(Label::as_str));
        let nothing = Labels::default;
        let each = |patterns: &[Option<Matcher>], otherwise: &dyn Fn() -> Labels| {
            let sets = patterns.iter().map(Option::as_ref);
            let sets = sets.map(|matcher| matcher.map_or_else(otherwise, selected));
            sets.collect()
        };
        Self {
            key,
            runs_on: each(&patterns.runs_on, &nothing),
            exclude: each(&patterns.exclude, &everything),
        }
    }

    /// Whether every mandatory label of the scaler is asked for by name: a pattern opens
    /// no gate, unless its very text is the label.
    pub(crate) fn opens(&self, scaler: &ScalerSpec) -> bool {
        scaler.mandatory.iter().all(|label| self.names(label))
    }

    fn names(&self, label: &Label) -> bool {
        let asked = &self.key.runs_on;
        let mut patterns = asked.patterns().iter();
        asked.labels().contains(label) || patterns.any(|p| p.as_str() == label.as_str())
    }

    /// Whether the label set has all that is asked for and nothing that is excluded.
    pub(crate) fn met_by(&self, spec: &PoolSpec) -> bool {
        let has = |label| has(spec, label);
        let any = |selected: &Labels| has_any(spec, selected);
        self.key.runs_on.labels().iter().all(has)
            && self.runs_on.iter().all(any)
            && !self.key.exclude.labels().iter().any(has)
            && !self.exclude.iter().any(any)
    }

    /// What is asked for and not there, by name and by pattern.
    pub(crate) fn missing(&self, spec: &PoolSpec) -> Selectors {
        let labels = self.key.runs_on.labels().iter();
        let labels = labels.filter(|label| !has(spec, label));
        let patterns = self.key.runs_on.patterns().iter().zip(&self.runs_on);
        let patterns = patterns.filter(|(_, selected)| !has_any(spec, selected));
        Selectors::of(
            Labels::new(labels.map(Label::as_str)),
            patterns.map(|(pattern, _)| pattern.clone()).collect(),
        )
    }

    /// Labels that are there and excluded, by name or by pattern.
    pub(crate) fn excluded(&self, spec: &PoolSpec) -> Labels {
        let named = self.key.exclude.labels();
        let is_out = |label: &&Label| {
            named.contains(label) || self.exclude.iter().any(|out| out.contains(label))
        };
        let all = spec.labels.iter().chain(spec.system_labels.iter());
        Labels::new(all.filter(is_out).map(Label::as_str))
    }

    /// Labels the scaler insists on that are not asked for by name.
    pub(crate) fn gate(&self, scaler: &ScalerSpec) -> Labels {
        let closed = scaler.mandatory.iter().filter(|label| !self.names(label));
        Labels::new(closed.map(Label::as_str))
    }

    /// Patterns asked for that select no label of the whole fleet.
    pub(crate) fn unmatched(&self) -> Vec<Pattern> {
        let patterns = self.key.runs_on.patterns().iter().zip(&self.runs_on);
        let unmatched = patterns.filter(|(_, selected)| selected.is_empty());
        unmatched.map(|(pattern, _)| pattern.clone()).collect()
    }
}

fn has(spec: &PoolSpec, label: &Label) -> bool {
    spec.labels.contains(label) || spec.system_labels.contains(label)
}

/// A pool has few labels, a pattern may select many.
fn has_any(spec: &PoolSpec, selected: &Labels) -> bool {
    selected.contains_any(&spec.labels) || selected.contains_any(&spec.system_labels)
}
