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
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::fault::{Fault, Verdict};
use crate::marks;
use crate::provisioner::{Order, Provisioner};

const TEMPLATE: &str = "runner_install_template";
const CONTEXT: &str = "extra_context";
/// The shared library wants a download of the runner to be named. The template fetches
/// nothing from there.
const NO_DOWNLOAD: &str = "https://headcount.invalid/agent";

/// The `options` of a label set, as this contract reads them. `check` says the same of them,
/// with places (`config`).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Specs {
    #[serde(default)]
    image: String,
    #[serde(default)]
    flavor: String,
    #[serde(default)]
    os_type: OsType,
    #[serde(default)]
    arch: Arch,
    /// For the provider alone.
    #[serde(default, rename = "extra_specs")]
    pub(super) extra: Map<String, Value>,
    /// A machine that lives for one job is sooner ready without them.
    #[serde(default = "yes")]
    disable_updates_on_boot: bool,
    #[serde(default)]
    extra_packages: Vec<String>,
    #[serde(default)]
    enable_boot_debug: bool,
    #[serde(default)]
    proxy_config: Proxies,
}

const fn yes() -> bool {
    true
}

/// What our agents run on.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum OsType {
    #[default]
    Linux,
}

/// The contract's words.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Arch {
    #[default]
    Amd64,
    I386,
    Arm64,
    Arm,
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
    extra_specs: Map<String, Value>,
    #[serde(rename = "github-runner-group")]
    github_runner_group: String,
    #[serde(rename = "ca-cert-bundle")]
    ca_cert_bundle: String,
    arch: Arch,
    os_type: OsType,
    flavor: String,
    image: String,
    labels: Vec<String>,
    pool_id: String,
    user_data_options: UserDataOptions,
    jit_config_enabled: bool,
    proxy_config: Proxies,
}

#[derive(Serialize)]
struct Tool {
    os: &'static str,
    architecture: &'static str,
    download_url: &'static str,
    filename: &'static str,
    /// Nothing is fetched, so nobody needs a token, and there is nothing to compare.
    temp_download_token: &'static str,
    sha256_checksum: &'static str,
}

/// What machines reach the world through.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Proxies {
    #[serde(default)]
    http_proxy: String,
    #[serde(default)]
    https_proxy: String,
    #[serde(default)]
    no_proxy: String,
}

#[derive(Serialize)]
struct UserDataOptions {
    disable_updates_on_boot: bool,
    extra_packages: Vec<String>,
    enable_boot_debug: bool,
}

impl Specs {
    /// Reads what there is; `image` and `flavor` must be.
    pub(super) fn parse(options: &str) -> Result<Self, Fault> {
        let invalid = |what: String| Fault::new(Verdict::Invalid, what);
        let specs: Self = serde_json::from_str(options).map_err(|error| {
            invalid(format!(
                "a GARM provider cannot be told these `options`: {error}"
            ))
        })?;
        for (key, text) in [("image", &specs.image), ("flavor", &specs.flavor)] {
            if text.is_empty() {
                return Err(invalid(format!(
                    "a GARM provider needs `options.{key}`; write it into the label set"
                )));
            }
        }
        Ok(specs)
    }

    /// For the provider, as JSON.
    pub(super) fn extra_text(&self) -> String {
        serde_json::to_string(&self.extra).unwrap_or_default()
    }

    /// With our start-up data beside what the user wrote, which wins.
    fn with_agent(&self, order: &Order<'_>) -> Map<String, Value> {
        let mut extra = self.extra.clone();
        let template = STANDARD.encode(order.start_up.install_script());
        extra.entry(TEMPLATE).or_insert_with(|| template.into());
        let context = extra.entry(CONTEXT).or_insert_with(|| json!({}));
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
            tools: tools(specs.arch),
            repo_url: String::new(),
            callback_url: order.url.to_owned(),
            metadata_url: order.url.to_owned(),
            instance_token: token.unwrap_or_default(),
            ssh_keys: Vec::new(),
            extra_specs: specs.with_agent(order),
            github_runner_group: String::new(),
            ca_cert_bundle: String::new(),
            arch: specs.arch,
            os_type: specs.os_type,
            flavor: specs.flavor.clone(),
            image: specs.image.clone(),
            labels: request.labels.split(',').map(str::to_owned).collect(),
            pool_id: marks::pool_id(&request.pool),
            user_data_options: UserDataOptions {
                disable_updates_on_boot: specs.disable_updates_on_boot,
                extra_packages: specs.extra_packages.clone(),
                enable_boot_debug: specs.enable_boot_debug,
            },
            jit_config_enabled: false,
            proxy_config: specs.proxy_config.clone(),
        }
    }

    pub(super) fn document(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// One for the machine's architecture, in GitHub's words.
fn tools(arch: Arch) -> Vec<Tool> {
    let architecture = match arch {
        Arch::Amd64 => "x64",
        Arch::I386 => "x86",
        Arch::Arm64 => "arm64",
        Arch::Arm => "arm",
    };
    vec![Tool {
        os: "linux",
        architecture,
        download_url: NO_DOWNLOAD,
        filename: "headcount",
        temp_download_token: "",
        sha256_checksum: "",
    }]
}
