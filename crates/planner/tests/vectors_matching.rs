//! The matching vectors of the `scalers.yaml` reference, section 18, by number: L6 to L20.
//!
//! Not here: L1 and L2 (the normal form is `model`'s), L3 to L5 (overlaps are refused by
//! `config` before a fleet exists). Where the original names one candidate, the first of
//! ours is compared: the others are for spill-over. Kinds of backends that are not built
//! yet are stood in for by their system labels.

mod common;

use common::{Scenario, class};
use headcount_planner::candidates;

const TWO: &str = "
scaler d
  pool labels=linux,docker
  pool labels=linux,node20
scaler g labels=linux,gpu,cuda
";

const GATED: &str = "
scaler p gate=gpu labels=linux,gpu
scaler q labels=linux,docker
";

/// The first candidate's name; `none` without any.
fn best(fleet: &str, wants: &str) -> String {
    let world = Scenario::started(fleet).world;
    let best = candidates(&world, &class(wants)).into_iter().next();
    best.and_then(|pool| world.pool(pool))
        .map_or("none".to_owned(), |pool| pool.name.to_string())
}

#[test]
fn l6_the_label_set_that_has_all_labels() {
    assert_eq!(best(TWO, "linux,node20"), "d/linux+node20");
}

#[test]
fn l7_other_scaler_none_any_order_any_case() {
    assert_eq!(best(TWO, "linux,gpu,cuda"), "g/cuda+gpu+linux");
    assert_eq!(best(TWO, "windows,docker"), "none");
    assert_eq!(best(TWO, "docker,linux"), "d/docker+linux");
    assert_eq!(best(TWO, "Linux,Docker"), "d/docker+linux");
}

#[test]
fn l8_fewest_labels_then_earliest() {
    assert_eq!(best(TWO, "linux"), "d/docker+linux");
}

#[test]
fn l9_exclusion_of_a_later_one_changes_nothing() {
    assert_eq!(best(TWO, "linux,!gpu"), "d/docker+linux");
}

#[test]
fn l10_exclusion_passes_over_the_first() {
    let fleet = "
        scaler g labels=linux,gpu
        scaler d labels=linux,docker";
    assert_eq!(best(fleet, "linux,!gpu"), "d/docker+linux");
}

#[test]
fn l11_exclusion_leaves_none() {
    assert_eq!(best("scaler g labels=linux,gpu", "linux,!gpu"), "none");
}

#[test]
fn l12_a_gate_opens_for_those_who_ask_for_it() {
    assert_eq!(best(GATED, "linux,gpu"), "p/gpu+linux");
    assert_eq!(best(GATED, "linux"), "q/docker+linux");
}

#[test]
fn l13_a_gate_stays_shut_for_others() {
    let only = "scaler p gate=gpu labels=linux,gpu";
    assert_eq!(best(only, "linux"), "none");
    assert_eq!(best(only, ""), "none");
}

#[test]
fn l14_every_mandatory_label_must_be_asked_for() {
    let fleet = "scaler p gate=gpu,cuda labels=linux,gpu,cuda";
    assert_eq!(best(fleet, "linux,gpu"), "none");
    assert_eq!(best(fleet, "linux,gpu,cuda"), "p/cuda+gpu+linux");
}

#[test]
fn l15_no_labels_go_to_the_first_plain_scaler() {
    assert_eq!(best(GATED, ""), "q/docker+linux");
}

#[test]
fn l15_no_labels_take_file_order_not_size() {
    let fleet = "
        scaler broad labels=linux,docker,node20
        scaler narrow labels=linux";
    assert_eq!(best(fleet, ""), "broad/docker+linux+node20");
    assert_eq!(best(fleet, "!docker"), "narrow/linux", "exclusions apply");
}

#[test]
fn l16_of_two_gated_the_narrow_one() {
    let fleet = "
        scaler broad gate=gpu labels=linux,gpu,cuda,spot
        scaler narrow gate=gpu labels=linux,gpu";
    assert_eq!(best(fleet, "linux,gpu"), "narrow/gpu+linux");
}

#[test]
fn l17_exclusions_hold_behind_a_gate() {
    let fleet = "scaler p gate=gpu labels=linux,gpu,spot";
    assert_eq!(best(fleet, "linux,gpu,!spot"), "none");
}

#[test]
fn l18_of_equal_size_the_first_in_the_file() {
    let fleet = "
        scaler b labels=linux,blue
        scaler a labels=linux,green";
    assert_eq!(best(fleet, "linux"), "b/blue+linux");
}

#[test]
fn l18_system_labels_do_not_count_as_size() {
    let fleet = "
        scaler many labels=linux,blue
        scaler few roles=none labels=linux,green";
    assert_eq!(best(fleet, "linux"), "many/blue+linux");
}

#[test]
fn l19_system_labels_can_be_asked_for() {
    let fleet = "
        scaler c backend=container labels=linux
        scaler f backend=firecracker labels=linux,vm";
    assert_eq!(best(fleet, "kici:os:linux"), "c/linux");
    assert_eq!(best(fleet, "kici:scaler:f"), "f/linux+vm");
    assert_eq!(best(fleet, "kici:agent:firecracker"), "f/linux+vm");
    assert_eq!(best(fleet, "kici:host:x"), "none");
}

#[test]
fn l20_roles_left_out_are_not_served() {
    let fleet = "scaler e roles=none labels=linux";
    assert_eq!(best(fleet, "kici:role:builder"), "none");
    let fleet = "scaler e roles=builder labels=linux";
    assert_eq!(best(fleet, "kici:role:builder"), "e/linux");
    assert_eq!(best(fleet, "kici:role:init-runner"), "none");
}

#[test]
fn priority_goes_before_size_and_order() {
    let fleet = "
        scaler a labels=linux
        scaler b priority=5 labels=linux,docker";
    assert_eq!(best(fleet, "linux"), "b/docker+linux");
}

#[test]
fn workers_are_given_nothing() {
    assert_eq!(best("scaler w worker=/bin/w labels=linux", "linux"), "none");
}
