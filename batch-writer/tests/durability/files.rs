//! A log whose records tell whose they are.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process;

use latchwork_batch_writer::log::{Log, LogError};
use latchwork_sync::atomic::{AtomicU32, Ordering};

/// A directory that goes away with the test.
pub(crate) struct Place(pub(crate) PathBuf);

impl Place {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("batch-writer-durability-{}-{number}", process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("there is a directory for temporary files");
        Self(path)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The record of an operation: its number, and bytes that depend on it.
pub(crate) fn record(number: u64) -> Vec<u8> {
    let mut bytes = number.to_le_bytes().to_vec();
    bytes.resize(8 + (number * 37 % 400) as usize, (number % 251) as u8);
    bytes
}

/// Opens the log in small segments, and checks and shows the numbers of its records.
pub(crate) fn open(directory: &Path) -> Result<(Log<Vec<u8>>, BTreeSet<u64>), LogError> {
    let mut found = BTreeSet::new();
    let options = Log::<Vec<u8>>::options().segment_bytes(64 << 10).syncs_in_flight(2);
    let log = options.open(directory, |shown| {
        let number = u64::from_le_bytes(shown.payload[..8].try_into().expect("eight bytes"));
        assert_eq!(shown.payload, record(number), "a record that nobody wrote");
        assert!(found.insert(number), "a record that is there twice");
    })?;
    Ok((log, found))
}

/// Demands that everything acknowledged is found.
pub(crate) fn check(directory: &Path, acknowledged: &BTreeSet<u64>) {
    let (_, found) = open(directory).expect("the log opens again");
    let lost: Vec<_> = acknowledged.difference(&found).collect();
    assert!(lost.is_empty(), "{} of {} are lost: {lost:?}", lost.len(), acknowledged.len());
}
