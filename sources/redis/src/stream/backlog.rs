//! Everything a group has not acknowledged: waiting, in flight, and left behind by
//! consumers that are silent.
//!
//! The numbers of waiting and pending entries come from one answer, so an entry that is
//! being delivered at this moment is in one of them and not in both. Pending entries whose
//! consumer was silent for long enough can be claimed by another, unless they were deleted
//! or trimmed meanwhile: those can be given to nobody, and are not counted.

use std::sync::Arc;
use std::time::Duration;

use headcount_model::Backlog;
use redis::Pipeline;

use super::count::{self, Limit};
use super::groups::{Standing, Undelivered, find};
use super::length;
use super::silent::{self, Page};
use crate::fault::{Asked, Fault};
use crate::link::Link;
use crate::reply::Reply;

/// A group, and when its entries may be claimed by others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    pub(crate) stream: &'a str,
    pub(crate) group: &'a str,
    /// `None` is never.
    pub(crate) claim_after: Option<Duration>,
}

/// What is known after one round trip.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Draft {
    pub(crate) waiting: Undelivered,
    pub(crate) pending: u64,
    /// Pending and silent for long enough, oldest first; as many as one answer holds.
    pub(crate) silent: Page,
}

impl Draft {
    fn unread(entries: u64) -> Self {
        Self {
            waiting: Undelivered::Exactly(entries),
            pending: 0,
            silent: Page::default(),
        }
    }
}

/// Reads the backlog. What the server does not know itself is counted within `limit`.
pub(crate) async fn read(
    link: &Link,
    question: Question<'_>,
    limit: Limit,
) -> Result<Backlog, Fault> {
    let replies = link.ask(&commands(question)).await?;
    let draft = draft(&link.asked, question, &replies)?;
    let waiting = count::undelivered(link, question.stream, draft.waiting, limit).await?;
    let silent = silent::all(link, question, draft.silent, limit.most).await?;
    let claimable = count::existing(link, question.stream, &silent).await?;
    let silent = u64::try_from(silent.len()).unwrap_or(u64::MAX);
    Ok(Backlog {
        waiting,
        in_flight: draft.pending.saturating_sub(silent),
        claimable,
    })
}

pub(crate) fn commands(question: Question<'_>) -> Pipeline {
    let mut commands = redis::pipe();
    commands.cmd("XLEN").arg(question.stream);
    commands.cmd("XINFO").arg("GROUPS").arg(question.stream);
    if let Some(idle) = question.claim_after {
        silent::command(&mut commands, question, Some(idle), None);
    }
    commands
}

/// The replies are those to [`commands`], in order.
pub(crate) fn draft(
    asked: &Asked,
    question: Question<'_>,
    replies: &[Arc<Reply>],
) -> Result<Draft, Fault> {
    let [len, groups, silent @ ..] = replies else {
        return Err(asked.strange("a pipeline"));
    };
    let (stream, group) = (question.stream, question.group);
    let group = match find(asked, stream, group, groups)? {
        Standing::NoStream => return Ok(Draft::unread(0)),
        Standing::NoGroup => return length::read(asked, stream, len).map(Draft::unread),
        Standing::There(group) => group,
    };
    let length = length::read(asked, stream, len)?;
    let silent = match silent.first() {
        Some(rows) => silent::read(asked, question, rows)?,
        None => Page::default(),
    };
    Ok(Draft {
        waiting: group.undelivered(Some(length)),
        pending: group.pending,
        silent,
    })
}
