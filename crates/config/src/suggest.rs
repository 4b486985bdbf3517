//! What somebody probably meant.

/// The candidate nearest to `written`, if one is near enough to be meant. Case, dashes
/// and underscores do not count, so `max_agents` is `maxAgents`.
pub(crate) fn nearest<'a>(
    written: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let written = folded(written);
    let far = written.chars().count().max(3) / 3;
    candidates
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(&written, &folded(word)), word))
        .filter(|(distance, _)| *distance <= far)
        .min()
        .map(|(_, word)| word)
}

/// A text of the user in a sentence: in backquotes, cut, control characters escaped.
pub(crate) fn quoted(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut out = String::from("`");
    for (n, c) in text.chars().enumerate() {
        if n == LONGEST {
            out.push_str("...");
            break;
        }
        match c.is_control() {
            true => out.extend(c.escape_default()),
            false => out.push(c),
        }
    }
    out.push('`');
    out
}

/// Words in a sentence: `a`, `b` or `c`.
pub(crate) fn choices(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

/// Distances are computed on short texts only: their cost is quadratic.
fn folded(word: &str) -> String {
    word.chars()
        .filter(|c| !matches!(c, '-' | '_'))
        .take(64)
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let keys = ["maxAgents", "machinePool", "name", "type"];
        for (written, meant) in [
            ("maxAgent", Some("maxAgents")),
            ("max_agents", Some("maxAgents")),
            ("MAXAGENTS", Some("maxAgents")),
            ("nmae", Some("name")),
            ("color", None),
            ("", None),
        ] {
            assert_eq!(nearest(written, keys), meant, "{written}");
        }
    }

    #[test]
    fn texts_are_quoted_without_harm() {
        assert_eq!(quoted("a"), "`a`");
        assert_eq!(quoted("\u{1b}[31m"), "`\\u{1b}[31m`");
        assert_eq!(quoted(&"x".repeat(99)).len(), 65);
        assert_eq!(choices(&["a", "b", "c"]), "`a`, `b` or `c`");
        assert_eq!(choices(&["a"]), "`a`");
    }
}
