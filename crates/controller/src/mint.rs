//! One-time tokens.

use headcount_model::{Digest, Secret};
use sha2::{Digest as _, Sha256};

/// Makes one-time tokens. Simulation has a predictable one.
pub trait Mint: Send {
    /// A new token: 256 random bits, in lower-case hex.
    fn token(&mut self) -> Secret;
}

/// Tokens from the operating system's random source.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomMint;

impl Mint for RandomMint {
    fn token(&mut self) -> Secret {
        let mut bytes = [0_u8; 32];
        #[expect(
            clippy::expect_used,
            reason = "without the system's random source no token is safe, and going on would be worse"
        )]
        getrandom::fill(&mut bytes).expect("the operating system's random source failed");
        Secret::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// The SHA-256 of a secret, the only form in which it is kept.
#[must_use]
pub fn digest(secret: &Secret) -> Digest {
    Digest(Sha256::digest(secret.expose().as_bytes()).into())
}
