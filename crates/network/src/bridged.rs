//! Whether packets from one port of a bridge to another pass the ordinary firewall.
//!
//! Kernels without `nft_meta_bridge` cannot tell bridges apart in a bridge table. There
//! the drop between agents in the forward chain holds only if the kernel hands bridged
//! packets to it, which is a setting of the host. It is read and never changed: other
//! bridges live by it too.

use std::path::Path;

/// Both settings: one for each address family.
const SETTINGS: [&str; 2] = ["bridge-nf-call-iptables", "bridge-nf-call-ip6tables"];

/// Whether both families are handed over. A setting that cannot be read counts as no.
pub(crate) fn passes_the_firewall(folder: &Path) -> bool {
    SETTINGS.iter().all(|name| {
        let text = std::fs::read_to_string(folder.join(name));
        text.is_ok_and(|text| text.trim() == "1")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_families_must_be_handed_over() {
        let folder = tempfile::tempdir().unwrap();
        let set =
            |name: &str, value: &str| std::fs::write(folder.path().join(name), value).unwrap();
        assert!(!passes_the_firewall(folder.path()));
        set(SETTINGS[0], "1\n");
        assert!(!passes_the_firewall(folder.path()));
        set(SETTINGS[1], "0\n");
        assert!(!passes_the_firewall(folder.path()));
        set(SETTINGS[1], "1\n");
        assert!(passes_the_firewall(folder.path()));
    }
}
