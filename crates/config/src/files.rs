//! Reading the files.
//!
//! Promise: only regular files are read, each at most [`MAX_FILE_BYTES`], so that
//! neither a pipe nor a device nor a huge file holds the program up; whatever cannot be
//! read is a problem like any other. Leaves what is in them to [`crate::load`].

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::environment::ConfigPaths;
use crate::problem::{Draft, Problems};
use crate::source::{ConfigText, MAX_FILE_BYTES};

/// Files of one drop-in directory.
pub const MAX_DROP_INS: usize = 512;

/// All files of one run together, in bytes.
const MAX_TOTAL_BYTES: usize = 32 * 1024 * 1024;

/// What was found; the main file is absent when it could not be read.
pub(crate) struct Files {
    pub main: Option<ConfigText>,
    /// In the order of their names.
    pub drop_ins: Vec<ConfigText>,
}

pub(crate) fn read_files(paths: &ConfigPaths, problems: &mut Problems) -> Files {
    let main = read_file(&paths.main, problems);
    let mut n_bytes = main.as_ref().map_or(0, |main| main.text.len());
    let mut drop_ins = Vec::new();
    let dir = paths.dir.as_deref();
    for path in dir.map_or(Vec::new(), |dir| list(dir, problems)) {
        let text = read_file(&path, problems);
        n_bytes += text.as_ref().map_or(0, |text| text.text.len());
        if n_bytes > MAX_TOTAL_BYTES {
            let draft = Draft::error("this and the files before it are larger than 32 MiB");
            let name = path.display().to_string();
            problems.in_file(&name, draft.hint("say less, or run a daemon for each part"));
            break;
        }
        drop_ins.extend(text);
    }
    Files { main, drop_ins }
}

/// Files of a directory whose names end as those of some format do, in plain string order.
fn list(dir: &Path, problems: &mut Problems) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).and_then(|entries| {
        let paths = entries.map(|entry| entry.map(|entry| entry.path()));
        let ours = paths.filter(|path| path.as_ref().map_or(true, |path| is_drop_in(path)));
        ours.take(MAX_DROP_INS + 1).collect::<io::Result<Vec<_>>>()
    });
    let mut paths = match entries {
        Ok(paths) => paths,
        Err(error) => {
            let name = dir.display().to_string();
            let message = format!("the drop-in directory cannot be listed: {}", cause(&error));
            let hint = "check the path and the permissions, or unset the directory";
            problems.in_file(&name, Draft::error(message).hint(hint));
            return Vec::new();
        }
    };
    if paths.len() > MAX_DROP_INS {
        let message = format!("the drop-in directory holds more than {MAX_DROP_INS} files");
        let hint = "join some of them";
        problems.in_file(&dir.display().to_string(), Draft::error(message).hint(hint));
        return Vec::new();
    }
    paths.sort_by(|a, b| a.file_name().cmp(&b.file_name()));
    paths
}

/// What a file says is recognised by its content; its name tells only that it is meant.
fn is_drop_in(path: &Path) -> bool {
    const ENDS: [&[u8]; 4] = [b".yaml", b".yml", b".toml", b".json"];
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    ENDS.iter().any(|end| name.ends_with(end))
}

fn read_file(path: &Path, problems: &mut Problems) -> Option<ConfigText> {
    let name = path.display().to_string();
    match read(path) {
        Ok(text) => Some(ConfigText { name, text }),
        Err(draft) => {
            problems.in_file(&name, draft);
            None
        }
    }
}

/// The text of a regular file, at most 4 MiB of UTF-8.
pub(crate) fn read(path: &Path) -> Result<String, Draft> {
    let failed = |error: io::Error| {
        let hint = match error.kind() {
            io::ErrorKind::NotFound => "check the path",
            io::ErrorKind::PermissionDenied => "let the user of this program read it",
            _ => "check the file and its disk",
        };
        Draft::error(format!("the file cannot be read: {}", cause(&error))).hint(hint)
    };
    let what = fs::metadata(path).map_err(failed)?;
    if what.is_dir() {
        return Err(Draft::error("this is a directory").hint(instead_of(path)));
    }
    // Opening a pipe would wait for its other end.
    if !what.is_file() {
        let draft = Draft::error("this is not a regular file");
        return Err(draft.hint("give the path of a file"));
    }
    let file = File::open(path).map_err(failed)?;
    let most = u64::try_from(MAX_FILE_BYTES).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    check_size(bytes.len())?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let before = error.as_bytes().get(..at).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        Draft::error(format!(
            "the file is not UTF-8 text: byte {at}, in line {line}, is not"
        ))
        .hint("save it as UTF-8")
    })
}

/// What somebody meant who named a directory.
fn instead_of(dir: &Path) -> String {
    const MAIN: [&str; 3] = ["scalers.yaml", "scalers.yml", "config.toml"];
    let mut there = MAIN.into_iter().filter(|name| dir.join(name).is_file());
    let file = match (there.next(), there.next()) {
        (Some(name), None) => format!("write `{}`", dir.join(name).display()),
        _ => "write the path of the file in it".to_owned(),
    };
    format!("{file}; a directory of further scalers is named by `--config-dir`")
}

/// Texts that come from elsewhere have the same bound.
pub(crate) fn check_size(n_bytes: usize) -> Result<(), Draft> {
    match n_bytes > MAX_FILE_BYTES {
        true => Err(Draft::error("the file is larger than 4 MiB")
            .hint("move scalers into files of the drop-in directory")),
        false => Ok(()),
    }
}

/// The sentence of the operating system, without its number.
fn cause(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file or directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string().to_lowercase(),
    }
}
