//! Orders carried out on the files, one pool at a time under its lock.
//!
//! Promise: our rows in a file are exactly what we hold, whenever we have written it; what
//! could not be written is not ours. Blocks its thread: the ledger gives it one that may.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use headcount_model::{AgentId, Name, Resources};
use headcount_ports::MachinePoolError;

use crate::book::{Book, Found, Reader, VERSION, Wish, millis};
use crate::host::Host;
use crate::lock::{LockError, lock};
use crate::own::Own;
use crate::place::Places;
use crate::{LONGEST_WAIT, file};

/// One order for one pool.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    Reserve(AgentId, Resources),
    Release(AgentId),
    /// Say again what we hold.
    Assert,
}

pub(crate) type Answer = Result<(), MachinePoolError>;

/// Who carries them out.
pub(crate) struct Keeper {
    pub(crate) owner: String,
    pub(crate) host: Host,
    pub(crate) lease: Duration,
    pub(crate) places: Places,
    /// Chosen when it is first needed.
    pub(crate) dir: Option<PathBuf>,
    pub(crate) own: Own,
}

/// What was read, and whether it was there as it should be.
struct Opened {
    book: Book,
    /// As it is in the file; absent when there is none to keep.
    before: Option<Book>,
}

impl Keeper {
    /// Chooses the directory, if that has not been done.
    pub(crate) fn directory(&mut self) -> Result<PathBuf, MachinePoolError> {
        if let Some(dir) = &self.dir {
            return Ok(dir.clone());
        }
        let dir = self.places.open()?;
        tracing::info!(directory = %dir.display(), "ledger of machine pools");
        self.dir = Some(dir.clone());
        Ok(dir)
    }

    /// Carries out orders for one pool, in order, with one look and one write.
    pub(crate) fn settle(&mut self, pool: &Name, orders: &[Order]) -> Vec<Answer> {
        let before = self.own.pool(pool).rows.clone();
        let mut answers = Vec::with_capacity(orders.len());
        let Err(error) = self.under_lock(pool, orders, &mut answers) else {
            return answers;
        };
        // Nothing was written, as far as we know: what was given is taken back, and what
        // was given back stays so.
        let rows = &mut self.own.pool(pool).rows;
        for order in orders {
            match order {
                Order::Reserve(agent, _) => match before.get(agent) {
                    Some(amount) => drop(rows.insert(*agent, *amount)),
                    None => drop(rows.remove(agent)),
                },
                Order::Release(agent) => drop(rows.remove(agent)),
                Order::Assert => {}
            }
        }
        let lapsed = self.host.now() >= self.own.pool(pool).written_until;
        let answer = |order: &Order| match order {
            // Nobody reads a row of ours in this file any more.
            Order::Release(_) if lapsed => Ok(()),
            _ => Err(error.clone()),
        };
        orders.iter().map(answer).collect()
    }

    fn under_lock(
        &mut self,
        pool: &Name,
        orders: &[Order],
        answers: &mut Vec<Answer>,
    ) -> Result<(), MachinePoolError> {
        let dir = self.directory()?;
        let locked = lock(&dir.join(format!("{pool}.lock")), LONGEST_WAIT)
            .map_err(|error| no_lock(pool, &error))?;
        let path = dir.join(format!("{pool}.json"));
        let Opened { mut book, before } = self.open(pool, &path, locked.first)?;
        let (owner, boot) = (self.owner.clone(), self.host.boot.clone());
        let reader = Reader {
            owner: &owner,
            pid: self.host.pid,
            boot: &boot,
            now: self.host.now(),
        };
        book.drop_stale(reader);
        for order in orders {
            answers.push(self.carry_out(pool, *order, &book, reader));
        }
        let own = self.own.pool(pool);
        let lease_until = reader.now.saturating_add(millis(self.lease));
        book.assert_own(reader, own, lease_until);
        if before.as_ref() == Some(&book) {
            return Ok(());
        }
        let bytes = book.to_bytes().map_err(MachinePoolError::Unknown)?;
        file::replace(&path, &bytes).map_err(|error| not_written(&path, &error))?;
        self.own.pool(pool).written_until = lease_until;
        Ok(())
    }

