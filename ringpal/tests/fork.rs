//! A ring belongs to the process that built it; a child of `fork` is told so and harms nothing.
// The thread sanitizer doesn't follow a process with threads into a fork.
#![cfg(all(target_os = "linux", not(any(latchwork_loom, latchwork_shuttle, latchwork_tsan))))]

mod child;

use std::panic::{AssertUnwindSafe, catch_unwind};

use child::in_a_child;
use latchwork_ringpal::{BackendChoice, Cause, Drive, File, PageWrite, Policy, Ring};

/// Runs in the forked child: 0 where everything is as it must be.
fn in_the_fork(ring: Ring, file: File) -> i32 {
    let page = PageWrite { offset: 0, data: &[9; 100] };
    let Err(error) = ring.write_pages(&file, &[page; 2]) else { return 1 };
    if error.failures().iter().any(|failure| failure.cause() != Cause::Forked) {
        return 2;
    }
    let owned = ring.on(&file).write(0, vec![9; 10]).wait();
    if owned.result.map_err(|error| error.cause()) != Err(Cause::Forked) || owned.buffer.len() != 10
    {
        return 3;
    }
    if ring.nop(1).map_err(|error| error.cause()) != Err(Cause::Forked) {
        return 4;
    }
    // What needs no ring works.
    let file = file.with_policy(Policy::Sync);
    if ring.write_pages(&file, &[PageWrite { offset: 200, data: &[4; 10] }]).is_err() {
        return 5;
    }
    ring.close();
    drop(ring);
    // A ring of its own works.
    let Ok(own) = Ring::new() else { return 6 };
    if own.nop(3).is_err() {
        return 7;
    }
    own.close();
    0
}

#[test]
fn fork_leaves_the_ring_to_its_parent() {
    in_a_child("fork_leaves_the_ring_to_its_parent", || {
        for choice in [BackendChoice::IoUring, BackendChoice::Pool] {
            for drive in [Drive::Submitter, Drive::Thread] {
                let ring = match Ring::builder().backend(choice).drive(drive).build() {
                    Ok(ring) => ring,
                    Err(error) => {
                        println!("skipped: {error}");
                        continue;
                    }
                };
                let file = File::new(tempfile::tempfile().unwrap(), "shared");
                let file = file.with_policy(Policy::Ring);
                let same = File::new(file.as_std().try_clone().unwrap(), "same");
                let same = same.with_policy(Policy::Ring);
                let busy = ring.on(&file).write(0, vec![1; 100]);
                // SAFETY: the child has one thread and ends by `_exit`; the C library's allocator
                // works in it.
                let pid = unsafe { libc::fork() };
                if pid == 0 {
                    // A panic that left this thread, the child's only one, would end it well.
                    let inside = AssertUnwindSafe(|| in_the_fork(ring, same));
                    let code = catch_unwind(inside).unwrap_or(8);
                    // SAFETY: ends the child, without the parent's exit handlers.
                    unsafe { libc::_exit(code) };
                }
                let mut status = 0;
                // SAFETY: a place for the status.
                assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
                assert!(libc::WIFEXITED(status), "{status:x}");
                assert_eq!(libc::WEXITSTATUS(status), 0);
                busy.wait().into_result().unwrap();
                ring.nop(10).unwrap();
                ring.write_pages(&file, &[PageWrite { offset: 0, data: &[1; 100] }; 2]).unwrap();
                assert_eq!(file.as_std().metadata().unwrap().len(), 210);
            }
        }
    });
}
