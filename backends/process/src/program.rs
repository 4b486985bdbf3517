//! Which file a recipe executes, found before anything is made.
//!
//! Promise: a program that is missing or not executable is refused with a sentence that says
//! what to do. Leaves to others: executing it (`make`).

use std::path::{Path, PathBuf};

use headcount_model::ProcessProgram;
use headcount_ports::BackendError;
use rustix::fs::{Access, access};

/// Where programs are looked for when the environment has no `PATH`, as `execvp` does.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// A program and its arguments, ready to execute.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Program {
    /// The file.
    pub(crate) file: PathBuf,
    /// Its name as it was written: argument zero.
    pub(crate) name: String,
    /// The arguments after it.
    pub(crate) arguments: Vec<String>,
}

impl Program {
    /// What a recipe means on this host. `path` is the `PATH` the program will see.
    ///
    /// # Errors
    /// [`BackendError::Invalid`] when there is nothing to execute.
    pub(crate) fn resolve(
        program: &ProcessProgram,
        own_binary: &Path,
        path: Option<&str>,
    ) -> Result<Self, BackendError> {
        let (name, arguments) = match program {
            ProcessProgram::OwnAgent => {
                let own = own_binary.display().to_string();
                (own, vec!["agent".to_owned()])
            }
            ProcessProgram::Agent(binary) => (binary.clone(), Vec::new()),
            ProcessProgram::Worker(argv) => match argv.split_first() {
                Some((first, rest)) => (first.clone(), rest.to_vec()),
                None => return Err(BackendError::Invalid("`command` is empty".into())),
            },
        };
        if name.contains('\0') || arguments.iter().any(|argument| argument.contains('\0')) {
            return Err(BackendError::Invalid(
                "`command` contains a NUL byte; remove it".into(),
            ));
        }
        Ok(Self {
            file: find(&name, path).map_err(BackendError::Invalid)?,
            name,
            arguments,
        })
    }
}

/// The file that executing `name` would execute, or a sentence about why there is none.
pub(crate) fn find(name: &str, path: Option<&str>) -> Result<PathBuf, String> {
    if name.contains('/') {
        return executable(Path::new(name)).map(|()| absolute(Path::new(name)));
    }
    let path = path.unwrap_or(DEFAULT_PATH);
    let mut refused = None;
    for folder in path.split(':').filter(|folder| !folder.is_empty()) {
        let file = Path::new(folder).join(name);
        match executable(&file) {
            Ok(()) => return Ok(absolute(&file)),
            Err(why) if file.is_file() => refused = refused.or(Some(why)),
            Err(_) => {}
        }
    }
    Err(refused.unwrap_or_else(|| {
        format!("program `{name}` not found in PATH ({path}); install it or write its full path")
    }))
}

/// The program runs in a directory of its own, where a relative path means another file.
fn absolute(file: &Path) -> PathBuf {
    std::path::absolute(file).unwrap_or_else(|_| file.to_owned())
}

fn executable(file: &Path) -> Result<(), String> {
    let shown = file.display();
    match std::fs::metadata(file) {
        Ok(found) if !found.is_file() => Err(format!("`{shown}` is not a file")),
        Ok(_) => access(file, Access::EXEC_OK)
            .map_err(|_| format!("`{shown}` is not executable; run `chmod +x {shown}`")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(format!("program `{shown}` not found; check the path"))
        }
        Err(error) => Err(format!("program `{shown}` cannot be used: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn file(dir: &Path, name: &str, mode: u32) -> String {
        let file = dir.join(name);
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        file.display().to_string()
    }

    #[test]
    fn each_kind_of_program_has_its_arguments() {
        let dir = tempfile::tempdir().unwrap();
        let tool = file(dir.path(), "tool", 0o755);
        let own = PathBuf::from(&tool);
        let resolve = |program| Program::resolve(&program, &own, dir.path().to_str()).unwrap();
        assert_eq!(resolve(ProcessProgram::OwnAgent).arguments, ["agent"]);
        let agent = resolve(ProcessProgram::Agent(tool.clone()));
        assert_eq!((agent.file, agent.arguments), (own.clone(), vec![]));
        let argv = ["tool", "-x", "y"].map(str::to_owned).to_vec();
        let worker = resolve(ProcessProgram::Worker(argv));
        assert_eq!(worker.file, own);
        assert_eq!((worker.name.as_str(), worker.arguments.len()), ("tool", 2));
    }

    #[test]
    fn what_cannot_be_executed_is_explained() {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().display();
        let plain = file(dir.path(), "plain", 0o644);
        let path = at.to_string();
        let cases = [
            (
                format!("{at}/none"),
                format!("program `{at}/none` not found; check the path"),
            ),
            (
                plain.clone(),
                format!("`{plain}` is not executable; run `chmod +x {plain}`"),
            ),
            (path.clone(), format!("`{at}` is not a file")),
            (
                "plain".into(),
                format!("`{plain}` is not executable; run `chmod +x {plain}`"),
            ),
            (
                "none".into(),
                format!(
                    "program `none` not found in PATH ({at}); install it or write its full path"
                ),
            ),
        ];
        for (name, expected) in cases {
            assert_eq!(find(&name, Some(&path)), Err(expected), "{name}");
        }
        let empty = Program::resolve(&ProcessProgram::Worker(vec![]), dir.path(), None);
        assert_eq!(empty.unwrap_err().to_string(), "`command` is empty");
    }
}
