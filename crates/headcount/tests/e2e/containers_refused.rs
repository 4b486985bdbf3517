//! What an engine cannot do is told in its own words, costs no job, and passes when it can.

use std::fs;

use headcount_api::JobState;
use headcount_test_engines::{Engine, IMAGE, Kind, skip};

use crate::containers::containers;
use crate::harness::{House, on_each_engine, script, until};

/// A disk that holds the image, and little more.
const ROOM: &str = "48m";
/// Writes until there is no room; stays until the gate is opened.
const FILL: &str = "cat /dev/zero > /fill || echo full; while [ ! -e /out/gate ]; do sleep 0.1; done; \
                    echo > /fill";

#[test]
fn a_full_disk_is_explained_and_jobs_wait_until_there_is_room() {
    for kind in Kind::ALL {
        if skip(kind) {
            continue;
        }
        let engine = Engine::with_room(kind, ROOM);
        let mut house = House::new("");
        fs::create_dir_all(house.path("out")).unwrap();
        let volume = format!(
            "        volumes: [\"{}:/out\"]\n",
            house.path("out").display()
        );
        house.write_config(&containers(&engine, 2, IMAGE, &volume));
        house.start();
        let api = house.api();
        let filler = api.submit(&script(FILL));
        until("the disk is full", || {
            api.log(&filler).contains("full").then_some(())
        });
        let waiting = api.submit(&script("true"));
        let failure = until("the pool fails", || api.pool("box/linux").last_failure);
        assert!(
            failure.message.contains("no space left on device"),
            "{failure:?}"
        );
        let explained = api.get(&format!("/explain/{waiting}")).text;
        assert!(explained.contains("no space left on device"), "{explained}");
        fs::write(house.path("out/gate"), "").unwrap();
        assert_eq!(api.end_of(&filler).state, JobState::Succeeded);
        assert_eq!(api.end_of(&waiting).state, JobState::Succeeded);
        house.close();
        assert_eq!(engine.containers(), Vec::<String>::new());
    }
}

#[test]
fn an_image_for_another_processor_is_explained() {
    const FOREIGN: &str = "headcount.test/foreign:1";
    on_each_engine(|engine| {
        let mut house = House::new("");
        let program = house.path("worker");
        fs::write(&program, foreign_program()).unwrap();
        engine.import_with(FOREIGN, &program);
        let worker = "        command: [/bin/worker]\n";
        let config = containers(&engine, 1, FOREIGN, worker);
        let ready = "    policy: {kind: idle, idleCount: 1}\n    labelSets";
        house.write_config(&config.replace("    labelSets", ready));
        house.start();
        let api = house.api();
        let told = until("it is told why", || {
            let failure = api.pool("box/linux").last_failure?;
            let said = format!("{} {}", failure.message, failure.output.join(" "));
            // The first process that an engine adds hands what it cannot run to the shell.
            let told = ["exec format error", "/bin/worker: line 1: syntax error"];
            let said = said.to_lowercase();
            told.iter().any(|told| said.contains(told)).then_some(said)
        });
        assert!(!told.contains('\n'), "{told}");
        house.close();
        assert_eq!(engine.containers(), Vec::<String>::new());
    });
}

/// The head of an executable file for a processor that no test machine has (SPARC V9).
fn foreign_program() -> Vec<u8> {
    let mut head = fs::read(std::env::current_exe().unwrap()).unwrap();
    head.truncate(4096);
    // `e_machine` of the ELF header, little endian.
    head[18..20].copy_from_slice(&43_u16.to_le_bytes());
    head
}
