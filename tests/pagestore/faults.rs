//! Bad input and refused resources: one clear line, a failure as exit status, nothing lost.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

#[cfg(target_os = "linux")]
use crate::filter;
use crate::run::{fail, import, pagestore, scratch, stdout, succeed, tree, verify};

pub(crate) fn is_root() -> bool {
    // SAFETY: geteuid only returns a number.
    unsafe { libc::geteuid() == 0 }
}

#[test]
fn a_missing_input_is_named() {
    let scratch = scratch();
    let line = fail(&mut import(&scratch.path().join("store"), Path::new("/no/such/directory")));
    assert!(line.contains("/no/such/directory"), "{line}");
    assert!(!scratch.path().join("store").exists(), "a store was left behind");
}

#[test]
fn a_missing_store_is_not_made_by_reading_it() {
    let scratch = scratch();
    let store = scratch.path().join("store");
    let line = fail(pagestore(&store).arg("list"));
    assert!(line.contains("import"), "it should say how to make one: {line}");
    assert!(!store.exists());
}

#[test]
fn an_unknown_name_is_an_error() {
    let scratch = scratch();
    let (input, store) = (scratch.path().join("input"), scratch.path().join("store"));
    tree(&input, 2);
    succeed(&mut import(&store, &input));
    let line = fail(pagestore(&store).args(["get", "no such name"]));
    assert!(line.contains("no such name"), "{line}");
}

#[test]
fn a_wrong_word_points_to_the_help() {
    let scratch = scratch();
    for words in [&["frobnicate"][..], &["--writers", "none"], &["get"], &["list", "more"]] {
        let line = fail(pagestore(scratch.path()).args(words));
        assert!(line.contains("--help"), "{line}");
    }
}

#[test]
fn a_second_process_is_refused() {
    let scratch = scratch();
    let (input, store) = (scratch.path().join("input"), scratch.path().join("store"));
    tree(&input, 4);
    succeed(&mut import(&store, &input));
    // The lock is held by an open file; this test holds it as another process would.
    let lock = fs::File::options().read(true).write(true).open(store.join("LOCK")).unwrap();
    lock.lock().unwrap();
    let line = fail(pagestore(&store).arg("list"));
    assert!(line.contains("another process"), "{line}");
    drop(lock);
    succeed(pagestore(&store).arg("list"));
}

#[test]
fn an_unreadable_file_is_named_and_the_rest_imported() {
    if !is_root() {
        // Without root the file is simply unreadable; with it, another user has to run.
        println!("as an ordinary user");
    }
    let scratch = scratch();
    let (input, store) = (scratch.path().join("input"), scratch.path().join("store"));
    tree(&input, 8);
    let secret = input.join("secret");
    fs::write(&secret, b"secret").unwrap();
    fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o000)).unwrap();
    if is_root() {
        // Root reads everything, so nobody's rights are needed, and paths that nobody can reach.
        let Some(open) = as_nobody(scratch.path(), &input) else { return };
        let line = fail(&mut open.import());
        assert!(line.contains("secret"), "{line}");
        assert_eq!(open.listed(), 8);
        return;
    }
    let line = fail(&mut import(&store, &input));
    assert!(line.contains("secret"), "{line}");
    assert_eq!(stdout(&succeed(pagestore(&store).arg("list"))).lines().count(), 8);
}

/// A copy of the example and its input where user `nobody` can use them.
struct AsNobody {
    _place: tempfile::TempDir,
    program: PathBuf,
    input: PathBuf,
    store: PathBuf,
}

fn as_nobody(_scratch: &Path, input: &Path) -> Option<AsNobody> {
    let place = tempfile::tempdir().ok()?;
    let mode = |mode| std::os::unix::fs::PermissionsExt::from_mode(mode);
    fs::set_permissions(place.path(), mode(0o777)).ok()?;
    let program = place.path().join("pagestore");
    fs::copy(crate::run::program(), &program).ok()?;
    fs::set_permissions(&program, mode(0o755)).ok()?;
    let copied = place.path().join("input");
    let copy = Command::new("cp").arg("-rp").arg(input).arg(&copied).status().ok()?;
    if !copy.success() {
        println!("skipped: the input can't be copied");
        return None;
    }
    let store = place.path().join("store");
    Some(AsNobody { program, input: copied, store, _place: place })
}

