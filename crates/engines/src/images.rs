//! Fetching images, each at most once at a time.
//!
//! Promise: a fetch goes on when those who wait for it give up, and the next one who wants
//! the image joins it instead of starting over; an image that cannot be fetched although
//! the engine has it is used as it is, with a warning (docs/decisions/0007). Leaves to
//! others: who may fetch it (`options::Credentials`).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bollard::query_parameters::{CreateImageOptions, CreateImageOptionsBuilder};
use futures_util::StreamExt;
use headcount_model::PullPolicy;
use headcount_ports::BackendError;
use tokio::sync::watch;

use crate::credentials::Credentials;
use crate::engine::{ANSWER_WAIT, Client, Engine, Fault, Verdict, within};

/// The longest time a fetch may take.
const FETCH_WAIT: Duration = Duration::from_secs(30 * 60);
const NO_TAG: &str = "latest";

/// How a fetch ended; `None` while it goes on.
type Outcome = Option<Result<(), Fault>>;

/// What is known of an image before it is used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Image {
    /// Its containers begin as root.
    pub runs_as_root: bool,
}

/// The images of one engine.
pub struct Images {
    engine: Arc<Engine>,
    credentials: Arc<dyn Credentials>,
    fetches: Arc<Mutex<HashMap<String, watch::Receiver<Outcome>>>>,
}

impl Images {
    /// Of this engine, fetched with these credentials.
    pub fn new(engine: Arc<Engine>, credentials: Arc<dyn Credentials>) -> Self {
        Self {
            engine,
            credentials,
            fetches: Arc::default(),
        }
    }

    /// Returns once the engine has the image, as far as the policy wants it. `None`: it is
    /// not there now, which whoever uses it will be told.
    ///
    /// # Errors
    /// It cannot be had, or looked for.
    pub async fn ready(
        &self,
        image: &str,
        policy: PullPolicy,
    ) -> Result<Option<Image>, BackendError> {
        let there = match policy {
            PullPolicy::Always => return self.renew(image).await,
            PullPolicy::Never | PullPolicy::IfNotPresent => self.look(image).await?,
        };
        if there.is_some() || policy == PullPolicy::Never {
            return Ok(there);
        }
        let fetched = self.fetch(image).await;
        fetched.map_err(|fault| fault.as_not_done())?;
        Ok(self.look(image).await?)
    }

    async fn renew(&self, image: &str) -> Result<Option<Image>, BackendError> {
        let Err(fault) = self.fetch(image).await else {
            return Ok(self.look(image).await?);
        };
        if let Ok(Some(there)) = self.look(image).await {
            tracing::warn!(
                image,
                error = fault.message,
                "cannot be fetched; the one the engine has is used"
            );
            return Ok(Some(there));
        }
        Err(fault.as_not_done())
    }

    async fn look(&self, image: &str) -> Result<Option<Image>, Fault> {
        let client = self.engine.client().await?;
        let inspecting = client.docker.inspect_image(image);
        match within("look for the image", ANSWER_WAIT, inspecting).await {
            Ok(found) => {
                let user = found.config.and_then(|config| config.user);
                Ok(Some(Image {
                    runs_as_root: is_root(user.as_deref().unwrap_or_default()),
                }))
            }
            Err(fault) if fault.verdict == Verdict::Absent => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Joins the fetch of this image that goes on, or starts one.
    async fn fetch(&self, image: &str) -> Result<(), Fault> {
        let client = self.engine.client().await?;
        let mut outcome = self.join(client, image);
        let ended = outcome.wait_for(Option::is_some).await;
        let ended = ended.ok().and_then(|ended| ended.clone());
        ended.unwrap_or_else(|| Err(Fault::away(format!("fetching `{image}` was cut short"))))
    }

    fn join(&self, client: Arc<Client>, image: &str) -> watch::Receiver<Outcome> {
        let mut fetches = lock(&self.fetches);
        if let Some(outcome) = fetches.get(image) {
            return outcome.clone();
        }
        let (tell, outcome) = watch::channel(None);
        fetches.insert(image.to_owned(), outcome.clone());
        let (fetches, credentials) = (self.fetches.clone(), self.credentials.clone());
        let image = image.to_owned();
        tokio::spawn(async move {
            let ended = fetch(&client, &image, &*credentials).await;
            lock(&fetches).remove(&image);
            tell.send_replace(Some(ended));
        });
        outcome
    }
}

/// Of `USER` in an image: `name`, `uid`, either with `:group`; nothing is root.
fn is_root(user: &str) -> bool {
    let name = user.split_once(':').map_or(user, |(name, _)| name);
    matches!(name, "" | "0" | "root")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn fetch(client: &Client, image: &str, credentials: &dyn Credentials) -> Result<(), Fault> {
    let credentials = credentials.of(image).await.map_err(|why| Fault {
        verdict: Verdict::Refused,
        message: format!("the credentials for `{image}` cannot be used: {why}"),
    })?;
    let pulling = async {
        let mut steps = client
            .docker
            .create_image(Some(options(image)), None, credentials);
        while let Some(step) = steps.next().await {
            step?;
        }
        Ok(())
    };
    let fetched = within("fetch the image", FETCH_WAIT, pulling).await;
    fetched.map_err(|fault| Fault {
        // A registry that does not know it may know it later, but that is for a person.
        verdict: match fault.verdict {
            Verdict::Absent => Verdict::Refused,
            other => other,
        },
        message: format!("`{image}` cannot be fetched: {}", fault.message),
    })
}

fn options(image: &str) -> CreateImageOptions {
    let (name, tag) = split(image);
    CreateImageOptionsBuilder::default()
        .from_image(name)
        .tag(tag)
        .build()
}

/// Name and tag or digest. Without a tag an engine would fetch every one.
fn split(image: &str) -> (&str, &str) {
    if let Some((name, digest)) = image.split_once('@') {
        return (name, digest);
    }
    match image.rsplit_once(':') {
        // A colon before a slash is the port of a registry.
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (image, NO_TAG),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_without_a_user_runs_as_root() {
        for user in ["", "root", "0", "0:0", "root:wheel", ":5"] {
            assert!(is_root(user), "{user}");
        }
        for user in ["ci", "1000", "1000:0", "00", "rooted"] {
            assert!(!is_root(user), "{user}");
        }
    }

    #[test]
    fn a_reference_is_split_at_its_tag_not_at_a_port() {
        for (image, expected) in [
            ("busybox", ("busybox", "latest")),
            ("busybox:1", ("busybox", "1")),
            ("localhost:5000/a/b", ("localhost:5000/a/b", "latest")),
            ("localhost:5000/a/b:x", ("localhost:5000/a/b", "x")),
            ("a/b@sha256:00", ("a/b", "sha256:00")),
        ] {
            assert_eq!(split(image), expected);
        }
    }
}
