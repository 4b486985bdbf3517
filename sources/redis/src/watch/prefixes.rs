//! Prefixes that cover keys, none of them the beginning of another: servers refuse those.

/// The fewest of these keys that are the beginnings of all of them.
pub(super) fn covering<'a>(keys: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut sorted: Vec<&str> = keys.collect();
    // What begins with another comes behind it, with nothing between that does not.
    sorted.sort_unstable();
    let mut kept: Vec<&str> = Vec::new();
    for key in sorted {
        if kept.last().is_none_or(|prefix| !key.starts_with(prefix)) {
            kept.push(key);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_prefix_is_the_beginning_of_another() {
        let keys = ["ci:jobs", "ci", "b", "ci:jobs", "ci-x", "", "a"];
        assert_eq!(covering(keys[..5].iter().copied()), ["b", "ci"]);
        assert_eq!(
            covering(["ci:jobs", "ci:job", "ci:k"].into_iter()),
            ["ci:job", "ci:k"]
        );
        assert_eq!(covering(keys.into_iter()), [""]);
        assert_eq!(covering([].into_iter()), [""; 0]);
    }
}
