//! Makes one process.
//!
//! Promise: nothing executes before its record stands; what fails half-way is undone, and
//! what cannot be undone is still found by a list. Blocking; called off the event loop.
//! Leaves to others: watching the process (`backend`).

mod child;
mod failure;

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use headcount_model::{ProcessProgram, Recipe, Resources};
use headcount_ports::{BackendError, CreateRequest, agent_env};
use rustix::io::Errno;

use crate::cgroup::{CgroupSupport, Group, limits_something, scope_prefix};
use crate::environment::{Sources, identity};
use crate::marks::Mark;
use crate::options::ProcessOptions;
use crate::output;
use crate::procfs::{Handle, ProcessKey, Stat};
use crate::program::{self, Program};
use crate::record::{AgentDir, Record, process_line};
use crate::remove::remove_dir;
use crate::sweep::end_pump;
use crate::table::Body;
use failure::{in_kind, start_failed};

/// A file that somebody still writes cannot be executed; a fork beside us may hold it open.
const BUSY_RETRIES: u32 = 10;
const BUSY_STEP: Duration = Duration::from_millis(10);
/// Needed to reach a user's own systemd manager.
const MANAGER_VARIABLES: [&str; 2] = ["XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"];

/// What stays the same from one creation to the next.
pub(crate) struct Maker<'a> {
    pub(crate) options: &'a ProcessOptions,
    pub(crate) support: &'a CgroupSupport,
    pub(crate) boot: &'a str,
}

/// Everything about one process before it is made.
struct Draft {
    dir: AgentDir,
    record: Record,
    program: Program,
    env: BTreeMap<String, String>,
    limits: Resources,
    unit: String,
    pumped: bool,
}

impl Maker<'_> {
    /// Makes the process in a directory that must not exist yet.
    ///
    /// # Errors
    /// Nothing was made.
    pub(crate) fn make(
        &self,
        dir: AgentDir,
        request: &CreateRequest,
    ) -> Result<Body, BackendError> {
        let draft = self.draft(dir, request)?;
        draft
            .dir
            .make()
            .map_err(|error| in_kind("make its directory", &error))?;
        let made = self.start(&draft, request);
        if made.is_err() {
            undo(&draft);
        }
        made
    }

    fn draft(&self, dir: AgentDir, request: &CreateRequest) -> Result<Draft, BackendError> {
        let Recipe::Process {
            program,
            env,
            enforce_cgroups,
        } = &*request.recipe
        else {
            return Err(BackendError::Invalid(format!(
                "{} is not to be a host process; please report this",
                request.agent
            )));
        };
        let limits = match enforce_cgroups {
            true => request.granted.limits,
            false => Resources::ZERO,
        };
        self.check_limits(limits)?;
        check_mark(request)?;
        let options = self.options;
        let mut identity = identity(request, &dir.path, &options.agent_url, &options.host_env);
        if request.token.is_some() {
            let file = dir.token().display().to_string();
            identity.insert(agent_env::TOKEN_FILE, file);
        }
        let sources = Sources {
            host: &options.host_env,
            forwarded: &options.forwarded,
            label_set: env,
            identity,
        };
        let env = sources.merge()?;
        let path = env.get("PATH").map(String::as_str);
        let resolved = Program::resolve(program, &options.own_binary, path)?;
        let unit = format!("headcount-{}-{}", request.owner, request.agent);
        let mut draft = Draft {
            record: Record {
                mark: Mark {
                    owner: request.owner.clone(),
                    pool: request.pool.clone(),
                    agent: request.agent,
                },
                group: Group::plan(self.support, &unit, limits),
                scope: None,
                process: None,
                pump: None,
            },
            dir,
            program: resolved,
            env,
            limits,
            unit,
            pumped: *program != ProcessProgram::OwnAgent,
        };
        self.put_into_scope(&mut draft)?;
        Ok(draft)
    }

    fn check_limits(&self, limits: Resources) -> Result<(), BackendError> {
        match self.support {
            CgroupSupport::Missing { why } if limits_something(limits) => {
                Err(BackendError::Invalid(format!(
                    "`enforceCgroups` cannot be honoured on this host: {why}"
                )))
            }
            _ => Ok(()),
        }
    }

    /// Where systemd owns the cgroups, it starts the program, in place.
    fn put_into_scope(&self, draft: &mut Draft) -> Result<(), BackendError> {
        let CgroupSupport::Systemd(manager) = self.support else {
            return Ok(());
        };
        let linux = cfg!(target_os = "linux");
        let mut prefix = scope_prefix(true, linux, *manager, &draft.unit, draft.limits);
        if prefix.is_empty() {
            return Ok(());
        }
        let path = self.options.host_env.get("PATH").map(String::as_str);
        let name = prefix.remove(0);
        let file = program::find(&name, path).map_err(BackendError::Invalid)?;
        prefix.push(draft.program.file.display().to_string());
        prefix.append(&mut draft.program.arguments);
        draft.program = Program {
            file,
            name,
            arguments: prefix,
        };
        draft.record.scope = Some((*manager, draft.unit.clone()));
        for name in MANAGER_VARIABLES {
            if let Some(value) = self.options.host_env.get(name) {
                draft.env.insert(name.to_owned(), value.clone());
            }
        }
        Ok(())
    }

    fn start(&self, draft: &Draft, request: &CreateRequest) -> Result<Body, BackendError> {
        let mut file = draft
            .record
            .write_new(&draft.dir)
            .map_err(|error| in_kind("write its record", &error))?;
        if let Some(token) = &request.token {
            let written = draft.dir.write_token(token);
            written.map_err(|error| in_kind("write its token", &error))?;
        }
        draft
            .record
            .group
            .make(self.support, &draft.unit, draft.limits)
            .map_err(|error| in_kind("make its cgroup", &error))?;
        if !draft.pumped {
            let output = open_output(draft)?;
            let main = self.execute(draft, &file, output)?;
            return Ok(draft.body(main, None));
        }
        let (output, pump) = self.start_pump(draft, &mut file)?;
        match self.execute(draft, &file, output) {
            Ok(main) => Ok(draft.body(main, Some(pump))),
            Err(error) => {
                end_pump(pump).map_err(|error| in_kind("end its pump", &error))?;
                Err(error)
            }
        }
    }

    /// Returns once the program executes.
    fn execute(
        &self,
        draft: &Draft,
        record: &File,
        output: OwnedFd,
    ) -> Result<Handle, BackendError> {
        let program = &draft.program;
        let entry = child::Entry::new(record, &draft.record.group, self.boot);
        let entry = entry.map_err(|error| in_kind("open its cgroup", &error))?;
        let errors = output.try_clone();
        let errors = errors.map_err(|error| in_kind("open its output", &error))?;
        let mut command = Command::new(&program.file);
        command
            .arg0(&program.name)
            .args(&program.arguments)
            .env_clear()
            .envs(&draft.env)
            .current_dir(&draft.dir.path)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors);
        entry.prepare(&mut command);
        let child = spawn(&mut command).map_err(|error| start_failed(&error, program))?;
        hold(child).map_err(|error| in_kind("watch it", &error))
    }

    /// The end to write to, and the process that reads the other.
    fn start_pump(
        &self,
        draft: &Draft,
        record: &mut File,
    ) -> Result<(OwnedFd, ProcessKey), BackendError> {
        let failed = |error: io::Error| in_kind("start the pump of its output", &error);
        let (read, write) = io::pipe().map_err(failed)?;
        let mut command = Command::new(&self.options.own_binary);
        command
            .arg("pump")
            .arg(&draft.dir.path)
            .arg(self.options.output_limit.to_string())
            .env_clear()
            .envs(draft.env.get_key_value(agent_env::ORIGIN))
            .current_dir(&draft.dir.path)
            .stdin(read)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A signal to the program's group, or to the daemon's, is not meant for it.
            .process_group(0);
        let child = spawn(&mut command).map_err(failed)?;
        let key = hold(child).map_err(failed)?.key();
        let line = process_line("pump", key, self.boot);
        if let Err(error) = record.write_all(line.as_bytes()) {
            drop(write);
            end_pump(key).map_err(failed)?;
            return Err(failed(error));
        }
        Ok((write.into(), key))
    }
}

