//! One run tells every problem, of every file, as a person sees it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use headcount_config::{ConfigText, ConfigTexts, Platform, load_texts};

#[test]
fn every_problem_of_every_file_in_one_run() {
    let main = "\
version: 1
globalMaxAgent: 3
globalResourceCap:
  maxMemory: 4gb
scalers:
  - name: builders
    type: bare-metal
    maxAgents: 0
    mandatoryLabels: [gpu]
    labelSets:
      - labels: [linux, \"a,b\"]
      - labels: [linux]
        resources: {cpus: 1, limits: {cpus: 2}}
";
    let drop_in = "\
scalers:
  - name: Builders
    type: docker
    maxAgents: 2
    labelSets: [{labels: [linux]}]
";
    let texts = ConfigTexts {
        main: ConfigText::new("scalers.yaml", main),
        drop_ins: vec![ConfigText::new("scalers.d/10-more.yaml", drop_in)],
    };
    let problems = load_texts(texts, &Platform::current()).unwrap_err();
    let expected = "\
error: the main file has no key `globalMaxAgent`
 --> scalers.yaml:2:1
  |
2 | globalMaxAgent: 3
  | ^^^^^^^^^^^^^^ unknown key
  = help: write `globalMaxAgents`

error: `maxMemory`: `4gb` is not an amount of memory
 --> scalers.yaml:4:14
  |
4 |   maxMemory: 4gb
  |              ^^^
  = help: write `4g`

error: `maxAgents` must be at least 1
 --> scalers.yaml:8:16
  |
8 |     maxAgents: 0
  |                ^
  = help: write for example `10`

error: `labels[1]`: the label `a,b` holds a comma
  --> scalers.yaml:11:25
   |
11 |       - labels: [linux, \"a,b\"]
   |                         ^^^^^
   = help: write one label for each of its parts

error: `labelSets[1]` lacks the mandatory label `gpu`
  --> scalers.yaml:12:17
   |
12 |       - labels: [linux]
   |                 ^^^^^^^ no job could ever be served by it
   = help: add `gpu` to its labels, or take it from `mandatoryLabels`

error: `cpus` and `limits` cannot stand together
  --> scalers.yaml:13:30
   |
13 |         resources: {cpus: 1, limits: {cpus: 2}}
   |                              ^^^^^^
   = help: write `cpus` and `memory` inside `requests` and `limits`, or only
           outside

error: a second scaler has the name `Builders`
 --> scalers.d/10-more.yaml:2:11
  |
2 |   - name: Builders
  |           ^^^^^^^^ `builders` differs in case only
  = help: give each scaler a name of its own

error: `type` cannot be `docker`
 --> scalers.d/10-more.yaml:3:11
  |
3 |     type: docker
  |           ^^^^^^ not one of its words
  = help: write `container`: it serves Docker and Podman alike

error: the labels `linux` belong to both scaler `builders` and scaler `Builders`
 --> scalers.d/10-more.yaml:5:26
  |
5 |     labelSets: [{labels: [linux]}]
  |                          ^^^^^^^ `builders` owns them already
  = help: give one of them another label, or leave this label set out

9 errors
";
    assert_eq!(problems.render(false, 80), expected);
}

#[test]
fn texts_that_hold_no_configuration() {
    for (text, expected) in [
        (
            "",
            "c: error: the file is empty (write `version: 1` and `scalers:` with at least one \
             scaler)",
        ),
        (
            "- a\n",
            "c:1:1: error: `c` must be a mapping (write `key: value` pairs; its keys are \
             `version`, `globalMaxAgents`, `globalMaxJobs`, `globalResourceCap`, `machinePools`, `defaults`, \
             `scalers`, `firecracker`, `sources`)",
        ),
        (
            "version: 1\nscalers:\n",
            "c:2:1: error: `scalers` has no value (write one, or remove the key)",
        ),
        (
            "version: 1\n",
            "c:1:1: error: there is no `scalers`, here or in a drop-in file (write at least one \
             scaler, or `scalers: []` for none)",
        ),
        (
            "version: 1\nscalers: [a\n",
            "c:3:1: error: this is not YAML: while parsing a flow sequence, expected ',' or ']'",
        ),
    ] {
        let texts = ConfigTexts::single("c", text);
        let problems = load_texts(texts, &Platform::current()).unwrap_err();
        assert_eq!(problems.to_string(), expected);
    }
}

#[test]
fn missing_keys_say_what_they_are_for() {
    let text = "\
version: 1
scalers:
  - name: vm
    type: firecracker
    firecrackerPath: /usr/bin/firecracker
    jailerPath: /usr/bin/jailer
    uid: 1000
    gid: 1000
    labelSets:
      - labels: [linux]
";
    let problems = load_texts(ConfigTexts::single("vm.yaml", text), &Platform::current());
    let rendered = problems.unwrap_err().render(false, 80);
    for expected in [
        "\
error: a scaler needs the key `maxAgents`
 --> vm.yaml:3:5
  |
3 |   - name: vm
  |     ^^^^^^^^ it is missing here
  = help: add `maxAgents: ...` (cap on its agents)
",
        "\
error: a scaler of type `firecracker` needs the key `kernelPath`
 --> vm.yaml:3:5
  |
3 |   - name: vm
  |     ^^^^^^^^ it is missing here
  = help: add `kernelPath: ...` (the kernel of its agents)
",
        "\
error: `labelSets[0]` of type `firecracker` needs the key `rootfsPath`
  --> vm.yaml:10:9
   |
10 |       - labels: [linux]
   |         ^^^^^^^^^^^^^^^ it is missing here
   = help: add `rootfsPath: ...` (the ext4 image of an agent)
",
    ] {
        assert!(rendered.contains(expected), "{rendered}");
    }
}
