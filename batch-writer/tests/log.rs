//! The file log on the real file system and on a simulated disk.
#![cfg(not(any(latchwork_loom, latchwork_shuttle)))]

mod store;

use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Duration;
use std::{fs, io, process, thread};

use latchwork_batch_writer::log::{Log, LogError, LogOptions, SimulatedDisk, Storage};
use latchwork_batch_writer::{BatchWriter, SubmitError};
use latchwork_sync::atomic::{AtomicU32, Ordering};

use store::until;

/// A directory that goes away with the test.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("batch-writer-log-{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn small() -> LogOptions<Vec<u8>> {
    Log::<Vec<u8>>::options().segment_bytes(8192)
}

fn records(place: &Place) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let _log = small().open(&place.0, |record| found.push(record.payload.to_vec())).unwrap();
    found
}

fn files(place: &Place) -> Vec<PathBuf> {
    let all = fs::read_dir(&place.0).unwrap().map(|entry| entry.unwrap().path());
    let mut segments: Vec<_> =
        all.filter(|path| path.extension().is_some_and(|ending| ending == "log")).collect();
    segments.sort();
    segments
}

fn fill(place: &Place, count: u8, length: usize) {
    let writer = BatchWriter::new(small().open(&place.0, |_| ()).unwrap());
    for value in 0..count {
        writer.submit(vec![value; length]).unwrap();
    }
    writer.close().unwrap();
}

#[test]
fn what_was_acknowledged_is_there_after_opening_again() {
    let place = Place::new();
    for round in 0..3 {
        let mut found = 0;
        let log = small().open(&place.0, |_| found += 1).unwrap();
        assert_eq!(found, round * 400);
        let reader = log.reader();
        let writer = BatchWriter::new(log);
        thread::scope(|scope| {
            for number in 0..4_u8 {
                let (writer, reader) = (&writer, &reader);
                scope.spawn(move || {
                    for op in 0..100_u8 {
                        let payload = vec![number ^ op; usize::from(op)];
                        let location = writer.submit(payload.clone()).unwrap();
                        assert_eq!(reader.read(location).unwrap(), payload);
                    }
                });
            }
        });
    }
    assert!(files(&place).len() > 2, "it went through several segments");
}

#[test]
fn records_larger_than_a_segment_get_one_of_their_own() {
    let place = Place::new();
    let log = small().open(&place.0, |_| ()).unwrap();
    let reader = log.reader();
    let writer = BatchWriter::new(log);
    for length in [10, 5_000_000, 0, 3_000_001, 7] {
        let location = writer.submit(vec![length as u8; length]).unwrap();
        assert_eq!(reader.read(location).unwrap().len(), length);
    }
    drop(writer);
    assert_eq!(
        records(&place).iter().map(Vec::len).collect::<Vec<_>>(),
        [10, 5_000_000, 0, 3_000_001, 7]
    );
}

