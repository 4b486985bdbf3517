//! Files that cannot be read are problems like any other.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::path::Path;

use headcount_config::{ConfigPaths, Platform, load};

/// Every problem, with the directory's path cut away.
fn problems(dir: &Path, main: &str, drop_ins: Option<&str>) -> Vec<String> {
    let paths = ConfigPaths {
        main: dir.join(main),
        dir: drop_ins.map(|name| dir.join(name)),
    };
    let problems = load(&paths, &Platform::current()).unwrap_err().to_string();
    let cut = format!("{}/", dir.display());
    problems
        .lines()
        .map(|line| line.replace(&cut, ""))
        .collect()
}

#[test]
fn missing_main_file_and_missing_directory_are_told_together() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(
        problems(dir.path(), "gone.yaml", Some("gone.d")),
        [
            "gone.yaml: error: the file cannot be read: there is no such file or directory (check \
             the path)",
            "gone.d: error: the drop-in directory cannot be listed: there is no such file or \
             directory (check the path and the permissions, or unset the directory)",
        ]
    );
}

#[test]
fn a_drop_in_is_checked_even_without_its_main_file() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("d")).unwrap();
    fs::write(dir.path().join("d/a.yaml"), "scalrs: []\n").unwrap();
    let found = problems(dir.path(), "gone.yaml", Some("d"));
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!(
        found[1],
        "d/a.yaml:1:1: error: a drop-in file has no key `scalrs` (write `scalers`)"
    );
}

#[test]
fn what_is_no_file_is_not_opened() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("sub")).unwrap();
    let also = "a directory of further scalers is named by `--config-dir`";
    let told = |file: &str| [format!("sub: error: this is a directory ({file}; {also})")];
    let any = told("write the path of the file in it");
    assert_eq!(problems(dir.path(), "sub", None), any);
    fs::write(dir.path().join("sub/config.toml"), "").unwrap();
    let one = told("write `sub/config.toml`");
    assert_eq!(problems(dir.path(), "sub", None), one);
    fs::write(dir.path().join("sub/scalers.yaml"), "").unwrap();
    assert_eq!(problems(dir.path(), "sub", None), any);
}

#[cfg(unix)]
#[test]
fn a_pipe_does_not_hold_the_program_up() {
    let dir = tempfile::tempdir().unwrap();
    let status = std::process::Command::new("mkfifo")
        .arg(dir.path().join("pipe"))
        .status();
    assert!(status.unwrap().success());
    let found = problems(dir.path(), "pipe", None);
    assert_eq!(
        found,
        ["pipe: error: this is not a regular file (give the path of a file)"]
    );
}

#[test]
fn bytes_that_are_no_text() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a"), b"version: 1\n# \xff\n").unwrap();
    assert_eq!(
        problems(dir.path(), "a", None),
        ["a: error: the file is not UTF-8 text: byte 13, in line 2, is not (save it as UTF-8)"]
    );
}

#[test]
fn a_file_that_is_too_large() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a"), "#".repeat(4 * 1024 * 1024 + 1)).unwrap();
    assert_eq!(
        problems(dir.path(), "a", None),
        [
            "a: error: the file is larger than 4 MiB (move scalers into files of the drop-in \
          directory)"
        ]
    );
}

#[test]
fn too_many_drop_ins() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a"), "version: 1\nscalers: []\n").unwrap();
    let drop_ins = dir.path().join("d");
    fs::create_dir(&drop_ins).unwrap();
    for n in 0..=headcount_config::MAX_DROP_INS {
        fs::write(drop_ins.join(format!("{n}.yaml")), "").unwrap();
    }
    assert_eq!(
        problems(dir.path(), "a", Some("d")),
        ["d: error: the drop-in directory holds more than 512 files (join some of them)"]
    );
}

/// Other formats are read from a directory as they are when they are named alone.
#[test]
fn a_drop_in_is_read_whatever_its_format_is() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("main"), "version: 1\n").unwrap();
    let drop_ins = dir.path().join("d");
    fs::create_dir(&drop_ins).unwrap();
    let scaler = |name: &str| {
        format!(
            "{{\"scalers\": [{{\"name\": \"{name}\", \"type\": \"bare-metal\", \"maxAgents\": 1, \
             \"labelSets\": [{{\"labels\": [\"{name}\"]}}]}}]}}"
        )
    };
    let toml = "concurrent = 3\n[[runners]]\nname = \"cloud\"\nexecutor = \"docker+machine\"\n\
                [runners.machine]\nIdleCount = 1\n";
    for (name, text) in [
        ("2.json", scaler("json")),
        ("1-config.toml", toml.to_owned()),
        ("3.yml", scaler("yaml")),
        ("README.md", "# what these are".to_owned()),
        ("4.yaml~", "scalrs:".to_owned()),
    ] {
        fs::write(drop_ins.join(name), text).unwrap();
    }
    let paths = ConfigPaths {
        main: dir.path().join("main"),
        dir: Some(drop_ins),
    };
    let loaded = load(&paths, &Platform::current()).unwrap_or_else(|p| panic!("{p}"));
    let names: Vec<&str> = loaded
        .fleet
        .scalers
        .iter()
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!(names, ["cloud", "json", "yaml"]);
    assert_eq!(loaded.fleet.max_jobs, None, "a drop-in caps nothing");
}

#[test]
fn a_drop_in_that_is_no_configuration_is_not_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("main"), "version: 1\nscalers: []\n").unwrap();
    fs::create_dir(dir.path().join("d")).unwrap();
    fs::write(dir.path().join("d/a.toml"), "title = \"x\"\n").unwrap();
    fs::write(dir.path().join("d/b.json"), "{\"title\": 1}\n").unwrap();
    assert_eq!(
        problems(dir.path(), "main", Some("d")),
        [
            "d/a.toml: error: there is no `[[runners]]` in this TOML file (give the `config.toml` \
             of GitLab Runner with its runners, or a native file, which is YAML)",
            "d/a.toml:1:1: error: the file has no key `title` (remove it: GitLab Runner has no such \
             key there)",
            "d/b.json:1:1: error: a drop-in file needs the key `scalers` (add `scalers: ...` (more \
             entries of `scalers`, after those of the main file))",
            "d/b.json:1:2: error: a drop-in file has no key `title` (its keys are `version`, \
             `scalers`)",
        ]
    );
}

#[test]
fn a_byte_order_mark_is_taken_away() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    fs::write(&path, "\u{feff}version: 1\nscalers: []\n").unwrap();
    let loaded = load(&ConfigPaths::file(&path), &Platform::current()).unwrap();
    assert!(loaded.fleet.scalers.is_empty());
}

#[test]
fn files_that_are_too_large_together() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a"), "version: 1\nscalers: []\n").unwrap();
    fs::create_dir(dir.path().join("d")).unwrap();
    // Refused at the first character, so that reading it takes no time.
    let large = "\u{1}".repeat(4 * 1024 * 1024);
    for n in 1..=9 {
        fs::write(dir.path().join(format!("d/{n}.yaml")), &large).unwrap();
    }
    let found = problems(dir.path(), "a", Some("d"));
    assert_eq!(
        found[0],
        "d/8.yaml: error: this and the files before it are larger than 32 MiB (say less, or run a \
         daemon for each part)"
    );
    assert_eq!(found.len(), 1 + 7, "{found:?}");
}
