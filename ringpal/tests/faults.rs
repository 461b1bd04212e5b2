//! What the system does to a storage engine, for real.
#![cfg(all(target_os = "linux", not(any(latchwork_loom, latchwork_shuttle))))]

mod child;
mod pages;

use core::time::Duration;
use latchwork_sync::atomic::{AtomicUsize, Ordering};
use std::ffi::CString;
use std::os::fd::{AsRawFd, IntoRawFd};
use std::path::Path;
use std::thread;

use child::{in_a_child, is_emulated};
use latchwork_ringpal::{
    AlignedBuf, Alignment, BackendChoice, Cause, Drive, File, PageRead, PageWrite, Policy, Ring,
};
use pages::{PAGE, page};

fn directory() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// Every way to do the work: backends, drives, and inline.
fn every_way(mut check: impl FnMut(&Ring, Policy)) {
    for choice in [BackendChoice::IoUring, BackendChoice::Pool] {
        for drive in [Drive::Submitter, Drive::Thread] {
            match Ring::builder().backend(choice).drive(drive).workers(3).build() {
                Ok(ring) => {
                    check(&ring, Policy::Ring);
                    check(&ring, Policy::Sync);
                }
                Err(error) => println!("skipped: {error}"),
            }
        }
    }
}

fn write_numbered(ring: &Ring, file: &File, count: u64) -> Vec<Result<(), (usize, Cause)>> {
    let data: Vec<_> = (0..count).map(|number| page(number, 9)).collect();
    let pages: Vec<_> = (0..count)
        .zip(&data)
        .map(|(number, data)| PageWrite { offset: number * PAGE as u64, data })
        .collect();
    match ring.commit(file, &pages) {
        Ok(()) => vec![Ok(()); count as usize],
        Err(error) => (0..count as usize)
            .map(|index| error.outcome(index).map_err(|failed| (failed.done(), failed.cause())))
            .collect(),
    }
}

/// What was reported is what there is.
fn check_contents(path: &Path, outcomes: &[Result<(), (usize, Cause)>]) {
    let bytes = std::fs::read(path).unwrap();
    for (number, outcome) in outcomes.iter().enumerate() {
        let done = outcome.map_or_else(|(done, _)| done, |()| PAGE);
        let expected = page(number as u64, 9);
        let start = number * PAGE;
        assert!(bytes[start.min(bytes.len())..][..done] == expected[..done], "page {number}");
    }
}

/// The limit falls within the third page: it is written in part, and those behind it not at all.
#[test]
fn limit_on_file_size() {
    in_a_child("limit_on_file_size", || {
        let limit = (2 * PAGE + 100) as libc::rlim_t;
        let limits = libc::rlimit { rlim_cur: limit, rlim_max: limit };
        // SAFETY: the default action would end the process; ignoring touches no memory.
        unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
        // SAFETY: `limits` lives during the call.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limits) }, 0);
        let directory = directory();
        every_way(|ring, policy| {
            let path = directory.path().join("limited");
            let file = File::options().read(true).write(true).create(true).truncate(true);
            let file = file.open(&path).unwrap().with_policy(policy);
            let outcomes = write_numbered(ring, &file, 5);
            assert_eq!(outcomes[..2], [Ok(()), Ok(())]);
            assert_eq!(outcomes[2], Err((100, Cause::Os(libc::EFBIG))));
            assert_eq!(outcomes[4], Err((0, Cause::Os(libc::EFBIG))));
            check_contents(&path, &outcomes);
        });
    });
}

/// A file system of 64 KiB takes some of 64 pages; which ones, the errors say exactly.
#[test]
fn full_file_system() {
    in_a_child("full_file_system", || {
        let directory = directory();
        let target = CString::new(directory.path().as_os_str().as_encoded_bytes()).unwrap();
        // SAFETY: touches no memory.
        let mut result = unsafe { libc::unshare(libc::CLONE_NEWNS) };
        if result == 0 {
            // SAFETY: strings that live during the call.
            result = unsafe {
                libc::mount(
                    c"none".as_ptr(),
                    c"/".as_ptr(),
                    core::ptr::null(),
                    libc::MS_REC | libc::MS_PRIVATE,
                    core::ptr::null(),
                )
            };
        }
        if result == 0 {
            // SAFETY: strings that live during the call.
            result = unsafe {
                libc::mount(
                    c"none".as_ptr(),
                    target.as_ptr(),
                    c"tmpfs".as_ptr(),
                    0,
                    c"size=64k".as_ptr().cast(),
                )
            };
        }
        if result != 0 {
            println!("skipped: no tmpfs of our own: {}", std::io::Error::last_os_error());
            return;
        }
        every_way(|ring, policy| {
            let path = directory.path().join("full");
            let file = File::options().read(true).write(true).create(true).truncate(true);
            let file = file.open(&path).unwrap().with_policy(policy);
            let outcomes = write_numbered(ring, &file, 64);
            let full = outcomes.iter().filter(|outcome| outcome.is_err()).count();
            assert!((40..64).contains(&full), "{full} of 64 failed");
            for outcome in outcomes.iter().filter_map(|outcome| outcome.err()) {
                assert_eq!(outcome.1, Cause::Os(libc::ENOSPC));
            }
            check_contents(&path, &outcomes);
            drop(file);
            std::fs::remove_file(&path).unwrap();
        });
        // SAFETY: a string that lives during the call.
        unsafe { libc::umount2(target.as_ptr(), libc::MNT_DETACH) };
    });
}

