//! The picture of a moment: bars for agents and jobs, the fleet over time, and why the
//! rest waits.

use std::collections::BTreeMap;
use std::time::Duration;

use headcount_controller::PoolCounts;
use headcount_ports::JobStatus;

use crate::show::paint::{Tone, paint};

const WIDTH: usize = 48;
const LEVELS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// What there is to draw.
pub(super) struct Frame<'a> {
    pub(super) counts: PoolCounts,
    pub(super) cap: u32,
    pub(super) jobs: &'a BTreeMap<JobStatus, u64>,
    pub(super) submitted: u64,
    pub(super) why: Option<(u64, &'static str)>,
    pub(super) fleet: &'a [u32],
    pub(super) elapsed: Duration,
    pub(super) color: bool,
}

impl Frame<'_> {
    fn n(&self, status: JobStatus) -> u64 {
        self.jobs.get(&status).copied().unwrap_or(0)
    }

    fn ended(&self) -> u64 {
        self.jobs
            .iter()
            .filter(|(status, _)| status.is_ended())
            .map(|(_, n)| n)
            .sum()
    }

    fn leaving(&self) -> u32 {
        self.counts.draining + self.counts.destroying + self.counts.quarantined
    }
}

/// The picture, always the same number of lines.
pub(super) fn draw(frame: &Frame<'_>) -> Vec<String> {
    let counts = frame.counts;
    let dim = |text: String| paint(&text, Tone::Faint, frame.color);
    let agents = bar(
        &[
            (u64::from(counts.busy), '█', Tone::Good),
            (u64::from(counts.idle), '▓', Tone::Active),
            (u64::from(counts.starting), '▒', Tone::Waiting),
            (u64::from(frame.leaving()), '░', Tone::Faint),
        ],
        u64::from(frame.cap),
        frame.color,
    );
    let running = frame.n(JobStatus::Running) + frame.n(JobStatus::Assigned);
    let failed = frame.n(JobStatus::Failed);
    let jobs = bar(
        &[
            (frame.ended() - failed, '█', Tone::Good),
            (failed, '█', Tone::Bad),
            (running, '▒', Tone::Waiting),
        ],
        frame.submitted,
        frame.color,
    );
    vec![
        format!(
            "  agents {agents} {} of {} at most",
            counts.total(),
            frame.cap
        ),
        dim(format!(
            "         {} starting, {} idle, {} busy, {} leaving",
            counts.starting,
            counts.idle,
            counts.busy,
            frame.leaving()
        )),
        format!(
            "  jobs   {jobs} {} of {} done",
            frame.ended(),
            frame.submitted
        ),
        dim(format!("         {}", waiting(frame))),
        format!(
            "  fleet  {} {:.1} s",
            history(frame),
            frame.elapsed.as_secs_f64()
        ),
    ]
}

/// The same in one line, for logs and pipes.
pub(super) fn plain(frame: &Frame<'_>) -> String {
    let running = frame.n(JobStatus::Running) + frame.n(JobStatus::Assigned);
    format!(
        "agents {}/{} ({} starting, {} busy)   jobs {}/{} done, {running} running, {}",
        frame.counts.total(),
        frame.cap,
        frame.counts.starting,
        frame.counts.busy,
        frame.ended(),
        frame.submitted,
        waiting(frame)
    )
}

fn waiting(frame: &Frame<'_>) -> String {
    match frame.why {
        Some((n, why)) => format!("{} waiting ({n}: {why})", frame.n(JobStatus::Queued)),
        None => format!("{} waiting", frame.n(JobStatus::Queued)),
    }
}

fn bar(parts: &[(u64, char, Tone)], whole: u64, color: bool) -> String {
    let mut text = String::new();
    let mut drawn = 0;
    let mut sum = 0;
    for (n, block, tone) in parts {
        sum += n;
        let until = scaled(sum, whole);
        let piece: String = std::iter::repeat_n(*block, until - drawn).collect();
        text.push_str(&paint(&piece, *tone, color));
        drawn = until;
    }
    text.push_str(&paint(&"·".repeat(WIDTH - drawn), Tone::Faint, color));
    text
}

/// `n` of `whole` in letters of a bar.
fn scaled(n: u64, whole: u64) -> usize {
    let letters = (n * WIDTH as u64).div_ceil(whole.max(1));
    usize::try_from(letters).unwrap_or(WIDTH).min(WIDTH)
}

/// The fleet over time, squeezed into the width.
fn history(frame: &Frame<'_>) -> String {
    let (fleet, cap) = (frame.fleet, frame.cap);
    let step = fleet.len().div_ceil(WIDTH).max(1);
    let peaks = fleet
        .chunks(step)
        .map(|ticks| ticks.iter().copied().max().unwrap_or(0));
    let drawn: String = peaks
        .map(|n| {
            let level = (n as usize * (LEVELS.len() - 1)).div_ceil(cap.max(1) as usize);
            LEVELS[level.min(LEVELS.len() - 1)]
        })
        .collect();
    let padded = format!("{drawn:<WIDTH$}");
    paint(&padded, Tone::Good, frame.color)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_in_one_line() {
        let jobs = [(JobStatus::Queued, 40), (JobStatus::Running, 8)]
            .into_iter()
            .collect();
        let frame = Frame {
            counts: PoolCounts {
                busy: 8,
                ..PoolCounts::default()
            },
            cap: 8,
            jobs: &jobs,
            submitted: 48,
            why: Some((40, "the cap")),
            fleet: &[0, 8],
            elapsed: Duration::from_millis(500),
            color: false,
        };
        assert_eq!(
            plain(&frame),
            "agents 8/8 (0 starting, 8 busy)   jobs 0/48 done, 8 running, 40 waiting (40: the cap)"
        );
        assert_eq!(draw(&frame).len(), 5);
    }

    #[test]
    fn bars_are_full_when_all_is_there_and_never_wider() {
        assert_eq!(
            (scaled(0, 8), scaled(8, 8), scaled(9, 8)),
            (0, WIDTH, WIDTH)
        );
        assert_eq!(scaled(1, 1000), 1, "something is never drawn as nothing");
    }
}
