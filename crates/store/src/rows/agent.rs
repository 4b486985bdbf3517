//! The twin of an agent's record. Its id is the key of the row.

use std::fmt::Display;

use headcount_model::{
    Account, AgentId, AgentKind, AgentPhase, AgentRecord, BackendId, Digest, Name, PoolName, Price,
    Timestamp, Usage,
};
use serde::{Deserialize, Serialize};

use super::outcome::read_reason;
use super::resources::GrantedRow;
use super::{from_json, to_json, unreadable};
use crate::fault::Fault;

pub(crate) fn agent_to_json(record: &AgentRecord) -> Result<String, Fault> {
    to_json(&AgentRow::from(record))
}

pub(crate) fn agent_from_json(id: AgentId, text: &str) -> Result<AgentRecord, Fault> {
    from_json::<AgentRow>(id, text)?.into_record(id)
}

/// What an agent's time goes into, and of which pool it is.
pub(crate) fn account_from_json(text: &str) -> Result<Option<(PoolName, Account)>, Fault> {
    let AccountOf { pool, account } = from_json("an agent", text)?;
    let account = account.map(AccountRow::into_account).transpose()?;
    Ok(account.map(|account| (PoolName::new(&pool), account)))
}

#[derive(Serialize, Deserialize)]
struct AgentRow {
    pool: String,
    scaler: String,
    backend: String,
    machine_pool: Option<String>,
    kind: KindRow,
    phase: String,
    phase_since: u64,
    created_at: u64,
    made_for: String,
    leaves_for: Option<String>,
    granted: GrantedRow,
    slots: u32,
    made_from: u64,
    jobs_done: u32,
    tokens: Vec<String>,
    used_token: Option<String>,
    session: Option<String>,
    account: Option<AccountRow>,
    cordoned: bool,
}

/// What an agent's time goes into. Absent before schema 3.
#[derive(Serialize, Deserialize)]
struct AccountRow {
    usage: String,
    since: u64,
    price: Option<u64>,
    price_told: bool,
}

/// As much of an agent's row as its account needs.
#[derive(Deserialize)]
struct AccountOf {
    pool: String,
    account: Option<AccountRow>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KindRow {
    Managed,
    Sidecar,
    Worker,
}

impl From<&AgentRecord> for AgentRow {
    fn from(it: &AgentRecord) -> Self {
        Self {
            pool: it.pool.as_str().to_string(),
            scaler: it.scaler.as_str().to_string(),
            backend: it.backend.as_str().to_string(),
            machine_pool: it
                .machine_pool
                .as_ref()
                .map(|name| name.as_str().to_string()),
            kind: it.kind.into(),
            phase: it.phase.code().to_string(),
            phase_since: it.phase_since.as_millis(),
            created_at: it.created_at.as_millis(),
            made_for: it.made_for.code().to_string(),
            leaves_for: it.leaves_for.map(|reason| reason.code().to_string()),
            granted: it.granted.into(),
            slots: it.slots,
            made_from: it.made_from,
            jobs_done: it.jobs_done,
            tokens: it.tokens.iter().map(write_digest).collect(),
            used_token: it.used_token.as_ref().map(write_digest),
            session: it.session.as_ref().map(write_digest),
            account: it.account.map(AccountRow::from),
            cordoned: it.cordoned,
        }
    }
}

impl AgentRow {
    fn into_record(self, id: AgentId) -> Result<AgentRecord, Fault> {
        let digest = |text: &String| read_digest(id, text);
        let reason = |code: &String| read_reason(id, code);
        Ok(AgentRecord {
            id,
            pool: PoolName::new(&self.pool),
            scaler: Name::new(&self.scaler),
            backend: BackendId::new(&self.backend),
            machine_pool: self.machine_pool.as_deref().map(Name::new),
            kind: self.kind.into(),
            phase: AgentPhase::from_code(&self.phase)
                .ok_or_else(|| unreadable(id, format!("no phase is called {:?}", self.phase)))?,
            phase_since: Timestamp::from_millis(self.phase_since),
            created_at: Timestamp::from_millis(self.created_at),
            made_for: reason(&self.made_for)?,
            leaves_for: self.leaves_for.as_ref().map(reason).transpose()?,
            granted: self.granted.into(),
            slots: self.slots,
            made_from: self.made_from,
            jobs_done: self.jobs_done,
            tokens: self.tokens.iter().map(digest).collect::<Result<_, _>>()?,
            used_token: self.used_token.as_ref().map(digest).transpose()?,
            session: self.session.as_ref().map(digest).transpose()?,
            account: self.account.map(AccountRow::into_account).transpose()?,
            cordoned: self.cordoned,
        })
    }
}

impl From<Account> for AccountRow {
    fn from(it: Account) -> Self {
        Self {
            usage: it.usage.code().to_string(),
            since: it.since.as_millis(),
            price: it.price.map(Price::as_micros),
            price_told: it.price_told,
        }
    }
}

impl AccountRow {
    fn into_account(self) -> Result<Account, Fault> {
        Ok(Account {
            usage: Usage::from_code(&self.usage).ok_or_else(|| {
                unreadable("an agent", format!("no usage is called {:?}", self.usage))
            })?,
            since: Timestamp::from_millis(self.since),
            price: self.price.and_then(Price::from_micros),
            price_told: self.price_told,
        })
    }
}

impl From<AgentKind> for KindRow {
    fn from(kind: AgentKind) -> Self {
        match kind {
            AgentKind::Managed => Self::Managed,
            AgentKind::Sidecar => Self::Sidecar,
            AgentKind::Worker => Self::Worker,
        }
    }
}

impl From<KindRow> for AgentKind {
    fn from(row: KindRow) -> Self {
        match row {
            KindRow::Managed => Self::Managed,
            KindRow::Sidecar => Self::Sidecar,
            KindRow::Worker => Self::Worker,
        }
    }
}

fn write_digest(digest: &Digest) -> String {
    digest.0.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read_digest(what: impl Display, text: &str) -> Result<Digest, Fault> {
    let mut bytes = [0; 32];
    let fits = text.len() == 2 * bytes.len() && text.is_ascii();
    let parsed = fits
        && bytes.iter_mut().enumerate().all(|(n, byte)| {
            let digits = text.get(2 * n..2 * n + 2).unwrap_or_default();
            u8::from_str_radix(digits, 16)
                .map(|value| *byte = value)
                .is_ok()
        });
    if parsed {
        Ok(Digest(bytes))
    } else {
        Err(unreadable(what, "a digest is not 64 hex digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_64_hex_digits_and_nothing_else() {
        let digest = Digest([0xa5; 32]);
        assert_eq!(read_digest("a", &write_digest(&digest)).ok(), Some(digest));
        for text in ["", "a5", &"zz".repeat(32), &"ä".repeat(32)] {
            assert_eq!(
                read_digest("a-1-1", text).map_err(|it| it.to_string()),
                Err("the row of a-1-1 cannot be read: a digest is not 64 hex digits".to_string())
            );
        }
    }
}