#[test]
fn a_pair_is_one_record() {
    let disk = SimulatedDisk::new();
    let options = LogOptions::<(Vec<u8>, &'static [u8])>::new().segment_bytes(8192);
    let writer = BatchWriter::new(options.open_in(disk.clone(), |_| ()).unwrap());
    writer.submit((b"name:".to_vec(), b"contents")).unwrap();
    drop(writer);
    let mut found = Vec::new();
    small().open_in(disk, |record| found.extend_from_slice(record.payload)).unwrap();
    assert_eq!(found, b"name:contents");
}

#[test]
fn readers_iterate_from_anywhere_up_to_what_is_durable() {
    let place = Place::new();
    let log = small().open(&place.0, |_| ()).unwrap();
    let reader = log.reader();
    assert!(reader.records_from(0).next().is_none());
    let writer = BatchWriter::new(log);
    for value in 0..100_u8 {
        writer.submit(vec![value; 100]).unwrap();
    }
    for from in [0, 1, 50, 99, 100, 1000] {
        let found: Vec<_> = reader.records_from(from).map(|record| record.unwrap().1[0]).collect();
        let wanted: Vec<_> = (0..100_u8).skip(from as usize).collect();
        assert_eq!(found, wanted);
    }
}

#[test]
fn old_segments_are_forgotten_and_the_rest_stays_readable() {
    let place = Place::new();
    let log = small().open(&place.0, |_| ()).unwrap();
    let reader = log.reader();
    let writer = BatchWriter::new(log);
    for value in 0..100_u8 {
        writer.submit(vec![value; 500]).unwrap();
    }
    let before = files(&place).len();
    let removed = writer.with_sink(|log| log.forget_before(60)).unwrap().unwrap();
    assert!(removed > 0);
    assert_eq!(files(&place).len(), before - removed as usize);
    assert_eq!(reader.records_from(60).count(), 40);
    drop(writer);
    let kept = records(&place);
    assert!(kept.len() >= 40 && kept.len() < 60);
    assert_eq!(kept.last().unwrap()[0], 99);
    fill(&place, 1, 10);
    assert_eq!(records(&place).len(), kept.len() + 1);
}

#[test]
fn a_second_log_in_the_same_directory_is_refused() {
    let place = Place::new();
    let log = small().open(&place.0, |_| ()).unwrap();
    let refused = small().open(&place.0, |_| ()).unwrap_err();
    assert!(
        matches!(refused, LogError::Locked { holder: Some(holder), .. } if holder == process::id())
    );
    let text = refused.to_string();
    assert!(text.contains("in use") && text.contains("LOCK"), "{text}");
    drop(log);
    small().open(&place.0, |_| ()).unwrap();
}

#[test]
fn a_closed_writer_gives_the_directory_free() {
    let place = Place::new();
    let writer = BatchWriter::new(small().open(&place.0, |_| ()).unwrap());
    writer.close().unwrap();
    small().open(&place.0, |_| ()).unwrap();
}

#[test]
fn a_torn_tail_is_cut_once_and_for_all() {
    let place = Place::new();
    fill(&place, 3, 100);
    let segment = files(&place).pop().unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    let last = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[last] ^= 1;
    fs::write(&segment, &bytes).unwrap();
    let mut found = 0;
    let log = small().open(&place.0, |_| found += 1).unwrap();
    assert_eq!(found, 2);
    let cut = log.recovery().cut.expect("the last record is torn");
    assert!(cut.start < last as u64 && cut.end == last as u64 + 1);
    drop(log);
    let log = small().open(&place.0, |_| ()).unwrap();
    assert_eq!((log.recovery().records, log.recovery().cut), (2, None));
}

#[test]
fn damage_in_the_middle_is_an_error_that_names_the_place() {
    let place = Place::new();
    fill(&place, 100, 100);
    let segments = files(&place);
    assert!(segments.len() > 1);
    for segment in [&segments[0], segments.last().unwrap()] {
        let intact = fs::read(segment).unwrap();
        let mut bytes = intact.clone();
        bytes[4096 + 132 + 4 + 50] ^= 1;
        fs::write(segment, &bytes).unwrap();
        let error = small().open(&place.0, |_| ()).unwrap_err();
        let LogError::Corrupt { path, offset, .. } = &error else { panic!("{error}") };
        assert_eq!((path, *offset), (segment, 4096 + 136));
        assert_eq!(fs::read(segment).unwrap(), bytes, "nothing was changed");
        fs::write(segment, &intact).unwrap();
    }
    assert_eq!(records(&place).len(), 100);
}

#[test]
fn damaged_headers_and_missing_segments_are_errors() {
    let place = Place::new();
    fill(&place, 200, 100);
    let segments = files(&place);
    let intact = fs::read(&segments[1]).unwrap();
    let mut bytes = intact.clone();
    bytes[20] ^= 1;
    fs::write(&segments[1], &bytes).unwrap();
    let error = small().open(&place.0, |_| ()).unwrap_err();
    assert!(matches!(error, LogError::Corrupt { offset: 0, .. }), "{error}");
    fs::remove_file(&segments[1]).unwrap();
    let error = small().open(&place.0, |_| ()).unwrap_err();
    assert!(matches!(error, LogError::Missing { segment: 1, .. }), "{error}");
    fs::write(&segments[1], &intact).unwrap();
    assert_eq!(records(&place).len(), 200);
}

#[test]
fn a_full_disk_fails_the_batch_and_no_more() {
    let disk = SimulatedDisk::new();
    // Made ahead, a segment would take the space at a moment of its own.
    let alone = small().prepare_ahead(false);
    let writer = BatchWriter::new(alone.open_in(disk.clone(), |_| ()).unwrap());
    disk.leave_space(4096);
    let mut stored = 0;
    let error = loop {
        match writer.submit(vec![7; 1000]) {
            Ok(_) => stored += 1,
            Err(SubmitError::Failed(error)) => break error,
            Err(error) => panic!("{error}"),
        }
    };
    assert!(error.is_full() && error.to_string().contains("free space"), "{error}");
    writer.submit(vec![8; 1]).expect("a small one still fits");
    disk.leave_space(1 << 20);
    writer.submit(vec![9; 1000]).expect("there is space again");
    drop(writer);
    let mut found = 0;
    small().open_in(disk, |_| found += 1).unwrap();
    assert_eq!(found, stored + 2);
}

/// Writes half of what fits into a segment, and some.
fn half_a_segment<D: Storage>(writer: &BatchWriter<Log<Vec<u8>, D>>) {
    (0..5).map(|value| writer.submit(vec![value; 500])).for_each(|told| assert!(told.is_ok()));
}

#[test]
fn segments_are_made_ahead_and_only_named_by_who_writes() {
    let place = Place::new();
    let writer = BatchWriter::new(small().open(&place.0, |_| ()).unwrap());
    for segment in 1..6 {
        half_a_segment(&writer);
        until(|| writer.with_sink(|log| log.is_next_prepared()).unwrap());
        while writer.submit(vec![7; 500]).unwrap().segment < segment {}
        let (ahead, asked) =
            writer.with_sink(|log| (log.segments_prepared(), log.is_next_prepared())).unwrap();
        assert_eq!((ahead, asked), (segment, false));
    }
    // One too large for the segment that was made ahead gets its own.
    half_a_segment(&writer);
    assert_eq!(writer.submit(vec![1; 20_000]).unwrap().segment, 6);
    writer.close().unwrap();
    let all: Vec<_> = fs::read_dir(&place.0).unwrap().map(|entry| entry.unwrap().path()).collect();
    let unfinished = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "new");
    assert!(!all.iter().any(unfinished), "{all:?}");
    assert!(records(&place).len() >= 40);
}

