//! The rules of one pool's file: who holds what, who still counts, and who may have more.
//! No IO, no clock.
//!
//! Promise: a row counts until its lease is over or the host has booted anew, whoever
//! wrote it; nothing is given while it is unknown what is held, or while daemons disagree
//! about the cap.

use headcount_model::amount::{cpus, memory};
use headcount_model::{AgentId, Cap, Name, Resources};
use headcount_ports::MachinePoolError;
use serde::{Deserialize, Serialize};

use crate::LONGEST_LEASE;
use crate::own::OwnPool;

/// The version of the file's format.
pub(crate) const VERSION: u32 = 1;

/// One pool's file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Book {
    version: u32,
    /// The file was lost or damaged: until then daemons that live say what they hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    closed: Option<Closed>,
    /// In order of owner; daemons that hold nothing are not listed.
    daemons: Vec<Daemon>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Closed {
    boot_id: String,
    until_millis: u64,
}

/// What one daemon holds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Daemon {
    owner: String,
    /// For people only: it may be of another pid namespace.
    pid: u32,
    boot_id: String,
    /// On the host's monotonic clock.
    lease_until_millis: u64,
    /// What it believes the cap to be; absent once the pool has left its configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cap: Option<CapRow>,
    rows: Vec<Row>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CapRow {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_cpu_millis: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_memory_bytes: Option<u64>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Row {
    agent: String,
    cpu_millis: u64,
    memory_bytes: u64,
}

/// Who looks into the book, and when.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) owner: &'a str,
    pub(crate) pid: u32,
    pub(crate) boot: &'a str,
    pub(crate) now: u64,
}

/// One wish for room.
#[derive(Clone, Copy)]
pub(crate) struct Wish<'a> {
    pub(crate) pool: &'a Name,
    pub(crate) cap: Cap,
    /// What we hold without it.
    pub(crate) own: Resources,
    pub(crate) amount: Resources,
}

/// What a file turned out to be.
pub(crate) enum Found {
    Book(Book),
    /// Not a book, or half of one, and why.
    Damaged(String),
    /// Written by another version, which understands it.
    Foreign(u32),
}

#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

impl Book {
    /// A pool in which nobody holds anything.
    pub(crate) const fn empty() -> Self {
        Self {
            version: VERSION,
            closed: None,
            daemons: Vec::new(),
        }
    }

    /// A pool of which it is unknown what is held: whoever lives renews before the longest
    /// lease is over, and whoever does not holds nothing after that.
    pub(crate) fn closed(reader: Reader<'_>) -> Self {
        Self {
            closed: Some(Closed {
                boot_id: reader.boot.into(),
                until_millis: reader.now.saturating_add(millis(LONGEST_LEASE)),
            }),
            ..Self::empty()
        }
    }

    pub(crate) fn parse(bytes: &[u8]) -> Found {
        match serde_json::from_slice::<Versioned>(bytes) {
            Err(error) => Found::Damaged(error.to_string()),
            Ok(found) if found.version != VERSION => Found::Foreign(found.version),
            Ok(_) => match serde_json::from_slice(bytes) {
                Ok(book) => Found::Book(book),
                Err(error) => Found::Damaged(error.to_string()),
            },
        }
    }

    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, String> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(|e| e.to_string())?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Drops what no longer counts: rows of another boot, and of leases that are over. A
    /// lease longer than anybody may have is cut to that.
    pub(crate) fn drop_stale(&mut self, reader: Reader<'_>) {
        let latest = reader.now.saturating_add(millis(LONGEST_LEASE));
        self.daemons.retain_mut(|daemon| {
            daemon.lease_until_millis = daemon.lease_until_millis.min(latest);
            daemon.boot_id == reader.boot && daemon.lease_until_millis > reader.now
        });
        if let Some(closed) = &mut self.closed {
            closed.until_millis = closed.until_millis.min(latest);
        }
        let over = |c: &Closed| c.boot_id != reader.boot || c.until_millis <= reader.now;
        self.closed = self.closed.take().filter(|closed| !over(closed));
    }

    /// Our rows in the book are from now on exactly these, until `lease_until`.
    pub(crate) fn assert_own(&mut self, reader: Reader<'_>, own: &OwnPool, lease_until: u64) {
        self.daemons.retain(|daemon| daemon.owner != reader.owner);
        if own.rows.is_empty() {
            return;
        }
        let rows = own.rows.iter().map(|(agent, amount)| row(*agent, *amount));
        self.daemons.push(Daemon {
            owner: reader.owner.into(),
            pid: reader.pid,
            boot_id: reader.boot.into(),
            lease_until_millis: lease_until,
            cap: own.cap.map(CapRow::from),
            rows: rows.collect(),
        });
        self.daemons.sort_by(|a, b| a.owner.cmp(&b.owner));
    }

