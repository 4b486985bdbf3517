//! Pending entries whose consumer was silent for long enough, page by page.

use std::time::Duration;

use redis::{Pipeline, Value};

use super::backlog::Question;
use super::id::EntryId;
use crate::fault::{Asked, Fault};
use crate::link::Link;
use crate::reply::{Reply, count, members, text};

/// Rows of one answer.
const PAGE: usize = 1_000;

/// What one answer tells.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Page {
    pub(crate) ids: Vec<EntryId>,
    /// What is to be asked for next.
    rest: Rest,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Rest {
    #[default]
    Nothing,
    From(EntryId),
    /// Servers before 6.2 cannot choose by silence: everything is asked for again.
    Unchosen,
}

/// Asks for a page from `start` on; with `idle` the server chooses.
pub(crate) fn command(
    commands: &mut Pipeline,
    question: Question<'_>,
    idle: Option<Duration>,
    start: Option<EntryId>,
) {
    let command = commands.cmd("XPENDING");
    command.arg(question.stream).arg(question.group);
    if let Some(idle) = idle {
        command.arg("IDLE").arg(millis(idle));
    }
    match start {
        Some(start) => command.arg(start.to_string()),
        None => command.arg("-"),
    };
    command.arg("+").arg(PAGE);
}

/// What an answer to [`command`] means. A group that went away meanwhile has no entries.
pub(crate) fn read(asked: &Asked, question: Question<'_>, reply: &Reply) -> Result<Page, Fault> {
    let strange = || asked.strange("XPENDING");
    let rows = match reply {
        Ok(rows) => members(rows).ok_or_else(strange)?,
        Err(refusal) if refusal.code == "NOGROUP" => return Ok(Page::default()),
        Err(refusal) if refusal.line.contains("syntax error") => {
            return Ok(Page {
                ids: Vec::new(),
                rest: Rest::Unchosen,
            });
        }
        Err(refusal) => return Err(asked.about_group(refusal, question.stream, question.group)),
    };
    let parsed: Option<Vec<(EntryId, u64)>> = rows.iter().map(row).collect();
    let parsed = parsed.ok_or_else(strange)?;
    let next = parsed.last().and_then(|(id, _)| id.next());
    let rest = match next {
        Some(next) if parsed.len() >= PAGE => Rest::From(next),
        _ => Rest::Nothing,
    };
    let least = question.claim_after.map_or(u64::MAX, millis);
    let silent = parsed.into_iter().filter(|(_, idle)| *idle >= least);
    let ids = silent.map(|(id, _)| id).collect();
    Ok(Page { ids, rest })
}

/// The ids of this page and of those that follow, until there are `limit`.
pub(crate) async fn all(
    link: &Link,
    question: Question<'_>,
    first: Page,
    limit: u64,
) -> Result<Vec<EntryId>, Fault> {
    let mut choose = question.claim_after;
    let mut ids = first.ids;
    let mut rest = first.rest;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    while rest != Rest::Nothing && ids.len() < limit {
        let start = match rest {
            Rest::From(start) => Some(start),
            Rest::Unchosen | Rest::Nothing => None,
        };
        if rest == Rest::Unchosen && choose.take().is_none() {
            return Err(link.asked.strange("XPENDING"));
        }
        let mut commands = redis::pipe();
        command(&mut commands, question, choose, start);
        let reply = link.ask_one(&commands).await?;
        let page = read(&link.asked, question, &reply)?;
        ids.extend(page.ids);
        rest = page.rest;
    }
    Ok(ids)
}

/// Id, consumer, milliseconds of silence, deliveries.
fn row(row: &Value) -> Option<(EntryId, u64)> {
    let [id, _, idle, _] = members(row)? else {
        return None;
    };
    Some((EntryId::parse(&text(id)?)?, count(idle)?))
}

/// The largest span a server reads is what its signed number holds.
fn millis(span: Duration) -> u64 {
    let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    millis.min(i64::MAX.unsigned_abs())
}
