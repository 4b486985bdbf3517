//! `headcount plan`: what another configuration would change. It changes nothing.

use headcount_api::{ConfigText, PlanPreview, PlanRequest};
use headcount_config::{ConfigTexts, Platform, load_texts, read_texts};

use super::Context;
use super::check::refuse;
use crate::cli::PlanArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::show::change;

/// Sends the configuration's texts and shows what would happen.
///
/// # Errors
/// The configuration is wrong, or the daemon does not answer.
pub(crate) async fn run(context: &Context, args: &PlanArgs) -> Result<Exit, Failure> {
    let console = &context.console;
    let texts = read_texts(&args.config.paths()?);
    let texts = texts.map_err(|problems| refuse(console, &problems))?;
    // Problems are shown best where the text is.
    load_texts(texts.clone(), &Platform::current())
        .map_err(|problems| refuse(console, &problems))?;
    let preview: PlanPreview = context.client.post(&["plan"], &request(texts)).await?;
    match console.json {
        true => console.print_json(&preview)?,
        false => console.print(&screen(&preview, console.page.color))?,
    }
    Ok(Exit::Done)
}

fn request(texts: ConfigTexts) -> PlanRequest {
    let wire = |text: headcount_config::ConfigText| ConfigText {
        name: text.name,
        text: text.text,
    };
    PlanRequest {
        config: wire(texts.main),
        drop_ins: texts.drop_ins.into_iter().map(wire).collect(),
    }
}

fn screen(preview: &PlanPreview, color: bool) -> String {
    let mut out = change::warnings(&preview.warnings, color);
    if preview.changes.is_empty() && preview.actions.is_empty() {
        out.push_str("nothing would change\n");
        return out;
    }
    out.push_str(&change::changes(&preview.changes, color));
    if preview.actions.is_empty() {
        out.push_str("\nnothing would be done at once\n");
    } else {
        out.push_str("\nat once:\n");
        out.push_str(&change::actions(&preview.actions));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use headcount_api::{Change, PoolChange};

    #[test]
    fn a_preview_says_what_would_happen() {
        let mut preview = PlanPreview::default();
        assert_eq!(screen(&preview, false), "nothing would change\n");
        preview.changes.push(PoolChange {
            pool: Some("a/linux".to_owned()),
            change: Change::Added,
            details: Vec::new(),
        });
        assert_eq!(
            screen(&preview, false),
            "+ pool a/linux\n\nnothing would be done at once\n"
        );
        preview.actions.push("create a-1-1 in a/linux".to_owned());
        assert_eq!(
            screen(&preview, false),
            "+ pool a/linux\n\nat once:\n  create a-1-1 in a/linux\n"
        );
    }
}
