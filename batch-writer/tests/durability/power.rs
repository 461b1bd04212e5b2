//! File systems on loop devices, for root: the power goes, or the disk below is full.
//!
//! A few cycles by default; `LATCHWORK_POWER_CUTS` asks for more.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use latchwork_batch_writer::{BatchWriter, Options, SubmitError};
use latchwork_sync::atomic::{AtomicU64, Ordering};

use crate::files::{Place, check, open, record};

/// `EXT4_IOC_SHUTDOWN`, with the flag that says not to flush the journal: what a loss of power does.
const SHUTDOWN: libc::c_ulong = 0x8004_587D;
const WITHOUT_FLUSH: u32 = 2;

fn run(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .map_err(|error| format!("{program} can't be started: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    Err(format!("{program} failed: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the path is text")
}

/// An ext4 file system in a file.
struct Ext4 {
    image: PathBuf,
    mount: PathBuf,
    device: Option<String>,
}

impl Ext4 {
    fn make(directory: &Path, bytes: u64) -> Result<Self, String> {
        // SAFETY: it takes nothing and can't fail.
        if unsafe { libc::geteuid() } != 0 {
            return Err("only root may mount".to_owned());
        }
        let (image, mount) = (directory.join("image"), directory.join("mount"));
        let file = File::create(&image).map_err(|error| error.to_string())?;
        file.set_len(bytes).map_err(|error| error.to_string())?;
        std::fs::create_dir_all(&mount).map_err(|error| error.to_string())?;
        run("mkfs.ext4", &["-q", "-F", text(&image)])?;
        Ok(Self { image, mount, device: None })
    }

    fn mount(&mut self) -> Result<(), String> {
        let device = run("losetup", &["-f", "--show", text(&self.image)])?;
        let mounted = run("mount", &["-t", "ext4", &device, text(&self.mount)]);
        self.device = Some(device);
        mounted.map(drop)
    }

    fn unmount(&mut self) {
        let Some(device) = self.device.take() else { return };
        let _ = run("umount", &[text(&self.mount)]);
        let _ = run("losetup", &["-d", &device]);
    }

    fn cut_the_power(&self) -> io::Result<()> {
        let directory = File::open(&self.mount)?;
        let flag = WITHOUT_FLUSH;
        // SAFETY: the descriptor is open, and the call reads one integer.
        let result = unsafe { libc::ioctl(directory.as_raw_fd(), SHUTDOWN, &raw const flag) };
        if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

impl Drop for Ext4 {
    fn drop(&mut self) {
        self.unmount();
    }
}

/// Four threads write until the writer is poisoned or their numbers end; returns what was
/// acknowledged.
fn write(
    writer: &BatchWriter<latchwork_batch_writer::log::Log<Vec<u8>>>,
    next: &AtomicU64,
    most: u64,
    meanwhile: impl FnOnce(&Mutex<BTreeSet<u64>>),
) -> BTreeSet<u64> {
    let acknowledged = Mutex::new(BTreeSet::new());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..most {
                    // Relaxed: only a number to be drawn once.
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    match writer.submit(record(number)) {
                        Ok(_) => drop(acknowledged.lock().expect("held shortly").insert(number)),
                        Err(SubmitError::Failed(_) | SubmitError::Unknown(_)) => {}
                        Err(_) => return,
                    }
                }
            });
        }
        meanwhile(&acknowledged);
    });
    acknowledged.into_inner().expect("held shortly")
}

#[test]
fn what_was_acknowledged_survives_a_loss_of_power() {
    let cuts = std::env::var("LATCHWORK_POWER_CUTS").ok().and_then(|cuts| cuts.parse().ok());
    let place = Place::new();
    let mut disk = match Ext4::make(&place.0, 64 << 20) {
        Ok(disk) => disk,
        Err(reason) => return println!("skipped: {reason}"),
    };
    let mut acknowledged = BTreeSet::new();
    let next = AtomicU64::new(0);
    let cuts = cuts.unwrap_or(3_u64);
    for cycle in 0..cuts {
        if let Err(reason) = disk.mount() {
            assert!(cycle == 0, "{reason}");
            return println!("skipped: {reason}");
        }
        let log = disk.mount.join("log");
        if cycle > 0 {
            check(&log, &acknowledged);
        }
        let writer = Options::new()
            .syncs_in_flight(cycle as usize % 3)
            .build(open(&log).expect("the log opens").0);
        let mut cut = Ok(());
        acknowledged.extend(write(&writer, &next, u64::MAX, |acknowledged| {
            // However slow the disk is, something is acknowledged first, unless it is full.
            let begin = next.load(Ordering::Relaxed);
            while acknowledged.lock().expect("held shortly").is_empty()
                && next.load(Ordering::Relaxed) - begin < 10_000
            {
                thread::yield_now();
            }
            thread::sleep(Duration::from_millis(5 + cycle * 7 % 40));
            cut = disk.cut_the_power();
            if cut.is_err() {
                // So that the threads end.
                let _ = writer.close();
            }
        }));
        drop(writer);
        disk.unmount();
        if let Err(reason) = cut {
            assert!(cycle == 0, "{reason}");
            return println!("skipped: the power can't be cut: {reason}");
        }
    }
    disk.mount().expect("it could be mounted before");
    check(&disk.mount.join("log"), &acknowledged);
    assert!(!acknowledged.is_empty());
    println!("told: {cuts} power cuts, {} records acknowledged, none lost", acknowledged.len());
}

/// The file system's own disk is a file on a full memory file system: what the kernel took into
/// its cache can't be written.
#[test]
fn what_was_acknowledged_survives_a_disk_that_fails() {
    let place = Place::new();
    let below = place.0.join("below");
    std::fs::create_dir_all(&below).expect("the directory can be made");
    // SAFETY: it takes nothing and can't fail.
    if unsafe { libc::geteuid() } != 0 {
        return println!("skipped: only root may mount");
    }
    if let Err(reason) = run("mount", &["-t", "tmpfs", "-o", "size=12m", "tmpfs", text(&below)]) {
        return println!("skipped: {reason}");
    }
    let tried = fill(&below);
    let _ = run("umount", &[text(&below)]);
    if let Err(reason) = tried {
        println!("skipped: {reason}");
    }
}

fn fill(below: &Path) -> Result<(), String> {
    let mut disk = Ext4::make(below, 64 << 20)?;
    disk.mount()?;
    let log = disk.mount.join("log");
    let writer = BatchWriter::new(open(&log).map_err(|error| error.to_string())?.0);
    let next = AtomicU64::new(0);
    let acknowledged = write(&writer, &next, 20_000, |_| ());
    assert!(!acknowledged.is_empty());
    assert!(next.into_inner() > acknowledged.len() as u64, "the disk never failed");
    drop(writer);
    disk.unmount();
    // The disk works again, and is larger.
    run("mount", &["-o", "remount,size=64m", text(below)])?;
    disk.mount()?;
    check(&log, &acknowledged);
    println!("told: a disk that fails, {} records acknowledged, none lost", acknowledged.len());
    Ok(())
}