impl Draft {
    fn body(&self, main: Handle, pump: Option<ProcessKey>) -> Body {
        let record = Record {
            process: Some(main.key()),
            pump,
            ..self.record.clone()
        };
        Body::new(self.dir.clone(), record, main)
    }
}

fn open_output(draft: &Draft) -> Result<OwnedFd, BackendError> {
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(draft.dir.path.join(output::CURRENT));
    file.map(OwnedFd::from)
        .map_err(|error| in_kind("open its output file", &error))
}

fn spawn(command: &mut Command) -> io::Result<Child> {
    for _ in 0..BUSY_RETRIES {
        match command.spawn() {
            Err(error) if Errno::from_io_error(&error) == Some(Errno::TXTBSY) => {
                std::thread::sleep(BUSY_STEP);
            }
            other => return other,
        }
    }
    command.spawn()
}

/// A hold on a child, which is ended where there can be none: nobody would watch it.
fn hold(mut child: Child) -> io::Result<Handle> {
    let held = i32::try_from(child.id())
        .map_err(io::Error::other)
        .and_then(Stat::read)
        .and_then(|stat| stat.map_or(Ok(None), |stat| Handle::open(stat.key)));
    match held {
        Ok(Some(handle)) => Ok(handle),
        other => {
            child.kill()?;
            child.wait()?;
            // It is not collected before that, so it cannot have been absent.
            Err(other
                .err()
                .unwrap_or_else(|| io::Error::other("it vanished")))
        }
    }
}

/// Names with control characters would break records and environments.
fn check_mark(request: &CreateRequest) -> Result<(), BackendError> {
    let texts = [
        request.owner.as_str(),
        request.pool.as_str(),
        &request.labels,
    ];
    match texts.iter().find(|text| text.contains(char::is_control)) {
        Some(text) => Err(BackendError::Invalid(format!(
            "`{}` contains a control character; rename the scaler or the label",
            text.escape_default()
        ))),
        None => Ok(()),
    }
}

/// Best effort: what stays is listed and destroyed later.
fn undo(draft: &Draft) {
    let removed = draft.record.group.remove();
    if let Err(error) = removed.and_then(|()| remove_dir(&draft.dir.path)) {
        tracing::warn!(path = %draft.dir.path.display(), %error, "a failed start left something");
    }
}
