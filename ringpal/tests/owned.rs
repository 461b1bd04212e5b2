//! Operations that own their buffers, on every backend.
#![cfg(all(target_os = "linux", not(any(latchwork_loom, latchwork_shuttle))))]

#[allow(dead_code, reason = "a part of it is for other tests")]
mod pages;

use core::pin::pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::future::Future;
use std::os::fd::{FromRawFd, OwnedFd};
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::thread::{self, Thread};
use std::time::Instant;

use latchwork_ringpal::{
    AlignedBuf, Alignment, BackendChoice, Cause, Completed, DirectFile, Drive, File, Pending,
    Policy, Ring,
};
use latchwork_sync::atomic::{AtomicUsize, Ordering};
use pages::{PAGE, page};

/// An executor of one task: whatever the crate needs of one is in the standard library.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

fn every_ring(mut check: impl FnMut(&Ring)) {
    for choice in [BackendChoice::IoUring, BackendChoice::Pool] {
        for drive in [Drive::Submitter, Drive::Thread] {
            match Ring::builder().backend(choice).drive(drive).workers(2).depth(7).build() {
                Ok(ring) => check(&ring),
                Err(error) => println!("skipped: {error}"),
            }
        }
    }
}

fn scratch(policy: Policy) -> File {
    let file = tempfile::tempfile_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    File::new(file, "scratch").with_policy(policy)
}

/// Bytes that tell when they are freed.
struct Counted(Vec<u8>, Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.1.fetch_add(1, Ordering::Relaxed);
    }
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl AsMut<[u8]> for Counted {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

/// A pipe: reads of it end when something is written, or when they are cancelled.
fn pipe() -> (File, std::fs::File) {
    let mut ends = [0; 2];
    // SAFETY: room for two descriptors.
    assert_eq!(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) }, 0);
    // SAFETY: new descriptors that nobody else owns.
    let [read, write] = ends.map(|end| unsafe { OwnedFd::from_raw_fd(end) });
    (File::new(read.into(), "pipe").with_policy(Policy::Ring), write.into())
}

#[test]
fn futures_and_handles_bring_the_bytes_back() {
    every_ring(|ring| {
        for policy in [Policy::Auto, Policy::Ring, Policy::Sync] {
            let file = scratch(policy);
            block_on(async {
                let first = ring.on(&file).write(0, vec![1; 100]);
                let second = ring.on(&file).write(100, [2; 50]);
                let shared: Arc<[u8]> = Arc::from(vec![3; 25]);
                let third = ring.on(&file).write(150, Arc::clone(&shared));
                assert_eq!(first.await.into_result().unwrap(), vec![1; 100]);
                second.await.into_result().unwrap();
                third.await.into_result().unwrap();
                ring.on(&file).fdatasync().await.into_result().unwrap();
                ring.on(&file).fsync().await.into_result().unwrap();
                let all = ring.on(&file).read(0, vec![0; 175].into_boxed_slice()).await;
                let all = all.into_result().unwrap();
                assert_eq!((all[99], all[100], all[150], all[174]), (1, 2, 3, 3));
            });
            let read = ring.on(&file).read(170, vec![9; 10]).wait();
            let error = read.result.unwrap_err();
            assert_eq!((error.cause(), error.done()), (Cause::EndOfFile, 5));
            assert_eq!((error.offset(), error.length(), error.file()), (170, 10, "scratch"));
            assert_eq!(read.buffer[..5], [3; 5]);
        }
    });
}

#[test]
fn vectored_transfers_cross_every_boundary() {
    every_ring(|ring| {
        for policy in [Policy::Ring, Policy::Sync] {
            let file = scratch(policy);
            // Empty ones at both ends and between; more than the system takes at once.
            let lengths = (0..2_500_usize).map(|number| [0, 1, 7, 64, 0][number % 5]);
            let buffers: Vec<Vec<u8>> =
                lengths.enumerate().map(|(number, length)| vec![number as u8; length]).collect();
            let whole = buffers.concat();
            let completed = ring.on(&file).write_vectored(3, buffers).wait();
            let mut buffers = completed.into_result().unwrap();
            let mut flat = vec![0; whole.len()];
            std::os::unix::fs::FileExt::read_exact_at(file.as_std(), &mut flat, 3).unwrap();
            assert!(flat == whole);
            for buffer in &mut buffers {
                buffer.fill(0xee);
            }
            let read = block_on(ring.on(&file).read_vectored(3, buffers)).into_result().unwrap();
            assert!(read.concat() == whole);
            let slices: Vec<_> = read.iter().map(|bytes| std::io::IoSlice::new(bytes)).collect();
            ring.write_vectored(&file, 0, &slices).unwrap();
            std::os::unix::fs::FileExt::read_exact_at(file.as_std(), &mut flat, 0).unwrap();
            assert!(flat == whole);
            ring.on(&file).write_vectored(0, Vec::<Vec<u8>>::new()).wait().result.unwrap();
        }
    });
}

