use super::*;
use crate::procfs::Stat;

const AGENT: AgentId = AgentId {
    epoch: 1,
    number: 1,
};

fn key(pid: i32) -> ProcessKey {
    ProcessKey { pid, start: 9 }
}

fn kin() -> Kin {
    Kin {
        owner: OwnerId::new("ours"),
        agent: AGENT,
        keys: vec![],
        leaders: vec![],
        numbers_hold: false,
        job_mark: None,
        members: vec![],
        pump: None,
        own_pid: 999,
    }
}

/// Pid, parent, session (and group), marks.
fn census(rows: &[(i32, i32, i32, Marks)]) -> Census {
    let seen = rows.iter().map(|(pid, parent, session, marks)| {
        let text =
            format!("{pid} (x) S {parent} {session} {session} 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 9 0");
        Seen {
            stat: Stat::parse(text.as_bytes()).unwrap(),
            marks: marks.clone(),
        }
    });
    Census {
        seen: seen.collect(),
    }
}

fn origin(text: &str) -> Marks {
    Marks {
        origin: Some(text.into()),
        ..Marks::default()
    }
}

fn pids(kin: &Kin, census: &Census) -> Vec<i32> {
    let mut pids: Vec<i32> = kin.find(census).iter().map(|key| key.pid).collect();
    pids.sort_unstable();
    pids
}

#[test]
fn marks_of_this_agent_of_this_owner_count() {
    let instance = |text: &str| Marks {
        instance: Some(text.into()),
        ..Marks::default()
    };
    let job = |text: &str| Marks {
        job: Some(text.into()),
        ..Marks::default()
    };
    let census = census(&[
        (10, 1, 10, origin("ours/a-1-1")),
        (11, 1, 11, origin("outer/a-9-9,ours/a-1-1")),
        (12, 1, 12, instance("ours/some/pool/a-1-1")),
        (13, 1, 13, job("feedbeef0123/7-1")),
        (20, 1, 20, origin("ours/a-1-11")),
        (21, 1, 21, origin("theirs/a-1-1")),
        (22, 1, 22, instance("theirs/some/pool/a-1-1")),
        (23, 1, 23, job("feedbeef01234/7-1")),
        (24, 1, 24, Marks::default()),
    ]);
    let kin = Kin {
        job_mark: Some("feedbeef0123".into()),
        ..kin()
    };
    assert_eq!(pids(&kin, &census), [10, 11, 12, 13]);
}

#[test]
fn children_follow_but_never_us_nor_init() {
    let none = Marks::default;
    let census = census(&[
        (1, 0, 1, origin("ours/a-1-1")),
        (10, 1, 10, origin("ours/a-1-1")),
        (11, 10, 11, none()),
        (12, 11, 12, none()),
        (30, 1, 30, none()),
        (40, 10, 40, origin("ours/a-1-1")),
        (999, 10, 999, origin("ours/a-1-1")),
    ]);
    let kin = Kin {
        pump: Some(key(40)),
        ..kin()
    };
    assert_eq!(pids(&kin, &census), [10, 11, 12]);
}

#[test]
fn a_number_counts_only_while_it_means_the_same_process() {
    let rows = [
        (50, 1, 50, Marks::default()),
        (51, 1, 50, Marks::default()),
        (60, 1, 60, Marks::default()),
        (61, 1, 60, Marks::default()),
        (71, 1, 70, Marks::default()),
    ];
    let census = census(&rows);
    let other = ProcessKey { pid: 60, start: 8 };
    let kin = |numbers_hold| Kin {
        leaders: vec![key(50), other, key(70)],
        numbers_hold,
        ..kin()
    };
    assert_eq!(pids(&kin(true), &census), [50, 51, 71]);
    assert_eq!(pids(&kin(false), &census), [50, 51]);
}

#[test]
fn captured_processes_and_cgroup_members_count() {
    let census = census(&[
        (10, 1, 10, Marks::default()),
        (11, 1, 11, Marks::default()),
        (12, 1, 12, Marks::default()),
    ]);
    let kin = Kin {
        keys: vec![key(10), ProcessKey { pid: 12, start: 8 }],
        members: vec![11],
        ..kin()
    };
    assert_eq!(pids(&kin, &census), [10, 11]);
}

#[test]
fn pid_files_are_read_and_anything_else_there_does_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    let jobs = dir.path().join("jobs");
    assert_eq!(job_leaders(&jobs).unwrap(), []);
    assert_eq!(job_mark(&jobs).unwrap(), None);
    fs::create_dir_all(jobs.join("folder.pid")).unwrap();
    for (name, text) in [
        ("1-1.pid", "50 9\n"),
        ("2-1.pid", "1 9\n"),
        ("3-1.pid", "garbage"),
        ("4-1.pid", ""),
        ("other", "60 9\n"),
        ("mark", "\n"),
    ] {
        fs::write(jobs.join(name), text).unwrap();
    }
    std::os::unix::fs::symlink("/dev/zero", jobs.join("5-1.pid")).unwrap();
    assert_eq!(job_leaders(&jobs).unwrap(), [key(50)]);
    assert_eq!(job_mark(&jobs).unwrap(), None, "an empty mark marks nobody");
    fs::write(jobs.join("mark"), "feedbeef0123\n").unwrap();
    assert_eq!(job_mark(&jobs).unwrap().as_deref(), Some("feedbeef0123"));
}
