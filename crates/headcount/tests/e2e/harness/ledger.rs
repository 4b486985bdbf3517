//! What jobs themselves say they did: lines in one file, each written at once.
//!
//! Promise: a job that ran twice is seen twice, whatever the daemon believes.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// A file to which jobs append lines such as `start job-7 1`.
pub struct Ledger(pub PathBuf);

impl Ledger {
    /// Shell text that appends a word, the job's id and its attempt. A line is shorter than
    /// a page and written by one call, so lines never mix.
    pub fn note(&self, word: &str) -> String {
        let path = self.0.display();
        format!("echo {word} $HEADCOUNT_JOB_ID $HEADCOUNT_JOB_ATTEMPT >> {path}")
    }

    /// How often each job wrote the word.
    pub fn count(&self, word: &str) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for job in self
            .lines()
            .into_iter()
            .filter_map(|line| job_of(&line, word))
        {
            *counts.entry(job).or_default() += 1;
        }
        counts
    }

    /// All complete lines.
    pub fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.0).unwrap_or_default();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(str::to_owned).collect()
    }
}

fn job_of(line: &str, word: &str) -> Option<String> {
    let mut words = line.split(' ');
    (words.next() == Some(word)).then(|| words.next().unwrap().to_owned())
}
