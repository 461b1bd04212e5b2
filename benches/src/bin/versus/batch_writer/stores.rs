//! What every way of committing writes to.

use std::convert::Infallible;
use std::fs;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use latchwork_batch_writer::{Batch, Sink, WriteFailure};

/// The bytes of an operation.
pub(crate) const RECORD: usize = 128;

/// Appends records and makes them durable.
pub(crate) trait Store: Send {
    fn append(&mut self, record: &[u8; RECORD]);
    fn sync(&mut self);
}

/// A store as a sink.
#[derive(Debug)]
pub(crate) struct Stored<S> {
    store: S,
    records: u64,
}

impl<S> Stored<S> {
    pub(crate) fn new(store: S) -> Self {
        Self { store, records: 0 }
    }
}

impl<S: Store> Sink for Stored<S> {
    type Op = [u8; RECORD];
    type Output = u64;
    type Error = Infallible;

    #[inline]
    fn bytes(_: &[u8; RECORD]) -> usize {
        RECORD
    }

    #[inline]
    fn write(
        &mut self,
        batch: &mut Batch<'_, [u8; RECORD], u64, Infallible>,
    ) -> Result<(), WriteFailure<Infallible>> {
        for index in 0..batch.len() {
            self.store.append(batch.op(index));
            batch.accept(index, self.records);
            self.records += 1;
        }
        Ok(())
    }

    #[inline]
    fn sync(&mut self) -> Result<(), Infallible> {
        self.store.sync();
        Ok(())
    }

    #[inline]
    fn position(&self) -> u64 {
        self.records
    }
}

/// A ring of bytes in memory; a sync costs nothing.
#[derive(Debug)]
pub(crate) struct Memory {
    ring: Vec<u8>,
    at: usize,
}

impl Memory {
    pub(crate) fn new() -> Self {
        Self { ring: vec![0; 256 * RECORD], at: 0 }
    }
}

impl Store for Memory {
    #[inline]
    fn append(&mut self, record: &[u8; RECORD]) {
        self.ring[self.at..self.at + RECORD].copy_from_slice(record);
        self.at = (self.at + RECORD) % self.ring.len();
    }

    #[inline]
    fn sync(&mut self) {}
}

/// A sync that takes a given time.
#[derive(Debug)]
pub(crate) struct Sleep(Duration);

impl Sleep {
    pub(crate) fn new(sync: Duration) -> Self {
        Self(sync)
    }
}

impl Store for Sleep {
    fn append(&mut self, _: &[u8; RECORD]) {}

    fn sync(&mut self) {
        thread::sleep(self.0);
    }
}

/// A zero-filled file, written round and round; a sync is `fdatasync`.
#[derive(Debug)]
pub(crate) struct File {
    handle: fs::File,
    path: PathBuf,
    pending: Vec<u8>,
    at: u64,
}

/// The file's size.
const BYTES: u64 = 8 << 20;

impl File {
    /// A file below the target directory, on whatever file system that is.
    pub(crate) fn new(name: &str) -> Self {
        let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/versus");
        let path = directory.join(format!("{name}-{}", std::process::id()));
        let open = || {
            fs::create_dir_all(&directory)?;
            let mut file = fs::File::options().write(true).create_new(true).open(&path)?;
            file.write_all(&vec![0; BYTES as usize])?;
            file.sync_all()?;
            Ok::<_, std::io::Error>(file)
        };
        let file = open().unwrap_or_else(|error| panic!("can't make {}: {error}", path.display()));
        Self { handle: file, path, pending: Vec::new(), at: 0 }
    }
}

impl Store for File {
    fn append(&mut self, record: &[u8; RECORD]) {
        self.pending.extend_from_slice(record);
    }

    fn sync(&mut self) {
        if self.at + self.pending.len() as u64 > BYTES {
            self.at = 0;
        }
        self.handle.write_all_at(&self.pending, self.at).expect("the file is there and has room");
        self.handle.sync_data().expect("the disk works");
        self.at += self.pending.len() as u64;
        self.pending.clear();
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // What is left of it is in a directory of build products.
        let _ = fs::remove_file(&self.path);
    }
}
