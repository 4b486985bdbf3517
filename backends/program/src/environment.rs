//! What a provisioner finds in its environment.
//!
//! Promise: an allow-list. Our own contract gives what any program needs to run; GARM's
//! gives nothing but its own variables and the proxies. Nothing that tells of this daemon
//! or of another controller passes, whatever is allowed.

use std::collections::BTreeMap;

use headcount_model::{CONTROLLER_VARIABLES, ProvisionerAddress};

/// What any program needs to run.
const USUAL: [&str; 8] = [
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "TZ",
    "SSL_CERT_FILE",
];
/// How to reach the world, in both spellings.
const PROXIES: [&str; 6] = [
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
];

/// The variables of the daemon that reach this program.
pub(crate) fn environment(
    address: &ProvisionerAddress,
    host: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let usual: &[&str] = match address.contract.is_garm() {
        true => &[],
        false => &USUAL,
    };
    let allowed = |name: &str| {
        let fixed = PROXIES.contains(&name) || usual.contains(&name);
        fixed || address.environment.iter().any(|entry| matches(entry, name))
    };
    let passes =
        |name: &str| !CONTROLLER_VARIABLES.iter().any(|own| name.starts_with(own)) && allowed(name);
    host.iter()
        .filter(|(name, _)| passes(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// A name, or a prefix that ends in `_`.
fn matches(entry: &str, name: &str) -> bool {
    entry == name || (entry.ends_with('_') && name.starts_with(entry))
}

#[cfg(test)]
mod tests {
    use super::*;
    use headcount_model::ProvisionerContract::{self, GarmV010, Native};

    fn names(contract: ProvisionerContract, allowed: &[&str]) -> Vec<String> {
        let address = ProvisionerAddress {
            program: "/p".into(),
            contract,
            environment: allowed.iter().map(|&it| it.into()).collect(),
            config: None,
        };
        let host = [
            "AWS_REGION",
            "AWSX",
            "GARM_X",
            "HEADCOUNT_TOKEN_FILE",
            "HOME",
            "HTTPS_PROXY",
            "PATH",
            "REGION",
            "REGIONS",
            "SECRET",
            "no_proxy",
        ];
        let host = host.map(|name| (name.to_owned(), String::new())).into();
        environment(&address, &host).into_keys().collect()
    }

    #[test]
    fn an_allow_list_of_names_and_prefixes() {
        assert_eq!(
            names(Native, &[]),
            ["HOME", "HTTPS_PROXY", "PATH", "no_proxy"]
        );
        assert_eq!(
            names(Native, &["AWS_", "REGION", "GARM_", "HEADCOUNT_"]),
            [
                "AWS_REGION",
                "HOME",
                "HTTPS_PROXY",
                "PATH",
                "REGION",
                "no_proxy"
            ]
        );
        assert_eq!(
            names(GarmV010, &["AWS_", "GARM_X"]),
            ["AWS_REGION", "HTTPS_PROXY", "no_proxy"]
        );
    }
}
