//! Entries become ours: those that were before, those that others left, new ones.

use std::time::Duration;

use headcount_ports::SourceError;
use redis::Value;

use super::{Entries, Entry, EntryId, Field, MAX_ENTRIES, again, millis};
use crate::fault::Fault;
use crate::reply::{count, members, text};

/// A call looks at no more pages of what others hold than this.
const MAX_SCANS: usize = 100;

impl Entries {
    /// Entries that are pending under our name, oldest first, above `after`: at most `n`.
    /// Changes nothing, so it may be asked again; whoever wants all goes on above the last.
    ///
    /// # Errors
    /// An error says nothing about them.
    pub async fn mine(&self, after: Option<EntryId>, n: u32) -> Result<Vec<Entry>, SourceError> {
        let start = match after.map(EntryId::next) {
            None => "-".to_owned(),
            Some(Some(next)) => next.to_string(),
            Some(None) => return Ok(Vec::new()),
        };
        let mut list = redis::pipe();
        let command = list.cmd("XPENDING").arg(&self.group.stream);
        command.arg(&self.group.group).arg(start).arg("+");
        command.arg(n.min(MAX_ENTRIES)).arg(&self.group.consumer);
        let rows = self.value(&list).await.map_err(again)?;
        let rows = self.pending(&rows).map_err(again)?;
        self.with_fields(rows).await.map_err(again)
    }

    /// One entry, while it is pending, under whosever name. Changes nothing.
    ///
    /// # Errors
    /// An error says nothing about it.
    pub async fn one_pending(&self, id: EntryId) -> Result<Option<Entry>, SourceError> {
        let rows = self.deliveries(&[id]).await.map_err(again)?;
        let mut entries = self.with_fields(rows).await.map_err(again)?;
        Ok(entries.pop())
    }

    /// New entries, oldest first: at most `n`. They are ours whether the answer arrives
    /// or not.
    ///
    /// # Errors
    /// [`SourceError::Unknown`]: some may be ours; look at [`Entries::mine`].
    pub async fn next(&self, n: u32) -> Result<Vec<Entry>, SourceError> {
        let mut read = redis::pipe();
        let command = read.cmd("XREADGROUP").arg("GROUP");
        command.arg(&self.group.group).arg(&self.group.consumer);
        command.arg("COUNT").arg(n.min(MAX_ENTRIES));
        command.arg("STREAMS").arg(&self.group.stream).arg(">");
        let answer = self.value_once(&read).await.map_err(perhaps)?;
        let rows = match &answer {
            Value::Nil => return Ok(Vec::new()),
            answer => streams_entries(answer),
        };
        let entries: Option<Vec<Entry>> =
            rows.and_then(|rows| rows.iter().map(|row| entry(row, 1)).collect());
        entries.ok_or_else(|| perhaps(self.asked.strange("XREADGROUP")))
    }

    /// Entries that others were given and were silent about for `idle`, oldest first: at
    /// most `n`. Those of them that no longer exist are taken off the group. They are ours
    /// whether the answer arrives or not.
    ///
    /// # Errors
    /// [`SourceError::Unknown`]: some may be ours; look at [`Entries::mine`].
    pub async fn claim(&self, n: u32, idle: Duration) -> Result<Vec<Entry>, SourceError> {
        let n = usize::try_from(n.min(MAX_ENTRIES)).unwrap_or(usize::MAX);
        let mut ids = Vec::new();
        let mut start = "0-0".to_owned();
        for _ in 0..MAX_SCANS {
            let (next, claimed) = self.claim_page(&start, n - ids.len(), idle).await?;
            ids.extend(claimed);
            start = next;
            if ids.len() >= n || start == "0-0" {
                break;
            }
        }
        let rows = self.deliveries(&ids).await.map_err(perhaps)?;
        self.with_fields(rows).await.map_err(perhaps)
    }

