//! The logins of the daemon's user, over all files and helpers.

use std::ffi::OsString;
use std::path::PathBuf;

use async_trait::async_trait;
use bollard::auth::DockerCredentials;
use headcount_model::Secret;

use super::LoginError;
use super::config_file::ConfigFile;
use super::helper::Helpers;
use super::reference::Repository;
use crate::credentials::Credentials;

/// The user name by which helpers say that the secret is an identity token.
const TOKEN_USER: &str = "<token>";

/// Where `docker login` and `podman login` leave what they know.
#[derive(Clone, Debug)]
pub struct HostLogin {
    files: Vec<PathBuf>,
    helpers: Helpers,
}

impl HostLogin {
    /// The files that an environment leads to, those named outright first:
    /// `$DOCKER_CONFIG/config.json` (else `~/.docker/config.json`, further down),
    /// `$REGISTRY_AUTH_FILE`, `~/.docker/config.json`,
    /// `$XDG_RUNTIME_DIR/containers/auth.json` (else `/run/containers/<uid>/auth.json`) and
    /// `$XDG_CONFIG_HOME/containers/auth.json` (else `~/.config/containers/auth.json`).
    pub fn from_environment(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let folder = |name: &str| {
            let value = variable(name).filter(|value| !value.is_empty());
            value.map(PathBuf::from)
        };
        let home = folder("HOME");
        let below_home = |path: &str| home.as_ref().map(|home| home.join(path));
        let docker = folder("DOCKER_CONFIG").map(|folder| folder.join("config.json"));
        let docker_at_home = match docker {
            Some(_) => None,
            None => below_home(".docker/config.json"),
        };
        let runtime = folder("XDG_RUNTIME_DIR").map(|folder| folder.join("containers"));
        let uid = rustix::process::geteuid().as_raw();
        let runtime = runtime.unwrap_or_else(|| format!("/run/containers/{uid}").into());
        let config = folder("XDG_CONFIG_HOME").or_else(|| below_home(".config"));
        let files = [
            docker,
            folder("REGISTRY_AUTH_FILE"),
            docker_at_home,
            Some(runtime.join("auth.json")),
            config.map(|config| config.join("containers/auth.json")),
        ];
        Self::new(files.into_iter().flatten(), variable("PATH"))
    }

    /// These files, the first that knows a registry first, and helpers found in `path`
    /// (as in the variable `PATH`; `None` is the daemon's own).
    pub fn new(files: impl IntoIterator<Item = PathBuf>, path: Option<OsString>) -> Self {
        Self {
            files: files.into_iter().collect(),
            helpers: Helpers::new(path),
        }
    }

    /// The login for the registry of an image; `None` is anonymous. Reads every file
    /// anew, so that a login made meanwhile is found.
    ///
    /// # Errors
    /// There may be a login and it cannot be read: an operator mends it.
    pub async fn of_image(&self, image: &str) -> Result<Option<Login>, LoginError> {
        let repository = Repository::of_image(image);
        for path in &self.files {
            let Some(file) = ConfigFile::read(path).await? else {
                continue;
            };
            if let Some(login) = self.in_file(&file, &repository).await? {
                return Ok(Some(login));
            }
        }
        Ok(None)
    }

    /// A registry's own helper is asked alone; else the store, and then the entries, which
    /// may be older than the store.
    async fn in_file(
        &self,
        file: &ConfigFile,
        repository: &Repository,
    ) -> Result<Option<Login>, LoginError> {
        if let Some(name) = file.own_helper(repository) {
            return self
                .helpers
                .ask(name, repository.server(), file.path())
                .await;
        }
        if let Some(name) = file.store() {
            let login = self
                .helpers
                .ask(name, repository.server(), file.path())
                .await?;
            if login.is_some() {
                return Ok(login);
            }
        }
        file.login(repository)
    }
}

#[async_trait]
impl Credentials for HostLogin {
    async fn of(&self, image: &str) -> Result<Option<DockerCredentials>, String> {
        let server = Repository::of_image(image).server().to_owned();
        let login = self
            .of_image(image)
            .await
            .map_err(|error| error.to_string())?;
        Ok(login.map(|login| login.credentials(server)))
    }
}

/// What a registry is shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Login {
    /// A user and a password.
    Password {
        /// The user.
        user: String,
        /// The password.
        password: Secret,
    },
    /// A token that the registry's token service exchanges.
    IdentityToken(Secret),
    /// A token that is shown to the registry as it is.
    RegistryToken(Secret),
}

impl Login {
    /// Of a user and a secret, where a certain user means that the secret is a token.
    pub(crate) fn of(user: &str, secret: &str) -> Self {
        let secret = Secret::new(secret.to_owned());
        if user == TOKEN_USER {
            return Self::IdentityToken(secret);
        }
        Self::Password {
            user: user.to_owned(),
            password: secret,
        }
    }

    fn credentials(&self, server: String) -> DockerCredentials {
        let shown = |secret: &Secret| Some(secret.expose().to_owned());
        let mut credentials = DockerCredentials {
            serveraddress: Some(server),
            ..DockerCredentials::default()
        };
        match self {
            Self::Password { user, password } => {
                credentials.username = Some(user.clone());
                credentials.password = shown(password);
            }
            Self::IdentityToken(token) => credentials.identitytoken = shown(token),
            Self::RegistryToken(token) => credentials.registrytoken = shown(token),
        }
        credentials
    }
}

#[cfg(test)]
mod tests;
