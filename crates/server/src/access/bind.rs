//! Where the API may listen.

use std::net::SocketAddr;

/// An address that needs a token is used without one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "cannot listen on {0} without a token: other hosts can reach this address, and \
     whoever reaches the API can run commands here; give a token with --token-file FILE, \
     or listen on 127.0.0.1"
)]
pub struct BindRefused(pub SocketAddr);

/// Whether the API may listen at `addr`.
///
/// # Errors
/// The address can be reached from elsewhere, and there is no token.
pub fn check_bind(addr: SocketAddr, has_token: bool) -> Result<(), BindRefused> {
    let loopback = addr.ip().to_canonical().is_loopback();
    if loopback || has_token {
        Ok(())
    } else {
        Err(BindRefused(addr))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_needs_no_token() {
        for (addr, allowed) in [
            ("127.0.0.1:1", true),
            ("127.8.0.1:1", true),
            ("[::1]:1", true),
            ("[::ffff:127.0.0.1]:1", true),
            ("0.0.0.0:1", false),
            ("[::]:1", false),
            ("192.0.2.1:1", false),
        ] {
            let addr: SocketAddr = addr.parse().unwrap();
            assert_eq!(check_bind(addr, false).is_ok(), allowed, "{addr}");
            assert_eq!(check_bind(addr, true), Ok(()), "{addr}");
        }
    }

    #[test]
    fn the_refusal_says_what_to_do() {
        let addr: SocketAddr = "0.0.0.0:4870".parse().unwrap();
        assert_eq!(
            check_bind(addr, false).unwrap_err().to_string(),
            "cannot listen on 0.0.0.0:4870 without a token: other hosts can reach this \
             address, and whoever reaches the API can run commands here; give a token with \
             --token-file FILE, or listen on 127.0.0.1"
        );
    }
}
