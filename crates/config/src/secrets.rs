//! What stands where a setting refers to.
//!
//! Promise: a secret is read once, when the configuration is; one that cannot be read is a
//! problem at the place of the reference, and no problem shows what it holds.

use std::path::Path;

use headcount_model::Secret;

use crate::files::{check_size, read};
use crate::manifest::{look_up, objects};
use crate::problem::{Draft, Problems};
use crate::read::{fits_a_variable, unfit_for_a_variable};
use crate::settings::{ManifestPlace, SecretFrom, SecretRef, TomlPlace};
use crate::source::ConfigText;
use crate::suggest::quoted;
use crate::toml;
use crate::yaml::{Budget, parse_many};

/// Reads secrets of this host, and notes what cannot be read.
pub(crate) struct Secrets<'p> {
    problems: &'p mut Problems,
    variable: fn(&str) -> Option<String>,
}

impl<'p> Secrets<'p> {
    /// From the files of this host and the environment of this program.
    pub fn of_this_host(problems: &'p mut Problems) -> Self {
        Self {
            problems,
            variable: |name| std::env::var(name).ok(),
        }
    }

    /// `None` once a problem has been noted; `Some(None)` where there is no reference.
    #[expect(clippy::option_option, reason = "wrong is not the same as none")]
    pub fn optional(&mut self, reference: Option<&SecretRef>) -> Option<Option<Secret>> {
        match reference {
            Some(reference) => self.read(reference).map(Some),
            None => Some(None),
        }
    }

    /// The secret; `None` once a problem has been noted.
    pub fn read(&mut self, reference: &SecretRef) -> Option<Secret> {
        let found = match &reference.from {
            SecretFrom::File(path) => read(Path::new(path)).map(|text| without_end(&text)),
            SecretFrom::Env(name) => (self.variable)(name).ok_or_else(|| {
                Draft::error(format!("the variable {} is not set", quoted(name)))
                    .hint("set it in the environment of the daemon, as UTF-8 text")
            }),
            SecretFrom::Manifest(place) => self.of_manifest(place),
            SecretFrom::Toml(place) => self.of_toml(place),
        };
        let found = found.and_then(|text| match text.is_empty() {
            true => Err(Draft::error("there is nothing where this secret should be")
                .hint("write the secret there, or remove the key")),
            false => Ok(text),
        });
        match found {
            Ok(text) => Some(Secret::new(text)),
            Err(draft) => {
                self.problems.at(reference.place, draft);
                None
            }
        }
    }

    /// The same for the value of a variable, which is not any text.
    pub fn of_variable(&mut self, name: &str, reference: &SecretRef) -> Option<Secret> {
        let secret = self.read(reference)?;
        if fits_a_variable(name, secret.expose()) {
            return Some(secret);
        }
        self.problems
            .at(reference.place, unfit_for_a_variable(name));
        None
    }

    fn of_toml(&self, place: &TomlPlace) -> Result<String, Draft> {
        let text = self.text_of(&place.file)?;
        let mut found = Problems::default();
        let file = found.add_source(ConfigText::new(&place.file, &text));
        let root = toml::parse(file, &text, &mut Budget::default(), &mut found);
        let root = root.ok_or_else(|| {
            Draft::error(format!("{} cannot be read as TOML", quoted(&place.file)))
        })?;
        toml::look_up(&root, &place.pointer).ok_or_else(|| {
            let pointer = quoted(&place.pointer);
            Draft::error(format!("{} has no text at {pointer}", quoted(&place.file))).hint(
                "write `file#/pointer`, for example \
                 `config.toml#/runners/0/machine/MachineOptions/digitalocean-access-token`",
            )
        })
    }

    /// A text of this run, if one has this name, else a file.
    fn text_of(&self, file: &str) -> Result<String, Draft> {
        let text = match self.problems.sources.named(file) {
            Some(text) => text.to_owned(),
            None => read(Path::new(file))?,
        };
        check_size(text.len())?;
        Ok(text)
    }

    fn of_manifest(&self, place: &ManifestPlace) -> Result<String, Draft> {
        let text = self.text_of(&place.file)?;
        let mut found = Problems::default();
        let file = found.add_source(ConfigText::new(&place.file, &text));
        let documents = parse_many(file, &text, &mut Budget::default(), &mut found);
        let documents = documents.filter(|_| !found.has_errors()).ok_or_else(|| {
            Draft::error(format!("{} cannot be read as YAML", quoted(&place.file)))
                .hint("a manifest is a file of Kubernetes objects")
        })?;
        let (objects, _) = objects(documents);
        look_up(&objects, &place.object, &place.pointer).map_err(|why| {
            Draft::error(format!("{} has no such secret: {why}", quoted(&place.file))).hint(
                "write `file#Kind/name#/pointer`, for example `a.yaml#Secret/redis#/data/password`",
            )
        })
    }
}

/// Without the one end of line that editors put at the end of a file.
fn without_end(text: &str) -> String {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text).to_owned()
}
