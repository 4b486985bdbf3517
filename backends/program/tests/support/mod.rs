//! A backend over a program, and a look at its machines from outside.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "only tests use it")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use headcount_backend_program::{Pace, ProgramBackend, ProgramOptions};
use headcount_model::{
    AgentId, AgentKind, CreateBatch, Granted, InstanceState, LogPressure, OwnerId, PoolName,
    ProgramRecipe, ProvisionerAddress, ProvisionerContract, Recipe, Secret,
};
use headcount_ports::agent_env::CallBack;
use headcount_ports::conformance::backend::{Events, Life, Rig};
use headcount_ports::{Backend, BackendInbox, CreateRequest};
use tempfile::TempDir;

/// A folder with machines of its own, ended with it.
pub struct Place {
    pub dir: TempDir,
    pub program: PathBuf,
    pub contract: ProvisionerContract,
    pub options: String,
    /// Machines that one call may ask for.
    pub batch: u8,
    /// How long leases last, where machines are to have some.
    pub lease: Option<Duration>,
    /// For each creation.
    pub deadline: Duration,
    /// Pools that are configured.
    pub pools: BTreeMap<PoolName, String>,
}

impl Place {
    /// With a program of the examples.
    pub fn example(name: &str) -> Self {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/provisioners");
        let program = examples.join(name).canonicalize().expect("an example");
        Self::new(program)
    }

    /// With a program of this shell text; `$here` is the place's folder.
    pub fn script(text: &str) -> Self {
        let mut place = Self::new(PathBuf::new());
        place.program = place.dir.path().join("provisioner");
        place.rewrite(text);
        place
    }

    fn new(program: PathBuf) -> Self {
        let dir = tempfile::Builder::new()
            .prefix("hc-program-")
            .tempdir()
            .expect("a folder");
        let agent = "#!/bin/sh\ntrap 'exit 0' TERM\nsleep 600 &\nwait\n";
        write_program(&dir.path().join("agent"), agent);
        Self {
            dir,
            program,
            contract: ProvisionerContract::Native,
            options: "{}".to_owned(),
            batch: 1,
            lease: None,
            deadline: Duration::from_secs(20),
            pools: BTreeMap::new(),
        }
    }

    /// Another text for the program.
    pub fn rewrite(&self, text: &str) {
        let here = self.dir.path().display();
        write_program(
            &self.program,
            &format!("#!/bin/sh\nhere='{here}'\n{text}\n"),
        );
    }

