//! What a start says of a directory or file it cannot use, and how it leaves them.
#![allow(clippy::unwrap_used, reason = "a test ends where its world does")]

mod common;

use std::fs::{self, Permissions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use common::{Place, job, submit};
use headcount_ports::{JobBook, Ledger};
use headcount_store::{Options, SCHEMA, SqliteStore, StateDir};
use rusqlite::Connection;

fn refusal(place: &Place) -> String {
    let dir = StateDir::open(place.dir.path()).unwrap();
    let refused = SqliteStore::open(&dir, Options::default());
    refused.map(|_| ()).unwrap_err().to_string()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn a_second_daemon_is_refused_with_the_pid_of_the_first() {
    let place = Place::new();
    let store = place.open();
    let refused = StateDir::open(place.dir.path()).map(|_| ()).unwrap_err();
    let path = fs::canonicalize(place.dir.path()).unwrap();
    let expected = format!(
        "state directory {} is in use by another headcount (pid {}); stop that one, or give \
         this one a directory of its own with --state-dir",
        path.display(),
        std::process::id()
    );
    assert_eq!(refused.to_string(), expected);

    fs::write(place.dir.path().join("lock"), "").unwrap();
    let refused = StateDir::open(place.dir.path()).map(|_| ()).unwrap_err();
    assert!(
        refused.to_string().contains("(pid not known yet)"),
        "{refused}"
    );

    drop(store);
    drop(place.open());
}

#[test]
fn a_lock_that_only_outlives_its_daemon_is_waited_for() {
    // A process that has ended, and whose pid is therefore nobody's for now.
    let mut dead = std::process::Command::new("true").spawn().unwrap();
    dead.wait().unwrap();
    let_go_by(dead.id());
}

#[test]
fn a_lock_of_a_daemon_that_is_just_dying_is_waited_for() {
    let_go_by(std::process::id());
}

/// Somebody who says to be `pid` holds the lock, and lets go once another wants it.
fn let_go_by(pid: u32) {
    let place = Place::new();
    let path = fs::canonicalize(place.dir.path()).unwrap().join("lock");
    let held = fs::File::create(&path).unwrap();
    held.lock().unwrap();
    fs::write(&path, format!("{pid}\n")).unwrap();
    let place = place.dir.path().to_path_buf();
    let opened = std::thread::spawn(move || StateDir::open(place).map(drop));
    // Held until the other has opened the file, too, so that it finds it taken.
    while open_files(&path) < 2 {
        std::thread::yield_now();
    }
    drop(held);
    opened.join().unwrap().unwrap();
}

fn open_files(path: &Path) -> usize {
    let all = fs::read_dir("/proc/self/fd").unwrap();
    let targets = all.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    targets.filter(|target| target == path).count()
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let place = Place::new();
    let file = place.dir.path().join("file");
    fs::write(&file, "").unwrap();
    let path = file.join("state");
    let refused = StateDir::open(&path).map(|_| ()).unwrap_err();
    let expected = format!(
        "state directory {} cannot be used: Not a directory (os error 20); make it writable \
         for this user, or choose another with --state-dir",
        path.display()
    );
    assert_eq!(refused.to_string(), expected);
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    let place = Place::new();
    fs::set_permissions(place.dir.path(), Permissions::from_mode(0o500)).unwrap();
    if fs::write(place.dir.path().join("probe"), "").is_ok() {
        return; // This user may write anywhere: the system refuses nothing to test with.
    }
    let refused = StateDir::open(place.dir.path()).map(|_| ()).unwrap_err();
    let text = refused.to_string();
    assert!(text.contains("Permission denied"), "{text}");
}

#[tokio::test]
async fn a_file_of_a_newer_program_is_left_alone() {
    let place = Place::new();
    drop(place.open());
    let db = Connection::open(place.file()).unwrap();
    db.pragma_update(None, "user_version", 77).unwrap();
    drop(db);
    let before = fs::read(place.file()).unwrap();
    let expected = format!(
        "state file {} was written by a newer headcount (schema 77, this one knows {SCHEMA}); start \
         that version again, or choose another directory with --state-dir",
        fs::canonicalize(place.file()).unwrap().display()
    );
    assert_eq!(refusal(&place), expected);
    assert!(
        fs::read(place.file()).unwrap() == before,
        "the file is as it was"
    );
}

#[test]
fn a_file_of_another_program_is_refused() {
    let place = Place::new();
    let db = Connection::open(place.file()).unwrap();
    db.execute_batch("CREATE TABLE theirs (x)").unwrap();
    drop(db);
    let expected = format!(
        "state file {} belongs to another program; choose another directory with --state-dir",
        fs::canonicalize(place.file()).unwrap().display()
    );
    assert_eq!(refusal(&place), expected);
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let place = Place::new();
    fs::write(
        place.file(),
        "this is not a database, but long enough to look at\n".repeat(20),
    )
    .unwrap();
    let expected = format!(
        "state file {} is damaged: file is not a database; restore it from a backup, or move \
         it away to start empty",
        fs::canonicalize(place.file()).unwrap().display()
    );
    assert_eq!(refusal(&place), expected);
}

#[tokio::test]
async fn a_damaged_file_is_refused() {
    let place = Place::new();
    let store = place.open();
    store
        .submit(vec![job(&"x".repeat(500)); 500], common::at(0))
        .await
        .unwrap();
    drop(store);
    let mut file = fs::OpenOptions::new()
        .write(true)
        .open(place.file())
        .unwrap();
    let length = file.metadata().unwrap().len();
    file.seek(SeekFrom::Start(length / 2)).unwrap();
    file.write_all(&[0xa5; 16 * 1024]).unwrap();
    drop(file);
    let text = refusal(&place);
    let file = fs::canonicalize(place.file()).unwrap();
    let start = format!("state file {} is damaged: ", file.display());
    let end = "; restore it from a backup, or move it away to start empty";
    assert!(text.starts_with(&start) && text.ends_with(end), "{text}");
}

#[tokio::test]
async fn a_full_disk_is_named() {
    let place = Place::new();
    let dir = StateDir::open(place.dir.path()).unwrap();
    let options = Options {
        max_file_bytes: Some(3 * 4096),
        ..Options::default()
    };
    let refused = SqliteStore::open(&dir, options).map(|_| ()).unwrap_err();
    let expected = format!(
        "state disk is full: {} cannot be opened for writing; free some space there",
        fs::canonicalize(place.file()).unwrap().display()
    );
    assert_eq!(refused.to_string(), expected);
    SqliteStore::open(&dir, Options::default()).unwrap();
}

#[tokio::test]
async fn everything_is_private_and_set_to_last() {
    let place = Place::new();
    let path = place.dir.path().join("made/here");
    let dir = StateDir::open(&path).unwrap();
    let store = SqliteStore::open(&dir, Options::default()).unwrap();
    submit(&store, job("true")).await;
    assert_eq!(mode(&path), 0o700);
    for name in [
        "lock",
        "headcount.db",
        "headcount.db-wal",
        "headcount.db-shm",
    ] {
        assert_eq!(mode(&path.join(name)), 0o600, "{name}");
    }
    let db = Connection::open(path.join("headcount.db")).unwrap();
    let pragma = |name| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    assert_eq!(pragma("auto_vacuum").unwrap(), 2, "incremental");
    assert_eq!(pragma("user_version").unwrap(), i64::from(SCHEMA));
    let journal = db.pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0));
    assert_eq!(journal.unwrap(), "wal");
}

