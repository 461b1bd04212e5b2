//! Devices that fail: a loop device without space behind it, and a file system that is cut off from
//! its device and answers EIO.
#![cfg(all(target_os = "linux", not(any(latchwork_loom, latchwork_shuttle))))]

mod child;
#[allow(dead_code, reason = "a part of it is for other tests")]
mod pages;

use std::ffi::CString;
use std::os::fd::AsRawFd;
use std::path::Path;

use child::{in_a_child, is_emulated};
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

fn checked(result: libc::c_int) -> std::io::Result<()> {
    if result < 0 { Err(std::io::Error::last_os_error()) } else { Ok(()) }
}

fn mount(
    source: &str,
    target: &Path,
    kind: &str,
    flags: libc::c_ulong,
    data: &str,
) -> std::io::Result<()> {
    let target = CString::new(target.as_os_str().as_encoded_bytes())?;
    let [source, kind, data] = [source, kind, data].map(|text| CString::new(text).unwrap());
    let (data, kind) = (data.as_ptr().cast(), kind.as_ptr());
    // SAFETY: strings that live during the call.
    checked(unsafe { libc::mount(source.as_ptr(), target.as_ptr(), kind, flags, data) })
}

/// A file system in memory of this size, seen by this thread alone.
fn small_file_system(at: &Path, size: &str) -> std::io::Result<()> {
    // SAFETY: touches no memory.
    checked(unsafe { libc::unshare(libc::CLONE_NEWNS) })?;
    mount("none", Path::new("/"), "", libc::MS_REC | libc::MS_PRIVATE, "")?;
    mount("none", at, "tmpfs", 0, &format!("size={size}"))
}

fn backing(path: &Path, length: u64) -> std::io::Result<std::fs::File> {
    let file = std::fs::File::options().read(true).write(true).create_new(true).open(path)?;
    file.set_len(length)?;
    Ok(file)
}

/// Of 64 pages those for which the device found no space have failed, each named; the others are
/// there.
///
/// The pages are not neighbours: the kernel would merge those into one request, and the loop driver
/// (Linux 6.18) reports a request of which it wrote the first half as done.
#[test]
fn device_without_space_is_told_page_by_page() {
    in_a_child("device_without_space_is_told_page_by_page", || {
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let set_up = || {
            small_file_system(directory.path(), "64k")?;
            let backing = backing(&directory.path().join("backing"), 128 * PAGE as u64)?;
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
                backing.set_len(128 * PAGE as u64).unwrap();
                let file = DirectFile::options().read(true).write(true).open(&device.1).unwrap();
                let file = file.with_policy(policy);
                let data: Vec<_> = (0..64).map(|number| page(number, 9)).collect();
                let writes: Vec<_> = (0..64)
                    .zip(&data)
                    .map(|(number, data)| PageWrite { offset: number * 2 * PAGE as u64, data })
                    .collect();
                let error = ring.commit(&file, &writes).unwrap_err();
                assert!((40..64).contains(&error.failures().len()), "{error}");
                for failure in error.failures() {
                    assert_eq!(failure.cause(), Cause::Os(libc::ENOSPC));
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

/// `EXT4_IOC_SHUTDOWN`, and its mode that doesn't write the journal out.
const SHUT_DOWN: libc::Ioctl = 0x8004_587d;
static AT_ONCE: u32 = 2;

/// The file system is cut off from its device between two batches: the first is done, each page of
/// the second has failed with EIO, and so has the sync.
#[test]
fn device_that_is_gone_is_an_error_on_every_page() {
    if is_emulated() {
        return println!("skipped: an emulator doesn't know the call that shuts a device down");
    }
    in_a_child("device_that_is_gone_is_an_error_on_every_page", || {
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let set_up = |name: &str| {
            let backing = backing(&directory.path().join(name), 16 << 20)?;
            let device = Loop::new(&backing)?;
            let made = std::process::Command::new("mkfs.ext4").args(["-q", &device.1]).status()?;
            if !made.success() {
                return Err(std::io::Error::other("mkfs.ext4 has failed"));
            }
            let place = directory.path().join(format!("{name}-mounted"));
            std::fs::create_dir(&place)?;
            mount(&device.1, &place, "ext4", 0, "")?;
            Ok((device, place))
        };
        if let Err(error) = small_file_system(directory.path(), "100m") {
            return println!("skipped: no file system of our own: {error}");
        }
        for (number, choice) in
            [BackendChoice::IoUring, BackendChoice::Pool].into_iter().enumerate()
        {
            let ring = match Ring::builder().backend(choice).build() {
                Ok(ring) => ring,
                Err(error) => {
                    println!("skipped: {error}");
                    continue;
                }
            };
            let (_device, place) = match set_up(&format!("disk-{number}")) {
                Ok(both) => both,
                Err(error) => return println!("skipped: no ext4 of our own: {error}"),
            };
            for policy in [Policy::Ring, Policy::Sync] {
                let file = DirectFile::options().read(true).write(true).create(true);
                let Ok(file) = file.open(place.join("pages")) else {
                    // Shut down by the round before.
                    continue;
                };
                let file = file.with_policy(policy);
                let data = page(1, 1);
                let pages: Vec<_> = (0..8)
                    .map(|number| PageWrite { offset: number * PAGE as u64, data: &data })
                    .collect();
                ring.commit(&file, &pages).unwrap();
                // SAFETY: the mode lives during the call.
                let result = unsafe {
                    libc::ioctl(file.as_std().as_raw_fd(), SHUT_DOWN, &raw const AT_ONCE)
                };
                checked(result).unwrap();
                let error = ring.write_pages(&file, &pages).unwrap_err();
                assert_eq!(error.failures().len(), 8);
                for failure in error.failures() {
                    assert_eq!(failure.cause(), Cause::Os(libc::EIO));
                    assert!(failure.advice().contains("device failed"), "{failure}");
                }
                let error = ring.fdatasync(&file).unwrap_err();
                assert_eq!(error.cause(), Cause::Os(libc::EIO));
                assert!(error.advice().contains("as lost"), "{error}");
                let owned = ring.on(&file).fsync().wait();
                assert_eq!(owned.result.unwrap_err().os_code(), Some(libc::EIO));
            }
            let place = CString::new(place.as_os_str().as_encoded_bytes()).unwrap();
            // SAFETY: a string that lives during the call.
            unsafe { libc::umount2(place.as_ptr(), libc::MNT_DETACH) };
        }
    });
}
