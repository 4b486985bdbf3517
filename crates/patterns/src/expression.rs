//! Regular expressions over whole labels.
//!
//! Promise: the size of everything that is built is bounded ([`MAX_AUTOMATON_BYTES`]), so
//! that an expression which would explode is refused; matching looks at each byte once.
//! Letters are compared without case. Classes such as `\w` know ASCII, and `.` is one
//! byte, whichever features of the engine other crates switch on.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use headcount_model::Pattern;
use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson::NFA;
use regex_automata::{Anchored, Input};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Hir, Look};

use crate::PatternError;

/// The largest automaton.
const MAX_AUTOMATON_BYTES: usize = 64 << 10;
/// The most memory while it is built, for each of the two steps.
const MAX_BUILDING_BYTES: usize = 256 << 10;
/// Groups in groups.
const MAX_NESTING: u32 = 32;

/// An expression that was read.
#[derive(Clone, Debug)]
pub(crate) struct Expression(dense::DFA<Vec<u32>>);

impl Expression {
    pub(crate) fn of(pattern: &Pattern) -> Result<Self, PatternError> {
        if pattern.body().is_empty() {
            return Err(PatternError::Empty);
        }
        let hir = parse(pattern)?;
        let whole = Hir::concat(Vec::from([hir, Hir::look(Look::End)]));
        // What is left to go wrong is size; what one is asked for is the same anyway.
        build(&whole).ok_or_else(|| PatternError::TooLarge(pattern.to_string()))
    }

    /// Whether the whole of `text` matches.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let input = Input::new(text).anchored(Anchored::Yes).earliest(true);
        // There are no bytes at which this automaton gives up.
        matches!(self.0.try_search_fwd(&input), Ok(Some(_)))
    }
}

fn parse(pattern: &Pattern) -> Result<Hir, PatternError> {
    let mut parser = ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .case_insensitive(true)
        .nest_limit(MAX_NESTING)
        .build();
    let body: String = pattern.body().chars().flat_map(fold).collect();
    parser.parse(&body).map_err(|error| {
        let (what, column) = match &error {
            regex_syntax::Error::Parse(error) => {
                (error.kind().to_string(), error.span().start.column)
            }
            regex_syntax::Error::Translate(error) => {
                (error.kind().to_string(), error.span().start.column)
            }
            other => (other.to_string(), 1),
        };
        PatternError::Syntax {
            pattern: pattern.to_string(),
            what,
            // Behind the slash.
            column: column + 1,
            from: pattern.as_str().chars().skip(column).collect(),
        }
    })
}

/// Labels are in lower case; the engine folds what is ASCII, and all that means something
/// in an expression is.
fn fold(c: char) -> impl Iterator<Item = char> {
    let ascii = c.is_ascii().then_some(c);
    let other = (!c.is_ascii()).then(|| c.to_lowercase());
    ascii.into_iter().chain(other.into_iter().flatten())
}

fn build(hir: &Hir) -> Option<Expression> {
    let nfa = NFA::compiler()
        .configure(
            NFA::config()
                .utf8(false)
                .nfa_size_limit(Some(MAX_BUILDING_BYTES)),
        )
        .build_from_hir(hir)
        .ok()?;
    let config = dense::Config::new()
        .start_kind(StartKind::Anchored)
        .accelerate(false)
        .dfa_size_limit(Some(MAX_AUTOMATON_BYTES))
        .determinize_size_limit(Some(MAX_BUILDING_BYTES));
    let dfa = dense::Builder::new().configure(config).build_from_nfa(&nfa);
    dfa.ok().map(Expression)
}
