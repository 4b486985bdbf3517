//! The kit: good programs pass, and each kind of bad one fails where it is bad.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::{Duration, Instant};

use headcount_backend_program::{KitOptions, Report, Verdict, run_kit};
use support::{BATCH, GOOD, LEASING, Place};

fn options(place: &Place) -> KitOptions {
    KitOptions {
        program: place.program.clone(),
        config: Some(place.path("machines").display().to_string()),
        environment: Vec::new(),
        options: "{}".to_owned(),
        deadline: Duration::from_secs(20),
        patience: Duration::from_secs(2),
        batch: None,
        only: Vec::new(),
        host_env: std::env::vars().collect(),
    }
}

fn told(report: &Report) -> String {
    let lines = report.cases.iter().map(|case| {
        let (verdict, name, why) = (case.verdict, case.name, &case.why);
        format!("{verdict:?} {name}: {why}\n")
    });
    lines.collect()
}

/// A good program, with what stands before and after what it does.
fn spoiled(before: &str, after: &str) -> Place {
    Place::script(&format!(
        "{GOOD}\nverb=$1; state=$here/state; mkdir -p $state\n{before}\n\
         answer=$(good \"$verb\"); code=$?\n{after}\nprintf '%s\\n' \"$answer\"; exit $code"
    ))
}

fn machines(place: &Place) -> usize {
    let folder = std::fs::read_dir(place.path("m"));
    folder.map_or(0, |files| files.count())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forty_lines_of_shell_pass() {
    let place = Place::example("forty-lines.sh");
    let report = run_kit(options(&place)).await;
    assert!(report.passed(), "{}", told(&report));
    assert_eq!(report.count(Verdict::Ok), report.cases.len());
    assert_eq!(place.anything_runs(), 0, "it leaves nothing");
    assert!(
        told(&report).contains("no other daemon can ever"),
        "{}",
        told(&report)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shell_example_with_leases_passes() {
    let place = Place::example("leases.sh");
    let report = run_kit(options(&place)).await;
    assert!(report.passed(), "{}", told(&report));
    assert!(
        !told(&report).contains("no other daemon can ever"),
        "{}",
        told(&report)
    );
    assert_eq!(place.anything_runs(), 0, "it leaves nothing");
}

/// Whether this case is not kept. Where it is about all calls, some are made.
async fn fails(place: Place, name: &str, why: &str) {
    let mut options = options(&place);
    options.only = [name, CREATE, "status shows"].map(str::to_owned).to_vec();
    let report = run_kit(options).await;
    let case = report
        .cases
        .iter()
        .find(|case| case.name == name)
        .expect(name);
    assert_eq!(case.verdict, Verdict::Failed, "{}", told(&report));
    assert!(case.why.contains(why), "{why}\n{}", told(&report));
    assert!(!case.hint.is_empty());
    assert!(!report.passed());
    assert_eq!(machines(&place), 0, "it leaves nothing: {}", told(&report));
}

macro_rules! fault {
    ($test:ident: $before:expr, $after:expr => $name:expr, $why:expr) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            fails(spoiled($before, $after), $name, $why).await;
        }
    };
}

const CREATE: &str = "create makes a machine and answers with it";
const LISTED: &str = "list shows it with the marks it was made with";
const EMPTY: &str = "the list of an owner without machines is complete and empty";

fault!(a_partial_list_is_found: "", "[ $verb = list ] && answer=$(echo \"$answer\" | jq -c '.machines |= .[1:]')" =>
    LISTED, "2 s after `create`, list does not show it");
fault!(a_list_that_is_not_complete_is_found: "", "[ $verb = list ] && answer=$(echo \"$answer\" | jq -c 'del(.complete)')" =>
    EMPTY, "its list does not say `\"complete\": true`");
fault!(lost_marks_are_found: "", "[ $verb = list ] && answer=$(echo \"$answer\" | jq -c '.machines[] |= (.pool = \"x\" | del(.generation))')" =>
    LISTED, "`pool` is `x` instead of `kit/a`; `generation` is `` instead of");
fault!(garbage_is_found: "", "answer='<html>502 Bad Gateway</html>'" =>
    EMPTY, "is no document of `headcount/v1`: expected value at line 1 column 1; it begins with `<html>502 Bad Gateway</html>`");
fault!(silence_is_found: "", "answer=" => EMPTY, "the answer to `list` is empty");
fault!(a_wrong_status_is_found: "", "[ $verb = create ] && answer=$(echo \"$answer\" | jq -c '.machine.status = \"RUNNING\"')" =>
    CREATE, "unknown variant `RUNNING`");
fault!(an_error_after_success_is_found: "", "[ $verb = create ] && code=1" =>
    CREATE, "`create` ended with code 1");
fault!(another_machine_is_found: "", "[ $verb = create ] && answer=$(echo \"$answer\" | jq -c '.machine.name = \"x\"')" =>
    CREATE, "and answered with `x`");
fault!(a_second_machine_is_found: "", "[ $verb = create ] && answer=$(echo \"$answer\" | jq -c --arg id $$ '.machine.id = $id')" =>
    "create of the same name again makes no second machine", "first it was `");
fault!(leaked_children_are_found: "[ $verb = status ] && { sleep 600 >/dev/null 2>&1 & }", "" =>
    "no call leaves a process behind in its process group", "`status` left a process behind");
fault!(told_secrets_are_found: "[ $verb = create ] && echo \"$request\" >&2", "" =>
    "the start-up data stays secret", "standard error of `create` has it");
fault!(secrets_in_arguments_are_found:
    "[ $verb = create ] && { setsid sh -c 'sleep 2; :' \"$request\" >/dev/null 2>&1 & sleep 0.3; }", "" =>
    "the start-up data stays secret", "has the start-up script in its arguments");
fault!(one_owner_sees_another_is_found: "", "[ $verb = list ] && answer=$(cat $here/m/* 2>/dev/null | jq -sc '{contract: \"headcount/v1\", complete: true, machines: .}')" =>
    "two owners neither see nor end each other's machines", "the other owner's list shows `headcount-kit");
fault!(a_pool_that_is_not_looked_at_is_found: "p=", "" =>
    "list with a pool shows the machines of that pool alone", "of a pool with one machine it shows [");
fault!(a_destroy_that_needs_an_id_is_found: "[ $verb = destroy ] && [ \"$(ask '.machine.id // empty')\" = '' ] && exit 14", "" =>
    "destroying a machine that never was is a success", "`destroy` ended with code 14");
fault!(a_second_destroy_that_fails_is_found:
    "[ $verb = destroy ] && n=$(ask .machine.name) && { [ ! -e $state/$n ] || exit 1; }; [ $verb = create ] && touch $state/made-$(ask .machine.name)",
    "[ $verb = destroy ] && [ -e $state/made-$n ] && touch $state/$n" =>
    "destroying it again is a success", "`destroy` ended with code 1");
fault!(an_unknown_verb_that_is_taken_is_found: "[ $verb = reboot ] && exit 0", "" =>
    "an unknown verb is refused as `invalid`", "it ended with code 0");
fault!(a_version_that_is_not_looked_at_is_found: "c=headcount/v1", "" =>
    "another version of the contract is refused as `invalid`", "it ended with code 0");

/// Nothing of it reads the version, but it does not go on without its `config` either.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_that_is_not_looked_at_is_found_whatever_else_is() {
    let place = spoiled(
        "[ \"$(ask '.config // empty')\" ] || exit 14; c=headcount/v1",
        "",
    );
    let name = "another version of the contract is refused as `invalid`";
    fails(place, name, "it ended with code 0").await;
}

