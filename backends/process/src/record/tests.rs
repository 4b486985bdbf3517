use super::*;

const AGENT: AgentId = AgentId {
    epoch: 1,
    number: 2,
};

fn sample() -> Record {
    Record {
        mark: Mark {
            owner: OwnerId::new("0a1b"),
            pool: PoolName::new("builders/gpu+linux x"),
            agent: AGENT,
        },
        group: Group {
            dirs: vec!["/sys/fs/cgroup/a b".into(), "/c".into()],
        },
        scope: Some((Manager::User, "headcount-0a1b-a-1-2".into())),
        process: None,
        pump: None,
    }
}

fn key(pid: i32) -> ProcessKey {
    ProcessKey { pid, start: 9 }
}

#[test]
fn records_read_back_with_what_was_appended() {
    let agents = tempfile::tempdir().unwrap();
    let dir = AgentDir::new(agents.path(), AGENT);
    dir.make().unwrap();
    let mut file = sample().write_new(&dir).unwrap();
    assert_eq!(Record::read(&dir, AGENT, "boot").unwrap(), Some(sample()));
    for (word, pid) in [("process", 3), ("process", 4), ("pump", 5)] {
        let line = process_line(word, key(pid), "boot");
        file.write_all(line.as_bytes()).unwrap();
    }
    let expected = Record {
        process: Some(key(4)),
        pump: Some(key(5)),
        ..sample()
    };
    assert_eq!(Record::read(&dir, AGENT, "boot").unwrap(), Some(expected));
    let later = Record::read(&dir, AGENT, "another boot").unwrap();
    assert_eq!(later, Some(sample()), "processes of another boot are gone");
}

#[test]
fn what_is_cut_short_is_no_record() {
    let whole = sample().text();
    assert!(Record::parse(&whole, AGENT, "boot").unwrap().is_some());
    for cut in [
        "",
        "head",
        "headcount-instance 1",
        "headcount-instance 1\nowner x\npool y",
    ] {
        assert_eq!(Record::parse(cut, AGENT, "boot"), Ok(None), "{cut:?}");
    }
    let torn = format!("{whole}process 12 9 bo");
    let parsed = Record::parse(&torn, AGENT, "bo").unwrap().unwrap();
    assert_eq!(parsed.process, None, "a line without its end is no line");
}

#[test]
fn another_version_is_an_error_not_an_absence() {
    let agents = tempfile::tempdir().unwrap();
    let dir = AgentDir::new(agents.path(), AGENT);
    dir.make().unwrap();
    fs::write(dir.record(), "headcount-instance 7\nowner x\n").unwrap();
    assert_eq!(
        Record::read(&dir, AGENT, "boot").unwrap_err().to_string(),
        format!(
            "`{}` was written by another headcount (version 7 of the record, this one knows \
             1); run that one, or end its agents first",
            dir.record().display()
        )
    );
}

#[test]
fn birth_lasts_as_long_as_the_lock() {
    let agents = tempfile::tempdir().unwrap();
    let dir = AgentDir::new(agents.path(), AGENT);
    assert!(!dir.in_birth().unwrap(), "no directory, no birth");
    dir.make().unwrap();
    let file = sample().write_new(&dir).unwrap();
    assert!(dir.in_birth().unwrap());
    let shared = file.try_clone().unwrap();
    drop(file);
    assert!(dir.in_birth().unwrap(), "a child still shares it");
    drop(shared);
    assert!(!dir.in_birth().unwrap());
}

#[test]
fn the_token_is_for_our_eyes_only() {
    use std::os::unix::fs::PermissionsExt;
    let agents = tempfile::tempdir().unwrap();
    let dir = AgentDir::new(agents.path(), AGENT);
    dir.make().unwrap();
    dir.write_token(&Secret::new("s3cret".into())).unwrap();
    assert_eq!(fs::read_to_string(dir.token()).unwrap(), "s3cret");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&dir.token()), mode(&dir.path)), (0o600, 0o700));
}

#[test]
fn only_directories_in_which_nothing_began_are_unborn() {
    let agents = tempfile::tempdir().unwrap();
    let dir = AgentDir::new(agents.path(), AGENT);
    dir.remove_if_unborn();
    dir.make().unwrap();
    dir.remove_if_unborn();
    assert!(!dir.path.exists(), "no record");
    dir.make().unwrap();
    fs::write(dir.record(), "").unwrap();
    dir.remove_if_unborn();
    assert!(!dir.path.exists(), "an empty record");
    dir.make().unwrap();
    sample().write_new(&dir).unwrap();
    dir.remove_if_unborn();
    assert!(dir.record().exists(), "a record");
}
