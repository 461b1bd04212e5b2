//! What every backend must do, as one suite.

use std::path::Path;
use std::thread;

use crate::pages::{PAGE, file, page, write_and_read_back};
use latchwork_ringpal::{Cause, File, OpError, PageRead, PageWrite, Policy, Ring};

/// Sizes from one page to more than the ring's depth.
pub(crate) fn every_size_comes_back(ring: &Ring, directory: &Path) {
    for direct in [false, true] {
        for policy in [Policy::Auto, Policy::Ring, Policy::Sync] {
            let file = file(&directory.join("sizes"), direct, policy);
            for (generation, count) in [1, 2, 7, 32, 700].into_iter().enumerate() {
                write_and_read_back(ring, &file, 0, count, generation as u8);
            }
        }
    }
}

pub(crate) fn many_threads_share_a_ring(ring: &Ring, directory: &Path) {
    let file = file(&directory.join("shared"), true, Policy::Ring);
    thread::scope(|scope| {
        for number in 0..6 {
            let file = &file;
            scope.spawn(move || {
                for round in 0..40 {
                    write_and_read_back(ring, file, number * 64, 1 + round % 9, round as u8);
                }
            });
        }
    });
}

/// Threads come and go, so that what a leader leaves in flight outlives it.
pub(crate) fn submitters_exit_at_once(ring: &Ring, directory: &Path) {
    let file = file(&directory.join("exit"), true, Policy::Ring);
    for round in 0..30 {
        thread::scope(|scope| {
            for number in 0..4 {
                let file = &file;
                scope.spawn(move || {
                    write_and_read_back(ring, file, number * 16, 1 + number * 3, round);
                });
            }
        });
    }
}

pub(crate) fn the_end_of_the_file_is_an_error(ring: &Ring, directory: &Path) {
    for policy in [Policy::Ring, Policy::Sync] {
        let file = file(&directory.join("short"), false, policy);
        file.as_std().set_len(PAGE as u64 + 100).unwrap();
        let (mut first, mut second, mut third) = ([1; PAGE], [1; PAGE], [1; PAGE]);
        let mut pages = [
            PageRead { offset: 0, data: &mut first },
            PageRead { offset: PAGE as u64, data: &mut second },
            PageRead { offset: 2 * PAGE as u64, data: &mut third },
        ];
        let error = ring.read_pages(&file, &mut pages).unwrap_err();
        assert_eq!(error.total(), 3);
        assert!(error.outcome(0).is_ok());
        let failed = error.outcome(1).unwrap_err();
        assert_eq!((failed.cause(), failed.done()), (Cause::EndOfFile, 100));
        assert_eq!(failed.offset(), PAGE as u64);
        assert_eq!(error.outcome(2).unwrap_err().done(), 0);
        assert!(failed.to_string().contains("short"), "{failed}");
        assert_eq!(first, [0; PAGE]);
        assert_eq!(second[99..101], [0, 1]);
    }
}

/// A pager whose file can't be written must be told so.
pub(crate) fn a_read_only_file_is_never_written(ring: &Ring, directory: &Path) {
    let path = directory.join("read-only");
    std::fs::write(&path, vec![7; 2 * PAGE]).unwrap();
    for policy in [Policy::Auto, Policy::Ring, Policy::Sync] {
        let file = File::options().read(true).open(&path).unwrap().with_policy(policy);
        let data = page(1, 1);
        let pages = [0, 1].map(|number| PageWrite { offset: number * PAGE as u64, data: &data });
        let error = ring.commit(&file, &pages).unwrap_err();
        assert_eq!(error.failures().len(), 2);
        for failure in error.failures() {
            assert_eq!(failure.os_code(), Some(libc::EBADF));
            assert_eq!(failure.done(), 0);
        }
    }
    assert_eq!(std::fs::read(&path).unwrap(), vec![7; 2 * PAGE]);
}

pub(crate) fn impossible_offsets_are_refused(ring: &Ring, directory: &Path) {
    for policy in [Policy::Ring, Policy::Sync] {
        let file = file(&directory.join("offsets"), false, policy);
        let data = page(1, 1);
        // The last is io_uring's name for the file's cursor.
        for offset in [i64::MAX as u64 - 100, u64::MAX - 4096, u64::MAX] {
            let error = ring.write_pages(&file, &[PageWrite { offset, data: &data }]).unwrap_err();
            assert_eq!(error.failures()[0].cause(), Cause::OffsetTooLarge);
        }
        assert_eq!(file.as_std().metadata().unwrap().len(), 0);
    }
}

pub(crate) fn empty_pages_and_batches_are_done_at_once(ring: &Ring, directory: &Path) {
    for policy in [Policy::Ring, Policy::Sync] {
        let file = file(&directory.join("empty"), false, policy);
        ring.write_pages(&file, &[]).unwrap();
        ring.read_pages(&file, &mut []).unwrap();
        ring.write_pages(&file, &[PageWrite { offset: 5, data: &[] }]).unwrap();
        ring.nop(0).unwrap();
        assert_eq!(file.as_std().metadata().unwrap().len(), 0);
    }
}

pub(crate) fn closed_is_closed(ring: &Ring, directory: &Path) {
    let file = file(&directory.join("closed"), false, Policy::Ring);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let data = page(1, 1);
                loop {
                    let pages = [PageWrite { offset: 0, data: &data }; 3];
                    if let Err(error) = ring.write_pages(&file, &pages) {
                        let causes: Vec<_> = error.failures().iter().map(OpError::cause).collect();
                        assert_eq!(causes, [Cause::Closed; 3]);
                        return;
                    }
                }
            });
        }
        thread::sleep(core::time::Duration::from_millis(20));
        scope.spawn(|| ring.close());
        ring.close();
    });
    ring.close();
    assert_eq!(ring.nop(1).unwrap_err().cause(), Cause::Closed);
    let file = file.with_policy(Policy::Sync);
    let error = ring.write_pages(&file, &[PageWrite { offset: 0, data: &[1] }]).unwrap_err();
    assert_eq!(error.failures()[0].cause(), Cause::Closed);
}

/// All of it; the ring is closed afterwards.
pub(crate) fn everything(ring: &Ring, directory: &Path) {
    every_size_comes_back(ring, directory);
    many_threads_share_a_ring(ring, directory);
    submitters_exit_at_once(ring, directory);
    the_end_of_the_file_is_an_error(ring, directory);
    a_read_only_file_is_never_written(ring, directory);
    impossible_offsets_are_refused(ring, directory);
    empty_pages_and_batches_are_done_at_once(ring, directory);
    closed_is_closed(ring, directory);
}