/// Whether the file's reads can be asked not to wait: not every file system lets them.
fn tells_what_is_cached(file: &File) -> bool {
    let mut byte = [0_u8; 1];
    let vector = libc::iovec { iov_base: byte.as_mut_ptr().cast(), iov_len: 1 };
    let (file, nowait) = (std::os::fd::AsRawFd::as_raw_fd(file.as_std()), libc::RWF_NOWAIT);
    // SAFETY: one vector, of one byte.
    unsafe { libc::preadv2(file, &raw const vector, 1, 0, nowait) == 1 }
}

/// Under `Auto` a read of cached pages is there when the call returns; all else takes the ring.
#[test]
fn cached_reads_are_done_at_once() {
    every_ring(|ring| {
        let file = scratch(Policy::Auto);
        let bytes: Vec<u8> = (0..200_000_usize).map(|at| (at % 251) as u8).collect();
        std::os::unix::fs::FileExt::write_all_at(file.as_std(), &bytes, 0).unwrap();
        if !tells_what_is_cached(&file) {
            return println!("skipped: this file system doesn't tell what it has cached");
        }
        let inline = || ring.metrics().inline_operations;
        let before = inline();
        let read = ring.on(&file).read(1_000, vec![0; 65_536]);
        assert!(read.is_done());
        assert_eq!(block_on(read).into_result().unwrap(), bytes[1_000..66_536]);
        let lengths = [0, 1, 4_096, 0, 777];
        let buffers = lengths.map(|length| vec![0; length]).to_vec();
        let read = ring.on(&file).read_vectored(5_000, buffers);
        assert!(read.is_done());
        assert_eq!(read.wait().into_result().unwrap().concat(), bytes[5_000..9_874]);
        assert_eq!(inline() - before, 2);

        // Too long, a write, the end of the file, an offset that means the cursor: not these.
        let long = ring.on(&file).read(0, vec![0; 65_537]).wait();
        assert_eq!(long.into_result().unwrap(), bytes[..65_537]);
        ring.on(&file).write(0, vec![9; 10]).wait().into_result().unwrap();
        let end = ring.on(&file).read(199_995, vec![0; 10]).wait();
        let error = end.result.unwrap_err();
        assert_eq!((error.cause(), error.done()), (Cause::EndOfFile, 5));
        let cursor = ring.on(&file).read(u64::MAX, vec![0; 10]).wait();
        assert_eq!(cursor.result.unwrap_err().cause(), Cause::OffsetTooLarge);
        assert_eq!(inline() - before, 2);
        // Nor under the other policy, nor after the end.
        let named = File::new(file.as_std().try_clone().unwrap(), "by the ring");
        let read = ring.on(&named.with_policy(Policy::Ring)).read(0, vec![0; 10]).wait();
        assert_eq!(read.into_result().unwrap(), [9; 10]);
        ring.close();
        let late = ring.on(&file).read(0, vec![0; 10]).wait();
        assert_eq!(late.result.unwrap_err().cause(), Cause::Closed);
        assert_eq!(inline() - before, 2);
    });
}

#[test]
fn direct_files_take_aligned_buffers() {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let options = DirectFile::options().read(true).write(true).create(true);
    let file = match options.open(directory.path().join("direct")) {
        Ok(file) => file,
        Err(error) => return println!("skipped: no direct I/O here: {error}"),
    };
    every_ring(|ring| {
        let writes: Vec<Pending<AlignedBuf>> = (0..64)
            .map(|number| ring.on(&file).write(number * PAGE as u64, page(number, 5)))
            .collect();
        for write in writes {
            write.wait().into_result().unwrap();
        }
        let buffer = AlignedBuf::zeroed(PAGE, Alignment::PAGE).unwrap();
        let read = ring.on(&file).read(63 * PAGE as u64, buffer).wait();
        assert!(read.into_result().unwrap()[..] == page(63, 5)[..]);
    });
}

