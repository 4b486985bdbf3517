//! What somebody probably meant by a key that is not known.

/// Letters that may differ for each three written.
const LETTERS_PER_MISTAKE: usize = 3;

/// The nearest of the names that an error of `serde` lists behind an unknown one.
///
/// `serde` writes ``unknown field `x`, expected one of `a`, `b` `` for every format; the
/// names are in the message only.
pub(super) fn nearest_in(message: &str) -> Option<String> {
    let starts = ["unknown field `", "unknown variant `"];
    let start = starts.iter().find_map(|start| message.find(start))?;
    let mut quoted = message[start..].split('`').skip(1).step_by(2);
    let written = quoted.next()?;
    let near = quoted.filter_map(|name| Some((distance(written, name)?, name)));
    near.min().map(|(_, name)| name.to_owned())
}

fn distance(written: &str, name: &str) -> Option<usize> {
    let (written, name) = (folded(written), folded(name));
    let far = written.chars().count().max(LETTERS_PER_MISTAKE) / LETTERS_PER_MISTAKE;
    let distance = strsim::damerau_levenshtein(&written, &name);
    (distance <= far).then_some(distance)
}

fn folded(text: &str) -> String {
    let letters = text.chars().filter(|c| !matches!(c, '-' | '_'));
    letters.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        for (message, nearest) in [
            (
                "unknown field `runOn`, expected one of `runsOn`, `exclude`",
                Some("runsOn"),
            ),
            (
                "unknown field `working_dir`, expected `workingDir`",
                Some("workingDir"),
            ),
            (
                "format: unknown variant `dorp`, expected `pause` or `drop`",
                Some("drop"),
            ),
            ("unknown field `zzz`, expected one of `runsOn`, `env`", None),
            ("missing field `name`", None),
            ("", None),
        ] {
            assert_eq!(nearest_in(message).as_deref(), nearest, "{message}");
        }
    }
}
