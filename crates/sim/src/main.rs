//! `headcount-sim`: runs seeds and tells. `cargo xtask sim` and `cargo xtask soak` call it.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for developers: its output is text"
)]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use headcount_sim::{Options, Outcome, Story, run_seed, run_seed_quickly};

const USAGE: &str = "usage: headcount-sim [--week] [--seed N | --seeds N | --minutes N] [--from N] \
                     [--trace-lines N]";
/// Seeds between two lines of progress.
const PROGRESS: u64 = 5000;
/// Of weeks.
const PROGRESS_OF_WEEKS: u64 = 250;

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Wish {
    story: Story,
    from: u64,
    limit: Limit,
    trace_lines: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Limit {
    Seeds(u64),
    Minutes(u64),
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match wish(&words) {
        Ok(wish) => run(wish),
        Err(problem) => {
            eprintln!("{problem}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn run(wish: Wish) -> ExitCode {
    let started = Instant::now();
    let options = Options {
        story: wish.story,
        trace_lines: wish.trace_lines,
        ..Options::default()
    };
    let progress = match wish.story {
        Story::Short => PROGRESS,
        Story::Week => PROGRESS_OF_WEEKS,
    };
    let mut sum = Outcome::default();
    let mut ran = 0;
    while !is_over(wish.limit, ran, started) {
        let seed = wish.from.saturating_add(ran);
        let told_of = match wish.story {
            Story::Short => run_seed(seed, &options),
            Story::Week => run_seed_quickly(seed, &options),
        };
        match told_of {
            Ok(outcome) => sum.add(&outcome),
            Err(failure) => {
                eprintln!("{failure}");
                return ExitCode::FAILURE;
            }
        }
        ran += 1;
        if ran % progress == 0 {
            println!("{}", told(&sum, ran, started));
        }
    }
    println!("{}", told(&sum, ran, started));
    ExitCode::SUCCESS
}

fn is_over(limit: Limit, ran: u64, started: Instant) -> bool {
    match limit {
        Limit::Seeds(most) => ran >= most,
        Limit::Minutes(most) => started.elapsed() >= Duration::from_secs(most.saturating_mul(60)),
    }
}

fn told(sum: &Outcome, ran: u64, started: Instant) -> String {
    let days = sum.virtual_millis / 86_400_000;
    format!(
        "{ran} seeds, each twice, kept every promise: {} jobs, {} runs, {} instances, {} kills of \
         the daemon, {days} days of virtual time in {:.1} s",
        sum.jobs,
        sum.executions,
        sum.instances,
        sum.crashes,
        started.elapsed().as_secs_f64()
    )
}

fn wish(words: &[String]) -> Result<Wish, String> {
    let mut wish = Wish {
        story: Story::Short,
        from: 0,
        limit: Limit::Seeds(1000),
        trace_lines: 120,
    };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "--week" {
            wish.story = Story::Week;
            continue;
        }
        let value = words.next().ok_or(format!("{word} needs a number"))?;
        let number: u64 = value
            .parse()
            .map_err(|_| format!("{word} needs a number, not {value:?}"))?;
        match word.as_str() {
            "--seed" => {
                wish.from = number;
                wish.limit = Limit::Seeds(1);
            }
            "--seeds" => wish.limit = Limit::Seeds(number),
            "--minutes" => wish.limit = Limit::Minutes(number),
            "--from" => wish.from = number,
            "--trace-lines" => wish.trace_lines = usize::try_from(number).unwrap_or(usize::MAX),
            other => return Err(format!("unknown option {other}")),
        }
    }
    Ok(wish)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish_of(text: &str) -> Result<Wish, String> {
        let words: Vec<String> = text.split_whitespace().map(String::from).collect();
        wish(&words)
    }

    #[test]
    fn words_are_understood_or_refused() {
        let one = wish_of("--seed 17 --trace-lines 9").unwrap();
        assert_eq!(
            (one.from, one.limit, one.trace_lines),
            (17, Limit::Seeds(1), 9)
        );
        let many = wish_of("--from 5 --seeds 20").unwrap();
        assert_eq!((many.from, many.limit), (5, Limit::Seeds(20)));
        let week = wish_of("--week --seed 4").unwrap();
        assert_eq!((week.story, week.from), (Story::Week, 4));
        assert_eq!(wish_of("--minutes 3").unwrap().limit, Limit::Minutes(3));
        assert_eq!(wish_of("--seed").unwrap_err(), "--seed needs a number");
        assert_eq!(
            wish_of("--seed x").unwrap_err(),
            "--seed needs a number, not \"x\""
        );
        assert_eq!(wish_of("--sed 1").unwrap_err(), "unknown option --sed");
    }
}