#[test]
fn ranges_are_allocated_and_zeroed() {
    every_ring(|ring| {
        for policy in [Policy::Auto, Policy::Ring, Policy::Sync] {
            let file = scratch(policy);
            ring.on(&file).allocate(0, 300_000).wait().into_result().unwrap();
            assert_eq!(file.as_std().metadata().unwrap().len(), 300_000);
            ring.on(&file).write(0, vec![7; 300_000]).wait().into_result().unwrap();
            ring.on(&file).zero(10, 299_000).wait().into_result().unwrap();
            let read = ring.on(&file).read(0, vec![1; 300_000]).wait().into_result().unwrap();
            assert_eq!((read[9], read[10], read[299_009], read[299_010]), (7, 0, 0, 7));
            assert!(read[10..299_010].iter().all(|byte| *byte == 0));
            ring.zero(&file, 0, 20).unwrap();
            ring.allocate(&file, 300_000, 1).unwrap();
            assert_eq!(file.as_std().metadata().unwrap().len(), 300_001);
        }
    });
}

/// A file system without the call (tmpfs): the zeros are written.
#[test]
fn zeros_are_written_where_the_file_system_cannot() {
    let Ok(file) = tempfile::tempfile_in("/dev/shm") else {
        return println!("skipped: no file system in memory");
    };
    let file = File::new(file, "memory");
    every_ring(|ring| {
        for policy in [Policy::Ring, Policy::Sync] {
            let file = File::new(file.as_std().try_clone().unwrap(), "memory").with_policy(policy);
            ring.on(&file).write(0, vec![7; 200_000]).wait().into_result().unwrap();
            ring.on(&file).zero(1, 199_998).wait().into_result().unwrap();
            let read = ring.on(&file).read(0, vec![1; 200_000]).wait().into_result().unwrap();
            assert_eq!((read[0], read[199_999]), (7, 7));
            assert!(read[1..199_999].iter().all(|byte| *byte == 0));
        }
    });
}

/// Dropped at once, after a poll, and forgotten: buffers are freed once, after the end, or leak.
#[test]
fn dropped_futures_free_their_buffers_once() {
    every_ring(|ring| {
        let freed = Arc::new(AtomicUsize::new(0));
        let file = scratch(Policy::Ring);
        let buffer = || Counted(vec![5; 4096], Arc::clone(&freed));
        for number in 0..50_u64 {
            drop(ring.on(&file).write(number * 4096, buffer()));
            let mut polled = ring.on(&file).write(number * 4096, buffer());
            let mut context = Context::from_waker(Waker::noop());
            drop(core::pin::Pin::new(&mut polled).poll(&mut context));
            drop(polled);
            ring.on(&file).write(number * 4096, buffer()).wait().into_result().unwrap();
        }
        core::mem::forget(ring.on(&file).write(0, buffer()));
        let late = ring.on(&file).write(0, buffer());
        ring.close();
        assert_eq!(freed.load(Ordering::Relaxed), 150);
        late.wait().into_result().unwrap();
        assert_eq!(freed.load(Ordering::Relaxed), 151);
        let Completed { result, buffer } = ring.on(&file).write(0, buffer()).wait();
        assert_eq!(result.unwrap_err().cause(), Cause::Closed);
        assert_eq!(buffer.0, vec![5; 4096]);
    });
}

/// The file is dropped by its owner while operations are on their way to it.
#[test]
fn operations_keep_their_file_open() {
    every_ring(|ring| {
        let file = scratch(Policy::Ring);
        let copy = file.as_std().try_clone().unwrap();
        let writes: Vec<_> =
            (0..100).map(|number| ring.on(&file).write(number * 10, vec![1; 10])).collect();
        drop(file);
        for write in writes {
            write.wait().into_result().unwrap();
        }
        assert_eq!(copy.metadata().unwrap().len(), 1000);
    });
}

/// A read that nothing answers ends when it is cancelled, or when its time is up.
#[test]
fn cancel_and_deadline_end_a_read_of_a_pipe() {
    let ring = match Ring::builder().backend(BackendChoice::IoUring).build() {
        Ok(ring) => ring,
        Err(error) => return println!("skipped: {error}"),
    };
    let (read, mut write) = pipe();
    let pending = ring.on(&read).read(0, vec![0; 4]);
    let pending = pending.wait_until(Instant::now() + Duration::from_millis(20)).unwrap_err();
    pending.cancel();
    pending.cancel();
    assert_eq!(pending.wait().result.unwrap_err().cause(), Cause::Cancelled);

    let begin = Instant::now();
    let late = ring.on(&read).deadline(Instant::now() + Duration::from_millis(30));
    assert_eq!(block_on(late.read(0, vec![0; 4])).result.unwrap_err().cause(), Cause::TimedOut);
    assert!(begin.elapsed() >= Duration::from_millis(25));
    assert_eq!(ring.metrics().stopped, 2);

    // Of many, those in the middle; more than the ring takes at once.
    let small = Ring::builder().backend(BackendChoice::IoUring).depth(3).build().unwrap();
    let first = small.on(&read).read(0, vec![0; 1]);
    let reads: Vec<_> = (0..19).map(|_| small.on(&read).read(0, vec![0; 1])).collect();
    reads.iter().for_each(Pending::cancel);
    for read in reads {
        assert_eq!(read.wait().result.unwrap_err().cause(), Cause::Cancelled);
    }
    // Nobody else is left to take it.
    std::io::Write::write_all(&mut write, b"x").unwrap();
    assert_eq!(first.wait().into_result().unwrap(), b"x");
}

