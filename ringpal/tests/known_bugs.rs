//! Bugs of other rings, each as a test that would fail with it.
//!
//! `RavenDB`'s layer, as published and in later versions:
//!
//! | bug | here |
//! | --- | --- |
//! | the waker read after the last completion was counted | twins `touch_after_done`, `release_early` of the models |
//! | a short write that ended between two buffers taken for complete | `short_write_that_ends_between_buffers_goes_on` and the transfer's own tests |
//! | a failed write reported as success (27665) | `failed_write_is_never_reported_as_success` |
//! | a code of Windows mixed up with a status (26800) | IoRing's own tests |
//! | one free entry: a no-op counted as the sync | `full_queue_does_not_swallow_a_sync` |
//! | a signal ends the ring, or the wait for it | `signals_without_restart` in `faults.rs` |
//! | errors counted down on one operation | `every_failure_is_its_own` |
//! | success without a byte queued again for ever | the transfer's own tests |
//! | a ring that was demanded and refused goes unnoticed | `refused.rs` |
//!
//! Others': `deferred_ring_never_waits_for_a_drained_sync` (the kernel under deferred task work),
//! `buffers_outlive_the_kernels_use_of_them` (compio, monoio: a closed ring is not a finished one),
//! `forgotten_future_frees_nothing` (rio).
#![cfg(all(target_os = "linux", not(any(latchwork_loom, latchwork_shuttle))))]

mod child;
#[allow(dead_code, reason = "a part of it is for other tests")]
mod pages;

use core::time::Duration;
use latchwork_sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::thread;

use latchwork_ringpal::{
    AlignedBuf, Alignment, BackendChoice, Cause, DirectFile, Drive, File, OpError, PageWrite,
    Policy, Ring,
};
use pages::{PAGE, page};

fn directory() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

fn every_ring(depth: u32, mut check: impl FnMut(&Ring)) {
    for choice in [BackendChoice::IoUring, BackendChoice::Pool] {
        for drive in [Drive::Submitter, Drive::Thread] {
            match Ring::builder().backend(choice).drive(drive).workers(2).depth(depth).build() {
                Ok(ring) => check(&ring),
                Err(error) => println!("skipped: {error}"),
            }
        }
    }
}

/// A limit on file size cuts a vectored write just behind its second buffer: the two are there, the
/// third has failed, and the error says how far it came. Without the limit all three are there.
#[test]
fn short_write_that_ends_between_buffers_goes_on() {
    child::in_a_child("short_write_that_ends_between_buffers_goes_on", || {
        let limits = libc::rlimit { rlim_cur: 8192, rlim_max: libc::RLIM_INFINITY };
        // SAFETY: the default action would end the process; ignoring touches no memory.
        unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
        // SAFETY: `limits` lives during the call.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limits) }, 0);
        every_ring(7, |ring| {
            for policy in [Policy::Ring, Policy::Sync] {
                let file = File::new(tempfile::tempfile().unwrap(), "cut").with_policy(policy);
                let buffers = vec![vec![1; 4096], vec![2; 4096], vec![3; 4096]];
                let error = ring.on(&file).write_vectored(0, buffers).wait().result.unwrap_err();
                assert_eq!((error.done(), error.cause()), (8192, Cause::Os(libc::EFBIG)));
                assert_eq!(file.as_std().metadata().unwrap().len(), 8192);
                let buffers = vec![vec![1; 4096], vec![2; 4096]];
                ring.on(&file).write_vectored(0, buffers).wait().into_result().unwrap();
            }
        });
    });
}

/// `RavenDB`-27665: its regression test, a pager over a file that can't be written.
#[test]
fn failed_write_is_never_reported_as_success() {
    let directory = directory();
    let path = directory.path().join("read-only");
    std::fs::write(&path, vec![7; PAGE]).unwrap();
    every_ring(7, |ring| {
        for policy in [Policy::Auto, Policy::Ring, Policy::Sync] {
            let file = File::options().read(true).open(&path).unwrap().with_policy(policy);
            let data = page(1, 1);
            let write = PageWrite { offset: 0, data: &data };
            assert!(ring.write_pages(&file, &[write]).is_err());
            assert!(ring.write_pages(&file, &[write; 3]).is_err());
            assert!(ring.commit(&file, &[write]).is_err());
            let slices = [std::io::IoSlice::new(&data), std::io::IoSlice::new(&data)];
            assert!(ring.write_vectored(&file, 0, &slices).is_err());
            assert!(ring.on(&file).write(0, vec![1; PAGE]).wait().result.is_err());
            assert!(ring.on(&file).write_vectored(0, vec![vec![1]; 5]).wait().result.is_err());
            assert!(ring.zero(&file, 0, 10).is_err());
            assert!(ring.allocate(&file, 0, 10).is_err());
        }
    });
    assert_eq!(std::fs::read(&path).unwrap(), vec![7; PAGE]);
}

/// A ring of one entry that is full of writes when the sync comes: the sync is one, and its
/// failure is its own.
#[test]
fn full_queue_does_not_swallow_a_sync() {
    every_ring(1, |ring| {
        let file = File::new(tempfile::tempfile().unwrap(), "synced").with_policy(Policy::Ring);
        // A pipe can't be synced.
        let mut ends = [0; 2];
        // SAFETY: room for two descriptors.
        assert_eq!(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) }, 0);
        // SAFETY: new descriptors that nobody else owns.
        let pipe =
            ends.map(|end| unsafe { <std::fs::File as std::os::fd::FromRawFd>::from_raw_fd(end) });
        let pipe = pipe.map(|end| File::new(end, "pipe").with_policy(Policy::Ring));
        let writes: Vec<_> =
            (0..30).map(|number| ring.on(&file).write(number * 100, vec![1; 100])).collect();
        let bad = ring.on(&pipe[1]).fsync();
        let good = ring.on(&file).fsync();
        assert_eq!(bad.wait().result.unwrap_err().os_code(), Some(libc::EINVAL));
        good.wait().into_result().unwrap();
        for write in writes {
            write.wait().into_result().unwrap();
        }
    });
}

