//! Fetching images from a registry on the loopback of a real engine.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may fail loudly"
)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bollard::auth::DockerCredentials;
use headcount_backend_container::{ContainerBackend, Credentials};
use headcount_model::{PullPolicy, Recipe};
use headcount_ports::conformance::backend::Events;
use headcount_ports::{Backend, BackendError, CreateRequest, DestroyRequest};
use headcount_test_engines::{Engine, Kind, skip};
use support::{Place, agent};
use tokio::time::timeout;

/// `me:secret`.
const PASSWORD: &str = "bWU6c2VjcmV0";

fn of(place: &Place<'_>, number: u32, image: &str, pull: PullPolicy) -> CreateRequest {
    let mut request = place.worker(agent(number), "sleep 600");
    let Recipe::Container(recipe) = &*request.recipe else {
        panic!("not a container");
    };
    let mut recipe = recipe.clone();
    recipe.image = image.to_owned();
    recipe.pull = pull;
    request.recipe = Arc::new(Recipe::Container(recipe));
    request
}

async fn destroy_all(backend: &ContainerBackend, numbers: &[u32]) {
    for number in numbers {
        let request = DestroyRequest {
            agent: agent(*number),
            grace: Duration::ZERO,
        };
        backend.destroy(request).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn docker_fetches_as_the_policy_says() {
    fetches_as_the_policy_says(Kind::Docker).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn podman_fetches_as_the_policy_says() {
    fetches_as_the_policy_says(Kind::Podman).await;
}

async fn fetches_as_the_policy_says(kind: Kind) {
    if skip(kind) {
        return;
    }
    let engine = Engine::start(kind);
    let registry = engine.registry();
    let place = Place::new(&engine);
    let (backend, _events) = place.open();
    let image = registry.image("busy/box");
    let missing = backend
        .create(of(&place, 1, &image, PullPolicy::Never))
        .await;
    let words = format!(
        "the engine does not have the image `{image}`, and `imagePullPolicy: Never` forbids \
         fetching it"
    );
    assert_eq!(missing, Err(BackendError::Invalid(words)));
    assert_eq!(registry.asked(), 0, "never is never");

    let present = |number| of(&place, number, &image, PullPolicy::IfNotPresent);
    backend.create(present(2)).await.unwrap();
    let asked = registry.asked();
    assert!(asked > 0);
    backend.create(present(3)).await.unwrap();
    assert_eq!(registry.asked(), asked, "it was there");
    backend
        .create(of(&place, 4, &image, PullPolicy::Always))
        .await
        .unwrap();
    assert!(registry.asked() > asked, "always is always");

    // What cannot be renewed is used as it is; what was never there is an error.
    registry.lock(PASSWORD);
    backend
        .create(of(&place, 5, &image, PullPolicy::Always))
        .await
        .unwrap();
    let other = registry.image("busy/other");
    let refused = backend
        .create(of(&place, 6, &other, PullPolicy::Always))
        .await;
    let error = refused.unwrap_err();
    assert!(matches!(error, BackendError::Invalid(_)), "{error:?}");
    let words = format!("`{other}` cannot be fetched: the engine did not fetch the image: ");
    assert!(error.to_string().starts_with(&words), "{error}");
    destroy_all(&backend, &[2, 3, 4, 5]).await;
    assert_eq!(engine.containers(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn docker_goes_on_fetching_and_is_joined() {
    goes_on_fetching_and_is_joined(Kind::Docker).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn podman_goes_on_fetching_and_is_joined() {
    goes_on_fetching_and_is_joined(Kind::Podman).await;
}

async fn goes_on_fetching_and_is_joined(kind: Kind) {
    if skip(kind) {
        return;
    }
    let engine = Engine::start(kind);
    let registry = engine.registry();
    let place = Place::new(&engine);
    let (backend, _events) = place.open();
    let image = registry.image("slow/box");
    registry.close();
    // The engine is known, so that the first thing it is asked for is the image.
    backend.list().await.unwrap();
    let wanted = |number| backend.create(of(&place, number, &image, PullPolicy::Always));
    // The caller's deadline is shorter than the fetch.
    let given_up = timeout(Duration::from_millis(500), wanted(1)).await;
    assert!(given_up.is_err());
    registry.wait_for(1);
    let joining = async {
        let (second, third) = tokio::join!(wanted(2), wanted(3));
        (second, third)
    };
    let releasing = async {
        let meanwhile = timeout(Duration::from_millis(300), std::future::pending::<()>()).await;
        assert!(meanwhile.is_err());
        assert_eq!(registry.asked(), 1, "it is joined, not started again");
        registry.open();
    };
    let (joined, ()) = tokio::join!(joining, releasing);
    assert_eq!(joined, (Ok(()), Ok(())));
    assert_eq!(
        place.names(agent(1), false).await,
        Vec::<String>::new(),
        "given up is given up"
    );
    destroy_all(&backend, &[2, 3]).await;
}

/// Knows one password.
struct OnePassword;

#[async_trait]
impl Credentials for OnePassword {
    async fn of(&self, image: &str) -> Result<Option<DockerCredentials>, String> {
        if image.contains("broken") {
            return Err("the helper says no".into());
        }
        Ok(Some(DockerCredentials {
            username: Some("me".into()),
            password: Some("secret".into()),
            ..DockerCredentials::default()
        }))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn docker_is_shown_credentials() {
    is_shown_credentials(Kind::Docker).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn podman_is_shown_credentials() {
    is_shown_credentials(Kind::Podman).await;
}

async fn is_shown_credentials(kind: Kind) {
    if skip(kind) {
        return;
    }
    let engine = Engine::start(kind);
    let registry = engine.registry();
    registry.lock(PASSWORD);
    let place = Place::new(&engine);
    let mut options = place.options(&place.owner("one"));
    options.credentials = Arc::new(OnePassword);
    let backend = ContainerBackend::new(options, Arc::new(Events::default()));
    let image = registry.image("secret/box");
    backend
        .create(of(&place, 1, &image, PullPolicy::Always))
        .await
        .unwrap();
    let image = registry.image("broken/box");
    let refused = backend
        .create(of(&place, 2, &image, PullPolicy::Always))
        .await;
    let words = format!("the credentials for `{image}` cannot be used: the helper says no");
    assert_eq!(refused, Err(BackendError::Invalid(words)));
    destroy_all(&backend, &[1]).await;
}
