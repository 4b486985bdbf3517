//! `headcount orphans`: instances with this daemon's mark that its ledger does not know, and
//! those of other daemons whose leases it watches.

use headcount_api::{Looked, Orphan, Orphans, OtherOrphan, Reaping};

use super::Context;
use crate::cli::OrphansArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::show::table::{Cell, Column, Page, Table};
use crate::show::time::{age, now_millis};

/// Lists them, or removes them.
///
/// # Errors
/// The daemon does not answer.
pub(crate) async fn run(context: &Context, args: &OrphansArgs) -> Result<Exit, Failure> {
    let console = &context.console;
    if args.reap {
        let told: Reaping = context.client.post(&["orphans", "reap"], &()).await?;
        match console.json {
            true => console.print_json(&told)?,
            false => console.print(&reaping(&told))?,
        }
        return Ok(Exit::Done);
    }
    let told: Orphans = context.client.get(&["orphans"], &[]).await?;
    match console.json {
        true => console.print_json(&told)?,
        false => console.print(&table(&told, now_millis(), console.page))?,
    }
    Ok(Exit::Done)
}

fn table(told: &Orphans, now_millis: u64, page: Page) -> String {
    let unknown: Vec<&Looked> = told.backends.iter().filter(|it| !it.fresh).collect();
    let mut out = match told.orphans.is_empty() {
        true => "no orphans\n".to_owned(),
        false => rows(&told.orphans, now_millis, page),
    };
    for backend in unknown {
        out.push_str(&not_looked_at(backend));
    }
    out
}

fn rows(orphans: &[Orphan], now_millis: u64, page: Page) -> String {
    let mut table = Table::new([
        Column::text("AGENT"),
        Column::text("OWNER"),
        Column::text("STATE"),
        Column::text("LEASE"),
        Column::text("SEEN"),
        Column::long("POOL"),
        Column::long("WHERE"),
        Column::long("WHAT NEXT"),
    ]);
    for orphan in orphans {
        let next = match (&orphan.trouble, orphan.left_until) {
            (Some(why), _) => format!("could not be removed: {why}"),
            (None, Some(at)) => format!("removed in {}", age(now_millis, at.as_millis())),
            (None, None) => String::new(),
        };
        table.row([
            orphan.agent.as_str().into(),
            orphan.owner.as_deref().unwrap_or_default().into(),
            Cell::state(orphan.state.word()),
            lease(orphan, now_millis).into(),
            age(orphan.seen_at.as_millis(), now_millis).into(),
            orphan.pool.as_str().into(),
            orphan.backend.as_str().into(),
            next.into(),
        ]);
    }
    table.render(page)
}

/// How much longer it holds, or since when it no longer does.
fn lease(orphan: &Orphan, now_millis: u64) -> String {
    let Some(until) = orphan.lease_until.map(|at| at.as_millis()) else {
        return String::new();
    };
    match until > now_millis {
        true => format!("for {}", age(now_millis, until)),
        false => format!("over for {}", age(until, now_millis)),
    }
}

fn reaping(told: &Reaping) -> String {
    let mut out = String::new();
    for agent in &told.removing {
        out.push_str(&format!("{agent} is being removed\n"));
    }
    for OtherOrphan { owner, agent } in &told.removing_others {
        out.push_str(&format!("{agent} of owner {owner} is being removed\n"));
    }
    if told.removing.is_empty() && told.removing_others.is_empty() {
        out.push_str("no orphans\n");
    }
    for backend in &told.unknown {
        out.push_str(&not_looked_at(backend));
    }
    out
}

fn not_looked_at(backend: &Looked) -> String {
    let why = backend.trouble.as_deref().unwrap_or("it has not answered");
    format!(
        "backend {} may have more: it did not say what exists: {why}\n",
        backend.backend
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn machines_of_other_daemons_stand_with_their_owners_and_leases() {
        let one = |agent: &str, state: &str, lease: u64, more: serde_json::Value| {
            let mut orphan = json!({"agent": agent, "owner": "0abc", "pool": "f/linux",
                "backend": "program:/p", "state": state, "seenAt": "1970-01-01T00:00:20Z",
                "leaseUntil": format!("1970-01-01T00:0{}:{:02}Z", lease / 60, lease % 60)});
            orphan
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            orphan
        };
        let told = json!({"orphans": [
            one("a-1-7", "leased", 90, json!({})),
            one("a-1-8", "lapsed", 45, json!({"leftUntil": "1970-01-01T00:02:00Z"})),
        ], "backends": [{"backend": "program:/p", "fresh": true}]});
        let told: Orphans = serde_json::from_value(told).unwrap();
        let page = Page {
            width: None,
            color: false,
        };
        assert_eq!(
            table(&told, 60_000, page),
            "\
AGENT  OWNER  STATE   LEASE         SEEN  POOL     WHERE       WHAT NEXT
a-1-7  0abc   leased  for 30s       40s   f/linux  program:/p
a-1-8  0abc   lapsed  over for 15s  40s   f/linux  program:/p  removed in 1m
"
        );
    }

    #[test]
    fn orphans_stand_in_a_table_and_silent_backends_below() {
        let told = json!({
            "orphans": [
                {"agent": "a-1-7", "pool": "d/linux", "backend": "bare-metal", "state": "waiting",
                 "seenAt": "1970-01-01T00:00:20Z", "leftUntil": "1970-01-01T00:01:20Z"},
                {"agent": "a-1-8", "pool": "d/linux", "backend": "bare-metal",
                 "state": "quarantined", "seenAt": "1970-01-01T00:00:20Z", "trouble": "locked"},
            ],
            "backends": [
                {"backend": "bare-metal", "fresh": true},
                {"backend": "container", "fresh": false, "trouble": "no such socket"},
            ],
        });
        let told: Orphans = serde_json::from_value(told).unwrap();
        let (width, color) = (None, false);
        assert_eq!(
            table(&told, 60_000, Page { width, color }),
            "\
AGENT  STATE        SEEN  POOL     WHERE       WHAT NEXT
a-1-7  waiting      40s   d/linux  bare-metal  removed in 20s
a-1-8  quarantined  40s   d/linux  bare-metal  could not be removed: locked
backend container may have more: it did not say what exists: no such socket
"
        );
        let none = Orphans::default();
        assert_eq!(table(&none, 0, Page { width, color }), "no orphans\n");
        let told = Reaping {
            removing: vec!["a-1-7".to_owned()],
            removing_others: vec![OtherOrphan {
                owner: "0abc".to_owned(),
                agent: "a-2-1".to_owned(),
            }],
            unknown: Vec::new(),
        };
        assert_eq!(
            reaping(&told),
            "a-1-7 is being removed\na-2-1 of owner 0abc is being removed\n"
        );
        assert_eq!(reaping(&Reaping::default()), "no orphans\n");
    }
}
