//! The unit file of `packaging/systemd` says what the program understands, and what the
//! promise that agents outlive the daemon needs.

use clap::Parser;

use super::{Cli, Command};

const UNIT: &str = include_str!("../../../../packaging/systemd/headcount.service");

/// The values of a key, in order.
fn values(key: &str) -> Vec<&'static str> {
    let lines = UNIT.lines().filter_map(|line| line.split_once('='));
    lines
        .filter(|(name, _)| *name == key)
        .map(|(_, value)| value)
        .collect()
}

#[test]
fn the_program_understands_what_it_is_started_with() {
    let [start] = values("ExecStart")[..] else {
        panic!("one way to start");
    };
    let cli = Cli::try_parse_from(start.split(' ')).unwrap();
    assert!(matches!(cli.command, Command::Up { .. }));
}

#[test]
fn agents_outlive_the_daemon() {
    assert_eq!(values("Type"), ["notify"]);
    assert_eq!(values("KillMode"), ["process"]);
    assert_eq!(values("OOMPolicy"), ["continue"]);
    // These would take away what an agent that goes on stands on.
    for key in ["PrivateTmp", "DynamicUser", "ExecStopPost"] {
        assert_eq!(values(key), [""; 0], "{key}");
    }
}

#[test]
fn a_configuration_that_cannot_be_used_is_not_tried_again() {
    let code = crate::exit::Exit::Usage.code().to_string();
    assert_eq!(values("RestartPreventExitStatus"), [code]);
}
