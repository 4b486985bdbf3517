//! An engine in namespaces of its own, ruled over a pipe.
//!
//! Process 1 of those namespaces is a shell that reads words from a pipe whose other end
//! the test holds: the end of the test, however it comes, is the end of that shell and
//! with it of the engine, its helpers, its containers, mounts and interfaces.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use bollard::models::ContainerCreateBody;
use bollard::query_parameters::{ListContainersOptionsBuilder, RemoveContainerOptionsBuilder};
use bollard::{API_DEFAULT_VERSION, Docker};
use futures_util::StreamExt;
use rustix::process::{Resource, getrlimit};
use tempfile::TempDir;

use crate::host::{Kind, find};
use crate::image;
use crate::registry::{self, Registry};

/// For an engine to answer, and to end.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks, where no event tells.
const PAUSE: Duration = Duration::from_millis(20);
/// Containers that are removed by one call.
const REMOVED_AT_ONCE: usize = 8;
/// For one call of a test, in seconds.
const CALL_SECONDS: u64 = 120;

/// Private mounts hide the machine's own engines; what is mounted here ends here.
const RULER: &str = r#"
ip link set lo up
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /dev/shm
[ -z "$ROOM" ] || { mkdir -p "$DATA"; mount -t tmpfs -o "size=$ROOM" tmpfs "$DATA"; }
while read -r word; do
    case $word in
        start) "$@" </dev/null >>"$LOG" 2>&1 & pid=$! ;;
        kill) kill -9 "$pid"; wait "$pid" ;;
    esac
done
"#;

/// A running engine.
pub struct Engine {
    kind: Kind,
    dir: TempDir,
    ruler: Child,
    words: Option<ChildStdin>,
}

impl Engine {
    /// Starts one, with [`IMAGE`](crate::IMAGE) in it.
    ///
    /// # Panics
    /// When it does not come up; its log is in the message.
    #[must_use]
    pub fn start(kind: Kind) -> Self {
        Self::with_room(kind, "")
    }

    /// The same on a disk of this size, such as `64m`; no bound if empty.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    #[must_use]
    pub fn with_room(kind: Kind, room: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("hc-engine-").tempdir();
        let dir = dir.expect("a temporary directory");
        let mut command = Command::new("unshare");
        command
            .args(["--pid", "--fork", "--mount", "--mount-proc", "--net"])
            .args(["sh", "-c", RULER, "ruler"])
            .args(engine_command(kind, dir.path()))
            .env("LOG", dir.path().join("log"))
            .env("DATA", dir.path().join("data"))
            .env("ROOM", room)
            .env("CONTAINERS_CONF", dir.path().join("containers.conf"))
            .env(
                "CONTAINERS_REGISTRIES_CONF",
                dir.path().join("registries.conf"),
            )
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut ruler = command.spawn().expect("unshare starts");
        let words = ruler.stdin.take();
        let mut engine = Self {
            kind,
            dir,
            ruler,
            words,
        };
        engine.restart();
        engine.import(crate::IMAGE);
        engine
    }

