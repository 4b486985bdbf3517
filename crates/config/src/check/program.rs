//! Scalers of a provisioner.

use headcount_model::{CreateBatch, ProvisionerContract};
use serde_json::{Map, Value};

use super::backend::need;
use super::job_template::{MAX_DEPTH, depth};
use super::{garm, value, values};
use crate::problem::{Draft, Problems};
use crate::read::to_json;
use crate::settings::{Program, ProgramTemplate, Template};
use crate::source::Place;
use crate::written::{self, BackendKind};
use crate::yaml::Kind;

/// The longest options, as JSON: they are part of every `create`.
const MAX_OPTIONS: usize = 256 * 1024;

/// The program of a scaler; `None` only when a problem forbids it.
pub(super) fn program(written: &written::Scaler, problems: &mut Problems) -> Option<Program> {
    let who = "a scaler of type `program`";
    need(written, who, "program", written.place, problems);
    let contract = value(written.contract.as_ref()).unwrap_or_default();
    let config = value(written.config.as_ref());
    if contract.is_garm() {
        if config.is_none() {
            let message = "a provider of GARM needs its configuration file";
            let draft = Draft::error(message).hint("add `config`, with the path of the file");
            problems.at(written.place, draft);
        }
        for set in written.label_sets.iter().flat_map(|sets| &sets.value) {
            garm::check_options(&set.value, problems);
        }
    }
    let create_batch = create_batch(written, contract, problems);
    check_leases(written, contract, problems);
    Some(Program {
        program: value(written.program.as_ref())?,
        contract,
        config,
        environment: values(written.environment.as_ref()),
        create_batch,
        lease_time: value(written.lease_time.as_ref()),
        reap_others_after: value(written.reap_others_after.as_ref()),
    })
}

/// How many machines a call may ask for. A provider of GARM is asked for one.
fn create_batch(
    written: &written::Scaler,
    contract: ProvisionerContract,
    problems: &mut Problems,
) -> CreateBatch {
    let Some(number) = &written.create_batch else {
        return CreateBatch::default();
    };
    let batch = CreateBatch::new(number.value);
    if contract.is_garm() && batch != CreateBatch::default() {
        let draft = Draft::error("a provider of GARM makes one machine a call")
            .label("it could not be asked for more")
            .hint("remove `createBatch`, or write a provisioner of the contract `headcount/v1`");
        problems.at(number.place, draft);
    }
    batch
}

/// Leases need the verb `renew`, which our own contract alone has.
fn check_leases(written: &written::Scaler, contract: ProvisionerContract, problems: &mut Problems) {
    if !contract.is_garm() {
        return;
    }
    for (key, place) in lease_keys(written) {
        let message = format!("`{key}` needs leases, which `{}` has not", contract.word());
        let hint = format!(
            "take `{key}` out, or run a provisioner that speaks `headcount/v1` and knows `renew`"
        );
        problems.at(place, Draft::error(message).hint(hint));
    }
}

/// A key without which somebody would believe that nothing is forgotten for ever must not
/// be without effect.
pub(super) fn refuse_leases_elsewhere(
    kind: BackendKind,
    written: &written::Scaler,
    problems: &mut Problems,
) {
    if kind == BackendKind::Program {
        return;
    }
    for (key, place) in lease_keys(written) {
        let word = kind.word();
        let message = format!("`{key}` needs leases, which instances of type `{word}` have not");
        let hint = format!("take `{key}` out: it is for the type `program`");
        problems.at(place, Draft::error(message).hint(hint));
    }
}

/// The keys that speak of leases.
pub(super) const LEASE_KEYS: [&str; 2] = ["leaseTime", "reapOthersAfter"];

fn lease_keys(written: &written::Scaler) -> impl Iterator<Item = (&'static str, Place)> {
    let lease = written.lease_time.as_ref().map(|it| it.place);
    let reap = written.reap_others_after.as_ref().map(|it| it.place);
    let keys = LEASE_KEYS.into_iter().zip([lease, reap]);
    keys.filter_map(|(key, place)| Some((key, place?)))
}

/// What a machine is made of; `None` only when a problem forbids it.
pub(super) fn template(written: &written::LabelSet, problems: &mut Problems) -> Option<Template> {
    let options = match &written.options {
        None => Value::Object(Map::new()),
        Some(options) => {
            if let Kind::List(_) = options.value.kind {
                let draft = Draft::error("`options` must be a mapping")
                    .label("this is a list")
                    .hint("write `key: value` pairs");
                problems.at(options.place, draft);
                return None;
            }
            if depth(&options.value) > MAX_DEPTH {
                let message =
                    format!("more than {MAX_DEPTH} lists and mappings inside one another");
                let hint = "put what is that deep into a file, and its path into `config`";
                problems.at(options.place, Draft::error(message).hint(hint));
                return None;
            }
            let json = to_json(&options.value, problems)?;
            if json.to_string().len() > MAX_OPTIONS {
                let draft = Draft::error(format!("`options` has more than {MAX_OPTIONS} bytes"))
                    .hint("put what is long into a file, and its path into `config`");
                problems.at(options.place, draft);
                return None;
            }
            json
        }
    };
    Some(Template::Program(ProgramTemplate {
        options,
        agent_binary: value(written.agent_binary.as_ref()),
    }))
}
