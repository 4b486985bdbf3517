//! An image with nothing in it but a busybox.

use std::path::Path;

use bollard::Docker;
use bollard::query_parameters::{CreateImageOptionsBuilder, TagImageOptionsBuilder};
use futures_util::StreamExt;
use tar::{Builder, EntryType, Header};

use crate::host::find;

/// Names the busybox is known by.
const APPLETS: [&str; 16] = [
    "sh", "sleep", "echo", "cat", "ls", "id", "env", "true", "false", "mkdir", "stat", "touch",
    "kill", "nc", "wc", "head",
];

/// Gives the engine an image of this name, which runs this shell text, if any.
pub(crate) async fn import(docker: Docker, name: &str, script: Option<&str>) {
    let entry = script.map(|script| format!("ENTRYPOINT [\"sh\", \"-c\", \"{script}\"]"));
    load(docker, name, entry, archive()).await;
}

/// The same without a text, run by the user of this number.
pub(crate) async fn import_of(docker: Docker, name: &str, user: u32) {
    load(docker, name, Some(format!("USER {user}")), archive()).await;
}

/// The same, with a further program `/bin/<its name>`.
pub(crate) async fn import_with(docker: Docker, name: &str, program: &Path) {
    let mut files = files();
    let file = program.file_name().expect("a program has a name");
    let bytes = std::fs::read(program).expect("it can be read");
    let mut header = header(EntryType::Regular, bytes.len() as u64);
    let path = Path::new("bin").join(file);
    let added = files.append_data(&mut header, path, &bytes[..]);
    added.expect("memory");
    load(docker, name, None, files.into_inner().expect("memory")).await;
}

/// `change` is a line as in a build file.
async fn load(docker: Docker, name: &str, change: Option<String>, archive: Vec<u8>) {
    let options = CreateImageOptionsBuilder::default()
        .from_src("-")
        .changes(change.into_iter().collect())
        .build();
    let archive = bollard::body_full(archive.into());
    let mut steps = docker.create_image(Some(options), Some(archive), None);
    let mut id = None;
    while let Some(step) = steps.next().await {
        let step = step.expect("the archive is an image");
        let says = [step.id, step.status].into_iter().flatten();
        let mut ids = says.filter(|text| text.starts_with("sha256:"));
        id = ids.next_back().or(id);
    }
    let id = id.expect("the engine names the image");
    let (repository, tag) = name.rsplit_once(':').unwrap_or((name, "latest"));
    let options = TagImageOptionsBuilder::default().repo(repository).tag(tag);
    let tagged = docker.tag_image(&id, Some(options.build())).await;
    tagged.expect("it can be named");
}

/// The files of the image.
pub(crate) fn archive() -> Vec<u8> {
    files().into_inner().expect("memory")
}

fn files() -> Builder<Vec<u8>> {
    let busybox = find("busybox").expect("busybox is installed");
    let busybox = std::fs::read(busybox).expect("it can be read");
    let mut archive = Builder::new(Vec::new());
    for folder in ["bin", "etc", "tmp"] {
        let mut header = header(EntryType::Directory, 0);
        header.set_mode(if folder == "tmp" { 0o1777 } else { 0o755 });
        archive
            .append_data(&mut header, folder, std::io::empty())
            .expect("memory");
    }
    let mut header_of_program = header(EntryType::Regular, busybox.len() as u64);
    archive
        .append_data(&mut header_of_program, "bin/busybox", &busybox[..])
        .expect("memory");
    for applet in APPLETS {
        let mut header = header(EntryType::Symlink, 0);
        archive
            .append_link(&mut header, format!("bin/{applet}"), "busybox")
            .expect("memory");
    }
    archive
}

fn header(kind: EntryType, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(0o755);
    header.set_size(size);
    header
}