/// Somebody closes the descriptor behind the file's back: an error, on every page.
#[test]
fn closed_descriptor() {
    in_a_child("closed_descriptor", || {
        every_way(|ring, policy| {
            let file = File::new(tempfile::tempfile().unwrap(), "closed").with_policy(policy);
            // SAFETY: the descriptor is this test's; its owner is taken apart below.
            unsafe { libc::close(file.as_std().as_raw_fd()) };
            let outcomes = write_numbered(ring, &file, 3);
            assert_eq!(outcomes, [Err((0, Cause::Os(libc::EBADF))); 3]);
            assert_eq!(ring.fdatasync(&file).unwrap_err().os_code(), Some(libc::EBADF));
            // Not closed twice.
            let _ = file.into_std().into_raw_fd();
        });
    });
}

static SIGNALS: AtomicUsize = AtomicUsize::new(0);

extern "C" fn on_signal(_: libc::c_int) {
    SIGNALS.fetch_add(1, Ordering::Relaxed);
}

/// A timer interrupts every thread again and again, and no system call is restarted.
#[test]
fn signals_without_restart() {
    if is_emulated() {
        return println!("skipped: an emulator loses threads that are signalled as they begin");
    }
    in_a_child("signals_without_restart", || {
        // SAFETY: all zeros is a valid `sigaction` without flags, so without SA_RESTART.
        let mut action: libc::sigaction = unsafe { core::mem::zeroed() };
        action.sa_sigaction = on_signal as *const () as libc::sighandler_t;
        // SAFETY: the handler only counts.
        let result =
            unsafe { libc::sigaction(libc::SIGUSR1, &raw const action, core::ptr::null_mut()) };
        assert_eq!(result, 0);
        let stop = AtomicUsize::new(0);
        let (pid, stop) = (std::process::id(), &stop);
        thread::scope(|scope| {
            scope.spawn(move || {
                while stop.load(Ordering::Relaxed) == 0 {
                    thread::sleep(Duration::from_micros(200));
                    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { continue };
                    for task in tasks.flatten() {
                        let Ok(task) = task.file_name().to_string_lossy().parse::<u32>() else {
                            continue;
                        };
                        // SAFETY: touches no memory.
                        unsafe { libc::syscall(libc::SYS_tgkill, pid, task, libc::SIGUSR1) };
                    }
                }
            });
            every_way(|ring, policy| {
                let directory = directory();
                let file = pages::file(&directory.path().join("signals"), true, policy);
                // Until many signals were there: who sends them needs its share of the processor.
                let before = SIGNALS.load(Ordering::Relaxed);
                for generation in (0..=u8::MAX).cycle() {
                    let signals = SIGNALS.load(Ordering::Relaxed) - before;
                    if generation >= 60 && signals > 200 {
                        break;
                    }
                    pages::write_and_read_back(ring, &file, 0, 32, generation);
                }
            });
            stop.store(1, Ordering::Relaxed);
        });
    });
}

/// The ring ends with 64 large direct reads in flight: after that no byte changes.
#[test]
fn nothing_is_written_after_the_end() {
    const READS: usize = 64;
    const LENGTH: usize = 1 << 18;
    let directory = directory();
    let path = directory.path().join("large");
    std::fs::write(&path, vec![1; READS * LENGTH]).unwrap();
    let Ok(file) = File::options().read(true).direct(true).open(&path) else {
        println!("skipped: no direct I/O here");
        return;
    };
    let mut buffer = AlignedBuf::zeroed(READS * LENGTH, Alignment::PAGE).unwrap();
    for round in 0..50_u64 {
        let drive = if round % 2 == 0 { Drive::Submitter } else { Drive::Thread };
        let ring = Ring::builder().drive(drive).build().unwrap();
        buffer.fill(2);
        let result = thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut pages: Vec<_> = buffer
                    .chunks_exact_mut(LENGTH)
                    .enumerate()
                    .map(|(number, data)| PageRead { offset: (number * LENGTH) as u64, data })
                    .collect();
                ring.read_pages(&file, &mut pages)
            });
            thread::sleep(Duration::from_micros(round * 20));
            ring.close();
            reader.join().unwrap()
        });
        drop(ring);
        // The memory is this test's again: what is in it now stays.
        let expected = if result.is_ok() { 1 } else { 2 };
        buffer.iter().step_by(512).for_each(|byte| assert_eq!(*byte, expected, "round {round}"));
        buffer.fill(3);
        thread::sleep(Duration::from_millis(2));
        buffer.iter().step_by(512).for_each(|byte| assert_eq!(*byte, 3, "round {round}"));
    }
}