    pub fn address(&self) -> ProvisionerAddress {
        ProvisionerAddress {
            program: self.program.display().to_string(),
            contract: self.contract,
            environment: Vec::new(),
            config: Some(self.path("machines").display().to_string()),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn options(&self, owner: &OwnerId) -> ProgramOptions {
        ProgramOptions {
            provisioner: self.address(),
            owner: owner.clone(),
            state_dir: Some(self.path("state")),
            host_env: std::env::vars().collect(),
            call_back: CallBack::default(),
            own_url: Some("unix:/run/agents.sock".to_owned()),
            forwarded: BTreeMap::new(),
            known: Vec::new(),
            pools: self.pools.clone(),
            pace: Pace {
                list: Duration::from_secs(20),
                status: Duration::from_secs(20),
                destroy: Duration::from_secs(20),
                confirm: Duration::from_millis(50),
                settle: Duration::from_millis(500),
                watch: Duration::from_secs(600),
                gone: Duration::from_secs(20),
                ..Pace::default()
            },
        }
    }

    /// For owner `one`.
    pub fn open(&self) -> (Arc<ProgramBackend>, Arc<Events>) {
        self.open_with(|_| {})
    }

    pub fn open_with(
        &self,
        change: impl FnOnce(&mut ProgramOptions),
    ) -> (Arc<ProgramBackend>, Arc<Events>) {
        let events = Arc::new(Events::default());
        let mut options = self.options(&"one".into());
        change(&mut options);
        (ProgramBackend::new(options, events.clone()), events)
    }

    pub fn request_of(&self, owner: &OwnerId, agent: AgentId) -> CreateRequest {
        CreateRequest {
            agent,
            owner: owner.clone(),
            pool: "tests/linux+x".into(),
            scaler: "tests".into(),
            kind: AgentKind::Managed,
            labels: "linux,x".into(),
            granted: Granted::default(),
            slots: 1,
            log_pressure: LogPressure::Pause,
            deadline: self.deadline,
            recipe: Arc::new(Recipe::Program(ProgramRecipe {
                provisioner: self.address(),
                options: self.options.clone(),
                env: BTreeMap::new(),
                agent_binary: Some(self.path("agent").display().to_string()),
                agent_url: None,
                batch: CreateBatch::new(self.batch),
                lease_time: self.lease,
            })),
            token: Some(Secret::new("s3cret".into())),
        }
    }

    /// For owner `one`.
    pub fn request(&self, number: u32) -> CreateRequest {
        self.request_of(&"one".into(), agent(number))
    }

    /// Machines of this agent, by what runs: who was started in a folder of its name.
    pub fn running(&self, agent: AgentId) -> usize {
        let end = format!("-{agent}");
        let pids = self.processes();
        pids.into_iter()
            .filter(|(box_of, _)| box_of.ends_with(&end))
            .count()
    }

    /// Machines that run, of whomever.
    pub fn anything_runs(&self) -> usize {
        self.processes().len()
    }

    /// Leaders of machines: the folder and the number of each.
    fn processes(&self) -> Vec<(String, i32)> {
        let here = self.dir.path().display().to_string();
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").expect("proc").flatten() {
            let name = entry.file_name();
            let Some(pid) = name.to_str().and_then(|it| it.parse::<i32>().ok()) else {
                continue;
            };
            let text = fs::read(entry.path().join("environ")).unwrap_or_default();
            let text = String::from_utf8_lossy(&text).into_owned();
            let mut values = text.split('\0');
            let value = values.find_map(|it| it.strip_prefix("HEADCOUNT_MACHINE_DIR="));
            let Some(folder) = value.filter(|it| it.starts_with(&here)) else {
                continue;
            };
            let leader = fs::read_to_string(format!("{folder}/pid")).unwrap_or_default();
            if leader.trim() == pid.to_string() {
                found.push((folder.to_owned(), pid));
            }
        }
        found
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for (_, pid) in self.processes() {
            let pid = rustix::process::Pid::from_raw(pid).expect("a number");
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
    }
}

fn write_program(path: &Path, text: &str) {
    // Written beside and moved, so that nobody executes a file that is being written.
    let new = path.with_extension("new");
    fs::write(&new, text).expect("it can be written");
    fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).expect("a mode");
    fs::rename(&new, path).expect("it can be moved");
}

/// A quick program whose machines are files below `$here/m`, for texts that spoil it. `good
/// VERB` does what is right; `$n`, `$o`, `$p`, `$c` are name, owner, pool and contract.
pub const GOOD: &str = r#"request=$(cat); mkdir -p $here/m; echo "$1" >>$here/calls
eval "$(printf %s "$request" | jq -r '@sh "n=\(.machine.name // "") o=\(.owner) p=\(.pool // "") c=\(.contract)"')"
ask() { printf %s "$request" | jq -r "$1"; }
say() { jq -c '{contract: "headcount/v1"} + .'; }
good() { [ "$c" = headcount/v1 ] || exit 14; case $1 in
create) [ -e $here/m/$n ] || { ask '.machine + {id: .machine.name, status: "running"}' >$here/new.$$ && mv $here/new.$$ $here/m/$n; }
  jq '{machine: .}' $here/m/$n | say;;
list) cat $here/m/* 2>/dev/null | jq -s --arg o "$o" --arg p "$p" '{complete: true, machines: map(select(.owner == $o and ($p == "" or .pool == $p)))}' | say;;
status) [ -e $here/m/$n ] || exit 15; jq '{machine: .}' $here/m/$n | say;;
destroy) rm -f $here/m/$n; echo '{"contract":"headcount/v1"}';;
*) exit 14;;
esac; }
"#;

/// The same for several machines in one `create`, after [`GOOD`]: `all` names them, `make NAME`
/// makes one that is not there, `told NAMES` answers with these, `good_batch` does what is
/// right. A machine ends with the code its start-up script ends with, if it has one.
pub const BATCH: &str = r#"is_batch() { [ "$1" = create ] && [ "$(ask 'has("machines")')" = true ]; }
all() { ask '.machines[].machine.name'; }
of() { printf %s "$request" | jq --arg n "$1" ".machines[] | select(.machine.name == \$n) | $2"; }
make() { [ -e $here/m/$1 ] && return; e=$(of $1 '.startUp.script | capture("exit (?<code>[0-9]+)").code | tonumber')
  of $1 '.machine' | jq --arg e "$e" '. + {id: .name} + if $e == "" then {status: "running"} else {status: "ended", exitCode: ($e | tonumber)} end' >$here/new.$$ && mv $here/new.$$ $here/m/$1; }
told() { for it in "$@"; do cat $here/m/$it; done | jq -s '{machines: .}'; }
good_batch() { for it in $(all); do make $it; done; told $(all) | say; }
"#;

/// [`GOOD`] with leases, kept for each owner in `$here/leases`: `leasing VERB`.
pub const LEASING: &str = r#"
leases() { cat $here/leases 2>/dev/null || echo '{}'; }
renewed() { jq -c --argjson l "$(leases)" 'if .leaseSeconds then .leaseUntil = ($l[.owner] // .leaseUntil) else . end'; }
leasing() { [ "$c" = headcount/v1 ] || exit 14; case $1 in
renew) printf %s "$request" | jq -c --argjson l "$(leases)" '$l + {(.owner): .leaseUntil}' >$here/leases.$$; mv $here/leases.$$ $here/leases
  echo '{"contract":"headcount/v1"}';;
list) cat $here/m/* 2>/dev/null | renewed | jq -s --arg o "$o" --arg p "$p" --arg x "$(ask .others)" '{complete: true, machines: map(select((.owner == $o) == ($x != "true") and ($p == "" or .pool == $p)))}' | say;;
status) [ -e $here/m/$n ] || exit 15; renewed <$here/m/$n | jq '{machine: .}' | say;;
*) good $1;;
esac; }
"#;

/// Who is listed, and how each stands.
pub async fn listed(backend: &ProgramBackend) -> Vec<(AgentId, InstanceState)> {
    let instances = backend.list().await.unwrap().instances;
    instances
        .into_iter()
        .map(|it| (it.agent, it.state))
        .collect()
}

/// Looks until it holds: nobody tells what a program writes into its files.
pub async fn until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[async_trait]
impl Rig for Place {
    async fn backend(&self, owner: &OwnerId, inbox: Arc<dyn BackendInbox>) -> Arc<dyn Backend> {
        ProgramBackend::new(self.options(owner), inbox)
    }

    fn request(&self, owner: &OwnerId, agent: AgentId, _life: Life) -> CreateRequest {
        self.request_of(owner, agent)
    }

    async fn running(&self, agent: AgentId) -> usize {
        Self::running(self, agent)
    }
}

pub fn agent(number: u32) -> AgentId {
    AgentId { epoch: 7, number }
}
