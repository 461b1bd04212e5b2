//! The suite on every backend and every way of driving.
#![cfg(all(unix, not(any(latchwork_loom, latchwork_shuttle))))]

mod pages;
mod suite;

use latchwork_ringpal::{BackendChoice, BackendKind, Drive, File, PageWrite, Ring};

/// On the file system of the build, since a temporary directory may be in memory.
fn directory() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

fn run(choice: BackendChoice, drive: Drive, depth: u32) {
    let ring = Ring::builder().backend(choice).drive(drive).depth(depth).workers(3).build();
    let ring = match ring {
        Ok(ring) => ring,
        Err(error) => {
            println!("skipped: {error}");
            return;
        }
    };
    println!("{}", ring.info());
    suite::everything(&ring, directory().path());
}

#[test]
fn uring_driven_by_submitters() {
    run(BackendChoice::IoUring, Drive::Submitter, 63);
}

#[test]
fn uring_driven_by_its_thread() {
    run(BackendChoice::IoUring, Drive::Thread, 63);
}

#[test]
fn tiny_uring_driven_by_submitters() {
    run(BackendChoice::IoUring, Drive::Submitter, 1);
}

#[test]
fn tiny_uring_driven_by_its_thread() {
    run(BackendChoice::IoUring, Drive::Thread, 1);
}

#[test]
fn pool_driven_by_submitters() {
    run(BackendChoice::Pool, Drive::Submitter, 63);
}

#[test]
fn pool_driven_by_its_thread() {
    run(BackendChoice::Pool, Drive::Thread, 2);
}

#[test]
fn metrics_count_what_was_done() {
    let ring = Ring::new().unwrap();
    ring.nop(1).unwrap();
    ring.nop(3).unwrap();
    ring.nop(32).unwrap();
    let metrics = ring.metrics();
    assert_eq!((metrics.batches, metrics.operations), (3, 36));
    assert_eq!(metrics.batches_by_size[..6], [1, 1, 0, 0, 0, 1]);
    assert_eq!((metrics.failed, metrics.in_flight), (0, 0));
    assert!(metrics.turns >= 3);
    let file = File::new(tempfile::tempfile().unwrap(), "buffered");
    ring.commit(&file, &[PageWrite { offset: 0, data: &[1; 100] }; 5]).unwrap();
    assert_eq!(ring.metrics().inline_operations, 6);
}

#[test]
fn latencies_are_noted_where_they_are_wanted() {
    let ring = Ring::new().unwrap();
    ring.nop(5).unwrap();
    assert!(ring.metrics().latencies.is_none());
    let ring = Ring::builder().latencies(true).build().unwrap();
    let file = File::new(tempfile::tempfile().unwrap(), "buffered");
    for _ in 0..10 {
        ring.nop(5).unwrap();
        ring.on(&file).write(0, [1; 10]).wait().into_result().unwrap();
    }
    let latencies = ring.metrics().latencies.unwrap();
    assert_eq!((latencies.submission.count(), latencies.completion.count()), (20, 20));
    assert!(latencies.submission.total() <= latencies.completion.total());
}

#[test]
fn chosen_pool_has_no_reason() {
    let ring = Ring::builder().backend(BackendChoice::Pool).build().unwrap();
    assert_eq!(ring.info().backend(), BackendKind::Pool);
    assert_eq!(ring.info().fallback(), None);
}
