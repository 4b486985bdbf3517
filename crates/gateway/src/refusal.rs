//! Why a connection is refused, as a word, a sentence and a word about coming back.

use headcount_api::agent::{OLDEST_PROTOCOL, PROTOCOL, ToAgent};
use headcount_model::Refusal;

macro_rules! codes {
    ($( $code:ident = $word:literal; )*) => {
        /// Why a connection is refused. Closed, so that metrics are bounded.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(crate) enum Code { $( $code, )* }

        impl Code {
            pub(crate) const ALL: [Self; [$( Code::$code, )*].len()] = [$( Code::$code, )*];

            /// The word sent to the agent and used in metrics.
            pub(crate) const fn word(self) -> &'static str {
                match self { $( Self::$code => $word, )* }
            }
        }
    };
}

codes! {
    UnknownAgent = "unknown_agent";
    BadToken = "bad_token";
    TokenUsed = "token_used";
    BadSession = "bad_session";
    AgentLeaving = "agent_leaving";
    NotYours = "not_yours";
    Refused = "refused";
    Stopping = "stopping";
    NotAnswered = "not_answered";
    Protocol = "protocol";
    BadId = "bad_id";
    BadMessage = "bad_message";
    NoGreeting = "no_greeting";
    Full = "full";
    NoTls = "no_tls";
    BadHandshake = "bad_handshake";
    SlowHandshake = "slow_handshake";
}

impl From<Refusal> for Code {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::UnknownAgent => Self::UnknownAgent,
            Refusal::BadToken => Self::BadToken,
            Refusal::TokenUsed => Self::TokenUsed,
            Refusal::BadSession => Self::BadSession,
            Refusal::AgentLeaving => Self::AgentLeaving,
            Refusal::Stopping => Self::Stopping,
            Refusal::NotYours => Self::NotYours,
            Refusal::TooLate | Refusal::UnknownPool | Refusal::Contradiction => Self::Refused,
        }
    }
}

impl Code {
    /// Whether coming back later may help.
    pub(crate) const fn may_retry(self) -> bool {
        matches!(self, Self::Stopping | Self::NotAnswered | Self::Full)
    }

    /// What the agent is told before its connection closes.
    pub(crate) fn message(self) -> ToAgent {
        ToAgent::Refused {
            code: self.word().to_owned(),
            message: self.sentence(),
            retry: self.may_retry(),
        }
    }

    fn sentence(self) -> String {
        match self {
            Self::UnknownAgent => "no agent of this id is known; it may have been given up".into(),
            Self::BadToken => "the token is not one of this agent's".into(),
            Self::TokenUsed => {
                "the token was used already by another process: it was copied, or shown twice"
                    .into()
            }
            Self::BadSession => "the session is not this agent's".into(),
            Self::AgentLeaving => {
                "this agent was told to leave or was given up; it must end what it runs".into()
            }
            Self::NotYours => {
                "it holds an attempt that is another agent's by now; it must end what it runs"
                    .into()
            }
            Self::Refused => "the daemon does not accept this agent".into(),
            Self::Stopping => "the daemon is stopping; come back when it is up again".into(),
            Self::NotAnswered => "the daemon is too busy to answer; come back later".into(),
            Self::Protocol => format!(
                "this daemon speaks agent protocol versions {OLDEST_PROTOCOL} to {PROTOCOL}; use an agent of the daemon's version"
            ),
            Self::BadId => "this is not an agent id; one looks like a-65f1c2a0-7".into(),
            Self::BadMessage => {
                "the message is not one of the agent protocol's, or comes at the wrong time".into()
            }
            Self::NoGreeting => {
                "nothing was said in time; the first message must be register or resume".into()
            }
            Self::Full => {
                "the daemon has as many agent connections as it can hold; come back later".into()
            }
            Self::NoTls => "TLS is spoken here: write `wss://` instead of `ws://`".into(),
            Self::BadHandshake => "TLS could not be agreed on".into(),
            Self::SlowHandshake => "TLS was not agreed on in time".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stolen_token_is_refused_for_good_with_a_sentence() {
        assert_eq!(
            Code::from(Refusal::TokenUsed).message(),
            ToAgent::Refused {
                code: "token_used".into(),
                message:
                    "the token was used already by another process: it was copied, or shown twice"
                        .into(),
                retry: false,
            }
        );
    }

    #[test]
    fn only_what_passes_may_be_tried_again() {
        let words: Vec<_> = Code::ALL
            .into_iter()
            .filter(|code| code.may_retry())
            .map(Code::word)
            .collect();
        assert_eq!(words, ["stopping", "not_answered", "full"]);
    }

    #[test]
    fn codes_stand_in_their_order() {
        for (index, code) in Code::ALL.into_iter().enumerate() {
            assert_eq!(code as usize, index);
        }
    }
}
