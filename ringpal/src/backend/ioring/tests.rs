//! The whole way from a ring's calls to the functions of IoRing, which are a fake's.

use alloc::boxed::Box;
use alloc::vec::Vec;
use alloc::{format, vec};

use latchwork_sync::time::{Duration, Instant};

use super::table::{Capabilities, FEATURE_EVENT, Functions, RingHandle, S_OK, Status, VERSION};
use super::{IoRing, fake};
use crate::backend::Backend;
use crate::engine::Drive;
use crate::info::{BackendKind, Fallback, RingInfo};
use crate::{Builder, Cause, File, PageWrite, Policy, Ring, suite};

fn over(functions: Functions, depth: u32) -> Result<IoRing, Fallback> {
    // SAFETY: the fake does what the real ones do.
    unsafe { IoRing::over(functions, depth) }
}

fn ring(drive: Drive, depth: u32) -> Ring {
    let backend = over(fake::FUNCTIONS, depth).unwrap();
    let info = RingInfo {
        backend: BackendKind::IoRing,
        fallback: None,
        flags: Vec::new(),
        depth: backend.capacity(),
        workers: 0,
        drive,
    };
    Builder::default().drive(drive).launch(Box::new(backend), info).unwrap()
}

fn directory() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn suite_passes(drive: Drive, depth: u32) {
    let directory = directory();
    let (ring, path) = (ring(drive, depth), directory.path());
    suite::every_size_comes_back(&ring, path);
    suite::many_threads_share_a_ring(&ring, path);
    suite::submitters_exit_at_once(&ring, path);
    suite::the_end_of_the_file_is_an_error(&ring, path);
    suite::impossible_offsets_are_refused(&ring, path);
    suite::empty_pages_and_batches_are_done_at_once(&ring, path);
    suite::closed_is_closed(&ring, path);
}

#[test]
fn suite_driven_by_submitters() {
    suite_passes(Drive::Submitter, 63);
}

#[test]
fn suite_driven_by_the_thread() {
    suite_passes(Drive::Thread, 63);
}

#[test]
fn suite_with_one_operation_at_a_time() {
    suite_passes(Drive::Thread, 1);
}

/// RavenDB-27665: a write that fails is never reported as done; and the code is that of Windows,
/// not the status around it (RavenDB-26800).
#[test]
fn a_failed_write_has_the_code_within_the_status() {
    let directory = directory();
    let path = directory.path().join("read-only");
    std::fs::write(&path, vec![7; 8192]).unwrap();
    let file = File::options().read(true).open(&path).unwrap().with_policy(Policy::Ring);
    let ring = ring(Drive::Submitter, 8);
    let pages = [0, 4096].map(|offset| PageWrite { offset, data: &[1; 4096] });
    let error = ring.commit(&file, &pages).unwrap_err();
    assert_eq!(error.failures().len(), 2);
    assert_eq!(error.failures()[0].cause(), Cause::Os(5));
    assert_eq!(std::fs::read(&path).unwrap(), vec![7; 8192]);
}

#[test]
fn owned_operations_vectors_ranges_and_cancels() {
    let directory = directory();
    let options = File::options().read(true).write(true).create(true);
    let file = options.open(directory.path().join("owned")).unwrap().with_policy(Policy::Ring);
    let ring = ring(Drive::Thread, 7);
    let buffers: Vec<Vec<u8>> = (0..40_u8).map(|number| vec![number; 33]).collect();
    let whole = buffers.concat();
    ring.on(&file).write_vectored(9, buffers).wait().into_result().unwrap();
    assert_eq!(ring.on(&file).read(9, vec![0; whole.len()]).wait().buffer, whole);
    ring.on(&file).allocate(0, 100_000).wait().into_result().unwrap();
    ring.on(&file).zero(10, 99_990).wait().into_result().unwrap();
    assert_eq!(ring.on(&file).read(9, vec![7; 99_991]).wait().buffer, vec![0; 99_991]);
    ring.on(&file).fsync().wait().into_result().unwrap();
    let mut cancelled = 0;
    for round in 0..30 {
        let soon = Instant::now() + Duration::from_millis(round % 3);
        let requests = ring.on(&file).deadline(soon);
        let writes: Vec<_> =
            (0..20).map(|number| requests.write(number * 4096, vec![1; 4096])).collect();
        writes.iter().rev().for_each(crate::Pending::cancel);
        for write in writes {
            let completed = write.wait();
            assert_eq!(completed.buffer.len(), 4096);
            match completed.result.map_err(|error| error.cause()) {
                Ok(()) => {}
                Err(Cause::Cancelled | Cause::TimedOut) => cancelled += 1,
                Err(cause) => panic!("{cause}"),
            }
        }
    }
    assert_eq!(ring.metrics().stopped, cancelled);
}

