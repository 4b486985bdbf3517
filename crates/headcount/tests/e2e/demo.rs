//! The five-minute door: it needs nothing, shows a fleet that grows and shrinks, and leaves
//! nothing behind.

use std::fs;

use crate::harness::{House, pool_of};

#[test]
fn the_demo_runs_its_jobs_and_leaves_nothing() {
    let house = House::new(&pool_of(1));
    let scratch = house.path("scratch");
    fs::create_dir(&scratch).unwrap();
    let ended = house.run_offline_with(
        &["demo", "--jobs", "12", "--max-agents", "3"],
        &[("TMPDIR", scratch.to_str().unwrap())],
    );
    assert_eq!(ended.code, 0, "{ended:?}");
    let shown = ended.text();
    for part in ["12", "3", "http://127.0.0.1:"] {
        assert!(shown.contains(part), "`{part}` is not shown:\n{shown}");
    }
    assert!(
        !shown.contains('\u{1b}'),
        "colour where no terminal is:\n{shown}"
    );
    assert_eq!(
        fs::read_dir(&scratch).unwrap().count(),
        0,
        "files are left behind"
    );
    house.close_unused();
}
