//! A block device that fails: a loop device over a file system without space answers EIO.
#![cfg(target_os = "linux")]

mod child;
#[allow(dead_code, reason = "a part of it is for other tests")]
mod pages;

use std::ffi::CString;
use std::os::fd::AsRawFd;
use std::path::Path;

use child::in_a_child;
use latchwork_ringpal::{
    BackendChoice, Cause, DirectFile, Drive, OpError, PageWrite, Policy, Ring,
};
use pages::{PAGE, page};

/// Requests of the loop driver.
const LOOP_CTL_GET_FREE: libc::Ioctl = 0x4c82;
const LOOP_SET_FD: libc::Ioctl = 0x4c00;
const LOOP_CLR_FD: libc::Ioctl = 0x4c01;

/// A loop device, for as long as this lives.
struct Loop(std::fs::File, String);

impl Loop {
    fn new(backing: &std::fs::File) -> std::io::Result<Self> {
        let open = |path: &str| std::fs::File::options().read(true).write(true).open(path);
        let control = open("/dev/loop-control")?;
        // SAFETY: touches no memory.
        let number = unsafe { libc::ioctl(control.as_raw_fd(), LOOP_CTL_GET_FREE) };
        if number < 0 {
            return Err(std::io::Error::last_os_error());
        }
        let path = format!("/dev/loop{number}");
        let device = open(&path)?;
        // SAFETY: touches no memory.
        if unsafe { libc::ioctl(device.as_raw_fd(), LOOP_SET_FD, backing.as_raw_fd()) } < 0 {
            return Err(std::io::Error::last_os_error());
        }
        Ok(Self(device, path))
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        // SAFETY: touches no memory.
        unsafe { libc::ioctl(self.0.as_raw_fd(), LOOP_CLR_FD) };
    }
}

/// A file system of 64 KiB, seen by this process alone.
fn small_file_system(at: &Path) -> std::io::Result<()> {
    let target = CString::new(at.as_os_str().as_encoded_bytes())?;
    let none = core::ptr::null();
    // SAFETY: touches no memory.
    let mut result = unsafe { libc::unshare(libc::CLONE_NEWNS) };
    for (place, kind, flags, data) in [
        (c"/", none, libc::MS_REC | libc::MS_PRIVATE, none),
        (&*target, c"tmpfs".as_ptr(), 0, c"size=64k".as_ptr()),
    ] {
        if result == 0 {
            // SAFETY: strings that live during the call.
            result =
                unsafe { libc::mount(c"none".as_ptr(), place.as_ptr(), kind, flags, data.cast()) };
        }
    }
    if result == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}

/// Of 64 pages those that found no space have failed with EIO, each named; the others are there.
#[test]
fn device_that_fails_is_told_page_by_page() {
    in_a_child("device_that_fails_is_told_page_by_page", || {
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let set_up = || {
            small_file_system(directory.path())?;
            let path = directory.path().join("backing");
            let backing = std::fs::File::options();
            let backing = backing.clone().read(true).write(true).create(true).open(path)?;
            backing.set_len(64 * PAGE as u64)?;
            let device = Loop::new(&backing)?;
            Ok::<_, std::io::Error>((device, backing))
        };
        let (device, backing) = match set_up() {
            Ok(both) => both,
            Err(error) => return println!("skipped: no loop device of our own: {error}"),
        };
        for choice in [BackendChoice::IoUring, BackendChoice::Pool] {
            for policy in [Policy::Ring, Policy::Sync] {
                let ring = match Ring::builder().backend(choice).drive(Drive::Submitter).build() {
                    Ok(ring) => ring,
                    Err(error) => {
                        println!("skipped: {error}");
                        continue;
                    }
                };
                // All space is given back.
                backing.set_len(0).unwrap();
                backing.set_len(64 * PAGE as u64).unwrap();
                let file = DirectFile::options().read(true).write(true).open(&device.1).unwrap();
                let file = file.with_policy(policy);
                let data: Vec<_> = (0..64).map(|number| page(number, 9)).collect();
                let writes: Vec<_> = (0..64)
                    .zip(&data)
                    .map(|(number, data)| PageWrite { offset: number * PAGE as u64, data })
                    .collect();
                println!("{choice:?} {policy:?} {} blocks {}", device.1, std::os::unix::fs::MetadataExt::blocks(&backing.metadata().unwrap()));
                let error = ring.commit(&file, &writes);
                println!("{error:?} blocks {}", std::os::unix::fs::MetadataExt::blocks(&backing.metadata().unwrap()));let error=error.unwrap_err();
                assert!((40..64).contains(&error.failures().len()), "{error}");
                for failure in error.failures() {
                    assert_eq!(failure.cause(), Cause::Os(libc::EIO));
                    assert!(failure.advice().contains("device failed"), "{failure}");
                }
                for (number, write) in writes.iter().enumerate() {
                    if error.outcome(number).map_err(OpError::done).is_ok() {
                        let buffer = page(0, 0);
                        let read = ring.on(&file).read(write.offset, buffer).wait();
                        assert!(read.into_result().unwrap()[..] == write.data[..], "{number}");
                    }
                }
            }
        }
    });
}
