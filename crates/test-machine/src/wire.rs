//! How a call of the program reaches this process and its answer comes back.
//!
//! The program is a small script: it sends its environment and its arguments, each ended by
//! a zero byte, and prints lines that begin with `o` or `e` until one with `x` ends it.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;

use crate::{Call, Shared, verbs};

/// The program.
pub(crate) fn script(port: u16) -> String {
    format!(
        "#!/bin/bash\n\
         # A stand-in for docker-machine, made by Headcount's tests.\n\
         exec 3<>/dev/tcp/127.0.0.1/{port} || exit 1\n\
         {{ env -0; printf '\\0%s\\0' \"$#\"; [ $# = 0 ] || printf '%s\\0' \"$@\"; }} >&3\n\
         while IFS= read -r line <&3; do\n\
         \x20 case \"$line\" in\n\
         \x20   o*) printf '%s\\n' \"${{line:1}}\" ;;\n\
         \x20   e*) printf '%s\\n' \"${{line:1}}\" >&2 ;;\n\
         \x20   x*) exit \"${{line:1}}\" ;;\n\
         \x20 esac\n\
         done\n\
         exit 1\n"
    )
}

/// Where an answer goes, line by line.
pub(crate) struct Mouth(OwnedWriteHalf);

impl Mouth {
    pub(crate) async fn say(&mut self, line: &str) {
        self.send('o', line).await;
    }

    pub(crate) async fn complain(&mut self, line: &str) {
        self.send('e', line).await;
    }

    /// A caller that is gone hears nothing.
    async fn send(&mut self, mark: char, line: &str) {
        let _ = self.0.write_all(format!("{mark}{line}\n").as_bytes()).await;
    }
}

pub(crate) async fn serve(listener: std::net::TcpListener, shared: Arc<Shared>) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("a port");
    loop {
        let (stream, _) = listener.accept().await.expect("callers come");
        let shared = shared.clone();
        tokio::spawn(async move { answer(stream, &shared).await });
    }
}

async fn answer(stream: TcpStream, shared: &Arc<Shared>) {
    let (read, write) = stream.into_split();
    let (mut read, mut mouth) = (BufReader::new(read), Mouth(write));
    let Some(call) = hear(&mut read).await else {
        return;
    };
    shared.state().calls.push(call.clone());
    // Whoever calls may be ended: what was not done by then is not done.
    let mut rest = Vec::new();
    let code = tokio::select! {
        code = verbs::run(shared, &call, &mut mouth) => code,
        _ = read.read_to_end(&mut rest) => return,
    };
    mouth.send('x', &code.to_string()).await;
}

async fn hear(read: &mut (impl AsyncBufReadExt + Unpin)) -> Option<Call> {
    let mut environment = BTreeMap::new();
    loop {
        let item = item(read).await?;
        if item.is_empty() {
            break;
        }
        let (name, value) = item.split_once('=')?;
        environment.insert(name.to_owned(), value.to_owned());
    }
    let count: usize = item(read).await?.parse().ok()?;
    let mut arguments = Vec::new();
    for _ in 0..count {
        arguments.push(item(read).await?);
    }
    Some(Call {
        arguments,
        environment,
    })
}

async fn item(read: &mut (impl AsyncBufReadExt + Unpin)) -> Option<String> {
    let mut bytes = Vec::new();
    read.read_until(0, &mut bytes).await.ok()?;
    (bytes.pop()? == 0).then_some(())?;
    String::from_utf8(bytes).ok()
}