    async fn claim_page(
        &self,
        start: &str,
        n: usize,
        idle: Duration,
    ) -> Result<(String, Vec<EntryId>), SourceError> {
        let strange = || perhaps(self.asked.strange("XAUTOCLAIM"));
        let mut claim = redis::pipe();
        let command = claim.cmd("XAUTOCLAIM").arg(&self.group.stream);
        command.arg(&self.group.group).arg(&self.group.consumer);
        command.arg(millis(idle)).arg(start).arg("COUNT").arg(n);
        let answer = self.value_once(&claim).await.map_err(perhaps)?;
        let parts = members(&answer).ok_or_else(strange)?;
        let next = parts.first().and_then(text).ok_or_else(strange)?;
        let rows = parts.get(1).and_then(members).ok_or_else(strange)?;
        // Servers before 7 give nothing in the place of what no longer exists.
        let rows = rows.iter().filter(|row| **row != Value::Nil);
        let ids: Option<Vec<EntryId>> = rows.map(|row| entry(row, 0).map(|e| e.id)).collect();
        Ok((next, ids.ok_or_else(strange)?))
    }

    /// How often each of them was delivered; those that are not pending are left out.
    async fn deliveries(&self, ids: &[EntryId]) -> Result<Vec<(EntryId, u64)>, Fault> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut list = redis::pipe();
        for id in ids {
            let id = id.to_string();
            let command = list.cmd("XPENDING").arg(&self.group.stream);
            command.arg(&self.group.group).arg(&id).arg(&id).arg(1);
        }
        let mut rows = Vec::new();
        for reply in self.wire.send(&list).await? {
            let answer = reply.map_err(|refusal| self.about(&refusal))?;
            rows.extend(self.pending(&answer)?);
        }
        Ok(rows)
    }

    /// Id and deliveries of each row of an extended `XPENDING`.
    pub(super) fn pending(&self, rows: &Value) -> Result<Vec<(EntryId, u64)>, Fault> {
        let row = |row: &Value| match members(row)? {
            [id, _, _, deliveries] => Some((EntryId::parse(&text(id)?)?, count(deliveries)?)),
            _ => None,
        };
        let rows = members(rows).and_then(|rows| rows.iter().map(row).collect());
        rows.ok_or_else(|| self.asked.strange("XPENDING"))
    }

    async fn with_fields(&self, rows: Vec<(EntryId, u64)>) -> Result<Vec<Entry>, Fault> {
        let mut entries = Vec::with_capacity(rows.len());
        // One by one: each may be of megabytes, and none of them is asked for twice.
        for (id, deliveries) in rows {
            let text = id.to_string();
            let mut range = redis::pipe();
            let command = range.cmd("XRANGE").arg(&self.group.stream);
            command.arg(&text).arg(&text).arg("COUNT").arg(1);
            let answer = self.value(&range).await?;
            let found = members(&answer).ok_or_else(|| self.asked.strange("XRANGE"))?;
            entries.push(match found.first() {
                Some(row) => entry(row, deliveries).ok_or_else(|| self.asked.strange("XRANGE"))?,
                None => Entry {
                    id,
                    deliveries,
                    fields: None,
                },
            });
        }
        Ok(entries)
    }
}

/// The entries of the only stream that was asked for.
fn streams_entries(answer: &Value) -> Option<&[Value]> {
    members(members(members(answer)?.first()?)?.get(1)?)
}

/// Id, and names and values in turn.
fn entry(row: &Value, deliveries: u64) -> Option<Entry> {
    let [id, fields] = members(row)? else {
        return None;
    };
    let fields = match fields {
        Value::Nil => None,
        fields => Some(
            members(fields)?
                .chunks(2)
                .map(field)
                .collect::<Option<_>>()?,
        ),
    };
    Some(Entry {
        id: EntryId::parse(&text(id)?)?,
        deliveries,
        fields,
    })
}

fn field(pair: &[Value]) -> Option<Field> {
    match pair {
        [Value::BulkString(name), Value::BulkString(value)] => Some((name.clone(), value.clone())),
        _ => None,
    }
}

fn perhaps(fault: Fault) -> SourceError {
    match fault {
        // The server said no: nothing became ours.
        fault @ (Fault::NoWrites { .. }
        | Fault::NotReady { .. }
        | Fault::NoAuth { .. }
        | Fault::WrongPassword { .. }
        | Fault::Denied { .. }
        | Fault::NoGroup { .. }
        | Fault::NotStream { .. }) => again(fault),
        fault => SourceError::Unknown(fault.to_string()),
    }
}