/// Each machine has a second one of the same name, which its end leaves alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn machines_that_lists_still_show_in_the_end_are_named() {
    let place = spoiled(
        "",
        "[ $verb = create ] && echo \"$answer\" | jq -c '.machine | .id = \"twin\"' >$state/$n
         [ $verb = list ] && answer=$(echo \"$answer\" | jq -c --arg o \"$o\" --argjson twins \"$(cat $state/* 2>/dev/null | jq -sc .)\" \
         '.machines += ($twins | map(select(.owner == $o)))')",
    );
    let mut options = options(&place);
    options.only = vec![CREATE.to_owned()];
    let report = run_kit(options).await;
    let last = report.cases.last().unwrap();
    let (name, why) = (last.name, last.why.as_str());
    assert_eq!(
        (name, last.verdict),
        ("everything the kit made is gone", Verdict::Failed)
    );
    assert!(why.starts_with("list still shows `headcount-kit"), "{why}");
    assert!(why.contains("`, id `twin`"), "{why}");
}

/// A create that was killed anywhere between its first word and its last, on however slow a
/// machine, is not made again.
const ONCE: &str = r#"[ "$1" = create ] && { mkdir "$here/started" || exit 1; }
done_once() { sleep 0.2; rmdir "$here/started"; }
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_that_cannot_be_repeated_is_found() {
    let place = Place::script(&format!(
        "{ONCE}{GOOD}\nanswer=$(good \"$1\"); code=$?\n[ \"$1\" = create ] && done_once\n\
         printf '%s\\n' \"$answer\"; exit $code"
    ));
    let case = "a create that is killed half-way can be repeated and ended";
    fails(place, case, "ended with code 1").await;
}

