//! The hall: everything that reaches the loop, in order, bounded.

use async_trait::async_trait;
use headcount_model::{
    Answer, BackendEvent, BackendId, ClassKey, Fleet, LinkEvent, PoolName, Refusal, Sample,
    SourceEvent, SourceId,
};
use headcount_planner::News;
use headcount_ports::{BackendInbox, LinkInbox, SignalInbox, SourceInbox};
use tokio::sync::{mpsc, oneshot};

use crate::explanation::ExplanationView;
use crate::{Preview, View};

/// Mails waiting for the loop; beyond that whoever posts waits.
const CAPACITY: usize = 4096;

/// What reaches the loop.
pub(crate) enum Mail {
    /// News, and who waits until it is durable.
    News(Box<News>, Option<oneshot::Sender<Answer>>),
    /// A question; it changes nothing.
    Ask(Ask),
}

/// Questions are answered after the round they arrive in.
pub(crate) enum Ask {
    View(oneshot::Sender<std::sync::Arc<View>>),
    Explain(Box<ClassKey>, oneshot::Sender<ExplanationView>),
    Preview(Box<Fleet>, oneshot::Sender<Preview>),
}

/// Where edges post what they see. Cheap to clone.
#[derive(Clone)]
pub struct Inbox {
    mails: mpsc::Sender<Mail>,
}

impl Inbox {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Mail>) {
        let (mails, receiver) = mpsc::channel(CAPACITY);
        (Self { mails }, receiver)
    }

    /// Posts news; returns once it is in the inbox, whether or not anybody still reads.
    pub(crate) async fn post(&self, news: News) {
        let mail = Mail::News(Box::new(news), None);
        drop(self.mails.send(mail).await);
    }

    /// Posts news and waits until the round that took it in is durable.
    pub(crate) async fn tell(&self, news: News) -> Answer {
        let (reply, answer) = oneshot::channel();
        let mail = Mail::News(Box::new(news), Some(reply));
        if self.mails.send(mail).await.is_err() {
            return Answer::Refused(Refusal::Stopping);
        }
        answer.await.unwrap_or(Answer::Refused(Refusal::Stopping))
    }

    pub(crate) async fn ask(&self, ask: Ask) -> Result<(), ()> {
        self.mails.send(Mail::Ask(ask)).await.map_err(drop)
    }
}

#[async_trait]
impl SourceInbox for Inbox {
    async fn post(&self, source: &SourceId, event: SourceEvent) {
        self.post(News::Source(source.clone(), event)).await;
    }
}

#[async_trait]
impl BackendInbox for Inbox {
    async fn post(&self, backend: &BackendId, event: BackendEvent) {
        self.post(News::Backend(backend.clone(), event)).await;
    }
}

#[async_trait]
impl SignalInbox for Inbox {
    async fn post(&self, pool: &PoolName, sample: Sample) {
        self.post(News::Sampled(pool.clone(), sample)).await;
    }
}

#[async_trait]
impl LinkInbox for Inbox {
    async fn post(&self, event: LinkEvent) -> Answer {
        self.tell(News::Link(event)).await
    }
}