    fn open(&self, pool: &Name, path: &Path, first: bool) -> Result<Opened, MachinePoolError> {
        let closed = || Opened {
            book: Book::closed(Reader {
                owner: &self.owner,
                pid: self.host.pid,
                boot: &self.host.boot,
                now: self.host.now(),
            }),
            before: None,
        };
        let found = match file::read(path).map_err(|error| not_read(path, &error))? {
            None if first => {
                let book = Book::empty();
                return Ok(Opened { book, before: None });
            }
            None => {
                tracing::error!(%pool, path = %path.display(), "the ledger file is gone; nothing is given until every daemon that lives has said what it holds");
                return Ok(closed());
            }
            Some(bytes) => Book::parse(&bytes),
        };
        match found {
            Found::Book(book) => Ok(Opened {
                before: Some(book.clone()),
                book,
            }),
            Found::Foreign(version) => Err(foreign(path, version)),
            Found::Damaged(why) => {
                let aside = file::set_aside(path).map_err(|error| not_written(path, &error))?;
                tracing::error!(%pool, why, kept_in = %aside.display(), "the ledger file is damaged; nothing is given until every daemon that lives has said what it holds");
                Ok(closed())
            }
        }
    }

    fn carry_out(&mut self, pool: &Name, order: Order, book: &Book, reader: Reader<'_>) -> Answer {
        let own = self.own.pool(pool);
        match order {
            Order::Assert => Ok(()),
            Order::Release(agent) => {
                own.rows.remove(&agent);
                Ok(())
            }
            Order::Reserve(agent, amount) => {
                let cap = own.cap.ok_or_else(|| not_registered(pool))?;
                let held = own.rows.remove(&agent);
                let wish = Wish {
                    pool,
                    cap,
                    own: own.sum(),
                    amount,
                };
                let answer = book.judge(reader, wish);
                let row = if answer.is_ok() { Some(amount) } else { held };
                own.rows.extend(row.map(|row| (agent, row)));
                answer
            }
        }
    }

    /// Pools of which there is a file; none when they cannot be told.
    pub(crate) fn on_disk(&mut self) -> BTreeSet<Name> {
        let Ok(dir) = self.directory() else {
            return BTreeSet::new();
        };
        let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            Some(Name::new(name.strip_suffix(".json")?))
        });
        names.collect()
    }
}

fn not_registered(pool: &Name) -> MachinePoolError {
    MachinePoolError::Invalid(format!(
        "machine pool `{pool}` is not configured in this daemon; add it to `machinePools`"
    ))
}

fn no_lock(pool: &Name, error: &LockError) -> MachinePoolError {
    match error {
        LockError::Busy => MachinePoolError::Unavailable(format!(
            "the ledger of machine pool `{pool}` was locked by another daemon for {} s",
            LONGEST_WAIT.as_secs()
        )),
        LockError::Io(error) => MachinePoolError::Unavailable(format!(
            "the ledger of machine pool `{pool}` cannot be locked: {error}"
        )),
    }
}

fn not_read(path: &Path, error: &io::Error) -> MachinePoolError {
    MachinePoolError::Unavailable(format!("cannot read `{}`: {error}", path.display()))
}

fn not_written(path: &Path, error: &io::Error) -> MachinePoolError {
    MachinePoolError::Unknown(format!("cannot write `{}`: {error}", path.display()))
}

fn foreign(path: &Path, version: u32) -> MachinePoolError {
    MachinePoolError::Invalid(format!(
        "`{}` is of version {version}, and this daemon knows version {VERSION}; run the same \
         version of every daemon of this host",
        path.display()
    ))
}