impl AsNobody {
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--store").arg(&self.store).uid(65534).gid(65534).stdin(Stdio::null());
        command.current_dir("/");
        command
    }

    fn import(&self) -> Command {
        let mut command = self.command();
        command.args(["import", "--input"]).arg(&self.input);
        command
    }

    fn listed(&self) -> usize {
        stdout(&succeed(self.command().arg("list"))).lines().count()
    }
}

#[test]
fn a_corrupt_segment_is_named_and_nothing_is_cut() {
    let scratch = scratch();
    let (input, store) = (scratch.path().join("input"), scratch.path().join("store"));
    tree(&input, 60);
    succeed(&mut import(&store, &input));
    let segment = first_segment(&store);
    let whole = fs::read(&segment).unwrap();
    let mut corrupt = whole.clone();
    // In the middle of the records: later ones are whole, so this is no torn tail.
    let used = whole.iter().rposition(|byte| *byte != 0).unwrap();
    corrupt[used / 2] ^= 0x40;
    fs::write(&segment, &corrupt).unwrap();
    let line = fail(pagestore(&store).arg("list"));
    assert!(line.contains(segment.file_name().unwrap().to_str().unwrap()), "{line}");
    assert_eq!(fs::read(&segment).unwrap(), corrupt, "the segment was changed");
    fs::write(&segment, &whole).unwrap();
    succeed(&mut verify(&store, &input));
}

fn first_segment(store: &Path) -> PathBuf {
    let mut segments: Vec<_> = fs::read_dir(store.join("log"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| fs::metadata(path).unwrap().len() > 0)
        .collect();
    segments.sort();
    segments.into_iter().next().expect("the log has a segment")
}

#[test]
fn a_corrupt_page_is_found_when_it_is_read() {
    let scratch = scratch();
    let (input, store) = (scratch.path().join("input"), scratch.path().join("store"));
    fs::create_dir_all(&input).unwrap();
    fs::write(input.join("one"), vec![7; 10_000]).unwrap();
    succeed(&mut import(&store, &input));
    let data = store.join("data");
    let mut bytes = fs::read(&data).unwrap();
    let at = bytes.iter().position(|byte| *byte == 7).unwrap();
    bytes[at + 5000] = 8;
    fs::write(&data, &bytes).unwrap();
    let line = fail(pagestore(&store).args(["get", "one"]));
    assert!(line.contains("one") && line.contains("checksum"), "{line}");
}

#[test]
fn a_full_disk_loses_nothing() {
    if !is_root() {
        println!("skipped: mounting a small file system needs root");
        return;
    }
    let scratch = scratch();
    let (input, disk) = (scratch.path().join("input"), scratch.path().join("disk"));
    tree(&input, 400);
    fs::create_dir_all(&disk).unwrap();
    let mount = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=6m", "pagestore-test"])
        .arg(&disk)
        .status();
    if !mount.is_ok_and(|status| status.success()) {
        println!("skipped: this system mounts no tmpfs for us");
        return;
    }
    let unmount = Unmount(disk.clone());
    let (store, log) = (disk.join("store"), scratch.path().join("acks"));
    let line = fail(import(&store, &input).arg("--no-verify").arg("--ack-log").arg(&log));
    assert!(line.contains("No space left"), "{line}");
    assert!(line.contains("make room"), "{line}");
    if log.exists() {
        succeed(verify(&store, &input).arg("--acked").arg(&log));
    }
    drop(unmount);
}

struct Unmount(PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn without_io_uring_the_pool_does_the_same() {
    use crate::run::{output, stderr};

    for (error, name) in [(libc::EPERM, "EPERM"), (libc::ENOSYS, "ENOSYS")] {
        let scratch = scratch();
        let (input, store) = (scratch.path().join("input"), scratch.path().join("store"));
        tree(&input, 30);
        let error = u16::try_from(error).unwrap();
        let mut refused = import(&store, &input);
        let refused = output(filter::refuse_io_uring(&mut refused, error));
        let (report, said) = (stdout(&refused), stderr(&refused));
        assert!(refused.status.success(), "{report}{said}");
        assert!(report.contains("pool") && report.contains(name), "{report}");
        // And with the ring it is the same store.
        succeed(&mut verify(&store, &input));
    }
}
