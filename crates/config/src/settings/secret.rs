//! Where a secret is. What it is stands in no setting, so that settings can be printed.

use crate::source::Place;

/// Where a secret is, and where that is written. Two are equal when they name the same
/// place of the secret.
#[derive(Clone, Debug)]
pub struct SecretRef {
    /// Where it is.
    pub from: SecretFrom,
    pub(crate) place: Place,
}

impl SecretRef {
    pub(crate) const fn new(from: SecretFrom, place: Place) -> Self {
        Self { from, place }
    }
}

impl PartialEq for SecretRef {
    fn eq(&self, other: &Self) -> bool {
        self.from == other.from
    }
}

impl Eq for SecretRef {}

/// Where a secret is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SecretFrom {
    /// A file that holds nothing else.
    File(String),
    /// A variable of the daemon's environment.
    Env(String),
    /// A place in a file of Kubernetes objects.
    Manifest(ManifestPlace),
    /// A place in a TOML file.
    Toml(TomlPlace),
}

/// A place in a file of Kubernetes objects, written `file#Kind/name#/pointer`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ManifestPlace {
    /// The file, as it is named when it is read.
    pub file: String,
    /// The object: `Kind/name`, or `Kind/namespace/name`.
    pub object: String,
    /// A JSON pointer (RFC 6901) into it; what it finds below `/data` of a Secret is
    /// base64.
    pub pointer: String,
}

impl ManifestPlace {
    /// From its written form; `None` when a part is missing.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (rest, pointer) = text.rsplit_once('#')?;
        let (file, object) = rest.rsplit_once('#')?;
        let parts = object.split('/').count();
        let whole = !file.is_empty() && object.split('/').all(|part| !part.is_empty());
        (whole && (2..=3).contains(&parts) && pointer.starts_with('/')).then(|| Self {
            file: file.to_owned(),
            object: object.to_owned(),
            pointer: pointer.to_owned(),
        })
    }
}

impl std::fmt::Display for ManifestPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}#{}#{}", self.file, self.object, self.pointer)
    }
}

/// A place in a TOML file, written `file#/pointer`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct TomlPlace {
    /// The file, as it is named when it is read.
    pub file: String,
    /// A JSON pointer (RFC 6901) into it. What it names in a list of texts `name=value` is
    /// the value.
    pub pointer: String,
}

impl TomlPlace {
    /// From its written form; `None` when a part is missing.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (file, pointer) = text.rsplit_once('#')?;
        (!file.is_empty() && pointer.starts_with('/')).then(|| Self {
            file: file.to_owned(),
            pointer: pointer.to_owned(),
        })
    }
}

impl std::fmt::Display for TomlPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}#{}", self.file, self.pointer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_toml_print_and_read_back() {
        for text in ["c.toml#/runners/0/token", "./a#b.toml#/x"] {
            assert_eq!(TomlPlace::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "c.toml", "#/a", "c.toml#a"] {
            assert_eq!(TomlPlace::parse(text), None, "{text}");
        }
    }

    #[test]
    fn places_in_manifests_print_and_read_back() {
        for text in [
            "a.yaml#Secret/redis#/data/password",
            "./odd#name.yaml#Secret/ci/redis#/stringData/a",
        ] {
            let place = ManifestPlace::parse(text).unwrap();
            assert_eq!(place.to_string(), text);
        }
        for text in [
            "",
            "a.yaml",
            "a.yaml#Secret/redis",
            "#Secret/redis#/a",
            "a#Secret#/a",
            "a#Secret/#/a",
            "a#Secret/b/c/d#/a",
            "a#Secret/b#a",
        ] {
            assert_eq!(ManifestPlace::parse(text), None, "{text}");
        }
    }
}
