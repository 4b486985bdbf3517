//! The store passes the suite of its ports, on a real file that is closed and opened again.
#![allow(clippy::unwrap_used, reason = "a test ends where its world does")]

use async_trait::async_trait;
use headcount_ports::conformance::store::{StoreFactory, check_all};
use headcount_store::{Options, SqliteStore, StateDir};
use tempfile::TempDir;

#[derive(Default)]
struct Files(Vec<TempDir>);

#[async_trait]
impl StoreFactory for Files {
    type Store = SqliteStore;

    async fn fresh(&mut self) -> SqliteStore {
        self.0.push(tempfile::tempdir().unwrap());
        self.open()
    }

    async fn reopen(&mut self, store: SqliteStore) -> SqliteStore {
        drop(store);
        self.open()
    }
}

impl Files {
    fn open(&self) -> SqliteStore {
        let dir = StateDir::open(self.0.last().unwrap().path()).unwrap();
        SqliteStore::open(&dir, Options::default()).unwrap()
    }
}

#[tokio::test]
async fn the_sqlite_store_passes_the_suite() {
    check_all(&mut Files::default()).await;
}
