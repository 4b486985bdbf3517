//! Counts that a server does not know by itself: by reading ranges, a page at a time.
//!
//! A range comes with the data of its entries, which nobody needs here, so pages grow only
//! while they are small: entries of megabytes come one by one, small ones by the thousand.

use redis::Value;

use super::groups::Undelivered;
use super::id::EntryId;
use crate::fault::Fault;
use crate::link::Link;
use crate::reply::{Reply, bytes, members, text};

/// Entries of the first page, and the most of any.
pub(crate) const FIRST_PAGE: usize = 16;
const LARGEST_PAGE: usize = 1_000;
/// A page with less data than this is followed by a larger one, with more than four times
/// this by a smaller one.
const SMALL_PAGE: usize = 256 * 1024;

/// How far to count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Limit {
    /// More than this changes nothing that is decided: here an estimate is good enough.
    pub(crate) useful: u64,
    /// Where there is no estimate; more than this is reported as this.
    pub(crate) most: u64,
}

/// How many entries a group was not given yet.
pub(crate) async fn undelivered(
    link: &Link,
    stream: &str,
    known: Undelivered,
    limit: Limit,
) -> Result<u64, Fault> {
    let (last, about) = match known {
        Undelivered::Exactly(entries) => return Ok(entries),
        Undelivered::After { last, about } => (last, about),
    };
    let most = about.map_or(limit.most, |_| limit.useful);
    let counted = after(link, stream, last, most).await?;
    if counted < most {
        return Ok(counted);
    }
    Ok(counted.max(about.unwrap_or(0)))
}

/// How many entries there are after `last`; `limit` when there are at least so many.
async fn after(link: &Link, stream: &str, last: EntryId, limit: u64) -> Result<u64, Fault> {
    let mut counted: u64 = 0;
    let mut start = last.next();
    let mut page = FIRST_PAGE;
    while let (Some(from), true) = (start, counted < limit) {
        let left = usize::try_from(limit - counted).unwrap_or(usize::MAX);
        let want = page.min(left);
        let mut command = redis::pipe();
        let range = command.cmd("XRANGE").arg(stream).arg(from.to_string());
        range.arg("+").arg("COUNT").arg(want);
        let reply = link.ask_one(&command).await?;
        let entries = entries(link, stream, &reply)?;
        counted += u64::try_from(entries.len()).unwrap_or(u64::MAX);
        if entries.len() < want {
            break;
        }
        let newest = entries.last().and_then(id);
        start = newest.ok_or_else(|| link.asked.strange("XRANGE"))?.next();
        page = next_page(page, size_of(entries));
    }
    Ok(counted)
}

/// How many of these entries are still in the stream.
pub(crate) async fn existing(link: &Link, stream: &str, ids: &[EntryId]) -> Result<u64, Fault> {
    let mut found: u64 = 0;
    let mut left = ids;
    let mut page = FIRST_PAGE;
    while !left.is_empty() {
        let (now, later) = left.split_at(page.min(left.len()));
        let mut commands = redis::pipe();
        for id in now {
            let id = id.to_string();
            let command = commands.cmd("XRANGE").arg(stream);
            command.arg(&id).arg(&id).arg("COUNT").arg(1);
        }
        let mut size = 0;
        for reply in link.ask(&commands).await? {
            let entries = entries(link, stream, &reply)?;
            found += u64::from(!entries.is_empty());
            size += size_of(entries);
        }
        page = next_page(page, size);
        left = later;
    }
    Ok(found)
}

fn entries<'a>(link: &Link, stream: &str, reply: &'a Reply) -> Result<&'a [Value], Fault> {
    match reply {
        Ok(range) => members(range).ok_or_else(|| link.asked.strange("XRANGE")),
        Err(refusal) => Err(link.asked.about_stream(refusal, stream)),
    }
}

fn size_of(entries: &[Value]) -> usize {
    entries.iter().map(bytes).sum()
}

fn id(entry: &Value) -> Option<EntryId> {
    EntryId::parse(&text(members(entry)?.first()?)?)
}

/// Entries of the next page, after one of so many with so many bytes.
pub(crate) fn next_page(page: usize, bytes: usize) -> usize {
    if bytes < SMALL_PAGE {
        (page * 8).min(LARGEST_PAGE)
    } else if bytes > SMALL_PAGE * 4 {
        (page / 4).max(1)
    } else {
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_small_entries_grow_and_those_of_large_ones_shrink() {
        let sizes = |entry: usize| {
            let mut page = FIRST_PAGE;
            let mut sizes = Vec::new();
            for _ in 0..5 {
                sizes.push(page);
                page = next_page(page, page * entry);
            }
            sizes
        };
        assert_eq!(sizes(100), [16, 128, 1_000, 1_000, 1_000]);
        assert_eq!(sizes(10_000_000), [16, 4, 1, 1, 1]);
        assert_eq!(sizes(20_000), [16, 16, 16, 16, 16]);
    }
}
