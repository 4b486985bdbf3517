//! `headcount cost`: what machine time went into, and what it cost.

use std::time::Duration;

use headcount_api::{Cost, CostBy, CostSum, TimeCost};

use super::Context;
use crate::cli::CostArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::show::paint::{Tone, safe};
use crate::show::table::{Cell, Column, Page, Table};
use crate::show::time::{age, span};

/// Decimals of money that are shown even if they are zero.
const FEWEST_DECIMALS: usize = 2;

/// Shows it.
///
/// # Errors
/// The daemon does not answer, or not with costs.
pub(crate) async fn run(context: &Context, args: &CostArgs) -> Result<Exit, Failure> {
    let mut query = vec![("by", CostBy::from(args.by).word().to_owned())];
    query.extend(args.since.clone().map(|since| ("since", since)));
    let cost: Cost = context.client.get(&["cost"], &query).await?;
    let console = &context.console;
    if console.json {
        console.print_json(&cost)?;
        return Ok(Exit::Done);
    }
    let text = format!("{}{}", table(&cost, console.page), notes(&cost));
    console.print(&text)?;
    Ok(Exit::Done)
}

fn table(cost: &Cost, page: Page) -> String {
    if cost.rows.is_empty() {
        return "no machine time\n".to_owned();
    }
    let name = match cost.by {
        CostBy::Pool => "POOL",
        CostBy::Label => "LABEL",
    };
    let mut table = Table::new([
        Column::long(name),
        Column::number("USEFUL"),
        Column::number("IDLE"),
        Column::number("BOOTING"),
        Column::number("DRAINING"),
        Column::number("FAILED"),
        Column::number("TOTAL"),
        Column::number("COST"),
        Column::number("OF IT NOT USEFUL"),
    ]);
    for row in &cost.rows {
        table.row(cells(&row.name, &row.sum));
    }
    table.row(cells("total", &cost.total));
    table.render(page)
}

fn cells(name: &str, sum: &CostSum) -> [Cell; 9] {
    [
        name.into(),
        time(sum.useful),
        time(sum.idle),
        time(sum.booting),
        time(sum.draining),
        time(sum.failed),
        time(sum.total),
        money(sum.total, sum.total.cost_micros),
        money(
            sum.total,
            sum.total.cost_micros.saturating_sub(sum.useful.cost_micros),
        ),
    ]
}

/// A zero is shown, but faintly.
fn time(of: TimeCost) -> Cell {
    let tone = if of.time_ms == 0 {
        Tone::Faint
    } else {
        Tone::Plain
    };
    Cell::toned(span(Duration::from_millis(of.time_ms)), tone)
}

/// Nothing where no price is known at all.
fn money(of: TimeCost, micros: u64) -> Cell {
    match of.unpriced_ms < of.time_ms || micros > 0 {
        true => units(micros).into(),
        false => "".into(),
    }
}

/// Money to the last millionth: `0.12`, `3.00`, `0.000125`.
fn units(micros: u64) -> String {
    let decimals = format!("{:06}", micros % 1_000_000);
    let used = decimals.trim_end_matches('0').len().max(FEWEST_DECIMALS);
    let shown = decimals.get(..used).unwrap_or(&decimals);
    format!("{}.{shown}", micros / 1_000_000)
}

/// What a reader must know of the numbers.
fn notes(cost: &Cost) -> String {
    let covered = age(cost.from.as_millis(), cost.until.as_millis());
    let mut notes = format!("\nthe last {covered}, what is under way included");
    if cost.by == CostBy::Label {
        notes.push_str("; an agent of several labels is in the row of each");
    }
    notes.push('\n');
    for row in &cost.rows {
        let unpriced = row.sum.total.unpriced_ms;
        if unpriced > 0 {
            notes.push_str(&format!(
                "{}: {} had no price; write `pricePerHour`, or let the provisioner say it\n",
                safe(&row.name),
                span(Duration::from_millis(unpriced))
            ));
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const PAGE: Page = Page {
        width: None,
        color: false,
    };

    fn sum(useful: u64, idle: u64, price_micros: u64) -> Value {
        let part = |seconds: u64| {
            let unpriced = if price_micros == 0 { seconds * 1000 } else { 0 };
            json!({"timeMs": seconds * 1000, "unpricedMs": unpriced,
                   "costMicros": seconds * price_micros / 3600})
        };
        json!({"useful": part(useful), "idle": part(idle), "booting": part(0),
               "draining": part(0), "failed": part(0), "total": part(useful + idle)})
    }

    fn row(name: &str, mut sum: Value) -> Value {
        sum["name"] = json!(name);
        sum
    }

    fn cost(by: &str, rows: &[Value], total: Value) -> Cost {
        serde_json::from_value(json!({
            "from": "1970-01-01T00:00:00Z", "until": "1970-01-02T00:00:00Z",
            "by": by, "rows": rows, "total": total
        }))
        .unwrap()
    }

    #[test]
    fn costs_stand_in_a_table_with_their_total() {
        let rows = [
            row("cloud/linux", sum(5400, 1800, 500_000)),
            row("farm/linux", sum(60, 0, 0)),
        ];
        let cost = cost("pool", &rows, sum(5460, 1800, 500_000));
        assert_eq!(
            table(&cost, PAGE),
            "\
POOL         USEFUL  IDLE  BOOTING  DRAINING  FAILED  TOTAL      COST  OF IT NOT USEFUL
cloud/linux  1h 30m   30m       0s        0s      0s     2h      1.00              0.25
farm/linux       1m    0s       0s        0s      0s     1m
total        1h 31m   30m       0s        0s      0s  2h 1m  1.008333              0.25
"
        );
        assert_eq!(
            notes(&cost),
            "\nthe last 1d, what is under way included\n\
             farm/linux: 1m had no price; write `pricePerHour`, or let the provisioner say it\n"
        );
    }

    #[test]
    fn nothing_is_said_in_a_sentence() {
        let cost = cost("label", &[], sum(0, 0, 1));
        assert_eq!(table(&cost, PAGE), "no machine time\n");
        assert_eq!(
            notes(&cost),
            "\nthe last 1d, what is under way included; an agent of several labels is in the row \
             of each\n"
        );
    }

    #[test]
    fn money_has_two_decimals_and_more_where_there_are_more() {
        let texts = [0, 1, 120_000, 3_000_000, 1_008_333, 12_345_600].map(units);
        assert_eq!(
            texts,
            ["0.00", "0.000001", "0.12", "3.00", "1.008333", "12.3456"]
        );
    }
}