#[test]
fn every_failure_is_its_own() {
    let directory = directory();
    let path = directory.path().join("mixed");
    every_ring(7, |ring| {
        let file = File::options().read(true).write(true).create(true);
        let file = file.open(&path).unwrap().with_policy(Policy::Ring);
        let data = page(1, 1);
        // Every other one reaches beyond the largest offset.
        let pages: Vec<_> = (0..100_u64)
            .map(|number| {
                let offset = if number % 2 == 0 { number * 100 } else { u64::MAX - number };
                PageWrite { offset, data: &data }
            })
            .collect();
        let error = ring.write_pages(&file, &pages).unwrap_err();
        let failed: Vec<_> = error.failures().iter().map(OpError::index).collect();
        assert_eq!(failed, (0..100).filter(|index| index % 2 == 1).collect::<Vec<_>>());
        assert!(error.failures().iter().all(|f| f.offset() == u64::MAX - f.index() as u64));
    });
}

/// Direct writes and syncs through a ring with deferred task work: no entry is drained, and no wait
/// is for more than one completion, so that none of these hangs.
#[test]
fn deferred_ring_never_waits_for_a_drained_sync() {
    let ring = Ring::builder().backend(BackendChoice::IoUring).drive(Drive::Thread).build();
    let ring = match ring {
        Ok(ring) => ring,
        Err(error) => return println!("skipped: {error}"),
    };
    if !ring.info().flags().contains(&"DEFER_TASKRUN") {
        return println!("skipped: {}", ring.info());
    }
    let directory = directory();
    let options = DirectFile::options().read(true).write(true).create(true);
    let file = match options.open(directory.path().join("deferred")) {
        Ok(file) => file.with_policy(Policy::Ring),
        Err(error) => return println!("skipped: no direct I/O here: {error}"),
    };
    let data = page(1, 1);
    for number in 0..100 {
        let pages = [PageWrite { offset: number % 7 * PAGE as u64, data: &data }];
        ring.commit(&file, &pages).unwrap();
    }
}

/// 64 direct reads of 1 MiB are in flight when their handles and the ring are dropped. Each buffer
/// comes back once, by its drop, and the kernel writes to none of them afterwards.
#[test]
fn buffers_outlive_the_kernels_use_of_them() {
    const READS: usize = 64;
    const LENGTH: usize = 1 << 20;
    struct Lent(&'static mut [u8], Arc<AtomicUsize>);
    impl AsMut<[u8]> for Lent {
        fn as_mut(&mut self) -> &mut [u8] {
            self.0
        }
    }
    impl Drop for Lent {
        fn drop(&mut self) {
            // The memory is free from here on.
            self.0.fill(3);
            self.1.fetch_add(1, Ordering::Relaxed);
        }
    }
    let directory = directory();
    let path = directory.path().join("large");
    std::fs::write(&path, vec![1; READS * LENGTH]).unwrap();
    let file = match DirectFile::options().read(true).open(&path) {
        Ok(file) => file.with_policy(Policy::Ring),
        Err(error) => return println!("skipped: no direct I/O here: {error}"),
    };
    let memory = Box::leak(Box::new(AlignedBuf::zeroed(READS * LENGTH, Alignment::PAGE).unwrap()));
    let start = memory.as_mut_ptr();
    for round in 0..20 {
        let drive = if round % 2 == 0 { Drive::Submitter } else { Drive::Thread };
        let ring = Ring::builder().drive(drive).build().unwrap();
        let freed = Arc::new(AtomicUsize::new(0));
        for number in 0..READS {
            let at = number * LENGTH;
            // SAFETY: within the leaked buffer.
            let part = unsafe { start.add(at) };
            // SAFETY: a part of the leaked buffer that nobody else uses: those of the round before
            // were dropped.
            let bytes = unsafe { core::slice::from_raw_parts_mut(part, LENGTH) };
            drop(ring.on(&file).read(at as u64, Lent(bytes, Arc::clone(&freed))));
        }
        drop(ring);
        assert_eq!(freed.load(Ordering::Relaxed), READS, "round {round}");
        thread::sleep(Duration::from_millis(2));
        for at in (0..READS * LENGTH).step_by(512) {
            let byte = start.wrapping_add(at);
            // SAFETY: within the leaked buffer, whose parts were all dropped.
            assert_eq!(unsafe { byte.read_volatile() }, 3, "round {round}");
        }
    }
}

struct Held(Arc<[u8; 4096]>);

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.0[..]
    }
}

/// A future that is forgotten in flight keeps its buffer for ever, and the ring ends all the same.
#[test]
fn forgotten_future_frees_nothing() {
    every_ring(3, |ring| {
        let file = File::new(tempfile::tempfile().unwrap(), "forgotten").with_policy(Policy::Ring);
        let shared = Arc::new([5_u8; 4096]);
        for number in 0..10 {
            core::mem::forget(ring.on(&file).write(number, Held(Arc::clone(&shared))));
        }
        ring.close();
        assert_eq!(Arc::strong_count(&shared), 11);
        assert_eq!(file.as_std().metadata().unwrap().len(), 4096 + 9);
    });
}
