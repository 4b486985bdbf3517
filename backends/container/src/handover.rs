//! How the one-time token gets into a container.
//!
//! Promise: it stands in nothing that `inspect` shows. Where root of the container is root
//! of this host, it is a file of the daemon's that is mounted and that is gone as soon as
//! the container has been started: putting files into a container instead makes an engine
//! mount it once more, which takes half as long as starting it does. Everywhere else the
//! file is put into the container (`archive`), together with a directory that any user of
//! the image may write. Leaves to others: who may use a token, and how often (`gateway`).

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use headcount_model::{AgentId, ContainerProgram, ContainerRecipe, Secret};

use crate::marks::Ours;
use headcount_engines::Client;
use headcount_engines::Image;

/// Below the daemon's state directory.
const FOLDER: &str = "container-tokens";

/// Tokens of containers that are just being made.
pub(crate) struct Tokens {
    folder: PathBuf,
}

/// The file of one token; it is removed when this is dropped.
pub(crate) struct TokenFile {
    path: PathBuf,
}

/// Whether a token of this recipe can be mounted: the agent is ours, so it makes its
/// directory itself, and both it and the engine may do as root does.
pub(crate) fn mounts(client: &Client, recipe: &ContainerRecipe, image: Image) -> bool {
    let own = recipe.program == ContainerProgram::OwnAgent;
    own && client.socket.is_some() && client.roots_are_one && image.runs_as_root
}

impl Tokens {
    /// Those of one backend of one daemon: no other may use this directory at a time.
    pub(crate) fn new(state_dir: &Path, ours: &Ours) -> Self {
        let own = format!("{:016x}", ours.fingerprint());
        Self {
            folder: state_dir.join(FOLDER).join(own),
        }
    }

    /// Removes what a daemon left that was killed while it made containers.
    pub(crate) fn sweep(&self) {
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let folder = self.folder.display();
                tracing::warn!(%folder, %error, "tokens of a former run cannot be removed");
            }
            _ => {}
        }
    }

    /// A file that only this user reads.
    ///
    /// # Errors
    /// With the path, when it cannot be written.
    pub(crate) fn put(&self, agent: AgentId, token: &Secret) -> Result<TokenFile, String> {
        let path = self.folder.join(agent.to_string());
        let told = |error: io::Error| format!("`{}` cannot be written: {error}", path.display());
        let folder = DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder);
        folder.map_err(told)?;
        let options = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path);
        let mut file = options.map_err(told)?;
        // From here on it is removed, written or not.
        let kept = TokenFile { path: path.clone() };
        let written = file.write_all(token.expose().as_bytes());
        written.map_err(told)?;
        Ok(kept)
    }
}

impl TokenFile {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for TokenFile {
    /// What is mounted stays readable where it is mounted.
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(file = %self.path.display(), %error, "a token cannot be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use headcount_model::{BackendId, EngineKind, OwnerId};

    use super::*;
    use crate::body::tests::{client, recipe};

    const AGENT: AgentId = AgentId {
        epoch: 1,
        number: 2,
    };

    #[test]
    fn a_token_is_mounted_only_where_root_is_root() {
        let root = Image { runs_as_root: true };
        let other = Image {
            runs_as_root: false,
        };
        let local = || client(EngineKind::Docker, Some("/run/e.sock"));
        assert!(mounts(&local(), &recipe(), root));
        assert!(!mounts(&local(), &recipe(), other));
        let remote = client(EngineKind::Docker, None);
        assert!(!mounts(&remote, &recipe(), root));
        let mut rootless = local();
        rootless.roots_are_one = false;
        assert!(!mounts(&rootless, &recipe(), root));
        let mut images_own = recipe();
        images_own.program = ContainerProgram::ImageAgent {
            orchestrator_url: None,
        };
        assert!(!mounts(&local(), &images_own, root));
    }

    #[test]
    fn a_token_is_readable_by_its_owner_for_as_long_as_it_is_wanted() {
        let state = tempfile::tempdir().unwrap();
        let ours = Ours {
            owner: OwnerId::new("me"),
            backend: BackendId::new("container"),
        };
        let tokens = Tokens::new(state.path(), &ours);
        let token = |text: &str| Secret::new(text.into());
        let file = tokens.put(AGENT, &token("the-first-token")).unwrap();
        let path = file.path().to_owned();
        assert_eq!(fs::read_to_string(&path).unwrap(), "the-first-token");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        drop(file);
        assert!(!path.exists());
        std::mem::forget(tokens.put(AGENT, &token("left")).unwrap());
        let again = tokens.put(AGENT, &token("new")).unwrap();
        assert_eq!(fs::read_to_string(again.path()).unwrap(), "new");
        std::mem::forget(again);
        tokens.sweep();
        assert!(!path.exists());
        tokens.sweep();
    }
}
