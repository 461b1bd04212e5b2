//! The suite on every backend and every way of driving.
#![cfg(unix)]

mod pages;
mod suite;

use latchwork_ringpal::{BackendChoice, BackendKind, Drive, Ring};

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
fn chosen_pool_has_no_reason() {
    let ring = Ring::builder().backend(BackendChoice::Pool).build().unwrap();
    assert_eq!(ring.info().backend(), BackendKind::Pool);
    assert_eq!(ring.info().fallback(), None);
}
