//! How a trigger reaches Redis.

use super::value;
use crate::problem::{Draft, Problems};
use crate::settings::{ManifestPlace, RedisServer, RedisServers, RedisTls, SecretFrom, SecretRef};
use crate::source::{Place, Spanned};
use crate::suggest::quoted;
use crate::written::{RedisForm, TriggerMetadata, TriggerWord};

/// The server; `None` only when a problem forbids it.
pub(super) fn server(
    form: RedisForm,
    word: TriggerWord,
    metadata: &TriggerMetadata,
    problems: &mut Problems,
) -> Option<RedisServer> {
    let password = Secrets {
        key: "password",
        plain: &metadata.password,
        file: &metadata.password_file,
        env: &metadata.password_from_env,
        manifest: &metadata.password_from_manifest,
    };
    let password = password.read(problems);
    let tls = tls(metadata, problems);
    let addresses = addresses(metadata, word, problems);
    let database = database(form, metadata, problems);
    let sentinel = match form {
        RedisForm::Sentinel => Some(sentinel(metadata, problems)?),
        RedisForm::Standalone | RedisForm::Cluster => None,
    };
    let addresses = addresses?;
    let servers = match (form, sentinel) {
        (RedisForm::Cluster, _) => RedisServers::Cluster(addresses),
        (_, Some((master, username, password))) => RedisServers::Sentinel {
            addresses,
            master,
            username,
            password,
        },
        (_, None) => RedisServers::Standalone(only(addresses, metadata, problems)?),
    };
    Some(RedisServer {
        servers,
        username: value(metadata.username.as_ref()),
        password: password?,
        database,
        tls: tls?,
    })
}

/// Master, user and password at the sentinels.
type Sentinel = (String, Option<String>, Option<SecretRef>);

fn sentinel(metadata: &TriggerMetadata, problems: &mut Problems) -> Option<Sentinel> {
    let password = Secrets {
        key: "sentinelPassword",
        plain: &metadata.sentinel_password,
        file: &metadata.sentinel_password_file,
        env: &metadata.sentinel_password_from_env,
        manifest: &metadata.sentinel_password_from_manifest,
    };
    let password = password.read(problems);
    let who = "a trigger that asks sentinels";
    super::backend::need(metadata, who, "sentinelMaster", metadata.place, problems);
    Some((
        value(metadata.sentinel_master.as_ref())?,
        value(metadata.sentinel_username.as_ref()),
        password?,
    ))
}

/// A standalone server is one.
fn only(
    addresses: Vec<String>,
    metadata: &TriggerMetadata,
    problems: &mut Problems,
) -> Option<String> {
    if addresses.len() > 1 {
        let draft = Draft::warning("a standalone server is one: only the first is asked")
            .hint("keep one, or write the type for a cluster or for sentinels");
        problems.at(place_of_addresses(metadata), draft);
    }
    addresses.into_iter().next()
}

fn place_of_addresses(metadata: &TriggerMetadata) -> Place {
    let written = [
        &metadata.address,
        &metadata.addresses,
        &metadata.host,
        &metadata.hosts,
    ];
    let written = written.into_iter().flatten().next();
    written.map_or(metadata.place, |addresses| addresses.place)
}

fn database(form: RedisForm, metadata: &TriggerMetadata, problems: &mut Problems) -> u32 {
    let Some(index) = &metadata.database_index else {
        return 0;
    };
    if form == RedisForm::Cluster && index.value != 0 {
        let draft = Draft::warning("`databaseIndex` has no effect: a cluster has one database")
            .hint("remove it");
        problems.at(index.place, draft);
        return 0;
    }
    u32::try_from(index.value).unwrap_or_else(|_| {
        let draft = Draft::error("`databaseIndex` is more than any server has")
            .hint("write for example `1`");
        problems.at(index.place, draft);
        0
    })
}

/// All servers, `host:port`, at least one.
fn addresses(
    metadata: &TriggerMetadata,
    word: TriggerWord,
    problems: &mut Problems,
) -> Option<Vec<String>> {
    let unreadable = ["address", "addresses", "host", "hosts", "port", "ports"];
    let n_written = metadata.written.iter();
    let n_written = n_written
        .filter(|(key, _)| unreadable.contains(key))
        .count();
    let (hosts, ports) = (
        joined([&metadata.host, &metadata.hosts]),
        joined([&metadata.port, &metadata.ports]),
    );
    let whole = [&metadata.address, &metadata.addresses];
    let mut good = true;
    let mut addresses = Vec::new();
    for written in whole.into_iter().flatten() {
        for address in &written.value {
            good &= check_address(address, written.place, problems);
            addresses.push(address.clone());
        }
    }
    if hosts.len() != ports.len() {
        let message = format!(
            "hosts and ports do not pair: {} and {}",
            hosts.len(),
            ports.len()
        );
        let hint = "write as many ports as hosts, in the same order";
        problems.at(
            place_of_addresses(metadata),
            Draft::error(message).hint(hint),
        );
        return None;
    }
    for ((host, place), (port, _)) in hosts.iter().zip(&ports) {
        let address = match host.contains(':') && !host.starts_with('[') {
            true => format!("[{host}]:{port}"),
            false => format!("{host}:{port}"),
        };
        good &= check_address(&address, *place, problems);
        addresses.push(address);
    }
    if addresses.is_empty() && n_written == 0 {
        let message = format!("a trigger of type `{}` names no server", word.word());
        let draft = Draft::error(message).label("it is missing here");
        problems.at(metadata.place, draft.hint("add `address: \"host:6379\"`"));
    }
    (good && !addresses.is_empty()).then_some(addresses)
}

