//! Arguments of `check` and `plan`, and where a configuration is.

use std::path::PathBuf;

use clap::Args;
use headcount_config::ConfigPaths;

use crate::failure::Failure;

/// Where the configuration is.
#[derive(Args, Clone, Debug)]
pub(crate) struct ConfigArgs {
    /// The configuration; without it, the file that HEADCOUNT_SCALER_CONFIG_PATH (or
    /// KICI_SCALER_CONFIG_PATH) names
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// A directory of further scalers, `*.yaml`, `*.toml`, `*.json`; without it and without
    /// --config, the one that HEADCOUNT_SCALER_CONFIG_DIR (or KICI_SCALER_CONFIG_DIR) names
    #[arg(long, value_name = "DIR")]
    pub(crate) config_dir: Option<PathBuf>,
}

impl ConfigArgs {
    /// The paths that arguments or environment name.
    ///
    /// # Errors
    /// Nobody named a file.
    pub(crate) fn paths(&self) -> Result<ConfigPaths, Failure> {
        self.paths_from(|name| std::env::var_os(name))
    }

    /// A file named by an argument stands for the whole configuration: a directory that
    /// the environment names belongs to another one.
    fn paths_from(
        &self,
        get: impl Fn(&str) -> Option<std::ffi::OsString>,
    ) -> Result<ConfigPaths, Failure> {
        if let Some(main) = &self.config {
            return Ok(ConfigPaths {
                main: main.clone(),
                dir: self.config_dir.clone(),
            });
        }
        let mut paths = ConfigPaths::from_environment(get).ok_or_else(|| {
            Failure::usage("no configuration is named")
                .hint("write -c scalers.yaml, or set HEADCOUNT_SCALER_CONFIG_PATH")
        })?;
        if let Some(dir) = &self.config_dir {
            paths.dir = Some(dir.clone());
        }
        Ok(paths)
    }
}

/// Where the configuration is, for commands that are about nothing else.
#[derive(Args, Clone, Debug)]
pub(crate) struct FileOrConfig {
    /// The configuration; the same as --config
    #[arg(value_name = "FILE", conflicts_with = "config")]
    file: Option<PathBuf>,
    /// The same, as other commands take it.
    #[command(flatten)]
    config: ConfigArgs,
}

impl FileOrConfig {
    /// The paths that arguments or environment name.
    ///
    /// # Errors
    /// Nobody named a file.
    pub(crate) fn paths(&self) -> Result<ConfigPaths, Failure> {
        let config = ConfigArgs {
            config: self.file.clone().or_else(|| self.config.config.clone()),
            ..self.config.clone()
        };
        config.paths()
    }
}

/// Arguments of `check`.
#[derive(Args, Clone, Debug)]
pub(crate) struct CheckArgs {
    /// Which configuration.
    #[command(flatten)]
    pub(crate) config: FileOrConfig,
    /// Print the configuration as it is meant, every default spelled out
    #[arg(long)]
    pub(crate) effective: bool,
}

/// Arguments of `periods`.
#[derive(Args, Clone, Debug)]
pub(crate) struct PeriodsArgs {
    /// Which configuration.
    #[command(flatten)]
    pub(crate) config: FileOrConfig,
    /// How many changes of each are told
    #[arg(short = 'n', long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..))]
    pub(crate) next: u8,
}

/// Arguments of `plan`.
#[derive(Args, Clone, Debug)]
pub(crate) struct PlanArgs {
    /// Which configuration.
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(config: Option<&str>, dir: Option<&str>, set: &[(&str, &str)]) -> Option<ConfigPaths> {
        let args = ConfigArgs {
            config: config.map(PathBuf::from),
            config_dir: dir.map(PathBuf::from),
        };
        let get = |name: &str| {
            let found = set.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| value.into())
        };
        args.paths_from(get).ok()
    }

    #[test]
    fn arguments_win_over_the_environment() {
        let set = [
            ("HEADCOUNT_SCALER_CONFIG_PATH", "/env.yaml"),
            ("HEADCOUNT_SCALER_CONFIG_DIR", "/env.d"),
        ];
        let dir = |dir: &str| Some(PathBuf::from(dir));
        let own = paths(Some("own.yaml"), None, &set).unwrap();
        assert_eq!((own.main, own.dir), ("own.yaml".into(), None));
        let env = paths(None, None, &set).unwrap();
        assert_eq!((env.main, env.dir), ("/env.yaml".into(), dir("/env.d")));
        let mixed = paths(None, Some("own.d"), &set).unwrap();
        assert_eq!((mixed.main, mixed.dir), ("/env.yaml".into(), dir("own.d")));
        assert_eq!(paths(None, Some("own.d"), &[]), None);
    }
}
