//! Scalers of `docker-machine`: what is understood, and what is refused or warned of.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use headcount_config::{
    ConfigTexts, Loaded, Platform, Problems, effective_yaml, load_texts, parse_texts,
};
use headcount_model::{
    DockerMachineRecipe, MachineOption, PullPolicy, Recipe, Secret, SecretVariable,
};

const LEAST: &str = "    driver: d\n    image: i\n";

fn load(scaler: &str, set: &str) -> Result<Loaded, Problems> {
    let text = format!(
        "version: 1\nscalers:\n- name: s\n  type: docker-machine\n  maxAgents: 5\n{scaler}  \
         labelSets:\n  - labels: [a]\n{set}"
    );
    let platform = Platform {
        os: "linux".into(),
        arch: "x86_64".into(),
    };
    load_texts(ConfigTexts::single("c", text), &platform)
}

fn recipe(scaler: &str, set: &str) -> (DockerMachineRecipe, Loaded) {
    let loaded = load(scaler, set).unwrap_or_else(|p| panic!("{p}"));
    let text = effective_yaml(&loaded.settings);
    let again = load_texts(ConfigTexts::single("c", text), &Platform::current()).unwrap();
    assert_eq!(again.settings, loaded.settings);
    let Recipe::DockerMachine(recipe) = &*loaded.fleet.scalers[0].pools[0].recipe else {
        panic!("no machine");
    };
    (recipe.clone(), loaded)
}

fn told(scaler: &str, set: &str) -> String {
    match load(scaler, set) {
        Ok(loaded) => loaded.warnings.to_string(),
        Err(problems) => problems.to_string(),
    }
}

#[test]
fn a_driver_and_an_image_are_enough() {
    let (recipe, loaded) = recipe("", LEAST);
    let scaler = &loaded.fleet.scalers[0];
    assert_eq!(scaler.backend.as_str(), "docker-machine");
    assert_eq!((recipe.driver.as_str(), recipe.image.as_str()), ("d", "i"));
    assert_eq!(recipe.name, "headcount-%s");
    assert!(!recipe.agent_of_image && !recipe.privileged);
    let timeouts = scaler.pools[0].timeouts;
    let minutes = |n: u64| Duration::from_secs(n * 60);
    assert_eq!(
        (timeouts.create, timeouts.launch, timeouts.destroy),
        (minutes(20), minutes(30), minutes(20))
    );
    let labels = scaler.pools[0].system_labels.join(" ");
    assert!(
        labels.contains("headcount:agent:docker-machine headcount:os:linux"),
        "{labels}"
    );
    assert!(!labels.contains(":arch:"), "{labels}");
}

#[test]
fn everything_that_can_be_said() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    std::fs::write(&file, "hunter2\n").unwrap();
    let (recipe, loaded) = recipe(
        "  program: /opt/m\n  store: /srv/s\n  orchestratorUrl: wss://ci.example.com:4873\n  \
         timeouts: {create: 5m}\n",
        &format!(
            "    driver: digitalocean\n    image: 'ruby:3.3'\n    imagePullPolicy: Never\n    \
             agent: image\n    machineName: auto-%s.example.com\n    options:\n    - \
             digitalocean-region=a b\n    - digitalocean-ipv6\n    - {{name: \
             digitalocean-access-token, valueFile: {}}}\n    optionsWithName: [x-tags=%s]\n    \
             volumes: ['/a:/b']\n    privileged: true\n    env: {{A: b}}\n",
            file.display()
        ),
    );
    assert_eq!(
        loaded.fleet.scalers[0].backend.as_str(),
        "docker-machine:/opt/m?store=/srv/s"
    );
    assert_eq!(
        recipe.options,
        [
            MachineOption::Plain("digitalocean-region=a b".into()),
            MachineOption::Plain("digitalocean-ipv6".into()),
            MachineOption::Secret {
                name: "digitalocean-access-token".into(),
                value: Secret::new("hunter2".into()),
            },
        ]
    );
    assert_eq!(recipe.options_with_name, ["x-tags=%s"]);
    assert_eq!(recipe.name, "auto-%s.example.com");
    assert_eq!(recipe.pull, PullPolicy::Never);
    assert!(recipe.agent_of_image && recipe.privileged);
    assert_eq!(recipe.volumes, ["/a:/b"]);
    assert_eq!(
        recipe.agent_url.as_deref(),
        Some("wss://ci.example.com:4873")
    );
    let timeouts = loaded.fleet.scalers[0].pools[0].timeouts;
    assert_eq!(timeouts.create, Duration::from_secs(300));
    let text = effective_yaml(&loaded.settings);
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn variables_whose_values_are_secret_are_written_as_references() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    std::fs::write(&file, "hunter2\n").unwrap();
    let shown = file.display();
    let set = format!(
        "{LEAST}    env: {{A: b}}\n    secretEnv:\n    - {{name: API_TOKEN, valueFile: '{shown}'}}\n"
    );
    let (recipe, loaded) = recipe("", &set);
    let variable = SecretVariable {
        name: "API_TOKEN".into(),
        value: Secret::new("hunter2".into()),
    };
    assert_eq!(recipe.secret_env, [variable]);
    let text = effective_yaml(&loaded.settings);
    let expected = format!(
        "        secretEnv:\n          - name: API_TOKEN\n            valueFile: {shown}\n"
    );
    assert!(text.contains(&expected), "{text}");
    assert!(!format!("{text}{:?}", loaded.fleet).contains("hunter2"));
}