fn joined(lists: [&Option<Spanned<Vec<String>>>; 2]) -> Vec<(String, Place)> {
    let lists = lists.into_iter().flatten();
    lists
        .flat_map(|list| list.value.iter().map(|text| (text.clone(), list.place)))
        .collect()
}

fn check_address(address: &str, place: Place, problems: &mut Problems) -> bool {
    let good = address.rsplit_once(':').is_some_and(|(host, port)| {
        let port = port.parse::<u16>().is_ok_and(|port| port > 0);
        let bracketed = host.starts_with('[') && host.ends_with(']') && host.len() > 2;
        let usual = !host.is_empty() && !host.contains([':', '/', '@', ' ']);
        port && (bracketed || usual)
    });
    if !good {
        let draft = Draft::error(format!("{} is not `host:port`", quoted(address)))
            .hint("write for example `redis.example.com:6379`, an IPv6 host in brackets");
        problems.at(place, draft);
    }
    good
}

/// `None` when a problem forbids it; `Some(None)` is without TLS.
#[expect(clippy::option_option, reason = "wrong is not the same as none")]
fn tls(metadata: &TriggerMetadata, problems: &mut Problems) -> Option<Option<RedisTls>> {
    let manifest_only = |key, file, manifest| Secrets {
        key,
        plain: &None,
        file,
        env: &None,
        manifest,
    };
    let ca = manifest_only("ca", &metadata.ca_file, &metadata.ca_from_manifest);
    let cert = manifest_only("cert", &metadata.cert_file, &metadata.cert_from_manifest);
    let key = manifest_only("key", &metadata.key_file, &metadata.key_from_manifest);
    let (ca, cert, key) = (
        ca.read(problems)?,
        cert.read(problems)?,
        key.read(problems)?,
    );
    let insecure = value(metadata.unsafe_ssl.as_ref()).unwrap_or(false);
    if !value(metadata.enable_tls.as_ref()).unwrap_or(false) {
        for part in [&ca, &cert, &key].into_iter().flatten() {
            warn_without_tls(part.place, problems);
        }
        if let Some(flag) = metadata.unsafe_ssl.as_ref().filter(|_| insecure) {
            warn_without_tls(flag.place, problems);
        }
        return Some(None);
    }
    let client = match (cert, key) {
        (Some(cert), Some(key)) => Some((cert, key)),
        (None, None) => None,
        (Some(one), None) | (None, Some(one)) => {
            let draft = Draft::error("a certificate and its key go together")
                .hint("write both `certFile` and `keyFile`, or neither");
            problems.at(one.place, draft);
            return None;
        }
    };
    Some(Some(RedisTls {
        ca,
        client,
        insecure,
    }))
}

fn warn_without_tls(place: Place, problems: &mut Problems) {
    let draft = Draft::warning("this has no effect without TLS").hint("add `enableTLS: true`");
    problems.at(place, draft);
}

/// The spellings of one secret.
struct Secrets<'w> {
    key: &'static str,
    plain: &'w Option<Spanned<String>>,
    file: &'w Option<Spanned<String>>,
    env: &'w Option<Spanned<String>>,
    manifest: &'w Option<Spanned<String>>,
}

impl Secrets<'_> {
    /// `None` when a problem forbids it; `Some(None)` where none is written.
    #[expect(clippy::option_option, reason = "wrong is not the same as none")]
    fn read(&self, problems: &mut Problems) -> Option<Option<SecretRef>> {
        let key = self.key;
        if let Some(plain) = self.plain {
            let draft = Draft::error(format!("a plain `{key}` is not taken"))
                .label("whoever reads the configuration would have it")
                .hint(format!(
                    "write `{key}File: PATH` or `{key}FromEnv: VARIABLE`"
                ));
            problems.at(plain.place, draft);
            return None;
        }
        let mut found = Vec::new();
        for (written, of) in [
            (self.file, SecretFrom::File as fn(String) -> SecretFrom),
            (self.env, SecretFrom::Env),
        ] {
            found.extend(
                written
                    .iter()
                    .map(|text| SecretRef::new(of(text.value.clone()), text.place)),
            );
        }
        if let Some(text) = self.manifest {
            found.push(of_manifest(text, problems)?);
        }
        if let [_, second, ..] = found.as_slice() {
            let draft =
                Draft::error(format!("`{key}` is written in two ways")).hint("keep one of them");
            problems.at(second.place, draft);
            return None;
        }
        Some(found.pop())
    }
}

/// A secret in a file of Kubernetes objects; `None` once a problem has been noted.
pub(super) fn of_manifest(text: &Spanned<String>, problems: &mut Problems) -> Option<SecretRef> {
    let Some(place) = ManifestPlace::parse(&text.value) else {
        let message = format!("{} is not a place in a manifest", quoted(&text.value));
        let hint = "write for example `secrets.yaml#Secret/redis#/data/password`";
        problems.at(text.place, Draft::error(message).hint(hint));
        return None;
    };
    Some(SecretRef::new(SecretFrom::Manifest(place), text.place))
}
