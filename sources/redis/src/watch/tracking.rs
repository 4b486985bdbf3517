//! A connection over which a server tells of every change of some keys.
//!
//! It is what servers since 6 have for client-side caches: `CLIENT TRACKING ON BCAST` over
//! RESP3. It tells of additions, deletions and trims, for keys of every type and for keys
//! that do not exist yet, costs the server nothing per key, and carries no data; nothing
//! has to be remembered between two messages. A cluster's masters each tell of their own
//! keys. Where a server or the user's ACL does not have it, polling remains.

use std::sync::Arc;
use std::time::Duration;

use headcount_model::{RedisServers, TroubleKind};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, PushInfo, PushKind, Value};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::Wake;
use super::prefixes::covering;
use crate::COMMAND_PATIENCE;
use crate::connection::{listening, master};
use crate::fault::Fault;
use crate::link::Link;
use crate::reply::{count, members, text};

/// How often a silent connection is checked, and a cluster's masters are asked for.
pub const WATCH_HEARTBEAT: Duration = Duration::from_secs(5);
/// Between two attempts to connect: doubled from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LAST_PAUSE: Duration = Duration::from_secs(5);
/// Where it is refused, somebody may come to allow it.
const REFUSED_PAUSE: Duration = Duration::from_secs(60);

/// What is woken by which key.
pub(crate) type Wakes = Vec<Wake>;

/// Listens for ever. Whenever it begins to, everybody is woken: what changed before was
/// told to nobody.
pub(crate) async fn listen(link: Arc<Link>, wakes: Wakes) {
    let wakes = Arc::new(wakes);
    let mut pause = FIRST_PAUSE;
    let mut told = None;
    let mut last: Option<Vec<String>> = None;
    loop {
        match open(&link, &wakes).await {
            Ok(open) => {
                pause = FIRST_PAUSE;
                if told.take().is_some() {
                    tracing::info!("changes are told of again by {}", open.addresses.join(", "));
                }
                let before = last.replace(open.addresses.clone());
                if before.is_some_and(|before| before != open.addresses) {
                    // Who was the master may still answer, with what it had then.
                    link.reconnect().await;
                }
                wake_all(&wakes);
                open.until_it_breaks(&link).await;
            }
            Err(fault) => tell_once(&mut told, fault, &mut pause),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LAST_PAUSE);
    }
}

/// Says why changes are not told of, when that is new.
fn tell_once(told: &mut Option<Fault>, fault: Fault, pause: &mut Duration) {
    if fault.is_lasting() {
        *pause = REFUSED_PAUSE;
    }
    if told.as_ref() != Some(&fault) {
        tracing::warn!("changes are found by polling only: {fault}");
        *told = Some(fault);
    }
}

/// Connections that are being told things, one per server.
struct Open {
    connections: Vec<MultiplexedConnection>,
    /// `host:port` of each.
    addresses: Vec<String>,
    broken: Arc<Notify>,
}

async fn open(link: &Link, wakes: &Arc<Wakes>) -> Result<Open, Fault> {
    let mut open = Open {
        connections: Vec::new(),
        addresses: addresses(link).await?,
        broken: Arc::new(Notify::new()),
    };
    for address in &open.addresses {
        let config = AsyncConnectionConfig::new();
        let config = config.set_push_sender(receiver(wakes, &open.broken));
        let mut connection = listening(&link.to, address, config).await?;
        ask_to_be_told(link, &mut connection, wakes).await?;
        open.connections.push(connection);
    }
    Ok(open)
}

