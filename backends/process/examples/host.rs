//! What the tests need of a binary: `host pump <dir> <limit>` as the real one has it,
//! `host agent` as a stand-in for our agent program (it runs the shell text in
//! `PROBE_SCRIPT`), and `host daemon <state dir> <owner>`, a daemon that makes agents until
//! it is killed.

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use headcount_backend_process::{CgroupMode, CgroupSupport, ProcessBackend, ProcessOptions, pump};
use headcount_model::{
    AgentId, AgentKind, BackendEvent, BackendId, Granted, LogPressure, OwnerId, ProcessProgram,
    Recipe,
};
use headcount_ports::{Backend, BackendInbox, CreateRequest};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["pump", dir, limit] => {
            pump::run(Path::new(dir), limit.parse()?, io::stdin().lock())?;
            Ok(())
        }
        ["agent"] => {
            let script = env::var("PROBE_SCRIPT")?;
            Err(Command::new("/bin/sh").args(["-c", &script]).exec().into())
        }
        ["daemon", state_dir, owner] => daemon(state_dir, owner),
        other => Err(format!("unknown arguments {other:?}").into()),
    }
}

/// Makes agents one after the other, telling of each before and after.
#[tokio::main]
async fn daemon(state_dir: &str, owner: &str) -> Result<(), Box<dyn Error>> {
    let options = ProcessOptions {
        state_dir: state_dir.into(),
        owner: OwnerId::new(owner),
        own_binary: env::current_exe()?,
        agent_url: "unix:/none".into(),
        forwarded: BTreeMap::new(),
        host_env: env::vars().collect(),
        output_limit: 64 * 1024,
        cgroups: CgroupMode::Use(CgroupSupport::Missing {
            why: "not tried".into(),
        }),
    };
    let backend = ProcessBackend::new(options, Arc::new(Deaf))?;
    let mut out = io::stdout();
    for number in 1.. {
        writeln!(out, "making {number}")?;
        backend.create(request(owner, number)).await?;
        writeln!(out, "made {number}")?;
    }
    Ok(())
}

fn request(owner: &str, number: u32) -> CreateRequest {
    let script = "setsid sh -c 'sleep 600 & exec sleep 600' & sleep 600 & exec sleep 600";
    let script = ["sh", "-c", script].map(str::to_owned);
    CreateRequest {
        agent: AgentId { epoch: 1, number },
        owner: OwnerId::new(owner),
        pool: "crash/linux".into(),
        scaler: "crash".into(),
        kind: AgentKind::Worker,
        labels: "linux".into(),
        granted: Granted::default(),
        slots: 1,
        log_pressure: LogPressure::Pause,
        deadline: std::time::Duration::from_secs(60),
        recipe: Arc::new(Recipe::Process {
            program: ProcessProgram::Worker(script.to_vec()),
            env: BTreeMap::new(),
            enforce_cgroups: false,
        }),
        token: None,
    }
}

struct Deaf;

#[async_trait::async_trait]
impl BackendInbox for Deaf {
    async fn post(&self, _backend: &BackendId, _event: BackendEvent) {}
}
