//! Which names are those of secrets.
//!
//! Promise: too many rather than too few. Leaves the options of `docker-machine` that a
//! native file refuses to hold to [`crate::written::is_secret_option`].

/// Whether a key, an option or a variable of this name holds a secret: by the words in it.
pub(super) fn is_secret_name(name: &str) -> bool {
    let words = words(name);
    let Some(last) = words.last().map(String::as_str) else {
        return false;
    };
    // Where one is, when it was made, and what it is called, are none.
    const HARMLESS: &[&str] = &[
        "at",
        "file",
        "path",
        "keypath",
        "dir",
        "name",
        "id",
        "url",
        "count",
        "type",
        "ttl",
        "config",
        "fingerprint",
        "region",
        "server",
    ];
    if HARMLESS.contains(&last) && words.join("_") != "docker_auth_config" {
        return false;
    }
    const SECRET: &[&str] = &[
        "token",
        "tokens",
        "secret",
        "secrets",
        "password",
        "passwd",
        "pass",
        "passphrase",
        "pwd",
        "credential",
        "credentials",
        "auth",
        "dsn",
        "apikey",
        "secretkey",
        "accesskey",
        "privatekey",
        "accountkey",
    ];
    const KEYS_OF: &[&str] = &[
        "access",
        "secret",
        "private",
        "api",
        "account",
        "consumer",
        "application",
        "encryption",
        "signing",
        "shared",
    ];
    let is_secret = |word: &String| SECRET.contains(&word.as_str());
    let is_key = |pair: &[String]| match pair {
        [of, key] => key == "key" && KEYS_OF.contains(&of.as_str()),
        _ => false,
    };
    words.iter().any(is_secret) || words.windows(2).any(is_key)
}

/// `SecretKey`, `secret-key` and `SECRET_KEY` are the same words.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars() {
        let breaks = !c.is_ascii_alphanumeric() || (was_lower && c.is_ascii_uppercase());
        if breaks {
            words.push(String::new());
        }
        if c.is_ascii_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.push(c.to_ascii_lowercase());
        }
        was_lower = c.is_ascii_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_told_from_others() {
        for name in [
            "token",
            "SecretKey",
            "AccessKey",
            "SessionToken",
            "PrivateKey",
            "AccountKey",
            "sentry_dsn",
            "digitalocean-access-token",
            "amazonec2-secret-key",
            "amazonec2-access-key",
            "vmwarevsphere-password",
            "linode-root-pass",
            "DOCKER_AUTH_CONFIG",
            "MY_API_KEY",
            "aliyunecs-access-key-secret",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "token_expires_at",
            "url",
            "amazonec2-ssh-keypath",
            "openstack-private-key-file",
            "openstack-auth-url",
            "openstack-keypair-name",
            "digitalocean-ssh-key-fingerprint",
            "AccessID",
            "CredentialsFile",
            "AuthenticationType",
            "ServerSideEncryptionKeyID",
            "engine-registry-mirror",
            "",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }
}
