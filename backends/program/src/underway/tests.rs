use super::*;

const FIRST: AgentId = AgentId {
    epoch: 7,
    number: 1,
};
const SECOND: AgentId = AgentId {
    epoch: 7,
    number: 2,
};
const MINUTE: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(300);

fn under_way(dir: &tempfile::TempDir, backend: &str) -> UnderWay {
    UnderWay::new(dir.path(), BackendId::new(backend))
}

fn pool() -> PoolName {
    PoolName::new("farm/linux")
}

#[test]
fn what_is_noted_is_left_until_it_is_over() {
    let dir = tempfile::tempdir().unwrap();
    let here = under_way(&dir, "program:/p");
    assert_eq!(here.left(&[], LONGEST), BTreeMap::new(), "no folder yet");
    let mut noted = here
        .note([(FIRST, pool()), (SECOND, pool())], MINUTE)
        .unwrap();
    let left = here.left(&[], LONGEST);
    assert_eq!(left.len(), 2);
    let first = &left[&FIRST];
    assert_eq!((&first.pool, first.maker), (&pool(), None));
    assert!(first.wait <= MINUTE && first.wait > MINUTE / 2, "{first:?}");
    let maker = Maker { pid: 5, started: 9 };
    noted.made_by(maker);
    assert_eq!(here.left(&[], LONGEST)[&SECOND].maker, Some(maker));
    let other = under_way(&dir, "program:/q");
    assert_eq!(other.left(&[(FIRST, pool())], LONGEST), BTreeMap::new());
    drop(noted);
    assert_eq!(here.left(&[(FIRST, pool())], LONGEST), BTreeMap::new());
}

#[test]
fn what_cannot_be_read_is_under_way_for_as_long_as_it_may_be() {
    let dir = tempfile::tempdir().unwrap();
    let here = under_way(&dir, "program:/p");
    let folder = dir.path().join(FOLDER);
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join(FIRST.to_string()), "{").unwrap();
    fs::write(folder.join(SECOND.to_string()), "{").unwrap();
    fs::write(folder.join(format!("{FIRST}.new")), "{").unwrap();
    let unclear = Left {
        pool: pool(),
        maker: None,
        wait: LONGEST,
    };
    let known = [(FIRST, pool())];
    assert_eq!(
        here.left(&known, LONGEST),
        [(FIRST, unclear.clone())].into()
    );
    fs::remove_dir_all(&folder).unwrap();
    fs::write(&folder, "no folder").unwrap();
    assert_eq!(here.left(&known, LONGEST), [(FIRST, unclear)].into());
    assert!(here.note([(FIRST, pool())], MINUTE).is_err());
}

#[test]
fn its_time_is_what_the_clock_leaves_of_it() {
    let now = Timestamp::now().as_millisecond();
    let wait = |noted| {
        let note = Note {
            backend: "program:/p".into(),
            pool: "farm/linux".into(),
            maker: Some("5".into()),
            noted,
            deadline: 60_000,
        };
        let left = note.left();
        assert_eq!(left.maker, None, "half a word is none");
        left.wait
    };
    assert_eq!(wait(now - 60_000), Duration::ZERO);
    assert_eq!(wait(now + 3_600_000), MINUTE, "a clock that was set back");
    assert_eq!(wait(i64::MIN), Duration::ZERO);
}
