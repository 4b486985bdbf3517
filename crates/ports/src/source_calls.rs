//! How a source that keeps its jobs in the book carries a call out.
//!
//! Promise: what the book or a queue's server was told also reaches memory, whoever stops
//! waiting for it. Leaves what a call does to the source.

use std::future::Future;

use crate::{SourceError, StoreError};

/// Carries a call out to its end even if its caller is dropped.
///
/// # Errors
/// The runtime ended under it.
pub async fn to_the_end<T: Send + 'static>(
    call: impl Future<Output = T> + Send + 'static,
) -> Result<T, Interrupted> {
    tokio::spawn(call).await.map_err(|_| Interrupted)
}

/// The runtime ended under a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interrupted;

impl From<Interrupted> for SourceError {
    fn from(_: Interrupted) -> Self {
        Self::Unknown("the source is stopping".to_owned())
    }
}

/// Every call of such a source can be repeated, so any trouble of the book is "try again".
#[must_use]
pub fn try_again(error: StoreError) -> SourceError {
    SourceError::Transient(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn a_call_goes_on_without_its_caller() {
        let (go, wait) = oneshot::channel();
        let (tell, told) = oneshot::channel();
        let call = to_the_end(async move {
            wait.await.expect("the test lets it go on");
            tell.send("done").expect("the test listens");
        });
        let given_up = tokio::time::timeout(Duration::from_millis(1), call).await;
        assert!(given_up.is_err());
        go.send(()).expect("it goes on");
        assert_eq!(told.await, Ok("done"));
        assert_eq!(to_the_end(async { 7 }).await, Ok(7));
    }
}
