//! Places, limits and refusals of the tree.

use super::*;
use crate::source::ConfigText;

fn parsed(text: &str) -> (Document, Problems) {
    let mut problems = Problems::default();
    let file = problems.add_source(ConfigText::new("t", text));
    let document = parse(file, text, &mut Budget::default(), &mut problems);
    (document, problems)
}

fn tree(text: &str) -> Node {
    let (document, problems) = parsed(text);
    assert!(problems.is_empty(), "{problems}");
    match document {
        Document::Tree(node) => node,
        _ => panic!("no tree"),
    }
}

fn said(text: &str) -> String {
    parsed(text).1.to_string()
}

/// Every value as `text@line:column-length`, in order.
fn places(text: &str) -> Vec<String> {
    fn walk(node: &Node, text: &str, out: &mut Vec<String>) {
        let (start, end) = (node.place.start as usize, node.place.end as usize);
        out.push(text[start..end].replace('\n', "|"));
        match &node.kind {
            Kind::Scalar(_) => {}
            Kind::List(items) => items.iter().for_each(|item| walk(item, text, out)),
            Kind::Map(entries) => entries
                .iter()
                .for_each(|entry| walk(&entry.value, text, out)),
        }
    }
    let mut out = Vec::new();
    walk(&tree(text), text, &mut out);
    out
}

#[test]
fn everything_knows_its_place() {
    assert_eq!(
        places("a: 1 # no\nb:\n  - x\n  - [y, 'z']\nc: {d: \"é\", e: }\n"),
        [
            "a: 1 # no|b:|  - x|  - [y, 'z']|c: {d: \"é\", e: }",
            "1",
            "- x|  - [y, 'z']",
            "x",
            "[y, 'z']",
            "y",
            "'z'",
            "{d: \"é\", e: }",
            "\"é\"",
            "",
        ]
    );
    assert_eq!(places("k: é\r\nl: ü\r\n"), ["k: é\r|l: ü", "é", "ü"]);
}

#[test]
fn quotes_make_texts_and_plain_words_do_not() {
    let Kind::List(items) = tree("[1, '1', \"true\", true, !!str 5, yes]").kind else {
        panic!("no list");
    };
    let means: Vec<Plain> = items
        .iter()
        .map(|item| match &item.kind {
            Kind::Scalar(scalar) => scalar.means,
            _ => panic!("no scalar"),
        })
        .collect();
    let text = Plain::Text;
    assert_eq!(
        means,
        [Plain::Integer(1), text, text, Plain::Bool(true), text, text]
    );
}

#[test]
fn nothing_is_empty() {
    for text in ["", "\n\n", "# only a remark\n", "---\n", "---\n...\n"] {
        let (document, problems) = parsed(text);
        assert!(matches!(document, Document::Empty), "{text:?}");
        assert!(problems.is_empty(), "{text:?}: {problems}");
    }
}

#[test]
fn aliases_repeat_values() {
    let Kind::Map(entries) = tree("a: &x [1, 2]\nb: *x\n").kind else {
        panic!("no map");
    };
    assert!(matches!(&entries[1].value.kind, Kind::List(items) if items.len() == 2));
    assert_eq!(entries[0].value.place, entries[1].value.place);
}

#[test]
fn refusals() {
    for (text, expected) in [
        (
            "a: 1\na: 2\n",
            "t:2:1: error: the key `a` is written twice (keep one of them)",
        ),
        (
            "a: &x {b: 1}\nc:\n  <<: *x\n",
            "t:3:3: error: merge keys (`<<`) are not taken (write the keys out, or give a whole \
             value an anchor and use `*anchor`)",
        ),
        (
            "[a, b]: 1\n",
            "t:1:1: error: a key must be a plain word (write `key: value`)",
        ),
        (
            "a: 1\n---\nb: 2\n",
            "t:2:1: error: a second document starts here (put everything into one document, \
             without `---` between)",
        ),
        (
            "a: !secret b\n",
            "t:1:4: error: the tag `!secret` has no meaning here (leave the tag out)",
        ),
        (
            "a: !!int b\n",
            "t:1:4: error: the tag `!!int` does not fit (leave the tag out)",
        ),
        (
            "a: &x [*x]\n",
            "t:1:8: error: an alias stands inside the value it repeats (write the value out)",
        ),
        (
            "a: \u{0}\n",
            "t:1:4: error: the character U+0000 must not stand in YAML (remove it; inside double \
             quotes it can be written as an escape)",
        ),
    ] {
        assert_eq!(said(text), expected, "{text:?}");
    }
}

#[test]
fn broken_text_says_where() {
    let said = said("a:\n\t- b\n");
    assert!(said.starts_with("t:2:"), "{said}");
    assert!(
        said.ends_with("(indent with blanks: YAML takes no tabs there)"),
        "{said}"
    );
    let (document, problems) = parsed("a: [1, 2\nb: 3\n");
    assert!(matches!(document, Document::Broken));
    assert_eq!(problems.len(), 1);
}

#[test]
fn depth_is_bounded() {
    let deep = |n| format!("{}{}", "[".repeat(n), "]".repeat(n));
    assert_eq!(said(&deep(32)), "");
    assert!(said(&deep(33)).contains("more than 32 lists and mappings"));
    assert!(said(&"- ".repeat(100_000)).contains("more than 32 lists and mappings"));
    assert!(said(&deep(100_000)).contains("this is not YAML: recursion limit exceeded"));
}

#[test]
fn an_alias_bomb_is_refused_early() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for n in 1..12 {
        let before = format!("*a{}", n - 1);
        let row = [before.as_str(); 10].join(", ");
        bomb.push_str(&format!("a{n}: &a{n} [{row}]\n"));
    }
    assert!(
        said(&bomb).contains("more than 500000 values"),
        "{}",
        said(&bomb)
    );
}