#[test]
fn rings_are_closed_when_nothing_is_in_flight() {
    let directory = directory();
    let options = File::options().read(true).write(true).create(true);
    let file = options.open(directory.path().join("dropped")).unwrap().with_policy(Policy::Ring);
    for _ in 0..20 {
        let ring = ring(Drive::Thread, 7);
        for number in 0..20 {
            drop(ring.on(&file).write(number * 4096, vec![1; 4096]));
        }
        // The fake panics where it is closed with operations in flight.
        drop(ring);
    }
}

/// Version 1 has reads alone: no ring.
#[test]
fn an_old_version_is_no_ring() {
    unsafe extern "system" fn old(into: *mut Capabilities) -> Status {
        let can = Capabilities { version: 1, features: FEATURE_EVENT, ..Capabilities::default() };
        // SAFETY: the caller's place.
        unsafe { into.write(can) };
        S_OK
    }
    unsafe extern "system" fn emulated(into: *mut Capabilities) -> Status {
        let can = Capabilities { version: VERSION, features: 1, ..Capabilities::default() };
        // SAFETY: the caller's place.
        unsafe { into.write(can) };
        S_OK
    }
    unsafe extern "system" fn no_writes(_: RingHandle, operation: i32) -> i32 {
        i32::from(operation != 5)
    }
    let reason = |functions| over(functions, 8).unwrap_err();
    let reading = reason(Functions { query_capabilities: old, ..fake::FUNCTIONS });
    assert!(format!("{reading}").contains("version 3"), "{reading}");
    let emulated = reason(Functions { query_capabilities: emulated, ..fake::FUNCTIONS });
    assert_eq!(emulated, Fallback::MissingOperation("completion event"));
    let no_writes = reason(Functions { is_supported: no_writes, ..fake::FUNCTIONS });
    assert_eq!(no_writes, Fallback::MissingOperation("write"));
}

/// A submission that fails for good ends what was never submitted, and what was completes.
#[test]
fn a_dead_ring_says_so() {
    unsafe extern "system" fn corrupt(_: RingHandle, _: u32, _: u32, _: *mut u32) -> Status {
        0x8046_0007_u32.cast_signed()
    }
    let backend = over(Functions { submit: corrupt, ..fake::FUNCTIONS }, 8).unwrap();
    let info = RingInfo {
        backend: BackendKind::IoRing,
        fallback: None,
        flags: Vec::new(),
        depth: backend.capacity(),
        workers: 0,
        drive: Drive::Thread,
    };
    let ring = Builder::default().drive(Drive::Thread).launch(Box::new(backend), info).unwrap();
    let file = File::new(tempfile::tempfile().unwrap(), "dead").with_policy(Policy::Ring);
    let error = ring.write_pages(&file, &[PageWrite { offset: 0, data: &[1] }; 3]).unwrap_err();
    let cause = Cause::RingFailed(0x8046_0007_u32.cast_signed());
    assert_eq!(error.failures().iter().map(crate::OpError::cause).collect::<Vec<_>>(), [cause; 3]);
    assert_eq!(ring.fdatasync(&file).unwrap_err().cause(), cause);
}
