//! From files or texts to a fleet that can run.
//!
//! Promise: either everything is right, or nothing is used and every problem is told:
//! of all files, of every level, in one run.

use headcount_model::{Fleet, StreamSource};

use crate::check::check;
use crate::environment::ConfigPaths;
use crate::files::{Files, MAX_DROP_INS, check_size, read_files};
use crate::fleet::{check_runnable, lower, lower_sources};
use crate::formats::{config_toml, is_manifest, is_toml, scaled_job};
use crate::platform::Platform;
use crate::problem::{Draft, Problems};
use crate::read::{Object, Slot, read_object};
use crate::secrets::Secrets;
use crate::settings::Settings;
use crate::source::{ConfigText, FileId, Spanned};
use crate::toml;
use crate::written::{DropIn, Scaler, Top};
use crate::yaml::{Budget, Document, parse, parse_many};

/// A main file and the files of its drop-in directory, in the order of their names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigTexts {
    /// The main file.
    pub main: ConfigText,
    /// Further scalers.
    pub drop_ins: Vec<ConfigText>,
}

impl ConfigTexts {
    /// One text alone.
    pub fn single(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            main: ConfigText::new(name, text),
            drop_ins: Vec::new(),
        }
    }
}

/// A configuration that was understood, whether this version can run it or not.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// What it says.
    pub settings: Settings,
    /// What has no effect in it.
    pub warnings: Problems,
}

/// A configuration that can run.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What it says.
    pub settings: Settings,
    /// The same for the planner.
    pub fleet: Fleet,
    /// Streams that are read for agents.
    pub sources: Vec<StreamSource>,
    /// What has no effect in it.
    pub warnings: Problems,
}

/// Reads the files and makes a fleet of them. Reads at most 513 files of 4 MiB each.
///
/// # Errors
/// With every problem, in the order of the text, warnings included.
pub fn load(paths: &ConfigPaths, platform: &Platform) -> Result<Loaded, Problems> {
    let mut problems = Problems::default();
    let files = read_files(paths, &mut problems);
    finish_load(files, platform, problems)
}

/// The same for texts that were read elsewhere.
///
/// # Errors
/// As [`load`].
pub fn load_texts(texts: ConfigTexts, platform: &Platform) -> Result<Loaded, Problems> {
    finish_load(texts.into(), platform, Problems::default())
}

/// What texts say, even where this version cannot run it.
///
/// # Errors
/// As [`load`], without refusals of what is not built yet but fully understood.
pub fn parse_texts(texts: ConfigTexts) -> Result<Parsed, Problems> {
    let mut problems = Problems::default();
    let top = read_all(texts.into(), &mut problems);
    let settings = top.and_then(|top| check(&top, &mut problems));
    verdict(settings, problems).map(|(settings, warnings)| Parsed { settings, warnings })
}

/// Reads the files only, to hand their texts to a daemon.
///
/// # Errors
/// With a problem for every file or directory that cannot be read.
pub fn read_texts(paths: &ConfigPaths) -> Result<ConfigTexts, Problems> {
    let mut problems = Problems::default();
    let files = read_files(paths, &mut problems);
    let drop_ins = files.drop_ins;
    let texts = files.main.map(|main| ConfigTexts { main, drop_ins });
    verdict(texts, problems).map(|(texts, _)| texts)
}

fn finish_load(
    files: Files,
    platform: &Platform,
    mut problems: Problems,
) -> Result<Loaded, Problems> {
    let top = read_all(files, &mut problems);
    let settings = top.and_then(|top| {
        check_runnable(&top, &mut problems);
        check(&top, &mut problems)
    });
    let good = settings.filter(|_| !problems.has_errors());
    let lowered = good.map(|settings| {
        let mut secrets = Secrets::of_this_host(&mut problems);
        let fleet = lower(&settings, platform, &mut secrets);
        let sources = lower_sources(&settings.sources, &mut secrets);
        (settings, fleet, sources)
    });
    let ((settings, fleet, sources), warnings) = verdict(lowered, problems)?;
    Ok(Loaded {
        settings,
        fleet,
        sources,
        warnings,
    })
}

fn verdict<T>(value: Option<T>, problems: Problems) -> Result<(T, Problems), Problems> {
    let problems = problems.sorted();
    match value {
        Some(value) if !problems.has_errors() => Ok((value, problems)),
        _ => Err(problems),
    }
}

impl From<ConfigTexts> for Files {
    fn from(texts: ConfigTexts) -> Self {
        Self {
            main: Some(texts.main),
            drop_ins: texts.drop_ins,
        }
    }
}

