//! What only label sets of `docker-machine` have.

use headcount_model::{MACHINE_NAME_PLACE, MAX_MACHINE_NAME, UNIQUE_BYTES};

use super::shapes::TEXT;
use crate::environment::check_variable;
use crate::problem::Problems;
use crate::read::{Nested, Object, Shape, Slot, Text, object, optional, required};
use crate::suggest::quoted;
use crate::value::ValueError;
use crate::yaml::Kind;
use serde_json::{Value as Json, json};

/// The longest text around `%s` in a name.
const MAX_AROUND: usize = MAX_MACHINE_NAME - UNIQUE_BYTES;

/// What machines are called where nothing else is said.
pub(crate) const DEFAULT_MACHINE_NAME: &str = "headcount-%s";

/// What the tool takes as a host name, once `%s` is replaced.
pub(crate) const MACHINE_NAME: Text = Text {
    words: "name with `%s` in it",
    check: check_name,
    pattern: Some("^([A-Za-z0-9][A-Za-z0-9.-]*)?%s[A-Za-z0-9.-]*$"),
};

/// An option that is written for one machine.
pub(crate) const NAMED_OPTION: Text = Text {
    words: "option with `%s` in it",
    check: |text| match text.contains(MACHINE_NAME_PLACE) {
        true => check_option(text),
        false => refuse(
            &format!("{} lacks `%s`", quoted(text)),
            "write `%s` where the name of the machine shall stand, or put it with the options \
             that need none",
        ),
    },
    pattern: Some("%s"),
};

const PLAIN_OPTION: Text = Text {
    words: "option",
    check: |text| match check_option(text) {
        Ok(()) => check_plain(text),
        refused => refused,
    },
    pattern: None,
};

object! {
    /// An option whose value must not stand in the configuration. The value is handed to the
    /// tool as the variable that its driver reads, or, of a driver that Headcount does not
    /// know, as an argument, which users of this host can see.
    SecretOption, "a secret option" {
        /// Its name, without dashes before it.
        name: String = "name", OPTION_NAME, required();
        /// A file that holds the value and nothing else.
        value_file: String = "valueFile", TEXT, optional();
        /// The variable of the daemon's environment that holds the value.
        value_from_env: String = "valueFromEnv", TEXT, optional();
        /// A place in a file of Kubernetes objects, `file#Kind/name#/pointer`.
        value_from_manifest: String = "valueFromManifest", TEXT, optional();
        /// A place in a TOML file, `file#/pointer`; `config.toml` of GitLab Runner comes to
        /// this.
        value_from_toml: String = "valueFromToml", TEXT, optional();
    }
}

object! {
    /// A variable of an agent's environment whose value must not stand in the configuration.
    /// It is a variable of the agent's container as any other: the jobs of the machine see it,
    /// and whoever may use its engine.
    SecretVariable, "a secret variable" {
        /// Its name.
        name: String = "name", VARIABLE_NAME, required();
        /// A file that holds the value and nothing else.
        value_file: String = "valueFile", TEXT, optional();
        /// The variable of the daemon's environment that holds the value.
        value_from_env: String = "valueFromEnv", TEXT, optional();
        /// A place in a file of Kubernetes objects, `file#Kind/name#/pointer`.
        value_from_manifest: String = "valueFromManifest", TEXT, optional();
        /// A place in a TOML file, `file#/pointer`; `environment` of GitLab Runner's
        /// `config.toml` comes to this.
        value_from_toml: String = "valueFromToml", TEXT, optional();
    }
}

const VARIABLE_NAME: Text = Text {
    words: "name of a variable",
    check: check_variable,
    pattern: Some("^[^=]+$"),
};

const OPTION_NAME: Text = Text {
    words: "name of an option",
    check: check_option_name,
    pattern: Some("^[A-Za-z0-9][A-Za-z0-9-]*$"),
};

/// An option as it is written: a text, or a mapping that says where its value is.
#[derive(Debug)]
pub(crate) enum WrittenOption {
    Plain(String),
    Secret(Box<SecretOption>),
}

/// One item of `options`.
pub(crate) const MACHINE_OPTION: OptionShape = OptionShape;

#[derive(Clone, Copy)]
pub(crate) struct OptionShape;

impl Shape for OptionShape {
    type Value = WrittenOption;

