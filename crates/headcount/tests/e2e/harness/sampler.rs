//! Counts agents all the time, as an impatient user with `ps` would.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use super::processes::Process;

/// A thread that counts until it is stopped.
pub struct Sampler {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Seen>,
}

/// What it saw.
#[derive(Clone, Copy, Default, Debug)]
pub struct Seen {
    /// The most agents that lived at one moment, beyond doubt.
    pub most: usize,
    /// How often it counted.
    pub samples: usize,
}

impl Sampler {
    /// Counts the agents of the house in this directory.
    pub fn start(home: &Path) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (home, stopped) = (home.to_path_buf(), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let mut count = Count {
                home,
                known: HashMap::new(),
            };
            let mut seen = Seen::default();
            while !stopped.load(Ordering::Relaxed) {
                seen.most = seen.most.max(count.now());
                seen.samples += 1;
                // Nothing is waited for: this leaves the processors to those who are counted.
                std::thread::yield_now();
            }
            seen
        });
        Self { stop, thread }
    }

    /// Stops counting.
    pub fn stop(self) -> Seen {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

struct Count {
    home: PathBuf,
    /// Agents that were found before, by pid.
    known: HashMap<i32, Process>,
}

impl Count {
    /// Agents that lived at one moment. One walk through `/proc` takes a while, in which one
    /// may end and another begin; so whoever was seen counts only if it lives still at the
    /// end: then all of them lived when the walk ended.
    fn now(&mut self) -> usize {
        let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        let seen: Vec<Process> = pids.filter_map(|pid| self.agent(pid)).collect();
        seen.iter().filter(|process| process.lives()).count()
    }

    fn agent(&mut self, pid: i32) -> Option<Process> {
        if let Some(known) = self.known.get(&pid).filter(|known| known.lives()) {
            return Some(known.clone());
        }
        self.known.remove(&pid);
        let found = Process::find(pid).filter(Process::is_agent)?;
        let home = self.home.to_str().unwrap();
        let dir = found.variable("HEADCOUNT_AGENT_DIR")?;
        dir.starts_with(home).then(|| {
            self.known.insert(pid, found.clone());
            found
        })
    }
}