/// The main file with the scalers of the drop-in files after its own.
fn read_all(files: Files, problems: &mut Problems) -> Option<Top> {
    let mut budget = Budget::default();
    let n_drop_ins = files.drop_ins.len();
    let main = files
        .main
        .and_then(|text| read_main(text, &mut budget, problems));
    let mut more = Vec::new();
    for text in files.drop_ins.into_iter().take(MAX_DROP_INS) {
        more.extend(read_drop_in(text, &mut budget, problems));
    }
    let mut top = main?;
    if n_drop_ins > MAX_DROP_INS {
        let message = format!("there are more than {MAX_DROP_INS} drop-in files");
        problems.at(top.place, Draft::error(message).hint("join some of them"));
    }
    for scalers in more {
        match &mut top.scalers {
            Some(own) => own.value.extend(scalers.value),
            own @ None => *own = Some(scalers),
        }
    }
    Some(top)
}

fn read_main(text: ConfigText, budget: &mut Budget, problems: &mut Problems) -> Option<Top> {
    if is_manifest(&text.text) {
        return read_manifest(text, budget, problems);
    }
    if is_toml(&text.text) {
        return read_toml(text, budget, problems);
    }
    let name = text.name.clone();
    let n_before = problems.len();
    let top = read_one(text, budget, problems);
    if top.is_none() && problems.len() == n_before {
        let draft = Draft::error("the file is empty")
            .hint("write `version: 1` and `scalers:` with at least one scaler");
        problems.in_file(&name, draft);
    }
    top
}

fn read_drop_in(text: ConfigText, budget: &mut Budget, problems: &mut Problems) -> Option<Scalers> {
    if is_toml(&text.text) {
        let top = read_toml(text, budget, problems)?;
        if let Some(jobs) = &top.global_max_jobs {
            let draft = Draft::warning("in a drop-in file `concurrent` is no cap on jobs")
                .hint("write `globalMaxJobs` into the main file");
            problems.at(jobs.place, draft);
        }
        return top.scalers;
    }
    match is_manifest(&text.text) {
        true => read_manifest(text, budget, problems)?.scalers,
        false => read_one::<DropIn>(text, budget, problems)?.scalers,
    }
}

/// GitLab Runner's `config.toml`; `None` once a problem has been noted. What problems show
/// of it has no secrets in it.
fn read_toml(text: ConfigText, budget: &mut Budget, problems: &mut Problems) -> Option<Top> {
    let text = checked(text, problems)?;
    let (name, content) = (text.name.clone(), text.text.clone());
    let file = problems.add_source_shown(text, config_toml::hidden(&content));
    let root = toml::parse(file, &content, budget, problems)?;
    config_toml::read(&name, &root, problems)
}

/// The value of `scalers`.
type Scalers = Spanned<Vec<Spanned<Scaler>>>;

/// A file of Kubernetes objects; `None` once a problem has been noted.
fn read_manifest(text: ConfigText, budget: &mut Budget, problems: &mut Problems) -> Option<Top> {
    let (name, file, content) = add(text, problems)?;
    let documents = parse_many(file, &content, budget, problems)?;
    scaled_job::read(&name, documents, problems)
}

/// `None` when there is nothing in the text, or a problem has been noted.
fn read_one<T: Object>(
    text: ConfigText,
    budget: &mut Budget,
    problems: &mut Problems,
) -> Option<T> {
    let (name, file, content) = add(text, problems)?;
    match parse(file, &content, budget, problems) {
        Document::Tree(node) => {
            let slot = Slot {
                name: &name,
                place: node.place,
                node: &node,
            };
            read_object(&slot, problems)
        }
        Document::Empty | Document::Broken => None,
    }
}

/// Keeps a text for problems to point into; `None` once its size has been noted.
fn add(text: ConfigText, problems: &mut Problems) -> Option<(String, FileId, String)> {
    let text = checked(text, problems)?;
    let (name, content) = (text.name.clone(), text.text.clone());
    Some((name, problems.add_source(text), content))
}

/// Without a mark of its encoding; `None` once its size has been noted.
fn checked(mut text: ConfigText, problems: &mut Problems) -> Option<ConfigText> {
    if let Err(draft) = check_size(text.text.len()) {
        problems.in_file(&text.name, draft);
        return None;
    }
    if let Some(rest) = text.text.strip_prefix('\u{feff}') {
        text.text = rest.to_owned();
    }
    Some(text)
}