const RENEW: &str =
    "renew moves the end of the leases of all machines of the owner, or is not offered";
const OTHERS: &str = "list with `others` shows leased machines of other owners, or is not offered";

/// A good program with leases, with what stands before and after what it does.
fn leasing(before: &str, after: &str) -> Place {
    Place::script(&format!(
        "{GOOD}{LEASING}\nverb=$1\n{before}\nanswer=$(leasing \"$verb\"); code=$?\n{after}\n\
         printf '%s\\n' \"$answer\"; exit $code"
    ))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leases_are_offered_or_not() {
    for (place, remark) in [
        (leasing("", ""), ""),
        (
            spoiled("", ""),
            "not offered: no other daemon can ever remove its machines",
        ),
    ] {
        let mut options = options(&place);
        options.only = [RENEW, OTHERS].map(str::to_owned).to_vec();
        let report = run_kit(options).await;
        assert!(report.passed(), "{}", told(&report));
        let cases = report.cases.iter();
        let cases: Vec<_> = cases
            .filter(|it| [RENEW, OTHERS].contains(&it.name))
            .collect();
        assert_eq!(cases.len(), 2);
        assert!(cases.iter().all(|it| it.why == remark), "{}", told(&report));
    }
}

macro_rules! lease_fault {
    ($test:ident: $before:expr, $after:expr => $name:expr, $why:expr) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            fails(leasing($before, $after), $name, $why).await;
        }
    };
}

lease_fault!(a_renewal_without_effect_is_found: "[ $verb = renew ] && verb=list", "" =>
    RENEW, "2 s after `renew`, list shows `leaseUntil` `2");
lease_fault!(a_renewal_that_list_alone_shows_is_found: "[ $verb = status ] && good status && exit", "" =>
    RENEW, "list shows the new `leaseUntil`, and status another");
lease_fault!(a_lease_for_everybody_is_found: "", "[ $verb = status ] && answer=$(echo \"$answer\" | jq -c '.machine.leaseSeconds = 600')" =>
    RENEW, "a machine that was made without `leaseSeconds` has some");
lease_fault!(a_renewal_that_fails_is_found: "[ $verb = renew ] && exit 16", "" =>
    RENEW, "`renew` ended with code 16");
lease_fault!(others_without_their_marks_are_found: "", "[ \"$(ask .others)\" = true ] && answer=$(echo \"$answer\" | jq -c 'del(.machines[].leaseUntil)')" =>
    OTHERS, "lacks a mark, or has another one than it was made with");
