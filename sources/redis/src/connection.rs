//! Opening connections: one server, the one that sentinels name, or a cluster.

use std::sync::Once;
use std::time::Duration;

use headcount_model::{RedisConnection, RedisServers, RedisTls, Secret};
use redis::aio::MultiplexedConnection;
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::{
    AsyncConnectionConfig, Client, ClientTlsConfig, ConnectionAddr, ConnectionInfo, ErrorKind,
    IntoConnectionInfo, ProtocolVersion, RedisConnectionInfo, RedisError, TlsCertificates, Value,
};

use crate::fault::{Asked, Fault};
use crate::reply::{Refusal, members, text};

/// For one server to be connected to and to let us in.
pub const CONNECT_PATIENCE: Duration = Duration::from_secs(2);

/// An open connection. Clones share it.
#[derive(Clone)]
pub(crate) enum Connection {
    /// To one server.
    Single(MultiplexedConnection),
    /// To all of a cluster.
    Cluster(ClusterConnection),
}

/// Opens one to wherever the settings say.
pub(crate) async fn open(to: &RedisConnection) -> Result<Connection, Fault> {
    if let RedisServers::Cluster(seeds) = &to.servers {
        return cluster(to, seeds).await.map(Connection::Cluster);
    }
    let address = master(to).await?;
    let config = AsyncConnectionConfig::new();
    let single = single(to, &address, config).await?;
    Ok(Connection::Single(single))
}

/// `host:port` of the one server that is to be asked.
pub(crate) async fn master(to: &RedisConnection) -> Result<String, Fault> {
    match &to.servers {
        RedisServers::Standalone(address) => Ok(address.clone()),
        RedisServers::Cluster(seeds) => Ok(seeds.first().cloned().unwrap_or_default()),
        RedisServers::Sentinel {
            addresses, master, ..
        } => named_by_sentinels(to, addresses, master).await,
    }
}

/// A connection to one server, as the user of the settings.
pub(crate) async fn single(
    to: &RedisConnection,
    address: &str,
    config: AsyncConnectionConfig,
) -> Result<MultiplexedConnection, Fault> {
    let mut user = settings(to.username.as_deref(), to.password.as_ref());
    if !matches!(to.servers, RedisServers::Cluster(_)) {
        user = user.set_db(i64::from(to.database));
    }
    connect(to, address, user, config).await
}

/// As [`single`], over which the server may also tell us things.
pub(crate) async fn listening(
    to: &RedisConnection,
    address: &str,
    config: AsyncConnectionConfig,
) -> Result<MultiplexedConnection, Fault> {
    let user = settings(to.username.as_deref(), to.password.as_ref());
    let user = user.set_protocol(ProtocolVersion::RESP3);
    connect(to, address, user, config).await
}

fn settings(username: Option<&str>, password: Option<&Secret>) -> RedisConnectionInfo {
    let mut settings = RedisConnectionInfo::default();
    if let Some(username) = username {
        settings = settings.set_username(username);
    }
    if let Some(password) = password {
        settings = settings.set_password(password.expose());
    }
    settings
}

async fn connect(
    to: &RedisConnection,
    address: &str,
    user: RedisConnectionInfo,
    config: AsyncConnectionConfig,
) -> Result<MultiplexedConnection, Fault> {
    let asked = Asked {
        server: address.to_owned(),
        user: user.username().unwrap_or("default").to_owned(),
        cluster: false,
    };
    let info = info(to, address)?;
    // Naming the library is not worth a command that a user's ACL may forbid; but over TLS
    // the first answer tells whether the server takes our certificate.
    let user = match to.tls {
        Some(_) => user,
        None => user.set_skip_set_lib_name(),
    };
    let info = info.set_redis_settings(user);
    let client = match certificates(to) {
        Some(certificates) => Client::build_with_tls(info, certificates),
        None => Client::open(info),
    };
    let client = client.map_err(|error| asked.failure(&error))?;
    // Deadlines of commands are ours; connecting has one, and it covers logging in.
    let config = config
        .set_connection_timeout(None)
        .set_response_timeout(None);
    let opening = client.get_multiplexed_async_connection_with_config(&config);
    match tokio::time::timeout(CONNECT_PATIENCE, opening).await {
        Ok(opened) => opened.map_err(|error| asked.failure(&error)),
        Err(_) if to.tls.is_some() => Err(Fault::SlowTls {
            server: asked.server,
            after: CONNECT_PATIENCE,
        }),
        Err(_) => Err(asked.slow(CONNECT_PATIENCE)),
    }
}

async fn cluster(to: &RedisConnection, seeds: &[String]) -> Result<ClusterConnection, Fault> {
    let asked = Asked::at(to);
    let seeds: Result<Vec<ConnectionInfo>, Fault> =
        seeds.iter().map(|seed| info(to, seed)).collect();
    let mut builder = ClusterClient::builder(seeds?)
        .connection_timeout(CONNECT_PATIENCE)
        .response_timeout(crate::COMMAND_PATIENCE)
        .retries(CLUSTER_RETRIES);
    if let Some(username) = &to.username {
        builder = builder.username(username);
    }
    if let Some(password) = &to.password {
        builder = builder.password(password.expose());
    }
    if let Some(certificates) = certificates(to) {
        builder = builder.certs(certificates);
    }
    let client = builder.build().map_err(|error| asked.failure(&error))?;
    let opening = client.get_async_connection();
    match tokio::time::timeout(CONNECT_PATIENCE, opening).await {
        Ok(opened) => opened.map_err(|error| asked.failure(&error)),
        Err(_) => Err(asked.slow(CONNECT_PATIENCE)),
    }
}

