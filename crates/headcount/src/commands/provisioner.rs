//! `headcount provisioner test`: whether a program keeps the contract.

use std::path::{Path, absolute};

use headcount_backend_program::{Case, KitOptions, Report, Verdict, run_kit};
use serde_json::{Value, json};

use crate::cli::{ProvisionerArgs, ProvisionerCommand, ProvisionerTestArgs};
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::show::amount::count;
use crate::show::paint::{Tone, paint};

/// Runs the kit and tells what it found.
///
/// # Errors
/// [`Exit::Usage`] for what cannot be tested; [`Exit::Failed`] when a promise is not kept,
/// which has been told then.
pub(crate) async fn run(args: ProvisionerArgs, console: &Console) -> Result<Exit, Failure> {
    let ProvisionerCommand::Test(args) = args.command;
    let report = run_kit(options(args)?).await;
    match console.json {
        true => console.print_json(&as_json(&report))?,
        false => console.print(&as_text(&report, console.page.color))?,
    }
    match report.passed() {
        true => Ok(Exit::Done),
        false => Err(Failure::told(Exit::Failed)),
    }
}

fn options(args: ProvisionerTestArgs) -> Result<KitOptions, Failure> {
    let given: Result<Value, _> = serde_json::from_str(&args.options);
    if !given.as_ref().is_ok_and(Value::is_object) {
        let failure = Failure::usage("--options is no JSON object");
        return Err(failure.hint("write for example --options '{\"image\": \"debian\"}'"));
    }
    let config = args.config.as_deref().map(whole).transpose()?;
    Ok(KitOptions {
        program: whole(&args.program)?.into(),
        config,
        environment: args.environment,
        options: args.options,
        deadline: args.deadline,
        patience: args.patience,
        batch: args.batch,
        only: args.only,
        // What is not text cannot be handed on by name.
        host_env: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
    })
}

/// Programs run in another folder, so paths are made whole.
fn whole(path: &Path) -> Result<String, Failure> {
    let whole = absolute(path)
        .map_err(|error| Failure::usage(format!("`{}` is no path: {error}", path.display())))?;
    let text = whole.into_os_string().into_string();
    text.map_err(|path| Failure::usage(format!("`{}` is not UTF-8", path.display())))
}

fn as_json(report: &Report) -> Value {
    json!({"passed": report.passed(), "program": report.program, "cases": report.cases})
}

fn as_text(report: &Report, color: bool) -> String {
    let mut out = format!("{}\n\n", report.program);
    for case in &report.cases {
        out.push_str(&line(case, color));
    }
    let n = |verdict| report.count(verdict) as u64;
    let cases = count(report.cases.len() as u64, "promise", "promises");
    out.push_str(&format!(
        "\n{cases}: {} kept, {} broken, {} not tried\n",
        n(Verdict::Ok),
        n(Verdict::Failed),
        n(Verdict::Skipped)
    ));
    out
}

fn line(case: &Case, color: bool) -> String {
    let (word, tone) = match case.verdict {
        Verdict::Ok => ("ok     ", Tone::Good),
        Verdict::Failed => ("failed ", Tone::Bad),
        Verdict::Skipped => ("skipped", Tone::Faint),
    };
    let mut line = format!("{} {}", paint(word, tone, color), case.name);
    if case.verdict == Verdict::Failed {
        line.push_str(&format!(
            "\n        {}\n        hint: {}",
            case.why, case.hint
        ));
    } else if !case.why.is_empty() {
        line.push_str(&paint(&format!(" ({})", case.why), Tone::Faint, color));
    }
    line + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn report(failed: bool) -> Report {
        let case = |name, verdict, why: &str, hint| Case {
            name,
            verdict,
            why: why.to_owned(),
            hint,
            took: Duration::from_millis(12),
        };
        let (verdict, hint) = match failed {
            true => (Verdict::Failed, "look there"),
            false => (Verdict::Ok, ""),
        };
        Report {
            program: "/opt/p".to_owned(),
            cases: vec![
                case("it is", Verdict::Ok, "", ""),
                case("it was", verdict, "as seen", hint),
                case("it will be", Verdict::Skipped, "needs: it was", ""),
            ],
        }
    }

    #[test]
    fn one_line_for_each_promise() {
        assert_eq!(
            as_text(&report(true), false),
            "/opt/p\n\n\
             ok      it is\n\
             failed  it was\n        as seen\n        hint: look there\n\
             skipped it will be (needs: it was)\n\n\
             3 promises: 1 kept, 1 broken, 1 not tried\n"
        );
        assert!(as_text(&report(false), false).contains("ok      it was (as seen)\n"));
    }

    #[test]
    fn the_same_for_programs() {
        let json = as_json(&report(true));
        assert_eq!(json["passed"], false);
        assert_eq!(
            json["cases"][1],
            json!({"name": "it was", "verdict": "failed", "why": "as seen", "hint": "look there",
                   "milliseconds": 12})
        );
    }
}