/// What was kept under the first schema is kept under this one, as jobs of the queue.
#[tokio::test]
async fn a_file_of_an_earlier_schema_is_brought_up_to_date() {
    let place = Place::new();
    let db = Connection::open(place.file()).unwrap();
    db.execute_batch(include_str!("../migrations/0001_base.sql"))
        .unwrap();
    db.execute_batch(
        "INSERT INTO jobs (key, wants, work, priority, retries, accepted_at, status, attempts,
                           deliveries)
         VALUES ('k', '{\"runs_on\":[\"linux\"],\"timeout\":null}',
                 '{\"command\":{\"argv\":[\"true\"]},\"working_dir\":null,
                   \"grace\":{\"secs\":1,\"nanos\":0},\"log_limit_bytes\":1,
                   \"log_pressure\":null}',
                 0, 0, 5, 0, 0, 0);
         INSERT INTO agents VALUES (1, 2, '{\"pool\":\"d/linux\",\"scaler\":\"d\",
             \"backend\":\"bare-metal\",\"machine_pool\":null,\"kind\":\"managed\",
             \"phase\":\"ready\",\"phase_since\":1,\"created_at\":1,
             \"made_for\":\"demand_waiting\",\"leaves_for\":null,
             \"granted\":{\"requests\":{\"cpu_millis\":0,\"memory_bytes\":0},
                         \"limits\":{\"cpu_millis\":0,\"memory_bytes\":0}},
             \"slots\":1,\"made_from\":7,\"jobs_done\":0,\"tokens\":[],\"used_token\":null,
             \"session\":null}');
         PRAGMA application_id = 1212433236;
         PRAGMA user_version = 1;",
    )
    .unwrap();
    drop(db);
    let store = place.open();
    let queue = headcount_model::SourceId::new("queue");
    let waiting = store.queued(&queue).await.unwrap();
    assert_eq!(waiting.len(), 1);
    let record = store.get(waiting[0].job).await.unwrap().unwrap();
    assert_eq!(
        (record.spec.source, record.spec.key.as_deref()),
        (queue, Some("k"))
    );
    let agents = store.load().await.unwrap().agents;
    assert_eq!(agents.len(), 1);
    assert!(!agents[0].cordoned, "nobody was, before there were cordons");
}
