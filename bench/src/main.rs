//! Benchmarks: one row for every performance budget, measured on this machine in one run.
//!
//! Promise: each row says what it measured, against what, and whether the budget holds;
//! nothing here is a test. What a row starts it ends. Run by `cargo xtask bench [ROW…]`.
//!
//! The same program is also what some rows start: `stamp` is the job of the latency row,
//! `hold N` the process whose memory is measured.
#![expect(clippy::print_stdout, reason = "the table is printed")]

mod client;
mod daemon;
mod fleet;
mod http;
mod machine;
mod process;
mod rows;
mod stats;
mod table;

use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::Result;

use table::{Line, Table};

fn main() -> Result<ExitCode> {
    // The first act, before anything else costs time.
    let now = SystemTime::now();
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        Some("stamp") => rows::stamp(now)?,
        Some("hold") => rows::hold(words.get(1).map_or("", String::as_str))?,
        _ => return bench(&words),
    }
    Ok(ExitCode::SUCCESS)
}

/// Measures the rows whose names contain one of the words; all without words.
fn bench(words: &[String]) -> Result<ExitCode> {
    println!("{}\n", machine::describe()?);
    let mut table = Table::default();
    for (name, measure) in rows::ALL {
        if words.is_empty() || words.iter().any(|word| name.contains(word.as_str())) {
            println!("measuring {name} …");
            let measured = measure();
            if matches!(&measured, Err(error) if error.is::<rows::Interrupted>()) {
                println!("told to end");
                return Ok(ExitCode::FAILURE);
            }
            // One row that cannot be measured is no reason not to measure the others.
            let lines = measured.unwrap_or_else(|error| vec![Line::failed(name, &error)]);
            for line in lines {
                println!("  {}: {}", line.what, line.measured);
                table.add(line);
            }
        }
    }
    println!("\n{}", table.render());
    Ok(match table.holds() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}