/// A simulated disk on which the thread that makes segments ahead panics at its first file.
struct Panics {
    disk: SimulatedDisk,
    struck: mpsc::Sender<()>,
    times: AtomicU32,
}

impl Storage for Panics {
    type File = <SimulatedDisk as Storage>::File;
    type Lock = <SimulatedDisk as Storage>::Lock;

    fn lock(&self) -> Result<Self::Lock, LogError> {
        self.disk.lock()
    }

    fn names(&self) -> io::Result<Vec<String>> {
        self.disk.names()
    }

    fn create(&self, name: &str) -> io::Result<Self::File> {
        let ahead = thread::current().name() == Some("log-segments");
        if ahead && self.times.fetch_add(1, Ordering::Relaxed) == 0 {
            self.struck.send(()).expect("the test waits for it");
            panic!("a storage that panics");
        }
        self.disk.create(name)
    }

    fn open(&self, name: &str, write: bool) -> io::Result<Self::File> {
        self.disk.open(name, write)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }

    fn sync_names(&self) -> io::Result<()> {
        self.disk.sync_names()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.disk.path(name)
    }
}

#[test]
fn a_panic_on_the_thread_that_makes_segments_stops_nobody() {
    let (struck, panicked) = mpsc::channel();
    let (done, ended) = mpsc::channel();
    // Apart, so that a submission that waits for ever is told from one that takes its time.
    thread::spawn(move || {
        let storage = Panics { disk: SimulatedDisk::new(), struck, times: AtomicU32::new(0) };
        let writer = BatchWriter::new(small().open_in(storage, |_| ()).unwrap());
        half_a_segment(&writer);
        // From here on the next segment is being made, and its maker is gone.
        panicked.recv().unwrap();
        while writer.submit(vec![7; 500]).unwrap().segment < 1 {}
        assert_eq!(writer.with_sink(|log| log.segments_prepared()).unwrap(), 0);
        // The one after it is made ahead again.
        half_a_segment(&writer);
        until(|| writer.with_sink(|log| log.is_next_prepared()).unwrap());
        while writer.submit(vec![7; 500]).unwrap().segment < 2 {}
        assert_eq!(writer.with_sink(|log| log.segments_prepared()).unwrap(), 1);
        writer.close().unwrap();
        done.send(()).unwrap();
    });
    ended.recv_timeout(Duration::from_mins(10)).expect("nobody waits for a thread that is gone");
}