    /// What all other daemons hold.
    pub(crate) fn others(&self, owner: &str) -> Resources {
        let others = self.daemons.iter().filter(|daemon| daemon.owner != owner);
        let rows = others.flat_map(|daemon| &daemon.rows);
        rows.fold(Resources::ZERO, |sum, row| {
            sum.plus(Resources {
                cpu_millis: row.cpu_millis,
                memory_bytes: row.memory_bytes,
            })
        })
    }

    /// Whether there is room for the wish. Reaching the cap exactly is allowed.
    pub(crate) fn judge(&self, reader: Reader<'_>, wish: Wish<'_>) -> Result<(), MachinePoolError> {
        self.refuse_while_closed(reader, wish.pool)?;
        self.refuse_other_caps(reader.owner, wish)?;
        let others = self.others(reader.owner);
        let (cap, held, asked) = (wish.cap, others.plus(wish.own), wish.amount);
        let passes = |held: u64, asked: u64, cap: Option<u64>| {
            cap.filter(|cap| asked > 0 && held.saturating_add(asked) > *cap)
        };
        let cpu = passes(held.cpu_millis, asked.cpu_millis, cap.max_cpu_millis);
        let mem = passes(held.memory_bytes, asked.memory_bytes, cap.max_memory_bytes);
        let words = match (cpu, mem) {
            (Some(cap), _) => taken(
                cpus,
                held.cpu_millis,
                cap,
                others.cpu_millis,
                asked.cpu_millis,
            ),
            (None, Some(cap)) => taken(
                memory,
                held.memory_bytes,
                cap,
                others.memory_bytes,
                asked.memory_bytes,
            ),
            (None, None) => return Ok(()),
        };
        let side = if cpu.is_some() { "CPU" } else { "memory" };
        let message = format!(
            "machine pool `{}` has no room: of its {side} {words}",
            wish.pool
        );
        Err(MachinePoolError::Full { message, others })
    }

    fn refuse_while_closed(&self, reader: Reader<'_>, pool: &Name) -> Result<(), MachinePoolError> {
        let Some(closed) = &self.closed else {
            return Ok(());
        };
        let left = closed
            .until_millis
            .saturating_sub(reader.now)
            .div_ceil(1000);
        Err(MachinePoolError::Unavailable(format!(
            "the ledger file of machine pool `{pool}` was lost or damaged; nothing is given for \
             {left} s, until every daemon that lives has said what it holds"
        )))
    }

    fn refuse_other_caps(&self, owner: &str, wish: Wish<'_>) -> Result<(), MachinePoolError> {
        let ours = CapRow::from(wish.cap);
        let differs = |daemon: &&Daemon| {
            daemon.owner != owner && daemon.cap.is_some_and(|theirs| theirs != ours)
        };
        let Some(daemon) = self.daemons.iter().find(differs) else {
            return Ok(());
        };
        let theirs = daemon.cap.map_or_else(String::new, cap_words);
        Err(MachinePoolError::Invalid(format!(
            "machine pool `{}` has another cap elsewhere: {} here, {theirs} in daemon {} (pid \
             {}); give it the same cap in every daemon of this host and reload them",
            wish.pool,
            cap_words(ours),
            daemon.owner,
            daemon.pid,
        )))
    }
}

fn row(agent: AgentId, amount: Resources) -> Row {
    Row {
        agent: agent.to_string(),
        cpu_millis: amount.cpu_millis,
        memory_bytes: amount.memory_bytes,
    }
}

fn taken(show: fn(u64) -> String, held: u64, cap: u64, others: u64, asked: u64) -> String {
    format!(
        "{} of {} are taken, {} of that by other daemons, and the agent asks for {}",
        show(held),
        show(cap),
        show(others),
        show(asked)
    )
}

fn cap_words(cap: CapRow) -> String {
    let cpu = cap.max_cpu_millis.map_or("no limit".into(), cpus);
    let bytes = cap.max_memory_bytes.map_or("no limit".into(), memory);
    format!("maxCpu {cpu} and maxMemory {bytes}")
}

impl From<Cap> for CapRow {
    fn from(cap: Cap) -> Self {
        Self {
            max_cpu_millis: cap.max_cpu_millis,
            max_memory_bytes: cap.max_memory_bytes,
        }
    }
}

/// A span in milliseconds.
pub(crate) fn millis(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
