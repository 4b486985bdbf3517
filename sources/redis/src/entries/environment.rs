//! Fields become the environment of a job.

use std::collections::{BTreeMap, BTreeSet};

use super::{Entry, Field};

/// Before the name of every field.
pub const FIELD_PREFIX: &str = "HEADCOUNT_FIELD_";
/// All names and values together; what is larger does not fit a process' arguments on
/// every system.
pub const MAX_ENVIRONMENT_BYTES: usize = 1024 * 1024;
/// Name and value of one variable; Linux starts no program with a longer one.
pub const MAX_VARIABLE_BYTES: usize = 128 * 1024 - 2;

/// Why the fields of an entry cannot be an environment. It will be the same next time.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Poisoned {
    /// Two fields have the same name as a variable.
    #[error("two fields become the variable {0}; rename one of them")]
    Twice(String),
    /// A variable cannot hold it.
    #[error("the field {0:?} holds a NUL byte or is not UTF-8; encode it, for example as base64")]
    NotText(String),
    /// It is more than a process can be given.
    #[error(
        "the fields have {0} bytes, at most {MAX_ENVIRONMENT_BYTES} fit; send a reference instead"
    )]
    TooLarge(usize),
    /// A variable is more than a process can be given.
    #[error(
        "the field {0:?} has {1} bytes, at most {MAX_VARIABLE_BYTES} fit into a variable with its name; send a reference instead, or leave the field out"
    )]
    TooLong(String, usize),
    /// It was deleted or trimmed.
    #[error("the entry is no longer in the stream")]
    Gone,
}

/// The variables of a job that is this entry of a stream, but for the fields that are
/// left out.
///
/// # Errors
/// The entry can never be a job.
pub fn environment(
    stream: &str,
    entry: &Entry,
    left_out: &BTreeSet<String>,
) -> Result<BTreeMap<String, String>, Poisoned> {
    let fields = entry.fields.as_ref().ok_or(Poisoned::Gone)?;
    let is_out = |name: &[u8]| left_out.iter().any(|out| out.as_bytes() == name);
    let fields: Vec<&Field> = fields.iter().filter(|(name, _)| !is_out(name)).collect();
    let size = |(name, value): &Field| FIELD_PREFIX.len() + name.len() + value.len();
    let bytes: usize = fields.iter().copied().map(size).sum();
    if bytes > MAX_ENVIRONMENT_BYTES {
        return Err(Poisoned::TooLarge(bytes));
    }
    let mut variables = BTreeMap::from([
        ("HEADCOUNT_STREAM".to_owned(), stream.to_owned()),
        ("HEADCOUNT_ENTRY".to_owned(), entry.id.to_string()),
        (
            "HEADCOUNT_DELIVERIES".to_owned(),
            entry.deliveries.to_string(),
        ),
    ]);
    for (name, value) in fields {
        let variable = variable(name);
        if variable.len() + value.len() > MAX_VARIABLE_BYTES {
            let name = String::from_utf8_lossy(name).into_owned();
            return Err(Poisoned::TooLong(name, value.len()));
        }
        let value = value_of(name, value)?;
        if variables.insert(variable.clone(), value).is_some() {
            return Err(Poisoned::Twice(variable));
        }
    }
    Ok(variables)
}

/// Upper case; everything but letters and digits of ASCII is `_`.
fn variable(name: &[u8]) -> String {
    let safe = |byte: &u8| match byte {
        b if b.is_ascii_alphanumeric() => char::from(b.to_ascii_uppercase()),
        _ => '_',
    };
    FIELD_PREFIX.chars().chain(name.iter().map(safe)).collect()
}

fn value_of(name: &[u8], value: &[u8]) -> Result<String, Poisoned> {
    let text = String::from_utf8(value.to_vec()).ok();
    text.filter(|text| !text.contains('\0'))
        .ok_or_else(|| Poisoned::NotText(String::from_utf8_lossy(name).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::super::EntryId;
    use super::*;

    type Fields<'a> = &'a [(&'a str, &'a [u8])];

    fn entry(fields: Fields<'_>) -> Entry {
        let fields = fields.iter();
        let fields = fields.map(|(name, value)| (name.as_bytes().to_vec(), value.to_vec()));
        Entry {
            id: EntryId::parse("5-1").unwrap(),
            deliveries: 2,
            fields: Some(fields.collect()),
        }
    }

    fn shown(fields: Fields<'_>) -> String {
        shown_without(fields, &[])
    }

    fn shown_without(fields: Fields<'_>, out: &[&str]) -> String {
        let out = out.iter().map(|name| (*name).to_owned()).collect();
        match environment("ci:jobs", &entry(fields), &out) {
            Ok(variables) => {
                let lines = variables
                    .iter()
                    .map(|(name, value)| format!("{name}={value}"));
                lines.collect::<Vec<_>>().join(" ")
            }
            Err(poisoned) => poisoned.to_string(),
        }
    }

    #[test]
    fn fields_are_variables_with_safe_names() {
        assert_eq!(
            shown(&[("repo-url", b"a b"), ("LD_PRELOAD", b"x"), ("\u{e9}=", b"")]),
            "HEADCOUNT_DELIVERIES=2 HEADCOUNT_ENTRY=5-1 HEADCOUNT_FIELD_LD_PRELOAD=x \
             HEADCOUNT_FIELD_REPO_URL=a b HEADCOUNT_FIELD____= HEADCOUNT_STREAM=ci:jobs"
        );
    }

    #[test]
    fn what_cannot_be_an_environment_is_said() {
        let large = vec![b'x'; MAX_ENVIRONMENT_BYTES];
        let long = vec![b'x'; MAX_VARIABLE_BYTES];
        let cases: [(Fields<'_>, &str); 5] = [
            (
                &[("a-b", b"1"), ("a_b", b"2")],
                "two fields become the variable HEADCOUNT_FIELD_A_B; rename one of them",
            ),
            (
                &[("a", b"x\0y")],
                "the field \"a\" holds a NUL byte or is not UTF-8; encode it, for example as base64",
            ),
            (
                &[("a", b"\xff")],
                "the field \"a\" holds a NUL byte or is not UTF-8; encode it, for example as base64",
            ),
            (
                &[("a", &long)],
                "the field \"a\" has 131070 bytes, at most 131070 fit into a variable with its name; send a reference instead, or leave the field out",
            ),
            (
                &[("a", &large)],
                "the fields have 1048593 bytes, at most 1048576 fit; send a reference instead",
            ),
        ];
        for (fields, expected) in cases {
            assert_eq!(shown(fields), expected);
        }
        assert_eq!(
            shown_without(&[("a", &large), ("b", b"1")], &["a"]),
            "HEADCOUNT_DELIVERIES=2 HEADCOUNT_ENTRY=5-1 HEADCOUNT_FIELD_B=1 \
             HEADCOUNT_STREAM=ci:jobs"
        );
        let gone = Entry {
            fields: None,
            ..entry(&[])
        };
        let gone = environment("s", &gone, &BTreeSet::new()).unwrap_err();
        assert_eq!(gone.to_string(), "the entry is no longer in the stream");
    }
}
