//! The log through a ring, past the page cache.
#![cfg(all(feature = "ringpal", not(any(latchwork_loom, latchwork_shuttle))))]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use latchwork_batch_writer::log::{Log, LogOptions, RingDirectory, Storage, StorageFile};
use latchwork_batch_writer::{BatchWriter, Options};
use latchwork_ringpal::Ring;

/// A directory that goes away with the test.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let name = format!("batch-writer-ring-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Through a ring, by direct I/O where the file system has it.
fn directory(path: &Path) -> RingDirectory {
    let ring = Arc::new(Ring::new().expect("there is always a pool"));
    let direct = RingDirectory::new(ring, path).expect("the directory can be made");
    match direct.create("probe").and_then(|_| direct.remove("probe")) {
        Ok(()) => direct,
        Err(error) => {
            println!("skipped: no direct I/O here: {error}");
            direct.direct(false)
        }
    }
}

fn options() -> LogOptions<Vec<u8>> {
    Log::<Vec<u8>>::options().segment_bytes(32 << 10).syncs_in_flight(2)
}

fn payload(number: u32) -> Vec<u8> {
    let mut bytes = number.to_le_bytes().to_vec();
    bytes.resize(4 + (number * 131 % 5000) as usize, number as u8);
    bytes
}

#[test]
fn what_was_acknowledged_is_found_by_either_way_of_opening() {
    let place = Place::new("either");
    let mut written = 0;
    for round in 0..4 {
        let mut found = 0;
        let show = |record: latchwork_batch_writer::log::Record<'_>| {
            assert_eq!(record.payload, payload(found));
            found += 1;
        };
        if round % 2 == 0 {
            let log = options().open_in(directory(&place.0), show).expect("the log opens");
            let reader = log.reader();
            // The ring's directory lets no sync go: each handle keeps its own blocks.
            let writer = Options::new().syncs_in_flight(2).build(log);
            for number in written..written + 50 {
                let location = writer.submit(payload(number)).expect("the disk works");
                assert_eq!(reader.read(location).expect("it is there"), payload(number));
            }
            assert_eq!(writer.metrics().detached, 0);
            writer.close().expect("the disk works");
        } else {
            let log = options().open(&place.0, show).expect("the log opens");
            let writer = BatchWriter::new(log);
            for number in written..written + 50 {
                writer.submit(payload(number)).expect("the disk works");
            }
        }
        assert_eq!(found, written);
        written += 50;
    }
}

#[test]
fn segments_are_forgotten_and_written_again() {
    let place = Place::new("again");
    let log = options().open_in(directory(&place.0), |_| ()).expect("the log opens");
    let writer = BatchWriter::new(log);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for number in 0..100 {
                    let place = writer.submit(payload(number)).expect("the disk works");
                    let forget = |log: &mut Log<_, _>| log.forget_before(place.sequence);
                    if number % 10 == 9 {
                        writer.with_sink(forget).expect("open").expect("the disk works");
                    }
                }
            });
        }
    });
    writer.flush().expect("open");
    drop(writer);
    let (mut first, mut last) = (None, 0);
    let show = |record: latchwork_batch_writer::log::Record<'_>| {
        first = first.or(Some(record.location.sequence));
        last = record.location.sequence;
    };
    drop(options().open_in(directory(&place.0), show).expect("the log opens"));
    assert!(first.is_some_and(|first| first > 0));
    assert_eq!(last, 399);
}

#[test]
fn a_file_reads_back_what_was_written_anywhere() {
    let place = Place::new("file");
    let storage = directory(&place.0);
    let file = storage.create("file").expect("a new file");
    file.write_all_at(&vec![0; 3 << 20], 0).expect("the disk works");
    let mut model = vec![0; 3 << 20];
    let mut write = |offset: usize, length: usize, value: u8| {
        file.write_all_at(&vec![value; length], offset as u64).expect("the disk works");
        model[offset..offset + length].fill(value);
    };
    write(0, 4096, 1);
    write(4096, 10, 2);
    write(4106, 5000, 3);
    file.sync().expect("the disk works");
    write(9106, 70_000, 4);
    file.sync().expect("the disk works");
    // In the middle of a block that was sent off.
    write(100_001, 2 << 20, 5);
    write(9000, 3, 6);
    file.sync().expect("the disk works");
    model[9003..12_288].fill(0);
    for (offset, length) in [(0, 4096), (4090, 20), (9000, 200_000), (0, 3 << 20)] {
        let mut bytes = vec![9; length];
        let read = file.read_at(&mut bytes, offset as u64).expect("the disk works");
        assert_eq!(read, length);
        assert!(bytes == model[offset..offset + length], "{length} bytes from {offset} on differ");
    }
    assert_eq!(file.read_at(&mut [0; 100], (3 << 20) - 50).expect("the disk works"), 50);
    assert_eq!(file.length().expect("the disk works"), 3 << 20);
}
