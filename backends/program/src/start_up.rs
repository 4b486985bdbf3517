//! Start-up data: what makes a fresh machine run an agent.
//!
//! Promise: pure texts; every value is quoted for who reads it, so that no label, URL or
//! token can become a command. The token stands in the text and nowhere else: not in
//! arguments, not in the environment of the program. Leaves to others: getting the text
//! onto the machine (the provisioner), what the agent then does (`agent`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use headcount_model::Secret;
use headcount_ports::agent_env;

/// Where a machine keeps what belongs to its agent, as a shell reads it.
const FOLDER: &str = "\"${HEADCOUNT_MACHINE_DIR:-${HOME:-/root}/.headcount-agent}\"";
/// Where cloud-init puts the script.
const SCRIPT_FILE: &str = "/run/headcount-start";
/// Where the agent's own words go on a machine that cloud-init starts.
const LOG_FILE: &str = "/var/log/headcount-agent.log";

/// Everything a remote agent needs.
#[derive(Clone, Debug)]
pub(crate) struct StartUp {
    /// Names and values; none of them secret.
    pub(crate) environment: Vec<(String, String)>,
    /// Good for one registration.
    pub(crate) token: Option<Secret>,
    /// What the machine becomes: the agent program as the machine finds it, and its
    /// arguments.
    pub(crate) command: Vec<String>,
}

impl StartUp {
    /// A POSIX shell script that becomes the agent; it does not return while the agent
    /// lives. It keeps its files in `HEADCOUNT_MACHINE_DIR`, else below the home.
    pub(crate) fn script(&self) -> String {
        let mut text =
            format!("#!/bin/sh\nset -eu\numask 077\nfolder={FOLDER}\nmkdir -p \"$folder/work\"\n");
        if let Some(token) = &self.token {
            let token = quote(token.expose());
            text.push_str(&format!("printf %s {token} >\"$folder/token\"\n"));
            text.push_str(&format!(
                "export {}=\"$folder/token\"\n",
                agent_env::TOKEN_FILE
            ));
        }
        text.push_str(&format!("export {}=\"$folder/work\"\n", agent_env::DIR));
        for (name, value) in &self.environment {
            text.push_str(&format!("export {name}={}\n", quote(value)));
        }
        let words = self.command.iter().map(|word| quote(word));
        text.push_str(&format!("exec {}\n", words.collect::<Vec<_>>().join(" ")));
        text
    }

    /// A cloud-init document that runs the same script once, detached, as root.
    pub(crate) fn cloud_init(&self) -> String {
        let content = STANDARD.encode(self.script());
        format!(
            "#cloud-config\n\
             write_files:\n\
             - path: {SCRIPT_FILE}\n\
             \x20 permissions: '0700'\n\
             \x20 encoding: b64\n\
             \x20 content: {content}\n\
             runcmd:\n\
             - [sh, -c, \"setsid {SCRIPT_FILE} </dev/null >{LOG_FILE} 2>&1 &\"]\n"
        )
    }

    /// The same for GARM's providers: a script that starts it detached and returns, because
    /// their cloud-init waits for it. Read as a Go template on its way.
    pub(crate) fn install_script(&self) -> String {
        let content = STANDARD.encode(self.script());
        let text = format!(
            "#!/bin/sh\nset -eu\numask 077\nfolder={FOLDER}\nmkdir -p \"$folder\"\n\
             printf %s {content} | base64 -d >\"$folder/start\"\nchmod 700 \"$folder/start\"\n\
             setsid \"$folder/start\" </dev/null >\"$folder/agent.log\" 2>&1 &\n"
        );
        debug_assert!(!text.contains("{{"), "it would be a template");
        text
    }
}

/// One word for a POSIX shell, whatever is in it.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start_up() -> StartUp {
        StartUp {
            environment: vec![
                ("HEADCOUNT_AGENT_ID".into(), "a-1-2".into()),
                (
                    "HEADCOUNT_AGENT_LABELS".into(),
                    "it's,$(reboot),{{x}}".into(),
                ),
            ],
            token: Some(Secret::new("t0ken".into())),
            command: vec!["headcount".into(), "agent".into()],
        }
    }

    const SCRIPT: &str = r#"#!/bin/sh
set -eu
umask 077
folder="${HEADCOUNT_MACHINE_DIR:-${HOME:-/root}/.headcount-agent}"
mkdir -p "$folder/work"
printf %s 't0ken' >"$folder/token"
export HEADCOUNT_AGENT_TOKEN_FILE="$folder/token"
export HEADCOUNT_AGENT_DIR="$folder/work"
export HEADCOUNT_AGENT_ID='a-1-2'
export HEADCOUNT_AGENT_LABELS='it'\''s,$(reboot),{{x}}'
exec 'headcount' 'agent'
"#;

    #[test]
    fn the_script_is_text_to_the_letter() {
        assert_eq!(start_up().script(), SCRIPT);
    }

    #[test]
    fn cloud_init_runs_the_same_script() {
        let text = start_up().cloud_init();
        let content = text
            .lines()
            .find_map(|line| line.strip_prefix("  content: "));
        assert_eq!(
            STANDARD.decode(content.unwrap()).unwrap(),
            SCRIPT.as_bytes()
        );
        let others: Vec<&str> = text
            .lines()
            .filter(|line| !line.contains("content:"))
            .collect();
        assert_eq!(
            others,
            [
                "#cloud-config",
                "write_files:",
                "- path: /run/headcount-start",
                "  permissions: '0700'",
                "  encoding: b64",
                "runcmd:",
                "- [sh, -c, \"setsid /run/headcount-start </dev/null >/var/log/headcount-agent.log \
                 2>&1 &\"]",
            ]
        );
    }

    /// A real shell reads what was quoted, and what was written.
    #[test]
    fn a_shell_hands_it_to_the_agent_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let fake = dir.path().join("it's a binary");
        std::fs::write(
            &fake,
            "#!/bin/sh\ncat \"$HEADCOUNT_AGENT_TOKEN_FILE\"\necho \" $1 $HEADCOUNT_AGENT_LABELS\"\n",
        )
        .unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&fake, mode).unwrap();
        let mut start_up = start_up();
        start_up.command[0] = fake.display().to_string();
        let output = std::process::Command::new("sh")
            .arg("-c")
            .arg(start_up.script())
            .env("HEADCOUNT_MACHINE_DIR", dir.path().join("a folder"))
            .output()
            .unwrap();
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            "t0ken agent it's,$(reboot),{{x}}\n"
        );
    }

    #[test]
    fn a_template_engine_leaves_the_install_script_alone() {
        assert!(!start_up().install_script().contains("{{"));
    }
}
