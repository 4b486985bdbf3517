//! Who is it? The first message of a connection, checked for form.
//!
//! Leaves to others: whether it is true (the controller, on digests only).

use axum::extract::ws::{Message, WebSocket};
use futures_util::StreamExt;
use futures_util::stream::SplitStream;
use headcount_api::agent::{FromAgent, OLDEST_PROTOCOL, PROTOCOL};
use headcount_model::{AgentId, LinkEvent};

use crate::convert;
use crate::refusal::Code;

/// An agent holds far fewer attempts.
const MAX_HELD: usize = 4096;

/// Who says it is here.
#[derive(Debug)]
pub(crate) struct Greeting {
    pub(crate) agent: AgentId,
    /// What the controller is asked.
    pub(crate) event: LinkEvent,
}

/// Reads the first message. The caller sets the deadline.
pub(crate) async fn read(stream: &mut SplitStream<WebSocket>) -> Result<Greeting, Code> {
    loop {
        match stream.next().await {
            Some(Ok(Message::Text(text))) => return parse(&text),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(Message::Binary(_)) | Err(_)) => return Err(Code::BadMessage),
            Some(Ok(Message::Close(_))) | None => return Err(Code::NoGreeting),
        }
    }
}

fn parse(text: &str) -> Result<Greeting, Code> {
    let message = serde_json::from_str(text).map_err(|_| Code::BadMessage)?;
    match message {
        FromAgent::Register {
            protocol,
            agent,
            token,
            session_digest,
            ..
        } => {
            let agent = check(protocol, &agent)?;
            let event = LinkEvent::Registered {
                agent,
                token: convert::digest(&token),
                session: convert::parse_digest(&session_digest).ok_or(Code::BadMessage)?,
            };
            Ok(Greeting { agent, event })
        }
        FromAgent::Resume {
            protocol,
            agent,
            session,
            held,
            claiming,
        } => {
            let agent = check(protocol, &agent)?;
            if held.len() + claiming.len() > MAX_HELD {
                return Err(Code::BadMessage);
            }
            let granted = held.iter().map(|attempt| convert::held(attempt, true));
            let claiming = claiming.iter().map(|attempt| convert::held(attempt, false));
            let event = LinkEvent::Resumed {
                agent,
                session: convert::digest(&session),
                held: granted.chain(claiming).collect(),
            };
            Ok(Greeting { agent, event })
        }
        _ => Err(Code::BadMessage),
    }
}

fn check(protocol: u32, agent: &str) -> Result<AgentId, Code> {
    if !(OLDEST_PROTOCOL..=PROTOCOL).contains(&protocol) {
        return Err(Code::Protocol);
    }
    agent.parse().map_err(|_| Code::BadId)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn register(protocol: u32, agent: &str, digest: &str) -> String {
        format!(
            r#"{{"type":"register","protocol":{protocol},"agent":"{agent}","token":"t","sessionDigest":"{digest}","version":"1","hostname":"h"}}"#
        )
    }

    #[test]
    fn what_is_not_a_greeting_is_refused_with_its_code() {
        let digest = "0".repeat(64);
        for (text, code) in [
            (String::new(), Code::BadMessage),
            ("[]".to_owned(), Code::BadMessage),
            (r#"{"type":"leaving"}"#.to_owned(), Code::BadMessage),
            (register(PROTOCOL + 1, "a-1-1", &digest), Code::Protocol),
            (
                register(OLDEST_PROTOCOL - 1, "a-1-1", &digest),
                Code::Protocol,
            ),
            (register(PROTOCOL, "../../etc", &digest), Code::BadId),
            (register(PROTOCOL, "a-1-1", "0"), Code::BadMessage),
        ] {
            assert_eq!(parse(&text).unwrap_err(), code, "{text}");
        }
        let greeting = parse(&register(PROTOCOL, "a-1-1", &digest)).unwrap();
        assert_eq!(
            greeting.agent,
            AgentId {
                epoch: 1,
                number: 1
            }
        );
    }
}
