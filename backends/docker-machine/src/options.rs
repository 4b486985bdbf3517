//! What the backend is told when it is built.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use headcount_engines::Credentials;
use headcount_model::{AgentId, DockerMachineAddress, OwnerId, PoolName};
use headcount_ports::agent_env::CallBack;

/// Everything the backend needs to know. Made by the binary, once for each tool and store.
#[derive(Clone)]
pub struct DockerMachineOptions {
    /// Which tool and which store.
    pub tool: DockerMachineAddress,
    /// Whose instances these are.
    pub owner: OwnerId,
    /// The daemon's state directory; what machines were asked for is noted below it.
    pub state_dir: PathBuf,
    /// The daemon's own environment; the tool gets it but for what tells of this daemon.
    pub host_env: BTreeMap<String, String>,
    /// The running binary: copied into containers, where it runs as `agent`. It needs no
    /// file of the image, so it must be linked statically.
    pub own_binary: PathBuf,
    /// Where agents of other machines call back, unless their scaler says otherwise.
    pub call_back: CallBack,
    /// Set for every agent: `HEADCOUNT_AGENT_ENV_*` with the prefix removed.
    pub forwarded: BTreeMap<String, String>,
    /// Agents that the ledger knows here, for the pools of machines whose marks are lost.
    pub known: BTreeMap<AgentId, PoolName>,
    /// Who knows the passwords of registries.
    pub credentials: Arc<dyn Credentials>,
    /// How long things may take.
    pub pace: Pace,
}

/// How long calls of the tool may take, and how many there are at once.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Creations at once; what is allowed of them is the planner's.
    pub creates: usize,
    /// Other calls at once.
    pub calls: usize,
    /// For `create` and `provision`.
    pub create: Duration,
    /// For `stop`, whose failure does not matter.
    pub stop: Duration,
    /// For `rm`.
    pub remove: Duration,
    /// For calls that only look.
    pub look: Duration,
    /// For a fresh engine to answer.
    pub engine: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            creates: 64,
            calls: 64,
            create: Duration::from_secs(20 * 60),
            stop: Duration::from_secs(60),
            remove: Duration::from_secs(20 * 60),
            look: Duration::from_secs(60),
            engine: Duration::from_secs(60),
        }
    }
}

/// What the tool is called.
const NAME: &str = "docker-machine";

/// The tool's path: the one that is configured, else the first on the `PATH`.
///
/// # Errors
/// A sentence: it is not there, or cannot be executed.
pub fn find_program(
    configured: Option<&str>,
    host_env: &BTreeMap<String, String>,
) -> Result<PathBuf, String> {
    if let Some(path) = configured {
        return match std::fs::metadata(path) {
            Err(error) => Err(format!(
                "`{path}` cannot be used: {error}; correct `program`"
            )),
            Ok(meta) if !meta.is_file() => Err(format!("`{path}` is no file; correct `program`")),
            Ok(_) if !is_executable(Path::new(path)) => {
                Err(format!("`{path}` is not executable; `chmod +x` it"))
            }
            Ok(_) => Ok(path.into()),
        };
    }
    let path = host_env.get("PATH").map(String::as_str).unwrap_or_default();
    let folders = path.split(':').filter(|folder| folder.starts_with('/'));
    let mut found = folders.map(|folder| Path::new(folder).join(NAME));
    found.find(|path| is_executable(path)).ok_or_else(|| {
        format!("`{NAME}` is not on the `PATH`; install it, or write its path as `program`")
    })
}

fn is_executable(path: &Path) -> bool {
    let meta = std::fs::metadata(path);
    meta.is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_that_cannot_be_run_says_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let plain = dir.path().join(NAME);
        std::fs::write(&plain, "x").unwrap();
        let env = BTreeMap::from([("PATH".to_owned(), dir.path().display().to_string())]);
        assert_eq!(
            find_program(None, &env).unwrap_err(),
            "`docker-machine` is not on the `PATH`; install it, or write its path as `program`"
        );
        let path = plain.display().to_string();
        assert_eq!(
            find_program(Some(&path), &env).unwrap_err(),
            format!("`{path}` is not executable; `chmod +x` it")
        );
        let missing = find_program(Some("/none"), &env).unwrap_err();
        assert_eq!(
            missing,
            "`/none` cannot be used: No such file or directory (os error 2); correct `program`"
        );
        std::fs::set_permissions(&plain, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(find_program(None, &env), Ok(plain));
    }
}
