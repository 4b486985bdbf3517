//! Entries stay ours while they are worked on, unless somebody took them over: nothing is
//! taken back from whoever has it now.

use std::collections::BTreeSet;

use headcount_ports::SourceError;
use redis::Value;

use super::{Entries, EntryId, MAX_ENTRIES, again, texts};
use crate::fault::Fault;
use crate::reply::{members, text};
use crate::stream::groups::{self, Standing};

/// Where an entry is that is not pending under our name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Whereabouts {
    /// Pending under this name.
    With(String),
    /// It was given to somebody and acknowledged, and is still in the stream.
    Done,
    /// It may be given to somebody yet, or was removed: nothing says that somebody else has
    /// it, or ran it.
    Nobody,
}

impl Entries {
    /// Tells that these entries are still worked on: nobody claims them for as long again.
    /// Returns those that are not pending under our name any more, which are left alone.
    /// Idempotent. `ids` are in ascending order.
    ///
    /// # Errors
    /// Perhaps others may claim some.
    pub async fn keep(&self, ids: &[EntryId]) -> Result<Vec<EntryId>, SourceError> {
        let (Some(first), Some(last)) = (ids.first(), ids.last()) else {
            return Ok(Vec::new());
        };
        let ours = self.held(*first, *last).await.map_err(again)?;
        let (kept, lost): (Vec<EntryId>, Vec<EntryId>) =
            ids.iter().partition(|id| ours.contains(id));
        if kept.is_empty() {
            return Ok(lost);
        }
        let mut keep = redis::pipe();
        let command = keep.cmd("XCLAIM").arg(&self.group.stream);
        command.arg(&self.group.group).arg(&self.group.consumer);
        command.arg(0).arg(texts(&kept)).arg("JUSTID");
        self.value(&keep).await.map_err(again)?;
        Ok(lost)
    }

    /// What is pending under our name from one entry to another.
    async fn held(&self, first: EntryId, last: EntryId) -> Result<BTreeSet<EntryId>, Fault> {
        let mut held = BTreeSet::new();
        let mut from = Some(first);
        while let Some(start) = from {
            let mut list = redis::pipe();
            let command = list.cmd("XPENDING").arg(&self.group.stream);
            command.arg(&self.group.group).arg(start.to_string());
            command.arg(last.to_string()).arg(MAX_ENTRIES);
            command.arg(&self.group.consumer);
            let rows = match self.one(&list).await? {
                Ok(rows) => self.pending(&rows)?,
                // Nothing is pending in a group that is gone.
                Err(refusal) if refusal.code == "NOGROUP" => return Ok(BTreeSet::new()),
                Err(refusal) => return Err(self.about(&refusal)),
            };
            let full = rows.len() >= MAX_ENTRIES as usize;
            from = rows.last().filter(|_| full).and_then(|(id, _)| id.next());
            held.extend(rows.into_iter().map(|(id, _)| id));
        }
        Ok(held)
    }

    /// Where entries are that [`keep`](Self::keep) left alone, one for one. Changes nothing.
    ///
    /// # Errors
    /// An error says nothing about them.
    pub async fn whereabouts(&self, ids: &[EntryId]) -> Result<Vec<Whereabouts>, SourceError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        self.find(ids).await.map_err(again)
    }

    async fn find(&self, ids: &[EntryId]) -> Result<Vec<Whereabouts>, Fault> {
        let mut look = redis::pipe();
        // First: what was delivered then, and is not pending after, is acknowledged.
        look.cmd("XINFO").arg("GROUPS").arg(&self.group.stream);
        for id in ids {
            let id = id.to_string();
            let command = look.cmd("XPENDING").arg(&self.group.stream);
            command.arg(&self.group.group).arg(&id).arg(&id).arg(1);
        }
        let mut replies = self.wire.send(&look).await?.into_iter();
        let standing = replies.next().ok_or_else(|| self.strange())?;
        let (stream, group) = (&self.group.stream, &self.group.group);
        let standing = groups::find(&self.asked, stream, group, &standing)?;
        let Standing::There(standing) = standing else {
            return Ok(vec![Whereabouts::Nobody; ids.len()]);
        };
        let mut found = Vec::with_capacity(ids.len());
        for (id, reply) in ids.iter().zip(replies) {
            let rows = reply.map_err(|refusal| self.about(&refusal))?;
            let row = members(&rows).ok_or_else(|| self.strange())?.first();
            let holder = row.map(|row| holder(row).ok_or_else(|| self.strange()));
            found.push(match holder.transpose()? {
                // Ours again meanwhile.
                Some(holder) if holder == self.group.consumer => Whereabouts::Nobody,
                Some(holder) => Whereabouts::With(holder),
                None if *id > standing.last_delivered => Whereabouts::Nobody,
                None => self.acknowledged(*id).await?,
            });
        }
        Ok(found)
    }

    /// Of a delivered entry that nobody holds: one that was removed may never have run.
    async fn acknowledged(&self, id: EntryId) -> Result<Whereabouts, Fault> {
        let mut range = redis::pipe();
        let command = range.cmd("XRANGE").arg(&self.group.stream);
        command.arg(id.to_string()).arg(id.to_string());
        let rows = self.value(&range).await?;
        let rows = members(&rows).ok_or_else(|| self.strange())?;
        Ok(match rows.is_empty() {
            true => Whereabouts::Nobody,
            false => Whereabouts::Done,
        })
    }

    fn strange(&self) -> Fault {
        self.asked.strange("XPENDING")
    }
}

fn holder(row: &Value) -> Option<String> {
    text(members(row)?.get(1)?)
}
