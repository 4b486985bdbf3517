//! A file that is cut in half, gone, or of another version.

use crate::common::{TestHost, words};

const CLOSED: &str = "the ledger file of machine pool `host` was lost or damaged; nothing is \
                      given for 60 s, until every daemon that lives has said what it holds";

#[tokio::test]
async fn a_file_cut_in_half_gives_nothing_until_the_living_have_spoken() {
    let host = TestHost::new();
    let (a, b) = (host.daemon("a", 4).await, host.daemon("b", 4).await);
    a.reserve(1, 3).await.unwrap();
    let text = host.text();
    std::fs::write(host.file(), &text[..text.len() / 2]).unwrap();
    assert_eq!(words(b.reserve(1, 1).await), CLOSED);
    let kept = host.path().join("host.json.damaged");
    assert_eq!(
        std::fs::read_to_string(kept).unwrap(),
        text[..text.len() / 2]
    );
    host.wait(20);
    a.renew(4).await.unwrap();
    host.wait(39);
    assert!(words(b.reserve(1, 1).await).contains("for 1 s"));
    host.wait(1);
    assert!(words(b.reserve(1, 2).await).contains("3 of 4 are taken"));
    assert_eq!(b.reserve(1, 1).await, Ok(()));
}

#[tokio::test]
async fn a_cut_anywhere_is_noticed() {
    let host = TestHost::new();
    let a = host.daemon("a", 4).await;
    a.reserve(1, 3).await.unwrap();
    let text = host.text();
    // The last byte is the line end, without which it is still whole.
    for length in (0..text.len() - 1).step_by(3) {
        let host = TestHost::new();
        std::fs::write(host.file(), &text[..length]).unwrap();
        let b = host.daemon("b", 4).await;
        assert_eq!(words(b.reserve(1, 1).await), CLOSED, "cut at {length}");
    }
}

#[tokio::test]
async fn a_file_that_is_gone_is_not_an_empty_one() {
    let host = TestHost::new();
    let (a, b) = (host.daemon("a", 4).await, host.daemon("b", 4).await);
    a.reserve(1, 3).await.unwrap();
    std::fs::remove_file(host.file()).unwrap();
    assert_eq!(words(b.reserve(1, 1).await), CLOSED);
    assert_eq!(words(a.reserve(2, 1).await), CLOSED);
    assert!(host.text().contains("a-1-1"), "a said what it holds");
    host.wait(59);
    a.renew(4).await.unwrap();
    host.wait(1);
    assert_eq!(b.reserve(1, 1).await, Ok(()));
}

#[tokio::test]
async fn another_version_is_left_alone() {
    let host = TestHost::new();
    let a = host.daemon("a", 4).await;
    let newer = r#"{"version": 2, "whatever": []}"#;
    std::fs::write(host.file(), newer).unwrap();
    assert_eq!(
        words(a.reserve(1, 1).await),
        format!(
            "`{}` is of version 2, and this daemon knows version 1; run the same version of \
             every daemon of this host",
            host.file().display()
        )
    );
    assert_eq!(host.text(), newer);
    assert!(a.held().await.is_empty());
}

#[tokio::test]
async fn a_lock_that_is_held_too_long_is_no_room() {
    let host = TestHost::new();
    let a = host.daemon("a", 4).await;
    a.reserve(1, 1).await.unwrap();
    let lock = std::fs::File::open(host.path().join("host.lock")).unwrap();
    lock.lock().unwrap();
    assert_eq!(
        words(a.reserve(2, 1).await),
        "the ledger of machine pool `host` was locked by another daemon for 5 s"
    );
    assert_eq!(a.held().await, [1]);
    lock.unlock().unwrap();
    assert_eq!(a.reserve(2, 1).await, Ok(()));
}