    fn read(&self, slot: &Slot<'_>, problems: &mut Problems) -> Option<WrittenOption> {
        match &slot.node.kind {
            Kind::Map(_) => {
                let secret = Nested::<SecretOption>::NEW.read(slot, problems)?;
                secret
                    .has("name")
                    .then(|| WrittenOption::Secret(Box::new(secret)))
            }
            _ => {
                let option = PLAIN_OPTION.read(slot, problems);
                if let (None, Some(scalar)) = (&option, slot.scalar()) {
                    let (name, _) = option_name(&scalar.text);
                    problems.blot_out_after(name, slot.node.place);
                }
                option.map(WrittenOption::Plain)
            }
        }
    }

    fn schema(&self) -> Json {
        json!({"anyOf": [PLAIN_OPTION.schema(), Nested::<SecretOption>::NEW.schema()]})
    }

    fn words(&self) -> String {
        "`name=value`, a name, or a secret".to_owned()
    }
}

/// Whether the value of an option of this name is nobody's business: by how drivers call
/// theirs.
pub(crate) fn is_secret_option(name: &str) -> bool {
    const ENDS: [&str; 8] = [
        "token",
        "secret",
        "secret-key",
        "password",
        "api-key",
        "apikey",
        "passwd",
        "application-credential-secret",
    ];
    let name = name.to_ascii_lowercase();
    ENDS.iter().any(|end| {
        let rest = name.strip_suffix(end);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('-'))
    })
}

fn check_name(text: &str) -> Result<(), ValueError> {
    let Some((before, after)) = text.split_once(MACHINE_NAME_PLACE) else {
        return refuse(
            &format!("{} lacks `%s`", quoted(text)),
            "write `%s` where what makes the name unique shall stand",
        );
    };
    let usual = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    if after.contains(MACHINE_NAME_PLACE) {
        return refuse("`%s` stands in it twice", "keep one of them");
    }
    if !before.chars().chain(after.chars()).all(usual) || before.starts_with(['-', '.']) {
        return refuse(
            &format!("{} cannot be the name of a machine", quoted(text)),
            "write letters, digits, `-` and `.` around `%s`, a letter or a digit first",
        );
    }
    let around = before.len() + after.len();
    if around > MAX_AROUND {
        let whole = around + UNIQUE_BYTES;
        return refuse(
            &format!(
                "machines would have names of {whole} characters, and a host name ends at \
                 {MAX_MACHINE_NAME}"
            ),
            &format!(
                "shorten what stands around `%s`, which becomes {UNIQUE_BYTES} characters, to \
                 {MAX_AROUND}"
            ),
        );
    }
    Ok(())
}

fn check_option(text: &str) -> Result<(), ValueError> {
    if text.contains(['\n', '\r']) {
        return refuse(
            "an option is one line, and this has a line break in it",
            "write one item for each option",
        );
    }
    if text.chars().any(char::is_control) {
        return refuse("it holds a control character", "remove that");
    }
    check_option_name(text.split_once('=').map_or(text, |(name, _)| name))
}

/// What comes after a name may be a secret before which a space stands instead of a sign:
/// no problem repeats it.
pub(crate) fn check_option_name(text: &str) -> Result<(), ValueError> {
    let hint = "write `name=value`, as in `engine-registry-mirror=http://192.0.2.1:5000`";
    match option_name(text) {
        (name, _) if name.starts_with('-') => refuse(
            &format!("{} starts with a dash", quoted(name)),
            "write it without: dashes are put before it",
        ),
        ("", _) => refuse("it does not start with the name of an option", hint),
        (_, "") => Ok(()),
        (name, _) => refuse(&format!("after {} comes no `=`", quoted(name)), hint),
    }
}

/// What of a text is the name of an option, and the rest.
fn option_name(text: &str) -> (&str, &str) {
    let usual = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let end = text.find(|c: char| !usual(c)).unwrap_or(text.len());
    text.split_at(end)
}

fn check_plain(text: &str) -> Result<(), ValueError> {
    match text.split_once('=') {
        Some((name, value)) if is_secret_option(name) && !value.is_empty() => Err(ValueError::new(
            format!("the value of {} is a secret", quoted(name)),
            format!(
                "write `{{name: {name}, valueFile: PATH}}` or `{{name: {name}, valueFromEnv: \
                 VARIABLE}}`"
            ),
        )),
        _ => Ok(()),
    }
}

fn refuse(message: &str, hint: &str) -> Result<(), ValueError> {
    Err(ValueError::new(message, hint))
}
