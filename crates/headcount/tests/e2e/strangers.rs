//! The agents' listener: only agents get in, and whoever else comes does no harm.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

use headcount_api::agent::{Credential, FromAgent, PATH, PROTOCOL, ToAgent};
use tokio_tungstenite::tungstenite::{self, Message};

use crate::harness::{House, QUICK, content, pool_of, script, until};

fn connect(house: &House) -> UnixStream {
    let stream = UnixStream::connect(house.state().join("run/agents.sock")).unwrap();
    stream.set_read_timeout(Some(QUICK)).unwrap();
    stream
}

/// Says hello as this agent and gives the answer.
fn register(house: &House, agent: &str, token: &str) -> ToAgent {
    let url = format!("ws://localhost{PATH}");
    let (mut socket, _) = tungstenite::client(url, connect(house)).unwrap();
    let hello = FromAgent::Register {
        protocol: PROTOCOL,
        agent: agent.to_owned(),
        token: Credential::new(token.to_owned()),
        session_digest: "0".repeat(64),
        version: "0.0.0".to_owned(),
        hostname: "elsewhere".to_owned(),
    };
    let hello = serde_json::to_string(&hello).unwrap();
    socket.send(Message::text(hello)).unwrap();
    let answer = socket.read().unwrap();
    serde_json::from_str(answer.to_text().unwrap()).unwrap()
}

fn code(answer: &ToAgent) -> &str {
    match answer {
        ToAgent::Refused { code, .. } => code,
        other => panic!("not refused: {other:?}"),
    }
}

/// Agents of this house leave a copy of their token, and wait before they use it.
fn careless() -> House {
    let mut house = House::new("");
    let home = house.home().display().to_string();
    let program = house.path("careless");
    let text = format!(
        "#!/bin/sh\ncp \"$HEADCOUNT_AGENT_TOKEN_FILE\" {home}/stolen\n\
         echo $HEADCOUNT_AGENT_ID > {home}/whose\n\
         while [ ! -e {home}/open ]; do sleep 0.05; done\nexec {} agent\n",
        env!("CARGO_BIN_EXE_headcount")
    );
    fs::write(&program, text).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("        binaryPath: {}\n", program.display());
    house.write_config(&(pool_of(1) + &path));
    house.start();
    house
}

#[test]
fn a_stolen_token_is_refused_and_counted() {
    let house = careless();
    let api = house.api();
    let gate = house.path("gate");
    let wait = format!("while [ ! -e {} ]; do sleep 0.05; done", gate.display());
    let id = api.submit(&script(&wait));
    let agent = content(&house.path("whose"));
    let agent = agent.trim();
    let stolen = fs::read_to_string(house.path("stolen")).unwrap();

    let guessed = register(&house, agent, &"0".repeat(64));
    assert_eq!(code(&guessed), "bad_token", "{guessed:?}");
    fs::write(house.path("open"), "").unwrap();
    api.running(&id);
    let used = register(&house, agent, stolen.trim());
    assert_eq!(code(&used), "token_used", "{used:?}");
    let unknown = register(&house, "a-1-1", stolen.trim());
    assert_eq!(code(&unknown), "unknown_agent", "{unknown:?}");
    for word in ["token_used", "bad_token", "unknown_agent"] {
        let counted = api.metric("headcount_agent_registrations_refused_total", word);
        assert!((counted - 1.0).abs() < f64::EPSILON, "{word}: {counted}");
    }
    fs::write(&gate, "").unwrap();
    let ended = api.end_of(&id);
    assert_eq!(ended.exit_code, Some(0), "the thief did harm: {ended:#?}");
    house.close();
}

#[test]
fn no_credential_is_in_arguments_logs_or_the_state_file() {
    let house = careless();
    fs::write(house.path("open"), "").unwrap();
    house.run(&["submit", "--wait", "--", "true"]).good();
    let stolen = fs::read_to_string(house.path("stolen")).unwrap();
    let stolen = stolen.trim().as_bytes();
    assert!(stolen.len() >= 32);
    house.await_empty();
    let mut places = vec![house.home().to_path_buf()];
    let mut looked = 0;
    while let Some(place) = places.pop() {
        for entry in fs::read_dir(place).unwrap().map(Result::unwrap) {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                places.push(entry.path());
            } else if kind.is_file() && entry.file_name() != "stolen" {
                let text = fs::read(entry.path()).unwrap();
                let found = text.windows(stolen.len()).any(|window| window == stolen);
                assert!(!found, "the token is in {}", entry.path().display());
                looked += 1;
            }
        }
    }
    assert!(looked > 2, "only {looked} files were found");
    house.close();
}

#[test]
fn silent_and_broken_connections_do_no_harm() {
    let house = House::up(&pool_of(1));
    let mut half = connect(&house);
    half.write_all(b"GET /agent/v1 HTTP/1.1\r\nHost: local")
        .unwrap();
    let silent = connect(&house);
    let (mute, _) = tungstenite::client(format!("ws://localhost{PATH}"), connect(&house)).unwrap();
    let (mut babble, _) =
        tungstenite::client(format!("ws://localhost{PATH}"), connect(&house)).unwrap();
    babble.send(Message::text("hello?")).unwrap();
    let answer = babble.read();
    assert!(
        matches!(&answer, Ok(Message::Close(_)) | Err(_))
            || answer
                .as_ref()
                .unwrap()
                .to_text()
                .unwrap()
                .contains("refused"),
        "{answer:?}"
    );
    house.run(&["submit", "--wait", "--", "true"]).good();
    // One that never greets is closed by the daemon; the read ends when it is.
    let mut raw = mute.into_inner();
    let mut rest = Vec::new();
    raw.read_to_end(&mut rest).unwrap();
    drop((half, silent));
    house.close();
}

#[test]
fn the_agents_listener_serves_nothing_else_and_nobody_else() {
    let house = House::up(&pool_of(1));
    let socket = house.state().join("run/agents.sock");
    let mode = fs::metadata(socket).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600, "{mode:o}");
    let mut stream = connect(&house);
    stream
        .write_all(b"GET /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 404");
    until("the api does not serve agents", || {
        (house.api().get_raw(PATH).status == 404).then_some(())
    });
    house.close();
}
