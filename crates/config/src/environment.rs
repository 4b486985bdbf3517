//! Names of the environment: those that say where the configuration is, and those that
//! a configuration must not set.
//!
//! Promise: of two spellings of one setting, the house's own wins.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::suggest::quoted;
use crate::value::ValueError;

/// Spellings of the main file's path, the first that is set wins.
pub const CONFIG_PATH: [&str; 2] = ["HEADCOUNT_SCALER_CONFIG_PATH", "KICI_SCALER_CONFIG_PATH"];
/// Spellings of the drop-in directory's path, the first that is set wins.
pub const CONFIG_DIR: [&str; 2] = ["HEADCOUNT_SCALER_CONFIG_DIR", "KICI_SCALER_CONFIG_DIR"];

/// Variables with this prefix tell an agent who it is.
const OWN_PREFIX: &str = "HEADCOUNT_AGENT_";
/// The same for agents of KiCI.
const IDENTITY: [&str; 7] = [
    "KICI_AGENT_ID",
    "KICI_AGENT_TOKEN",
    "KICI_LABELS",
    "KICI_ORCHESTRATOR_URL",
    "KICI_ROLES",
    "KICI_SCALER_MANAGED",
    "KICI_BACKPRESSURE_MODE",
];

/// Where the configuration is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigPaths {
    /// The main file.
    pub main: PathBuf,
    /// The drop-in directory, if any.
    pub dir: Option<PathBuf>,
}

impl ConfigPaths {
    /// One file without a drop-in directory.
    pub fn file(main: impl Into<PathBuf>) -> Self {
        let main = main.into();
        Self { main, dir: None }
    }

    /// What the environment says; `None` when it names no main file, even if it names a
    /// directory. Empty values count as unset. Called with `std::env::var_os`.
    pub fn from_environment(get: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        let first = |names: [&str; 2]| {
            let mut values = names.into_iter().filter_map(&get);
            values.find(|value| !value.is_empty()).map(PathBuf::from)
        };
        Some(Self {
            main: first(CONFIG_PATH)?,
            dir: first(CONFIG_DIR),
        })
    }
}

/// Whether a configuration may set a variable of this name.
pub(crate) fn check_variable(name: &str) -> Result<(), ValueError> {
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err(ValueError::new(
            format!("{} cannot name a variable", quoted(name)),
            "a name has at least one character, no `=` and no zero byte",
        ));
    }
    if name.starts_with(OWN_PREFIX) || IDENTITY.contains(&name) {
        return Err(ValueError::new(
            format!("the variable {} tells an agent who it is", quoted(name)),
            "remove it: the daemon sets it",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(set: &[(&str, &str)]) -> Option<ConfigPaths> {
        ConfigPaths::from_environment(|name| {
            let found = set.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn own_names_win_over_aliases() {
        let both = [
            ("HEADCOUNT_SCALER_CONFIG_PATH", "/own"),
            ("KICI_SCALER_CONFIG_PATH", "/alias"),
            ("KICI_SCALER_CONFIG_DIR", "/dir"),
        ];
        let own = paths(&both).unwrap();
        assert_eq!(own.main, PathBuf::from("/own"));
        assert_eq!(own.dir, Some(PathBuf::from("/dir")));
        assert_eq!(paths(&both[1..2]), Some(ConfigPaths::file("/alias")));
        let empty = [("HEADCOUNT_SCALER_CONFIG_PATH", ""), both[1]];
        assert_eq!(paths(&empty), Some(ConfigPaths::file("/alias")));
    }

    #[test]
    fn a_directory_alone_is_off() {
        assert_eq!(paths(&[("HEADCOUNT_SCALER_CONFIG_DIR", "/dir")]), None);
        assert_eq!(paths(&[]), None);
    }

    #[test]
    fn identity_cannot_be_set() {
        for name in [
            "",
            "A=B",
            "HEADCOUNT_AGENT_TOKEN_FILE",
            "KICI_AGENT_TOKEN",
            "KICI_LABELS",
        ] {
            assert!(check_variable(name).is_err(), "{name}");
        }
        for name in ["PATH", "KICI_SANDBOX", "HEADCOUNT_URL", "a.b"] {
            assert_eq!(check_variable(name), Ok(()), "{name}");
        }
    }
}