/// The servers that hold the keys.
async fn addresses(link: &Link) -> Result<Vec<String>, Fault> {
    let RedisServers::Cluster(seeds) = &link.to.servers else {
        return Ok(vec![master(&link.to).await?]);
    };
    let mut commands = redis::pipe();
    commands.cmd("CLUSTER").arg("SLOTS");
    let seed = seeds.first().cloned().unwrap_or_default();
    let host = seed.rsplit_once(':').map_or("", |(host, _)| host);
    let reply = link.ask_one(&commands).await?;
    let slots = match &*reply {
        Ok(slots) => slots,
        Err(refusal) => return Err(link.asked.refusal(refusal)),
    };
    let ranges = members(slots).unwrap_or_default();
    let mut masters: Vec<String> = ranges.iter().filter_map(|r| owner(r, host)).collect();
    masters.sort_unstable();
    masters.dedup();
    Ok(masters)
}

/// First slot, last slot, the master (host, port, ...), replicas. A master that does not
/// know its own host is where we found it.
fn owner(range: &Value, found_at: &str) -> Option<String> {
    let master = members(members(range)?.get(2)?)?;
    let host = text(master.first()?).filter(|host| !host.is_empty());
    let host = host.unwrap_or_else(|| found_at.to_owned());
    let port = count(master.get(1)?)?;
    Some(if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    })
}

async fn ask_to_be_told(
    link: &Link,
    connection: &mut MultiplexedConnection,
    wakes: &Wakes,
) -> Result<(), Fault> {
    let mut command = redis::cmd("CLIENT");
    command.arg("TRACKING").arg("ON").arg("BCAST");
    for prefix in covering(wakes.iter().map(|wake| wake.key.as_str())) {
        command.arg("PREFIX").arg(prefix);
    }
    let told = command.query_async::<Value>(connection);
    match timeout(COMMAND_PATIENCE, told).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(link.asked.failure(&error)),
        Err(_) => Err(link.asked.slow(COMMAND_PATIENCE)),
    }
}

/// Called by the connection for everything it is told; never waits.
fn receiver(
    wakes: &Arc<Wakes>,
    broken: &Arc<Notify>,
) -> impl Fn(PushInfo) -> Result<(), redis::aio::SendError> + Send + Sync + 'static {
    let (wakes, broken) = (Arc::clone(wakes), Arc::clone(broken));
    move |push| {
        match push.kind {
            PushKind::Invalidate => wake(&wakes, &push.data),
            PushKind::Disconnection => broken.notify_one(),
            _ => {}
        }
        Ok(())
    }
}

/// The data is the keys that changed, or nothing where all did.
fn wake(wakes: &Wakes, data: &[Value]) {
    let Some(keys) = data.first().and_then(members) else {
        return wake_all(wakes);
    };
    for key in keys {
        let Value::BulkString(key) = key else {
            continue;
        };
        for wake in wakes.iter().filter(|wake| wake.key.as_bytes() == key) {
            wake.told();
        }
    }
}

fn wake_all(wakes: &Wakes) {
    for wake in wakes {
        wake.perhaps();
    }
}

impl Open {
    /// Until a connection ends, does not answer, or the servers are others.
    async fn until_it_breaks(mut self, link: &Link) {
        loop {
            let broken = timeout(WATCH_HEARTBEAT, self.broken.notified()).await;
            if broken.is_ok() || !self.answers().await || !self.is_current(link).await {
                return;
            }
        }
    }

    async fn answers(&mut self) -> bool {
        for connection in &mut self.connections {
            let ping = redis::cmd("PING");
            let pong = timeout(COMMAND_PATIENCE, ping.query_async::<Value>(connection)).await;
            match pong {
                Ok(Ok(_)) => {}
                // That we may not ask is an answer, too.
                Ok(Err(error)) if error.code().is_some() => {}
                _ => return false,
            }
        }
        true
    }

    /// Whether the same servers still hold the keys. Whoever cannot be asked is no reason
    /// to stop listening.
    async fn is_current(&self, link: &Link) -> bool {
        match addresses(link).await {
            Ok(addresses) => addresses == self.addresses,
            Err(_) => true,
        }
    }
}

impl Fault {
    /// Whether only a person can change it.
    fn is_lasting(&self) -> bool {
        self.trouble().kind == TroubleKind::Invalid
    }
}
