//! Power cuts: a file system of its own on a loop device, shut down in the middle as by
//! `EXT4_IOC_SHUTDOWN`, which drops whatever was not synced; then mounted again.

use std::fs;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::faults::is_root;
use crate::filter::{lose_syncs, refuse_direct};
use crate::run::{cut_torn_line, import, output, scratch, succeed, tree, verify};

/// `_IOR('X', 125, __u32)`
const EXT4_IOC_SHUTDOWN: libc::c_ulong = 0x8004_587D;
/// The journal of the file system isn't flushed either.
const WITHOUT_LOG_FLUSH: u32 = 2;

/// A disk whose power can be cut.
pub(crate) struct Disk {
    image: PathBuf,
    pub(crate) place: PathBuf,
    options: String,
}

fn ran(command: &mut Command) -> bool {
    let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

impl Disk {
    /// None, and a line that says why, where there can be none.
    pub(crate) fn new(directory: &Path) -> Option<Self> {
        Self::with_options(directory, "loop")
    }

    /// The same, mounted in this way.
    pub(crate) fn with_options(directory: &Path, options: &str) -> Option<Self> {
        if !is_root() {
            println!("skipped: a disk of its own needs root");
            return None;
        }
        let (image, place) = (directory.join("image"), directory.join("disk"));
        let disk = Self { image, place, options: options.into() };
        fs::create_dir(&disk.place).unwrap();
        fs::File::create(&disk.image).unwrap().set_len(128 << 20).unwrap();
        if !ran(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&disk.image)) || !disk.mount() {
            println!("skipped: this system makes and mounts no ext4 on a loop device");
            return None;
        }
        Some(disk)
    }

    fn mount(&self) -> bool {
        ran(Command::new("mount").args(["-o", &self.options]).arg(&self.image).arg(&self.place))
    }

    /// Everything that was not synced is gone, and whoever writes gets an error.
    pub(crate) fn cut(&self) {
        let root = fs::File::open(&self.place).unwrap();
        let how = WITHOUT_LOG_FLUSH;
        // SAFETY: the call reads one word, which is there.
        let result = unsafe { libc::ioctl(root.as_raw_fd(), EXT4_IOC_SHUTDOWN, &raw const how) };
        assert_eq!(result, 0, "the power can't be cut: {}", std::io::Error::last_os_error());
    }

    pub(crate) fn back(&self) {
        assert!(ran(Command::new("umount").arg(&self.place)), "the disk is still in use");
        assert!(self.mount(), "the disk doesn't come back");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = ran(Command::new("umount").arg(&self.place));
    }
}

/// Lets it run until `ready` says so or it ends by itself, and then for a moment; cuts the power
/// under it, and waits until it has ended.
fn cut_under(disk: &Disk, mut child: Child, ready: impl Fn() -> bool, after: Duration) {
    while !ready() && child.try_wait().expect("it is our child").is_none() {
        std::thread::yield_now();
    }
    std::thread::sleep(after);
    disk.cut();
    // It may wait for what never comes.
    std::thread::sleep(Duration::from_millis(20));
    let _ = child.kill();
    child.wait().expect("it has ended");
    disk.back();
}

fn quietly(command: &mut Command) -> Child {
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the example starts")
}

#[test]
fn after_a_power_cut_nothing_acknowledged_is_missing() {
    cut_again_and_again(|import| import);
}

#[test]
fn after_a_power_cut_nothing_is_missing_from_buffered_files() {
    cut_again_and_again(|import| refuse_direct(import));
}

fn cut_again_and_again(prepare: impl Fn(&mut Command) -> &mut Command) {
    let scratch = scratch();
    let Some(disk) = Disk::new(scratch.path()) else { return };
    let (input, log) = (scratch.path().join("input"), scratch.path().join("acks"));
    tree(&input, 400);
    let store = disk.place.join("store");
    let mut acknowledged = 0;
    for round in 0..10_u64 {
        let mut import = import(&store, &input);
        import.args(["--no-verify", "--ack-log"]).arg(&log);
        // Some rounds end while the store is made, the others once something was acknowledged,
        // however slow the machine is. Not a measure of anything: only a different moment each.
        let length = || fs::metadata(&log).map_or(0, |log| log.len());
        let before = length();
        let ready = || round % 2 == 0 || length() > before;
        cut_under(
            &disk,
            quietly(prepare(&mut import)),
            ready,
            Duration::from_millis(2 + round * 9),
        );
        let lines = cut_torn_line(&log);
        if lines > 0 {
            succeed(verify(&store, &input).arg("--acked").arg(&log));
        }
        acknowledged += lines;
        if round % 5 == 4 {
            // Start over, or the later rounds would find nothing left to import.
            if store.exists() {
                fs::remove_dir_all(&store).unwrap();
            }
            let _ = fs::remove_file(&log);
        }
    }
    assert!(acknowledged > 0, "no round acknowledged anything before the power was cut");
    // And just after the end, when the checkpoint has taken the journal's place.
    succeed(prepare(&mut import(&store, &input)));
    disk.cut();
    disk.back();
    succeed(&mut verify(&store, &input));
}

/// The test above can fail: on a system whose syncs do nothing, what was acknowledged is lost, and
/// that is noticed.
#[test]
fn a_lost_sync_is_noticed() {
    let scratch = scratch();
    let Some(disk) = Disk::new(scratch.path()) else { return };
    let (input, log) = (scratch.path().join("input"), scratch.path().join("acks"));
    tree(&input, 60);
    let store = disk.place.join("store");
    let mut import = import(&store, &input);
    import.args(["--backend", "pool", "--no-verify", "--ack-log"]).arg(&log);
    let imported = output(lose_syncs(&mut import));
    assert!(imported.status.success(), "{imported:?}");
    assert_eq!(cut_torn_line(&log), 60);
    disk.cut();
    disk.back();
    let verified = output(verify(&store, &input).arg("--acked").arg(&log));
    assert_eq!(verified.status.code(), Some(1), "{verified:?}");
}