#[test]
fn secret_variables_that_cannot_be_are_refused_with_their_places() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("zero");
    std::fs::write(&file, "a\0b").unwrap();
    let file = file.display();
    for (variables, expected) in [
        (
            "[{name: A}]",
            "c:10:17: error: nothing says where the value of `A` is (add `valueFile: PATH` or \
             `valueFromEnv: VARIABLE`)"
                .to_owned(),
        ),
        (
            "[{name: A, valueFile: /a, valueFromEnv: B}]",
            "c:10:56: error: the value of `A` is written in two ways (keep one of them)".to_owned(),
        ),
        (
            "[{name: A=b, valueFile: /a}]",
            "c:10:24: error: `name`: `A=b` cannot name a variable (a name has at least one \
             character, no `=` and no zero byte)"
                .to_owned(),
        ),
        (
            "[{name: A, valueFile: /a}, {name: A, valueFile: /b}]",
            "c:10:43: error: the variable `A` is set twice (keep it in one of `env` and \
             `secretEnv`, once)"
                .to_owned(),
        ),
        (
            &format!("[{{name: A, valueFile: '{file}'}}]"),
            "c:10:38: error: the value of `A` holds a zero byte or is 128 KiB or longer (hand such a \
             value over in a file)"
                .to_owned(),
        ),
    ] {
        let set = format!("{LEAST}    secretEnv: {variables}\n");
        assert_eq!(told("", &set), expected, "{variables}");
    }
}

