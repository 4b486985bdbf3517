//! No secret of a file is shown, whatever is wrong around it.

use headcount_config::effective_yaml;

use super::{load, runner};

const SECRETS: &str = "token = \"hunter2-a\"\nenvironment = [\"A=hunter2-k\", \"API_TOKEN=hunter2-b\"]\n\
[runners.machine]\nMachineOptions = [\"x-password=hunter2-c\", \"engine-env=A_SECRET=hunter2-d\", \
\"engine-env=B_SECRET=hunter2-e\", \"engine-registry-mirror=http://u:hunter2-f@h\"]\n\
[runners.cache]\nType = \"s3\"\n[runners.cache.s3]\nAccessKey = \"hunter2-g\"\nSecretKey = \
\"hunter2-h\"\n[runners.cache.gcs]\nPrivateKey = \"\"\"\nhunter2-i\"\"\"\n[runners.cache.azure]\n\
AccountKey = 'hunter2-j'\n";

#[test]
fn the_native_form_names_places() {
    let loaded = load(&runner("", SECRETS)).unwrap_or_else(|p| panic!("{p}"));
    let printed = effective_yaml(&loaded.settings);
    let options = printed
        .lines()
        .skip_while(|line| !line.contains("options:"));
    let options: Vec<&str> = options.take(9).collect();
    assert_eq!(
        options.join("\n"),
        [
            "        options:",
            "          - name: x-password",
            "            valueFromToml: \"c#/runners/0/machine/MachineOptions/x-password\"",
            "          - name: engine-env",
            "            valueFromToml: \"c#/runners/0/machine/MachineOptions/1/engine-env\"",
            "          - name: engine-env",
            "            valueFromToml: \"c#/runners/0/machine/MachineOptions/2/engine-env\"",
            "          - name: engine-registry-mirror",
            "            valueFromToml: \"c#/runners/0/machine/MachineOptions/engine-registry-mirror\"",
        ]
        .join("\n")
    );
    let variables = printed
        .lines()
        .skip_while(|line| !line.contains("secretEnv:"));
    let variables: Vec<&str> = variables.take(5).collect();
    assert_eq!(
        variables.join("\n"),
        [
            "        secretEnv:",
            "          - name: A",
            "            valueFromToml: \"c#/runners/0/environment/A\"",
            "          - name: API_TOKEN",
            "            valueFromToml: \"c#/runners/0/environment/API_TOKEN\"",
        ]
        .join("\n")
    );
    let all = format!(
        "{printed}{:?}{:?}{:?}",
        loaded.settings, loaded.fleet, loaded.warnings
    );
    assert!(!all.contains("hunter2"), "{all}");
    assert!(!loaded.warnings.render(false, 200).contains("hunter2"));
}

/// Every line of it broken in some way, one after the other.
#[test]
fn problems_show_none() {
    let whole = runner("", SECRETS);
    let mut n_refused = 0;
    for from in 0..whole.len() {
        for with in ["\u{1}", "[", "\"", "\"\"\"", "'", "\n"] {
            if !whole.is_char_boundary(from) {
                continue;
            }
            let (before, after) = whole.split_at(from);
            // What is torn in the middle of a secret is no secret's value any more.
            if torn(&whole, from) {
                continue;
            }
            let text = format!("{before}{with}{after}");
            if let Err(problems) = load(&text) {
                n_refused += 1;
                let shown = format!("{problems}{}", problems.render(false, 200));
                assert!(!shown.contains("hunter2"), "{from} {with:?}\n{shown}");
            }
        }
    }
    assert!(n_refused > 1000, "{n_refused}");
}

/// Whether a place is inside a secret, or in what says that it is one.
fn torn(text: &str, at: usize) -> bool {
    let mut secrets = text.match_indices("hunter2");
    secrets.any(|(found, _)| {
        let before = &text[..found];
        let line = before.rfind('\n').map_or(0, |at| at + 1);
        let item = before.rfind([',', '[']).map_or(0, |at| at + 1);
        (line.max(item)..=found + 9).contains(&at)
    })
}

#[test]
fn a_wrong_value_of_a_secret_is_not_shown() {
    let problems = load(&runner("", "token = 12345\n")).unwrap_err();
    let shown = problems.render(false, 80);
    let from = shown.find("error:").unwrap();
    assert_eq!(
        shown.get(from..).unwrap(),
        [
            "error: `token` must be a text",
            " --> c:5:9",
            "  |",
            "5 | token = *****",
            "  |         ^^^^^ this is a whole number",
            "",
            "1 error, 1 warning, 5 differences",
            "",
        ]
        .join("\n")
    );
    let problems = load(&runner("", "token = hunter2\n")).unwrap_err();
    assert!(!problems.render(false, 80).contains("hunter2"));
}

/// A sign that is another one makes no value of a secret something to be shown.
#[test]
fn options_with_a_wrong_sign_show_their_name_alone() {
    for option in [
        "'amazonec2-secret-key hunter2'",
        "\"vmwarevsphere-password:hunter2\"",
        "'generic-ssh-key = hunter2'",
        "'--amazonec2-secret-key=hunter2'",
        "'=hunter2'",
        "{name = 'a', value = 'hunter2'}",
        "'x-token hunter2', 'y=%s', 5",
    ] {
        let machine = format!("[runners.machine]\nMachineOptions = [{option}]\n");
        let problems = load(&runner("", &machine)).unwrap_err();
        let shown = format!("{problems}{}", problems.render(false, 200));
        assert!(
            shown.contains("`MachineOptions[0]`") || option.starts_with('{'),
            "{shown}"
        );
        let json = serde_json::to_string(&problems.iter().collect::<Vec<_>>()).unwrap();
        assert!(
            !shown.contains("hunter2") && !json.contains("hunter2"),
            "{shown}"
        );
    }
}

#[test]
fn secrets_that_cannot_be_found_are_problems() {
    let native = "version: 1\nscalers:\n- name: a\n  type: docker-machine\n  maxAgents: 1\n  \
                  labelSets:\n  - labels: [x]\n    driver: d\n    image: i\n    options:\n";
    let said = |option: &str| {
        let text = format!("{native}    - {{name: d-token, {option}}}\n");
        load(&text).map(|_| ()).unwrap_err().to_string()
    };
    assert_eq!(
        said("valueFromToml: c.toml"),
        "c:11:38: error: `c.toml` is not a place in a TOML file (write for example \
             `config.toml#/runners/0/machine/MachineOptions/digitalocean-access-token`)"
    );
    assert_eq!(
        said("valueFromToml: 'nowhere.toml#/a'"),
        "c:11:38: error: the file cannot be read: there is no such file or directory (check \
             the path)"
    );
    assert_eq!(
        said("valueFromToml: 'c#/a'"),
        "c:11:38: error: `c` cannot be read as TOML"
    );
}
