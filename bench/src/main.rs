//! Benchmarks: one row for every performance budget, measured on this machine in one run.
//!
//! Promise: each row says what it measured, against what, and whether the budget holds;
//! nothing here is a test. Run by `cargo xtask bench [ROW…]`.
#![expect(clippy::print_stdout, reason = "the table is printed")]

mod rows;
mod table;

use anyhow::Result;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let mut table = table::Table::default();
    for (name, row) in rows::ALL {
        if words.is_empty() || words.iter().any(|word| name.contains(word.as_str())) {
            println!("measuring {name} …");
            for line in row()? {
                table.add(line);
            }
        }
    }
    println!("\n{}", table.render());
    Ok(())
}