#[test]
fn what_cannot_be_is_refused_with_its_place() {
    let mut wrong = Vec::new();
    for (set, expected) in [
        (
            "",
            "c:7:5: error: `labelSets[0]` of type `docker-machine` needs the key `driver` (add \
             `driver: ...` (the driver that makes machines))\nc:7:5: error: `labelSets[0]` of type \
             `docker-machine` needs the key `image` (add `image: ...` (the image of the container \
             in which an agent runs))",
        ),
        (
            "    driver: d\n    image: i\n    machineName: runner-for-the-whole-company-in-germany-%s\n",
            "c:10:18: error: `machineName`: machines would have names of 66 characters, and a host \
             name ends at 63 (shorten what stands around `%s`, which becomes 26 characters, to 37)",
        ),
        (
            "    driver: d\n    image: i\n    machineName: machine\n",
            "c:10:18: error: `machineName`: `machine` lacks `%s` (write `%s` where what makes the \
             name unique shall stand)",
        ),
        (
            "    driver: d\n    image: i\n    machineName: 'a_%s'\n",
            "c:10:18: error: `machineName`: `a_%s` cannot be the name of a machine (write letters, \
             digits, `-` and `.` around `%s`, a letter or a digit first)",
        ),
        (
            "    driver: d\n    image: i\n    machineName: 'a%s%s'\n",
            "c:10:18: error: `machineName`: `%s` stands in it twice (keep one of them)",
        ),
        (
            "    driver: d\n    image: i\n    options: [\"a=b\\nc\", --a=b, 'a b=c', '', 5]\n",
            "c:10:15: error: `options[0]`: an option is one line, and this has a line break in it \
             (write one item for each option)\nc:10:25: error: `options[1]`: `--a` starts with a \
             dash (write it without: dashes are put before it)\nc:10:32: error: `options[2]`: after \
             `a` comes no `=` (write `name=value`, as in \
             `engine-registry-mirror=http://192.0.2.1:5000`)\nc:10:41: error: `options[3]`: it does \
             not start with the name of an option (write `name=value`, as in \
             `engine-registry-mirror=http://192.0.2.1:5000`)\nc:10:45: error: `options[4]` must be a \
             text (put it in quotes: \"5\")",
        ),
        (
            "    driver: d\n    image: i\n    options: {a: b}\n",
            "c:10:14: error: `options` must be a list (put it into a list: `- ` before each item, \
             or `[` and `]` around them)",
        ),
        (
            "    driver: d\n    image: i\n    options: [amazonec2-secret-key=hunter2]\n",
            "c:10:15: error: `options[0]`: the value of `amazonec2-secret-key` is a secret (write \
             `{name: amazonec2-secret-key, valueFile: PATH}` or `{name: amazonec2-secret-key, \
             valueFromEnv: VARIABLE}`)",
        ),
        (
            "    driver: d\n    image: i\n    options: [{name: a}, {name: b, valueFile: /x, \
             valueFromEnv: Y}]\n",
            "c:10:15: error: nothing says where the value of `a` is (add `valueFile: PATH` or \
             `valueFromEnv: VARIABLE`)\nc:10:65: error: the value of `b` is written in two ways \
             (keep one of them)",
        ),
        (
            "    driver: d\n    image: i\n    optionsWithName: [tags=x]\n",
            "c:10:23: error: `optionsWithName[0]`: `tags=x` lacks `%s` (write `%s` where the name \
             of the machine shall stand, or put it with the options that need none)",
        ),
        (
            "    driver: d\n    image: i\n    agent: none\n",
            "c:10:12: error: agents on machines of `docker-machine` are given jobs (remove it, or \
             write `agent: image` for an image that has the agent in it)",
        ),
        (
            "    driver: d\n    image: i\n    containerSocket: true\n",
            "c:10:5: warning: `containerSocket` has no effect on a scaler of type `docker-machine` \
             (remove it: it is for the type `container`)",
        ),
    ] {
        if told("", set) != expected {
            wrong.push(format!("{set}{}", told("", set)));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn a_secret_that_stands_where_none_may_is_not_shown() {
    for set in [
        "options: [amazonec2-secret-key=hunter2]",
        "options: ['amazonec2-secret-key hunter2']",
        "options: [{name: a, value: hunter2}]",
        "secretEnv: [{name: A, value: hunter2}]",
    ] {
        let text = format!(
            "version: 1\nscalers:\n- name: s\n  type: docker-machine\n  maxAgents: 1\n  \
             labelSets:\n  - labels: [a]\n    driver: d\n    image: i\n    {set}\n"
        );
        let texts = ConfigTexts::single("c", text);
        let problems = load_texts(texts, &Platform::current()).unwrap_err();
        let shown = format!("{problems}{}", problems.render(false, 200));
        assert!(
            shown.contains("***") && !shown.contains("hunter2"),
            "{shown}"
        );
    }
}

/// What it refers to need not be there to be understood.
#[test]
fn the_example_of_the_page_is_understood() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/docker-machine.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (_, rest) = page.split_once("```yaml\n").unwrap();
    let (text, _) = rest.split_once("```").unwrap();
    let parsed = parse_texts(ConfigTexts::single("page", text));
    let parsed = parsed.unwrap_or_else(|problems| panic!("{problems}"));
    let text = effective_yaml(&parsed.settings);
    assert!(text.contains("valueFromEnv: DO_TOKEN"), "{text}");
}

#[test]
fn the_type_and_its_store_are_checked() {
    assert_eq!(
        told("  store: machines\n  contract: garm/v0.1.1\n", LEAST),
        "c:6:10: error: `store`: `machines` is no absolute path (write the whole path, from `/` on, \
         and no arguments)\nc:7:3: warning: `contract` has no effect on a scaler of type \
         `docker-machine` (remove it: it is for the type `program`)"
    );
    let text = "version: 1\nscalers:\n- {name: s, type: docker+machine, maxAgents: 1, labelSets: \
                [{labels: [a]}]}\n";
    let platform = Platform::current();
    let problems = load_texts(ConfigTexts::single("c", text), &platform).unwrap_err();
    assert_eq!(
        problems.to_string(),
        "c:3:19: error: `type` cannot be `docker+machine` (write `docker-machine`)"
    );
}
