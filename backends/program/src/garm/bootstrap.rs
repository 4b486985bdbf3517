//! What a GARM provider is told of a new instance.
//!
//! Facts: `BootstrapInstance` of the contract, whose keys mix dashes and underscores, and
//! the public providers' shared library: it renders the user data of the machine from
//! `extra_specs.runner_install_template`, a Go template in base64, where one is given, and
//! installs a GitHub runner where none is. The template is where our agent gets in. A user's
//! own template wins; it has our address and token in `extra_context`.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::fault::{Fault, Verdict};
use crate::marks;
use crate::provisioner::{Order, Provisioner};

const TEMPLATE: &str = "runner_install_template";
const CONTEXT: &str = "extra_context";
/// The shared library wants a download of the runner to be named. The template fetches
/// nothing from there.
const NO_DOWNLOAD: &str = "https://headcount.invalid/agent";

/// The `options` of a label set, as this contract reads them.
pub(super) struct Specs {
    image: String,
    flavor: String,
    os_type: String,
    arch: String,
    /// For the provider alone.
    pub(super) extra: Value,
}

/// What stands on standard input.
#[derive(Serialize)]
pub(super) struct Bootstrap {
    name: String,
    tools: Vec<Tool>,
    repo_url: String,
    #[serde(rename = "callback-url")]
    callback_url: String,
    #[serde(rename = "metadata-url")]
    metadata_url: String,
    #[serde(rename = "instance-token")]
    instance_token: String,
    #[serde(rename = "ssh-keys")]
    ssh_keys: Vec<String>,
    extra_specs: Value,
    #[serde(rename = "github-runner-group")]
    github_runner_group: String,
    #[serde(rename = "ca-cert-bundle")]
    ca_cert_bundle: String,
    arch: String,
    os_type: String,
    flavor: String,
    image: String,
    labels: Vec<String>,
    pool_id: String,
    user_data_options: UserDataOptions,
    jit_config_enabled: bool,
}

#[derive(Serialize)]
struct Tool {
    os: &'static str,
    architecture: &'static str,
    download_url: &'static str,
    filename: &'static str,
}

#[derive(Serialize)]
struct UserDataOptions {
    disable_updates_on_boot: bool,
    extra_packages: Vec<String>,
    enable_boot_debug: bool,
}

impl Specs {
    /// Reads `image`, `flavor`, `os_type` (`linux`), `arch` (`amd64`) and `extra_specs`.
    pub(super) fn parse(options: &str) -> Result<Self, Fault> {
        let invalid = |what: String| Fault::new(Verdict::Invalid, what);
        let options: Value = serde_json::from_str(options)
            .map_err(|error| invalid(format!("`options` is no JSON: {error}")))?;
        let text = |key: &str| options.get(key).and_then(Value::as_str).map(str::to_owned);
        let need = |key: &str| {
            text(key).ok_or_else(|| {
                invalid(format!(
                    "a GARM provider needs `options.{key}`; write it into the label set"
                ))
            })
        };
        Ok(Self {
            image: need("image")?,
            flavor: need("flavor")?,
            os_type: text("os_type").unwrap_or_else(|| "linux".to_owned()),
            arch: text("arch").unwrap_or_else(|| "amd64".to_owned()),
            extra: match options.get("extra_specs") {
                Some(extra) if extra.is_object() => extra.clone(),
                None => Value::Object(Map::new()),
                Some(_) => return Err(invalid("`options.extra_specs` is no mapping".to_owned())),
            },
        })
    }

    /// With our start-up data beside what the user wrote, which wins.
    fn with_agent(&self, order: &Order<'_>) -> Value {
        let mut extra = self.extra.clone();
        let Some(map) = extra.as_object_mut() else {
            return extra;
        };
        let template = STANDARD.encode(order.start_up.install_script());
        map.entry(TEMPLATE).or_insert_with(|| template.into());
        let context = map.entry(CONTEXT).or_insert_with(|| json!({}));
        if let Some(context) = context.as_object_mut() {
            let environment: BTreeMap<_, _> = order.start_up.environment.iter().cloned().collect();
            for (name, value) in environment {
                context.entry(name).or_insert_with(|| value.into());
            }
        }
        extra
    }
}

impl Bootstrap {
    pub(super) fn new(to: &Provisioner, order: &Order<'_>, specs: &Specs) -> Self {
        let request = order.request;
        let token = order.token.map(|token| token.expose().to_owned());
        Self {
            name: to.name(request.agent),
            tools: tools(&specs.arch),
            repo_url: String::new(),
            callback_url: order.url.to_owned(),
            metadata_url: order.url.to_owned(),
            instance_token: token.unwrap_or_default(),
            ssh_keys: Vec::new(),
            extra_specs: specs.with_agent(order),
            github_runner_group: String::new(),
            ca_cert_bundle: String::new(),
            arch: specs.arch.clone(),
            os_type: specs.os_type.clone(),
            flavor: specs.flavor.clone(),
            image: specs.image.clone(),
            labels: request.labels.split(',').map(str::to_owned).collect(),
            pool_id: marks::pool_id(&request.pool),
            user_data_options: UserDataOptions {
                disable_updates_on_boot: true,
                extra_packages: Vec::new(),
                enable_boot_debug: false,
            },
            jit_config_enabled: false,
        }
    }

    pub(super) fn document(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// One for the machine's architecture, in GitHub's words.
fn tools(arch: &str) -> Vec<Tool> {
    let architecture = match arch {
        "arm64" => "arm64",
        "arm" => "arm",
        "i386" => "x86",
        _ => "x64",
    };
    vec![Tool {
        os: "linux",
        architecture,
        download_url: NO_DOWNLOAD,
        filename: "headcount",
    }]
}