/// How often a cluster's command follows a key that moved.
const CLUSTER_RETRIES: u32 = 3;

async fn named_by_sentinels(
    to: &RedisConnection,
    addresses: &[String],
    master: &str,
) -> Result<String, Fault> {
    let mut silent = None;
    for address in addresses {
        match ask_sentinel(to, address, master).await {
            Ok(Some(named)) => return Ok(named),
            Ok(None) => silent = None,
            Err(fault) => silent = Some(fault),
        }
    }
    let servers = addresses.join(", ");
    Err(match silent {
        Some(Fault::Unreachable { why, .. }) => Fault::NoSentinel { servers, why },
        Some(fault) => fault,
        None => Fault::NoSuchMaster {
            servers,
            master: master.to_owned(),
        },
    })
}

async fn ask_sentinel(
    to: &RedisConnection,
    address: &str,
    master: &str,
) -> Result<Option<String>, Fault> {
    let user = match &to.servers {
        RedisServers::Sentinel {
            username, password, ..
        } => settings(username.as_deref(), password.as_ref()),
        _ => settings(None, None),
    };
    let asked = Asked {
        server: address.to_owned(),
        user: user.username().unwrap_or("default").to_owned(),
        cluster: false,
    };
    let mut sentinel = connect(to, address, user, AsyncConnectionConfig::new()).await?;
    let mut question = redis::cmd("SENTINEL");
    question.arg("GET-MASTER-ADDR-BY-NAME").arg(master);
    let answer = tokio::time::timeout(CONNECT_PATIENCE, question.query_async(&mut sentinel)).await;
    let answer: Value = match answer {
        Ok(answer) => answer.map_err(|error| asked.failure(&error))?,
        Err(_) => return Err(asked.slow(CONNECT_PATIENCE)),
    };
    let words: Vec<String> = members(&answer)
        .map(|words| words.iter().filter_map(text).collect())
        .unwrap_or_default();
    Ok(match words.as_slice() {
        [host, port] if host.contains(':') => Some(format!("[{host}]:{port}")),
        [host, port] => Some(format!("{host}:{port}")),
        _ => None,
    })
}

fn info(to: &RedisConnection, address: &str) -> Result<ConnectionInfo, Fault> {
    let bad = || Fault::BadAddress {
        address: address.to_owned(),
    };
    let (host, port) = address.rsplit_once(':').ok_or_else(bad)?;
    let port: u16 = port.parse().map_err(|_| bad())?;
    let inner = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    let host = match inner {
        Some(inner) => inner,
        None if host.is_empty() || host.contains(':') => return Err(bad()),
        None => host,
    };
    let host = host.to_owned();
    let place = match &to.tls {
        Some(tls) => secure(host, port, tls),
        None => ConnectionAddr::Tcp(host, port),
    };
    place.into_connection_info().map_err(|_| bad())
}

fn secure(host: String, port: u16, tls: &RedisTls) -> ConnectionAddr {
    static PROVIDER: Once = Once::new();
    // Somebody else in this process may have chosen one already.
    PROVIDER.call_once(|| drop(rustls::crypto::aws_lc_rs::default_provider().install_default()));
    ConnectionAddr::TcpTls {
        host,
        port,
        insecure: tls.insecure,
        tls_params: None,
    }
}

fn certificates(to: &RedisConnection) -> Option<TlsCertificates> {
    let tls = to.tls.as_ref()?;
    let client = tls.client.as_ref();
    Some(TlsCertificates {
        client_tls: client.map(|(certificate, key)| ClientTlsConfig {
            client_cert: certificate.clone().into_bytes(),
            client_key: key.expose().as_bytes().to_vec(),
        }),
        root_cert: tls.ca.clone().map(String::into_bytes),
    })
}

impl Asked {
    /// For texts about these servers.
    pub(crate) fn at(to: &RedisConnection) -> Self {
        let server = match &to.servers {
            RedisServers::Standalone(address) => address.clone(),
            RedisServers::Cluster(addresses) | RedisServers::Sentinel { addresses, .. } => {
                addresses.join(", ")
            }
        };
        Self {
            server,
            user: to.username.clone().unwrap_or_else(|| "default".to_owned()),
            cluster: matches!(to.servers, RedisServers::Cluster(_)),
        }
    }

    /// What an error of a connection means.
    pub(crate) fn failure(&self, error: &RedisError) -> Fault {
        if let Some(refusal) = Refusal::of(error) {
            return self.refusal(&refusal);
        }
        let server = self.server.clone();
        if error.kind() == ErrorKind::AuthenticationFailed {
            let user = self.user.clone();
            return Fault::WrongPassword { server, user };
        }
        let why = why(error);
        if error.kind() == ErrorKind::RESP3NotSupported {
            return Fault::NoPush { server, why };
        }
        let about_tls = [
            "certificate",
            "tls",
            "handshake",
            "fatal alert",
            "InvalidContentType",
            "corrupt message",
        ];
        if about_tls.iter().any(|word| why.contains(word)) {
            return Fault::Tls { server, why };
        }
        Fault::Unreachable { server, why }
    }

    /// It did not answer in time.
    pub(crate) fn slow(&self, after: Duration) -> Fault {
        Fault::Slow {
            server: self.server.clone(),
            after,
        }
    }
}

/// The error of the operating system or of TLS, without the library's own words.
fn why(error: &RedisError) -> String {
    if error.is_connection_refusal() {
        return "connection refused".to_owned();
    }
    let whole = error.to_string();
    let mut letters = whole.chars();
    let first = letters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}
