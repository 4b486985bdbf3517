//! Who knows the passwords of registries.

use async_trait::async_trait;
use bollard::auth::DockerCredentials;

/// Looks up what a registry is shown when an image is fetched.
#[async_trait]
pub trait Credentials: Send + Sync {
    /// For the registry of this image, as the image is written; `None` is anonymous.
    ///
    /// # Errors
    /// A sentence: there are credentials and they cannot be read. Nothing is fetched then.
    async fn of(&self, image: &str) -> Result<Option<DockerCredentials>, String>;
}

/// Nobody is known to any registry.
#[derive(Clone, Copy, Debug, Default)]
pub struct Anonymous;

#[async_trait]
impl Credentials for Anonymous {
    async fn of(&self, _image: &str) -> Result<Option<DockerCredentials>, String> {
        Ok(None)
    }
}