    /// Which engine it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Its socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("engine.sock")
    }

    /// Its network namespace.
    #[must_use]
    pub fn network(&self) -> PathBuf {
        format!("/proc/{}/ns/net", self.ruler.id()).into()
    }

    /// A command in its network namespace.
    #[must_use]
    pub fn inside(&self, words: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--net={}", self.network().display()))
            .args(words)
            .stdin(Stdio::null());
        command
    }

    /// What such a command prints.
    ///
    /// # Panics
    /// When it fails.
    #[must_use]
    pub fn says(&self, words: &[&str]) -> String {
        let output = self.inside(words).output().expect("nsenter starts");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {error}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The names of the networks that are not the engine's own.
    #[must_use]
    pub fn networks(&self) -> Vec<String> {
        let docker = self.docker();
        let listed = self.wait(docker.list_networks(None));
        let names = listed.expect("it lists").into_iter();
        let names = names.filter_map(|network| network.name);
        names
            .filter(|name| !["none", "host", "bridge", "podman"].contains(&name.as_str()))
            .collect()
    }

    /// A client of its own, to look at the engine from outside.
    #[must_use]
    pub fn docker(&self) -> Docker {
        let socket = self.socket();
        let socket = socket.to_str().expect("a path of text");
        Docker::connect_with_unix(socket, CALL_SECONDS, API_DEFAULT_VERSION)
            .map(|docker| self.wait(docker.negotiate_version()).expect("it answers"))
            .expect("its socket is there")
    }

    /// Another image, the same as [`IMAGE`](crate::IMAGE) but for its name.
    pub fn import(&self, name: &str) {
        self.wait(image::import(self.docker(), name, None));
    }

    /// An image with a further program, `/bin/<its name>`, which must need no libraries.
    pub fn import_with(&self, name: &str, program: &Path) {
        self.wait(image::import_with(self.docker(), name, program));
    }

    /// An image whose containers are run by the user of this number.
    pub fn import_of(&self, name: &str, user: u32) {
        self.wait(image::import_of(self.docker(), name, user));
    }

    /// An image that runs this shell text.
    pub fn import_running(&self, name: &str, script: &str) {
        self.wait(image::import(self.docker(), name, Some(script)));
    }

    /// A registry on its loopback.
    #[must_use]
    pub fn registry(&self) -> Registry {
        Registry::start(&self.network())
    }

    /// The names of all containers, running or not.
    #[must_use]
    pub fn containers(&self) -> Vec<String> {
        let docker = self.docker();
        let options = ListContainersOptionsBuilder::default().all(true).build();
        let listed = self.wait(docker.list_containers(Some(options)));
        let names = listed.expect("it lists").into_iter();
        names
            .filter_map(|container| container.names?.pop())
            .collect()
    }

    /// How many containers there are, running or not, for each value of this label: one
    /// answer of the engine, so all of them at one moment. `None` when its answer has a word
    /// that Docker's interface does not know, as Podman's has for moments: look again.
    #[must_use]
    pub fn containers_by(&self, label: &str) -> Option<BTreeMap<String, usize>> {
        let docker = self.docker();
        let options = ListContainersOptionsBuilder::default().all(true).build();
        let listed = self.wait(docker.list_containers(Some(options)));
        if matches!(&listed, Err(bollard::errors::Error::JsonDataError { .. })) {
            return None;
        }
        let mut counts = BTreeMap::new();
        for container in listed.expect("it lists") {
            let value = container.labels.and_then(|mut all| all.remove(label));
            *counts.entry(value.unwrap_or_default()).or_default() += 1;
        }
        Some(counts)
    }

    /// Makes and starts so many of these containers, at most `at_once` at a time, as plainly
    /// as an engine can be asked.
    ///
    /// # Panics
    /// When one of them cannot be made or started.
    pub fn start_many(&self, body: &ContainerCreateBody, count: usize, at_once: usize) {
        let docker = self.docker();
        let start_one = |_| async {
            let making = docker.create_container(None, body.clone());
            let made = making.await.expect("it can be made");
            let starting = docker.start_container(&made.id, None);
            starting.await.expect("it can be started");
        };
        let all = futures_util::stream::iter(0..count).map(start_one);
        self.wait(all.buffer_unordered(at_once).collect::<()>());
    }

    /// Removes every container by force, as an operator may.
    pub fn remove_all(&self) {
        let docker = self.docker();
        let names = self.containers();
        let remove_one = |name: String| {
            let options = RemoveContainerOptionsBuilder::default().force(true).build();
            let docker = &docker;
            async move {
                let name = name.trim_start_matches('/');
                let removing = docker.remove_container(name, Some(options));
                removing.await.expect("it can be removed");
            }
        };
        let all = futures_util::stream::iter(names).map(remove_one);
        self.wait(all.buffer_unordered(REMOVED_AT_ONCE).collect::<()>());
    }

    /// Ends the engine at once, as a crash does. Containers go on where it lets them.
    pub fn kill(&mut self) {
        self.say("kill");
        let socket = self.socket();
        until("the engine is gone", &socket, || {
            std::os::unix::net::UnixStream::connect(&socket).is_err()
        });
    }

    /// Starts the engine that was killed, over the same data.
    pub fn restart(&mut self) {
        self.say("start");
        let (socket, log) = (self.socket(), self.dir.path().join("log"));
        until("the engine answers", &log, || answers(&socket));
    }

    fn say(&mut self, word: &str) {
        let words = self.words.as_mut().expect("the pipe is open");
        writeln!(words, "{word}").expect("the ruler listens");
    }

    /// Runs a future to its end, whether or not the caller is in a runtime.
    #[expect(clippy::unused_self, reason = "reads as what it is for")]
    fn wait<T: Send>(&self, future: impl Future<Output = T> + Send) -> T {
        let run = || {
            let runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = { runtime }.enable_all().build().expect("a runtime");
            runtime.block_on(future)
        };
        std::thread::scope(|scope| scope.spawn(run).join().expect("it does not panic"))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // The shell reads the end of the pipe and exits; process ids and mounts go with it.
        drop(self.words.take());
        let deadline = Instant::now() + PATIENCE;
        while matches!(self.ruler.try_wait(), Ok(None)) {
            if Instant::now() > deadline {
                let _ = self.ruler.kill();
            }
            std::thread::sleep(PAUSE);
        }
        remove_cgroups(self.dir.path());
    }
}

