//! SQLite with a write-ahead log, with the same guarantee as the cache: a killed process loses nothing, a
//! power loss may.

use rusqlite::{Connection, OptionalExtension};
use std::path::Path;
use workload::Cache;

pub struct Sqlite(Connection);

impl Sqlite {
    pub fn open(directory: String) -> rusqlite::Result<Self> {
        let connection = Connection::open(Path::new(&directory).join("cache.db"))?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = OFF;
             CREATE TABLE IF NOT EXISTS cache (key TEXT PRIMARY KEY, value BLOB, expires INTEGER);",
        )?;
        Ok(Self(connection))
    }
}

impl Cache for Sqlite {
    fn set(&mut self, key: &str, value: &[u8]) {
        self.0
            .prepare_cached("INSERT OR REPLACE INTO cache VALUES (?, ?, NULL)")
            .and_then(|mut insert| insert.execute((key, value)))
            .expect("a set succeeds");
    }

    fn get(&mut self, key: &str) -> Option<Vec<u8>> {
        self.0
            .prepare_cached("SELECT value FROM cache WHERE key = ? AND (expires IS NULL OR expires > unixepoch())")
            .and_then(|mut select| select.query_one([key], |row| row.get(0)).optional())
            .expect("a get succeeds")
    }
}
