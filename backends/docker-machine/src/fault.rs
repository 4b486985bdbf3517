//! What a failed `create` means for whoever wants machines.
//!
//! Promise: pure; read from the exit code and the words of the tool, which has no other
//! errors. Source of the codes: the tool's own `main`: 3 is a check before anything is made.

use std::time::Duration;

use headcount_calls::Said;
use headcount_model::{DockerMachineRecipe, MachineOption};
use headcount_ports::BackendError;

/// A check failed before anything was made.
pub(crate) const PRE_CREATE: i32 = 3;
/// Longer messages are cut, in characters; the end of what was said tells most.
const MAX_MESSAGE: usize = 500;
/// A quota does not grow by itself soon.
const QUOTA_REST: Duration = Duration::from_secs(5 * 60);
/// A throttled account is left alone so long.
const THROTTLE_REST: Duration = Duration::from_secs(60);

const QUOTA: [&str; 9] = [
    "quota",
    "limit exceeded",
    "limitexceeded",
    "exceeds your droplet limit",
    "droplet limit",
    "insufficientinstancecapacity",
    "resource_pool_exhausted",
    "not enough resources",
    "out of capacity",
];
const THROTTLED: [&str; 5] = [
    "too many requests",
    "rate limit",
    "ratelimit",
    "requestlimitexceeded",
    "throttl",
];

/// Of a `create` that failed and left nothing.
pub(crate) fn not_made(said: &Said, words: &str) -> BackendError {
    judged(sentence("create", said, words), said.code, words)
}

/// Of one that nobody saw the end of.
pub(crate) fn not_finished(words: &str) -> BackendError {
    let message = match words.is_empty() {
        true => "`docker-machine create` made nothing and said nothing".to_owned(),
        false => format!("`docker-machine create` did not come to its end: {words}"),
    };
    judged(message, None, words)
}

fn judged(message: String, code: Option<i32>, words: &str) -> BackendError {
    let lower = words.to_lowercase();
    let says = |list: &[&str]| list.iter().any(|word| lower.contains(word));
    if says(&THROTTLED) {
        return BackendError::Capacity {
            message,
            retry_after: Some(THROTTLE_REST),
        };
    }
    if says(&QUOTA) {
        return BackendError::Capacity {
            message,
            retry_after: Some(QUOTA_REST),
        };
    }
    match code {
        Some(PRE_CREATE) => BackendError::Invalid(message),
        _ => BackendError::Transient(message),
    }
}

/// What a call of the tool came to, for a person.
pub(crate) fn sentence(verb: &str, said: &Said, words: &str) -> String {
    let how = match said.code {
        Some(code) => format!("failed with code {code}"),
        None => "was ended by a signal".to_owned(),
    };
    match words.is_empty() {
        true => format!("`docker-machine {verb}` {how} and said nothing"),
        false => format!("`docker-machine {verb}` {how}: {words}"),
    }
}

/// The end of what was said, without the secrets of the machine.
pub(crate) fn words(said: &Said, recipe: Option<&DockerMachineRecipe>) -> String {
    words_of(said.words.clone(), recipe)
}

/// The same of words that were found.
pub(crate) fn words_of(mut text: String, recipe: Option<&DockerMachineRecipe>) -> String {
    for option in recipe.into_iter().flat_map(|recipe| &recipe.options) {
        if let MachineOption::Secret { value, .. } = option {
            text = text.replace(value.expose(), "***");
        }
    }
    let over = text.chars().count().saturating_sub(MAX_MESSAGE);
    match over {
        0 => text,
        _ => format!("...{}", text.chars().skip(over).collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(code: i32, words: &str) -> Said {
        Said {
            code: Some(code),
            output: Vec::new(),
            words: words.to_owned(),
            left: false,
        }
    }

    #[test]
    fn words_and_codes_say_what_to_do() {
        let of = |code, text: &str| not_made(&said(code, text), text);
        let full = |text: &str, rest| BackendError::Capacity {
            message: format!("`docker-machine create` failed with code 1: {text}"),
            retry_after: Some(rest),
        };
        let text = "googleapi: Error 403: Quota 'CPUS' exceeded";
        assert_eq!(of(1, text), full(text, QUOTA_REST));
        let text = "POST /v2/droplets: 429 API Rate limit exceeded.";
        assert_eq!(of(1, text), full(text, THROTTLE_REST));
        assert_eq!(
            of(3, "Error with pre-create check: \"no such zone\""),
            BackendError::Invalid(
                "`docker-machine create` failed with code 3: Error with pre-create check: \"no \
                 such zone\""
                    .into()
            )
        );
        assert_eq!(
            of(1, ""),
            BackendError::Transient(
                "`docker-machine create` failed with code 1 and said nothing".into()
            )
        );
    }

    #[test]
    fn words_of_an_end_that_nobody_saw_say_as_much() {
        let text = "Quota 'CPUS' exceeded";
        assert_eq!(
            not_finished(text),
            BackendError::Capacity {
                message: format!("`docker-machine create` did not come to its end: {text}"),
                retry_after: Some(QUOTA_REST),
            }
        );
        let silent = "`docker-machine create` made nothing and said nothing";
        assert_eq!(not_finished(""), BackendError::Transient(silent.into()));
    }

    #[test]
    fn long_words_keep_their_end() {
        let text = format!("{}end", "x".repeat(1000));
        let cut = words(&said(1, &text), None);
        assert!(cut.starts_with("...x") && cut.ends_with("end"));
        assert_eq!(cut.chars().count(), MAX_MESSAGE + 3);
    }
}