fn engine_command(kind: Kind, dir: &Path) -> Vec<String> {
    let at = |name: &str| dir.join(name).display().to_string();
    let socket = format!("unix://{}", at("engine.sock"));
    let program = |name: &str| find(name).expect(name).display().to_string();
    match kind {
        Kind::Docker => [
            &program("dockerd"),
            "--data-root",
            &at("data"),
            "--exec-root",
            &at("exec"),
            "--pidfile",
            &at("pid"),
            "--host",
            &socket,
            "--bridge=none",
            "--iptables=false",
            "--live-restore",
            "--exec-opt=native.cgroupdriver=cgroupfs",
            "--cgroup-parent",
            &cgroup(dir),
        ]
        .map(str::to_owned)
        .to_vec(),
        Kind::Podman => {
            write_podman_config(dir);
            [
                &program("podman"),
                "--root",
                &at("data"),
                "--runroot",
                &at("run"),
                "--tmpdir",
                &at("tmp"),
                "system",
                "service",
                "--time=0",
                &socket,
            ]
            .map(str::to_owned)
            .to_vec()
        }
    }
}

/// Podman sets limits of its own that not every machine lets even root set.
fn write_podman_config(dir: &Path) {
    let hard = |resource| getrlimit(resource).maximum.unwrap_or(1 << 20);
    let (files, processes) = (hard(Resource::Nofile), hard(Resource::Nproc));
    let text = format!(
        "[containers]\n\
         default_ulimits = [\"nofile={files}:{files}\", \"nproc={processes}:{processes}\"]\n\
         [engine]\n\
         runtime = \"runc\"\n\
         cgroup_manager = \"cgroupfs\"\n\
         events_logger = \"file\"\n\
         [network]\n\
         network_config_dir = \"{}\"\n",
        dir.join("networks").display()
    );
    fs::write(dir.join("containers.conf"), text).expect("a file");
    let registries = format!(
        "[[registry]]\nlocation = \"{}\"\ninsecure = true\n",
        registry::ADDRESS
    );
    fs::write(dir.join("registries.conf"), registries).expect("a file");
}

/// Below which Docker makes the cgroups of its containers.
fn cgroup(dir: &Path) -> String {
    let name = dir.file_name().expect("a name").to_string_lossy();
    format!("/{name}")
}

/// Cgroups outlive namespaces; the empty ones of this engine are removed.
fn remove_cgroups(dir: &Path) {
    let Ok(controllers) = fs::read_dir("/sys/fs/cgroup") else {
        return;
    };
    let own = cgroup(dir);
    let roots = controllers.flatten().map(|entry| entry.path());
    for root in roots.chain([PathBuf::from("/sys/fs/cgroup")]) {
        remove_folders(&root.join(own.trim_start_matches('/')));
    }
}

fn remove_folders(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            remove_folders(&entry.path());
        }
    }
    // Not empty yet, or not there: nothing that hurts.
    let _ = fs::remove_dir(folder);
}

fn answers(socket: &Path) -> bool {
    use std::io::Read;
    let Ok(mut stream) = std::os::unix::net::UnixStream::connect(socket) else {
        return false;
    };
    let asked = stream.write_all(b"GET /_ping HTTP/1.0\r\nHost: engine\r\n\r\n");
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    asked.is_ok() && read.is_ok() && answer.contains(" 200 ")
}

/// Looks until it is so: an engine tells nobody when it is ready.
fn until(what: &str, log: &Path, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        if Instant::now() > deadline {
            let log = fs::read_to_string(log).unwrap_or_default();
            panic!("never: {what}\n{log}");
        }
        std::thread::sleep(PAUSE);
    }
}
