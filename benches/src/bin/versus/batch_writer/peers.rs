//! Logs and stores of others, an operation each and durable when it returns. They do more for one
//! than append it: an index, a checksum, segments.

use std::fs;
use std::path::PathBuf;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use latchwork_batch_writer::log::Log;
use latchwork_batch_writer::{BatchWriter, Options};
use okaywal::{LogVoid, WriteAheadLog};
use raft_engine::{Config, Engine, LogBatch};

use super::Commit;
use super::stores::RECORD;

/// A directory below the target directory, which goes away with its owner.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/versus");
        let path = directory.join(format!("{name}-{}", std::process::id()));
        // What is there is of an earlier process of the same number.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path)
            .unwrap_or_else(|error| panic!("can't make {}: {error}", path.display()));
        Self(path)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What is left of it is in a directory of build products.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Our own log, with framing, checksums and segments as its peers have them.
pub(crate) struct OurLog {
    writer: BatchWriter<Log<[u8; RECORD]>>,
    _place: Place,
}

impl OurLog {
    pub(crate) fn new() -> Self {
        let place = Place::new("our-log");
        let log = Log::options().open(&place.0, |_| ()).expect("the directory is empty");
        Self { writer: BatchWriter::new(log), _place: place }
    }
}

impl Commit for OurLog {
    fn commit(&self, op: [u8; RECORD]) {
        self.writer.submit(op).expect("the disk works");
    }
}

/// Our log with so many syncs in flight, and records of any length.
pub(crate) struct InFlight {
    writer: BatchWriter<Log<Vec<u8>>>,
    length: usize,
    _place: Place,
}

impl InFlight {
    pub(crate) fn new(syncs: usize, length: usize) -> Self {
        let place = Place::new(&format!("in-flight-{syncs}"));
        let options = Log::options().syncs_in_flight(syncs).recycled(4);
        let log = options.open(&place.0, |_| ()).expect("the directory is empty");
        let options = Options::new().syncs_in_flight(syncs).batch_bytes(8 << 20);
        Self { writer: options.build(log), length, _place: place }
    }
}

impl Commit for InFlight {
    fn commit(&self, op: [u8; RECORD]) {
        let location = self.writer.submit(vec![op[0]; self.length]).expect("the disk works");
        if location.offset < 2 * self.length as u64 + 4096 {
            // A new segment: those before it are written again.
            let forget = |log: &mut Log<Vec<u8>>| log.forget_before(location.sequence);
            self.writer.with_sink(forget).expect("open").expect("the disk works");
        }
    }
}

/// okaywal: an entry of one chunk.
pub(crate) struct OkayWal {
    log: WriteAheadLog,
    _place: Place,
}

impl OkayWal {
    pub(crate) fn new() -> Self {
        let place = Place::new("okaywal");
        let log = WriteAheadLog::recover(&place.0, LogVoid).expect("the directory is empty");
        Self { log, _place: place }
    }
}

impl Commit for OkayWal {
    fn commit(&self, op: [u8; RECORD]) {
        let mut entry = self.log.begin_entry().expect("the disk works");
        entry.write_chunk(&op).expect("the disk works");
        entry.commit().expect("the disk works");
    }
}

/// raft-engine: a batch of one key, synced.
pub(crate) struct RaftEngine {
    engine: Engine,
    _place: Place,
}

impl RaftEngine {
    pub(crate) fn new() -> Self {
        let place = Place::new("raft-engine");
        let dir = place.0.to_str().expect("the path is text").to_owned();
        let engine = Engine::open(Config { dir, ..Config::default() });
        Self { engine: engine.expect("the directory is empty"), _place: place }
    }
}

impl Commit for RaftEngine {
    fn commit(&self, op: [u8; RECORD]) {
        let mut batch = LogBatch::with_capacity(1);
        batch.put(1, vec![op[0]], op.to_vec()).expect("no key of its own");
        self.engine.write(&mut batch, true).expect("the disk works");
    }
}

/// fjall: an insertion, and its journal synced.
pub(crate) struct Fjall {
    keys: Keyspace,
    database: Database,
    _place: Place,
}

impl Fjall {
    pub(crate) fn new() -> Self {
        let place = Place::new("fjall");
        let database = Database::builder(&place.0).open().expect("the directory is empty");
        let keys = database.keyspace("keys", KeyspaceCreateOptions::default);
        Self { keys: keys.expect("the disk works"), database, _place: place }
    }
}

impl Commit for Fjall {
    fn commit(&self, op: [u8; RECORD]) {
        self.keys.insert([op[0]], op).expect("the disk works");
        self.database.persist(PersistMode::SyncData).expect("the disk works");
    }
}
