//! The bearer token.

use axum::http::{HeaderMap, header};
use headcount_model::Secret;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::refused::{Answer, Kind, Refused};

/// A token that is compared in constant time, by its digest: neither its bytes nor its
/// length show in how long that takes.
pub(super) struct Token([u8; 32]);

impl Token {
    pub(super) fn new(secret: &Secret) -> Self {
        Self(digest(secret.expose().as_bytes()))
    }

    pub(super) fn check(&self, headers: &HeaderMap) -> Answer<()> {
        let hint = "send `Authorization: Bearer TOKEN`; the CLI takes --token-file or \
                    HEADCOUNT_TOKEN_FILE";
        let refused = |detail: &str| Err(Refused::new(Kind::Unauthorized, detail).hint(hint));
        let Some(given) = headers.get(header::AUTHORIZATION) else {
            return refused("the request has no token");
        };
        match bearer(given.as_bytes()) {
            None => refused("the authorization is not a bearer token"),
            Some(given) if bool::from(digest(given).ct_eq(&self.0)) => Ok(()),
            Some(_) => refused("the token is not the daemon's"),
        }
    }
}

fn digest(text: &[u8]) -> [u8; 32] {
    Sha256::digest(text).into()
}

/// The token of `Bearer TOKEN`, the scheme in any case.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(7)?;
    scheme
        .eq_ignore_ascii_case(b"bearer ")
        .then(|| token.trim_ascii())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn check(value: Option<&'static str>) -> bool {
        let token = Token::new(&Secret::new("s3cret".to_owned()));
        let mut headers = HeaderMap::new();
        if let Some(value) = value {
            headers.insert(header::AUTHORIZATION, HeaderValue::from_static(value));
        }
        token.check(&headers).is_ok()
    }

    #[test]
    fn only_the_token_itself_opens() {
        for (value, opens) in [
            (Some("Bearer s3cret"), true),
            (Some("bearer  s3cret"), true),
            (Some("Bearer s3cre"), false),
            (Some("Bearer s3cret2"), false),
            (Some("Bearer"), false),
            (Some("Bearer "), false),
            (Some("Basic s3cret"), false),
            (Some("s3cret"), false),
            (Some(""), false),
            (None, false),
        ] {
            assert_eq!(check(value), opens, "{value:?}");
        }
    }
}
