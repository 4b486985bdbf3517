//! The OpenAPI document: complete, and checked in as it is made.

use std::path::Path;

use crate::house::House;

#[test]
fn the_checked_in_document_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let made = headcount_server::openapi().unwrap();
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == made,
        "docs/openapi.json is not what the routes say; run the test with UPDATE_OPENAPI=1"
    );
}

#[tokio::test]
async fn the_document_names_every_route_and_each_answers() {
    let house = House::new().await;
    let document = house.get("/api/v1/openapi.json").await.json();
    let paths = document["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 23, "{:?}", paths.keys());
    for path in paths.keys() {
        let real = path.replace("{id}", "job-9").replace("{job}", "job-9");
        let real = real.replace("{name}", "nobody");
        for method in paths[path].as_object().unwrap().keys() {
            let line = format!("{} {real}", method.to_uppercase());
            if line.ends_with("/events") {
                continue;
            }
            let got = house.send(&line, "").await;
            assert_ne!(got.status, 405, "{line}");
            let missing = format!("there is nothing at {real}");
            assert!(!got.text().contains(&missing), "{line}");
        }
    }
}
