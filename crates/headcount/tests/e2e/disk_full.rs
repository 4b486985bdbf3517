//! A full disk: new jobs are refused, what was accepted is kept, and all goes on when there
//! is room again.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use headcount_api::JobState;

use crate::harness::{House, content, pool_of, script, until};

/// A small file system of its own; unmounted when dropped.
struct Mount(PathBuf);

impl Mount {
    /// None where mounting is not allowed.
    fn new(place: &Path) -> Option<Self> {
        fs::create_dir(place).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=8m,mode=0700", "headcount-e2e"])
            .arg(place)
            .status();
        let mounted = mounted.is_ok_and(|status| status.success());
        mounted.then(|| Self(place.to_path_buf()))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: what was killed a moment ago may not have let go of it yet.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Takes all the room that is left there.
fn fill(place: &Path) -> PathBuf {
    let path = place.join("filler");
    let mut file = File::create(&path).unwrap();
    for size in [64 * 1024, 1024, 1] {
        while file.write_all(&vec![1; size]).is_ok() {}
    }
    path
}

#[test]
fn a_full_disk_refuses_new_jobs_and_keeps_the_others() {
    let mut house = House::new(&pool_of(2));
    let Some(mount) = Mount::new(&house.state()) else {
        eprintln!("skipped: file systems cannot be mounted here");
        return house.close_unused();
    };
    house.keep(mount);
    house.start();
    let api = house.api();
    let (pid, gate, done) = (house.path("pid"), house.path("gate"), house.path("done"));
    let job = format!(
        "echo $$ > {}; while [ ! -e {} ]; do sleep 0.05; done; echo done > {}",
        pid.display(),
        gate.display(),
        done.display()
    );
    let id = api.submit(&script(&job));
    content(&pid);
    api.running(&id);

    let filler = fill(&house.state());
    // The file of the state may have had room inside, so until it has none.
    let refused = until("a new job is refused", || {
        let answer = api.post("/jobs", &script("true"));
        (answer.status != 201).then_some(answer)
    });
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(refused.text.contains("disk"), "{refused:?}");
    fs::write(&gate, "").unwrap();
    content(&done);
    assert_eq!(api.get_raw("/healthz").status, 200);

    fs::remove_file(filler).unwrap();
    let ended = api.end_of(&id);
    assert_eq!(
        (ended.state, ended.attempts),
        (JobState::Succeeded, 1),
        "{ended:#?}"
    );
    house.run(&["submit", "--wait", "--", "true"]).good();
    house.close();
}