/// What is done in time is done, with a deadline or after a cancel that came too late.
#[test]
fn a_result_in_time_is_no_timeout() {
    every_ring(|ring| {
        let file = scratch(Policy::Ring);
        let soon = Instant::now() + Duration::from_mins(10);
        let writes: Vec<_> = (0..50)
            .map(|number| ring.on(&file).deadline(soon).write(number * 100, vec![1; 100]))
            .collect();
        for write in writes {
            write.wait().into_result().unwrap();
        }
        let done = ring.on(&file).write(0, vec![1; 10]);
        while !done.is_done() {
            thread::yield_now();
        }
        done.cancel();
        done.wait().into_result().unwrap();
        assert_eq!(ring.metrics().stopped, 0);
    });
}

/// Each of many operations ends once, done in full or cancelled with nothing lost.
#[test]
fn cancelled_or_done_each_ends_once() {
    every_ring(|ring| {
        let file = scratch(Policy::Ring);
        let mut cancelled = 0;
        for round in 0..20 {
            let writes: Vec<_> = (0..40)
                .map(|number| ring.on(&file).write(number * 65_536, vec![round; 65_536]))
                .collect();
            writes.iter().rev().for_each(Pending::cancel);
            for (number, write) in writes.into_iter().enumerate() {
                let Completed { result, buffer } = write.wait();
                assert_eq!(buffer.len(), 65_536);
                let Err(error) = result else {
                    let mut byte = [0];
                    let at = number as u64 * 65_536 + 65_535;
                    std::os::unix::fs::FileExt::read_exact_at(file.as_std(), &mut byte, at)
                        .unwrap();
                    assert_eq!(byte[0], round);
                    continue;
                };
                assert_eq!(error.cause(), Cause::Cancelled);
                cancelled += 1;
            }
        }
        println!("{}: {cancelled} of 800 cancelled", ring.info());
    });
}

/// Many tasks on many threads, one ring; handles are dropped here and there.
#[test]
fn tasks_of_many_threads_share_a_ring() {
    every_ring(|ring| {
        let file = scratch(Policy::Auto);
        thread::scope(|scope| {
            for number in 0..4_u64 {
                let file = &file;
                scope.spawn(move || {
                    block_on(async {
                        for round in 0..60_u8 {
                            let at = number * 1_000 + u64::from(round) * 10;
                            let written = ring.on(file).write(at, [round; 10]).await;
                            written.into_result().unwrap();
                            drop(ring.on(file).read(at, vec![0; 5]));
                            let read = ring.on(file).read(at, vec![0; 10]).await;
                            assert_eq!(read.into_result().unwrap(), [round; 10]);
                        }
                    });
                });
            }
        });
    });
}

/// The last owner of the ring is a buffer, which the ring's own thread drops.
#[test]
fn ring_that_is_dropped_on_its_own_thread_ends() {
    struct Last {
        // Dropped in this order.
        ring: Option<Arc<Ring>>,
        _told: std::sync::mpsc::Sender<()>,
    }
    impl AsRef<[u8]> for Last {
        fn as_ref(&self) -> &[u8] {
            assert!(self.ring.is_some());
            &[7; 100]
        }
    }
    for choice in [BackendChoice::IoUring, BackendChoice::Pool] {
        for drive in [Drive::Submitter, Drive::Thread] {
            let ring = match Ring::builder().backend(choice).drive(drive).build() {
                Ok(ring) => Arc::new(ring),
                Err(error) => {
                    println!("skipped: {error}");
                    continue;
                }
            };
            let file = scratch(Policy::Ring);
            let (told, end) = std::sync::mpsc::channel();
            let last = Last { ring: Some(Arc::clone(&ring)), _told: told };
            let writing = ring.on(&file).write(0, last);
            drop(ring);
            drop(writing);
            assert!(end.recv().is_err(), "the sender is dropped after the ring");
            let mut bytes = [0; 100];
            std::os::unix::fs::FileExt::read_exact_at(file.as_std(), &mut bytes, 0).unwrap();
            assert_eq!(bytes, [7; 100]);
        }
    }
}