lease_fault!(others_that_cannot_be_ended_are_found:
    "[ \"$(ask .others)\" = true ] && touch $here/asked; [ $verb = destroy ] && [ -e $here/asked ] && [ ! -e $here/once ] && { touch $here/once; exit 16; }", "" =>
    OTHERS, "in the name of its owner: `destroy` ended with code 16");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stale_list_is_waited_for_and_told() {
    let place = spoiled(
        "",
        "[ $verb = list ] && for f in $here/m/*; do f=${f##*/}; [ $(cat $state/$f 2>/dev/null | wc -l) -ge 3 ] && continue
         echo >>$state/$f; answer=$(echo \"$answer\" | jq -c --arg n \"$f\" '.machines |= map(select(.name != $n))'); done",
    );
    let mut options = options(&place);
    options.patience = Duration::from_secs(600);
    options.only = vec![LISTED.to_owned()];
    let report = run_kit(options).await;
    assert!(report.passed(), "{}", told(&report));
    let listed = report
        .cases
        .iter()
        .find(|case| case.name == LISTED)
        .unwrap();
    assert!(
        listed.why.starts_with("the list was behind by "),
        "{}",
        told(&report)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_hangs_is_given_up() {
    let place = Place::script("sleep 600");
    let started = Instant::now();
    let mut options = options(&place);
    options.deadline = Duration::from_secs(1);
    let report = run_kit(options).await;
    assert!(started.elapsed() < Duration::from_secs(30));
    assert!(!report.passed());
    assert!(report.count(Verdict::Skipped) > 10, "{}", told(&report));
    let late = "list: `".to_owned();
    assert!(told(&report).contains(&late), "{}", told(&report));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_never_stops_talking_is_given_up() {
    let place = Place::script("exec yes");
    let report = run_kit(options(&place)).await;
    let text = told(&report);
    assert!(
        text.contains("wrote more than 67108864 bytes and was ended"),
        "{text}"
    );
    assert!(!report.passed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_is_not_there_is_told() {
    let mut place = Place::script("");
    place.program = place.path("none");
    let report = run_kit(options(&place)).await;
    assert!(
        told(&report).contains("No such file or directory"),
        "{}",
        told(&report)
    );
    assert!(!report.passed());
}

/// A good program that knows batches, with another way to make several.
fn batches(text: &str) -> Place {
    Place::script(&format!(
        "{GOOD}{BATCH}\nif is_batch $1; then {text}\nfi\ngood $1"
    ))
}

/// What becomes of these cases.
async fn with_batches(place: &Place, only: &[&str]) -> Report {
    let mut options = options(place);
    options.batch = Some(3);
    options.only = only.iter().map(|case| (*case).to_owned()).collect();
    run_kit(options).await
}

const BATCH_CASES: [&str; 4] = [
    "one create of several machines makes each once, however often it is repeated",
    "one create of machines of which some are there makes the rest",
    "each machine of one create gets its own start-up data",
    "a create of several machines that is killed half-way can be repeated and ended",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_are_tried_where_they_are_asked_for() {
    let place = batches("good_batch; exit");
    let report = with_batches(&place, &BATCH_CASES).await;
    assert!(report.passed(), "{}", told(&report));
    for name in BATCH_CASES {
        let case = report.cases.iter().find(|case| case.name == name);
        assert_eq!(case.unwrap().verdict, Verdict::Ok, "{}", told(&report));
    }
    let own = report.cases.iter().find(|case| case.name == BATCH_CASES[2]);
    assert_eq!(own.unwrap().why, "", "its codes are told");
    assert_eq!(machines(&place), 0, "it leaves nothing");
    let mut options = options(&place);
    options.only = vec!["one create".to_owned()];
    let names = run_kit(options).await.cases;
    assert!(names.iter().all(|case| !BATCH_CASES.contains(&case.name)));
}

/// This case fails of a program that makes several in this way.
async fn batches_fail(place: Place, name: &str, why: &str) {
    let report = with_batches(&place, &[name]).await;
    let case = report.cases.iter().find(|case| case.name == name);
    let case = case.expect(name);
    assert_eq!(case.verdict, Verdict::Failed, "{}", told(&report));
    assert!(case.why.contains(why), "{why}\n{}", told(&report));
    assert_eq!(machines(&place), 0, "it leaves nothing: {}", told(&report));
}

macro_rules! batch_fault {
    ($test:ident: $text:expr => $case:expr, $why:expr) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            batches_fail(batches($text), BATCH_CASES[$case], $why).await;
        }
    };
}

batch_fault!(a_program_without_batches_is_found: "exit 14;" =>
    0, "take `createBatch` out of its scaler");
batch_fault!(one_that_is_left_out_is_found: "set -- $(all); make $1; make $2; told $1 $2 | say; exit" =>
    0, "neither in `machines` nor in `errors`");
batch_fault!(another_id_the_second_time_is_found: "good_batch | jq -c --arg id $$ '.machines[] |= (.id += $id)'; exit" =>
    0, "then `headcount-kit");
batch_fault!(one_that_is_told_and_not_made_is_found: "good_batch; set -- $(all); rm $here/m/$2; exit" =>
    0, "list shows 0 of `headcount-kit");
batch_fault!(a_batch_that_wants_all_to_be_new_is_found: "for it in $(all); do [ ! -e $here/m/$it ] || exit 16; done; good_batch; exit" =>
    1, "`create` ended with code 16");
batch_fault!(start_up_data_of_another_is_found: "of() { printf %s \"$request\" | jq --arg n \"$1\" \"(.machines[0].startUp) as \\$s | .machines[] | select(.machine.name == \\$n) | .startUp = \\$s | $2\"; }; good_batch; exit" =>
    2, "ended with the code 1 of another instead of its own 2");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_cannot_be_repeated_is_found() {
    let place = Place::script(&format!(
        "{ONCE}{GOOD}{BATCH}\nif is_batch $1; then good_batch; done_once; exit\nfi\ngood $1"
    ));
    batches_fail(place, BATCH_CASES[3], "killed after ").await;
}
