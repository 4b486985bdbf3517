//! Much output, odd output, output that nobody takes.

use std::fs;
use std::time::Duration;

use headcount_api::agent::{FromAgent, LogPressure, Stream, ToAgent};
use tokio::time::sleep;

use crate::bench::{Bench, bytes, eventually, script};

#[tokio::test]
async fn any_byte_arrives_as_it_was() {
    let bench = Bench::new();
    let (_agent, mut link) = bench.connected().await;
    let all: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    fs::write(bench.path("bytes"), &all).unwrap();
    let attempt = link
        .run(script(1, &format!("cat {}", bench.path("bytes").display())))
        .await;
    let result = link.result(attempt).await;
    assert!(result.bytes(Stream::Out) == all);
}

#[tokio::test]
async fn much_output_does_not_grow_the_agent() {
    const MEGABYTES: usize = 200;
    let bench = Bench::new();
    let (agent, mut link) = bench.connected().await;
    let attempt = link
        .run(script(1, &format!("head -c {MEGABYTES}M /dev/zero")))
        .await;
    let mut received = 0;
    loop {
        match link.hear().await {
            FromAgent::Output { chunks, .. } => {
                received += chunks
                    .iter()
                    .map(|chunk| chunk.data.len() / 4 * 3)
                    .sum::<usize>();
                let through = chunks.last().unwrap().number;
                link.say(ToAgent::Stored { attempt, through }).await;
            }
            FromAgent::Finished { .. } => break,
            other => panic!("unexpected: {other:?}"),
        }
    }
    assert!(received >= MEGABYTES << 20);
    let status = fs::read_to_string(format!("/proc/{}/status", agent.pid())).unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 64 * 1024, "peak of {peak} kB");
}

#[tokio::test]
async fn a_paused_job_waits_until_its_output_is_taken() {
    let bench = Bench::new();
    let (_agent, mut link) = bench.connected().await;
    let progress = bench.path("progress");
    let text = format!(
        "i=0; while test $i -lt 64; do head -c 1M /dev/zero; echo $i > {}; i=$((i+1)); done",
        progress.display()
    );
    let attempt = link.run(script(1, &text)).await;
    // Nothing is taken: the job comes to a stand within the window.
    let stand = still(&progress).await;
    assert!((2..8).contains(&stand), "stood after {stand} MiB");
    let result = link.result(attempt).await;
    assert_eq!(result.bytes(Stream::Out).len(), 64 << 20);
    assert_eq!(fs::read_to_string(&progress).unwrap(), "63\n");
}

/// The number in the file, once it has not changed for a while.
async fn still(file: &std::path::Path) -> u32 {
    let read = || -> Option<u32> { fs::read_to_string(file).ok()?.trim().parse().ok() };
    eventually("the job writes", || read().is_some()).await;
    let (mut last, mut looks) = (read(), 0);
    while looks < 50 {
        sleep(Duration::from_millis(10)).await;
        let now = read();
        looks = if now == last { looks + 1 } else { 0 };
        last = now.or(last);
    }
    last.unwrap()
}

#[tokio::test]
async fn a_dropping_job_goes_on_and_every_line_is_accounted_for() {
    const LINES: u64 = 2_000_000;
    let bench = Bench::new();
    let (_agent, mut link) = bench.connected().await;
    let done = bench.path("done");
    let mut work = script(1, &format!("seq 1 {LINES}; touch {}", done.display()));
    work.log_pressure = LogPressure::Drop;
    let attempt = link.run(work).await;
    eventually("the job is done although nobody listens", || done.exists()).await;
    let result = link.result(attempt).await;
    let kept = result.text(Stream::Out).lines().count() as u64;
    let notes = result
        .chunks
        .iter()
        .filter(|chunk| chunk.stream == Stream::Note);
    let dropped: u64 = notes
        .map(|note| String::from_utf8(bytes(note)).unwrap())
        .map(|note| note.split(' ').next().unwrap().parse::<u64>().unwrap())
        .sum();
    assert!(dropped > 0);
    // A line that was cut counts as dropped, though its beginning was kept.
    assert!(
        (LINES..=LINES + 4).contains(&(kept + dropped)),
        "{kept} + {dropped}"
    );
}

#[tokio::test]
async fn output_beyond_the_limit_is_left_out_with_one_note() {
    let bench = Bench::new();
    let (_agent, mut link) = bench.connected().await;
    let mut work = script(1, "head -c 3M /dev/zero; echo more >&2; exit 9");
    work.log_limit_bytes = 1 << 20;
    let attempt = link.run(work).await;
    let result = link.result(attempt).await;
    assert_eq!(result.exited(), 9);
    assert_eq!(result.bytes(Stream::Out).len(), 1 << 20);
    assert_eq!(
        result.text(Stream::Note),
        "output limit of 1 MiB reached, the rest is dropped"
    );
    assert_eq!(result.text(Stream::Err), "");
}

#[tokio::test]
async fn first_output_does_not_wait_for_more() {
    let bench = Bench::new();
    let (_agent, mut link) = bench.connected().await;
    let attempt = link.run(script(1, "echo now; exec sleep 1000")).await;
    let FromAgent::Output { chunks, .. } = link.hear().await else {
        panic!()
    };
    assert_eq!(bytes(&chunks[0]), b"now\n");
    link.say(ToAgent::Cancel(attempt)).await;
    link.result(attempt).await;
}
