//! What a log book must do.

use headcount_model::JobId;

use super::StoreFactory;
use super::samples::{chunk, plain_job, submit};
use crate::{LogBook, LogChunk, LogPage};

const NO_LIMIT: u64 = 1 << 40;
const NO_BOUND: usize = usize::MAX;

pub(super) async fn output_comes_back_in_order<F: StoreFactory>(factory: &mut F) {
    let store = factory.fresh().await;
    let job = submit(&store, plain_job()).await;
    assert_eq!(
        page(&store, job, None, 0).await,
        LogPage::default(),
        "no output"
    );
    assert_eq!(store.append(job, 1, NO_LIMIT, Vec::new()).await, Ok(0));
    let binary = LogChunk {
        bytes: vec![0, 0xff, b'\n', 0xc3],
        ..chunk(3, "")
    };
    let chunks = vec![chunk(1, "one\n"), chunk(2, ""), binary];
    let mixed = vec![chunks[2].clone(), chunks[0].clone(), chunks[1].clone()];
    assert_eq!(store.append(job, 1, NO_LIMIT, mixed).await, Ok(3));
    let store = factory.reopen(store).await;
    let expected = LogPage {
        attempt: Some(1),
        chunks,
        truncated: false,
    };
    assert_eq!(page(&store, job, None, 0).await, expected);
    assert_eq!(page(&store, job, Some(1), 0).await, expected);
    assert_eq!(
        store.append(job, 1, NO_LIMIT, vec![chunk(4, "x")]).await,
        Ok(4)
    );
}

pub(super) async fn repeated_chunks_are_dropped<F: StoreFactory>(factory: &mut F) {
    let store = factory.fresh().await;
    let job = submit(&store, plain_job()).await;
    let first = vec![chunk(1, "one"), chunk(2, "two")];
    assert_eq!(store.append(job, 1, NO_LIMIT, first).await, Ok(2));
    let second = vec![chunk(1, "ONE"), chunk(2, "TWO"), chunk(3, "three")];
    assert_eq!(store.append(job, 1, NO_LIMIT, second).await, Ok(3));
    assert_eq!(text(&page(&store, job, None, 0).await), "onetwothree");
    assert_eq!(store.append(job, 1, NO_LIMIT, Vec::new()).await, Ok(3));
}

pub(super) async fn a_gap_holds_back_what_follows<F: StoreFactory>(factory: &mut F) {
    let store = factory.fresh().await;
    let job = submit(&store, plain_job()).await;
    let gap = vec![chunk(1, "1"), chunk(3, "3"), chunk(4, "4")];
    assert_eq!(store.append(job, 1, NO_LIMIT, gap).await, Ok(1));
    assert_eq!(text(&page(&store, job, None, 0).await), "1");
    assert_eq!(
        store.append(job, 1, NO_LIMIT, vec![chunk(2, "2")]).await,
        Ok(4)
    );
    assert_eq!(text(&page(&store, job, None, 0).await), "1234");
}

pub(super) async fn the_limit_cuts_and_says_so<F: StoreFactory>(factory: &mut F) {
    let store = factory.fresh().await;
    let job = submit(&store, plain_job()).await;
    assert_eq!(
        store
            .append(job, 1, 5, vec![chunk(1, "abc"), chunk(2, "de")])
            .await,
        Ok(2)
    );
    assert!(
        !page(&store, job, None, 0).await.truncated,
        "exactly full is not too much"
    );
    assert_eq!(store.append(job, 1, 5, vec![chunk(3, "f")]).await, Ok(3));
    assert_eq!(
        store
            .append(job, 1, 5, vec![chunk(4, "g"), chunk(5, "h")])
            .await,
        Ok(5)
    );
    let store = factory.reopen(store).await;
    let full = page(&store, job, None, 0).await;
    assert_eq!((text(&full).as_str(), full.truncated), ("abcde", true));

    let cut = submit(&store, plain_job()).await;
    assert_eq!(
        store.append(cut, 1, 5, vec![chunk(1, "abcdefgh")]).await,
        Ok(1)
    );
    let full = page(&store, cut, None, 0).await;
    assert_eq!(
        (text(&full).as_str(), full.truncated),
        ("abcde", true),
        "what fits stays"
    );

    let gap = vec![chunk(1, "abc"), chunk(3, "defgh"), chunk(5, "x")];
    let job = submit(&store, plain_job()).await;
    assert_eq!(store.append(job, 1, 5, gap).await, Ok(1));
    assert_eq!(store.append(job, 1, 5, vec![chunk(2, "y")]).await, Ok(3));
    let after_gap = vec![chunk(4, "z"), chunk(5, "x")];
    assert_eq!(store.append(job, 1, 5, after_gap).await, Ok(5));
}

pub(super) async fn pages_are_bounded_and_make_progress<F: StoreFactory>(factory: &mut F) {
    let store = factory.fresh().await;
    let job = submit(&store, plain_job()).await;
    let chunks = (1..=5).map(|n| chunk(n, "0123456789")).collect();
    assert_eq!(store.append(job, 1, NO_LIMIT, chunks).await, Ok(5));
    let cases = [
        (0, 25, vec![1, 2]),
        (2, 10, vec![3]),
        (2, 1, vec![3]),
        (4, 0, vec![5]),
        (5, 25, vec![]),
        (u64::MAX, 25, vec![]),
    ];
    for (after, max_bytes, expected) in cases {
        let page = store.read(job, None, after, max_bytes).await.expect("read");
        let numbers: Vec<_> = page.chunks.iter().map(|it| it.number).collect();
        assert_eq!(
            numbers, expected,
            "after {after}, at most {max_bytes} bytes"
        );
    }
}

pub(super) async fn attempts_have_their_own_output<F: StoreFactory>(factory: &mut F) {
    let store = factory.fresh().await;
    let job = submit(&store, plain_job()).await;
    for (attempt, words) in [(2, "second"), (1, "first")] {
        let chunks = vec![chunk(1, words)];
        assert_eq!(store.append(job, attempt, NO_LIMIT, chunks).await, Ok(1));
    }
    let latest = page(&store, job, None, 0).await;
    assert_eq!(
        (text(&latest).as_str(), latest.attempt),
        ("second", Some(2))
    );
    assert_eq!(text(&page(&store, job, Some(1), 0).await), "first");
    assert_eq!(page(&store, job, Some(3), 0).await, LogPage::default());
    let other = JobId(job.0 + 1);
    assert_eq!(page(&store, other, None, 0).await, LogPage::default());
}

async fn page(store: &impl LogBook, job: JobId, attempt: Option<u32>, after: u64) -> LogPage {
    store
        .read(job, attempt, after, NO_BOUND)
        .await
        .expect("read")
}

fn text(page: &LogPage) -> String {
    let bytes: Vec<u8> = page.chunks.iter().flat_map(|it| it.bytes.clone()).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}
