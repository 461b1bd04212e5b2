//! Crashes and readers at the worst moment, which is chosen: the program is stopped in front of the
//! system call in question until everything that could go wrong has had its time.
//!
//! Each test was seen to fail with the bug that it is named for put into the example by hand:
//!
//! | test | bug | put in where |
//! | --- | --- | --- |
//! | `pages_are_not_free_before_the_checkpoint_is_durable` | `space.free(left)` before `checkpoint::write` | `Work::checkpoint` |
//! | `a_checkpoint_is_synced_before_it_has_its_name` | no `file.sync_all()` | `checkpoint::write` |
//! | `nothing_is_shown_before_the_journal_is_durable` | `self.show(…)` before `self.journal.sync()` | `Commit::sync` |
//! | `pages_are_not_free_before_their_readers_have_left` | moved pages leave at once, not with their last owner | `Work::publish` |

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::filter::refuse_direct;
use crate::power::Disk;
use crate::run::{cut_torn_line, import, scratch, succeed, tree, verify, whole_lines};
use crate::watch::{Call, Seen, Watch};

/// Whether the call gives a checkpoint its name.
fn is_checkpoint(call: &Call) -> bool {
    call.number == libc::SYS_rename && call.path(1).ends_with("checkpoint")
}

/// Whether the call opens one of the large files of the input.
fn is_large(call: &Call) -> bool {
    let name = |path: PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned());
    call.number == libc::SYS_openat && name(call.path(1)).is_some_and(|name| name.starts_with('z'))
}

const LARGE: usize = 12;

/// A store with gaps at the front of its data file and files at the end that compaction will move
/// there; and large files in the input, which go to the data file as soon as they are read.
fn with_gaps(scratch: &Path, store: &Path) -> PathBuf {
    let input = scratch.join("input");
    fs::create_dir_all(&input).unwrap();
    let file = |name: String, byte: usize, length| {
        fs::write(input.join(name), vec![byte as u8; length]).unwrap();
    };
    (0..4).for_each(|number| file(format!("a{number}"), 1 + number, 900_000));
    succeed(import(store, &input).arg("--no-verify"));
    (0..8).for_each(|number| file(format!("m{number}"), 20 + number, 60_000));
    succeed(import(store, &input).arg("--no-verify"));
    (0..4).for_each(|number| file(format!("a{number}"), 10 + number, 1));
    succeed(import(store, &input).arg("--no-verify"));
    (0..LARGE).for_each(|number| file(format!("z{number}"), 50 + number, 1_200_000));
    input
}

/// An import that compacts meanwhile and tells what it has acknowledged.
fn compacting(store: &Path, input: &Path, log: &Path) -> Command {
    let mut command = import(store, input);
    command.args(["--no-verify", "--compact", "--ack-log"]).arg(log);
    command
}

/// The large files of the input are let in now.
fn let_all_go(watch: &Watch, held: &mut Vec<Call>) {
    held.drain(..).for_each(|call| watch.let_go(call));
}

fn is_late(start: Instant) -> bool {
    start.elapsed() > Duration::from_mins(5)
}

/// Compaction has moved files, and stops in front of the checkpoint that would lead to them at
/// their new places. The old one leads to the old places, which nothing else may take.
#[test]
fn pages_are_not_free_before_the_checkpoint_is_durable() {
    let scratch = scratch();
    let Some(disk) = Disk::new(scratch.path()) else { return };
    let (store, log) = (disk.place.join("store"), scratch.path().join("acks"));
    let input = with_gaps(scratch.path(), &store);
    let mut command = compacting(&store, &input, &log);
    let calls = [libc::SYS_rename, libc::SYS_openat];
    let Some(mut watch) = Watch::start(&mut command, &calls) else { return };
    let (mut checkpoints, mut large, start) = (0, Vec::new(), Instant::now());
    while !is_late(start) && (checkpoints < 2 || whole_lines(&log) < LARGE) {
        match watch.look() {
            Seen::Call(call) if is_checkpoint(&call) => {
                checkpoints += 1;
                // The first is that before the moves.
                if checkpoints == 1 {
                    watch.let_go(call);
                } else {
                    let_all_go(&watch, &mut large);
                }
            }
            Seen::Call(call) if checkpoints < 2 && is_large(&call) => large.push(call),
            Seen::Call(call) => watch.let_go(call),
            Seen::Nothing => {}
            Seen::End => panic!("it has ended before its time"),
        }
    }
    assert_eq!((checkpoints, whole_lines(&log)), (2, LARGE), "large files went on");
    disk.cut();
    drop(watch);
    disk.back();
    succeed(&mut verify(&store, &input));
}

/// A disk that keeps of an unsynced file nothing but its name, which is what the system promises.
#[test]
fn a_checkpoint_is_synced_before_it_has_its_name() {
    let scratch = scratch();
    let options = "loop,data=writeback,noauto_da_alloc";
    let Some(disk) = Disk::with_options(scratch.path(), options) else { return };
    let (store, input) = (disk.place.join("store"), scratch.path().join("input"));
    tree(&input, 40);
    succeed(import(&store, &input).arg("--no-verify"));
    disk.cut();
    disk.back();
    succeed(&mut verify(&store, &input));
}

/// The journal stops in front of a sync, readers go on; what they have seen must not be gone after
/// a power cut in that moment.
#[test]
fn nothing_is_shown_before_the_journal_is_durable() {
    let scratch = scratch();
    let Some(disk) = Disk::new(scratch.path()) else { return };
    let (store, input) = (disk.place.join("store"), scratch.path().join("input"));
    let (log, seen) = (scratch.path().join("acks"), scratch.path().join("seen"));
    tree(&input, 8);
    let mut command = import(&store, &input);
    command.args(["--no-verify", "--writers", "1", "--seen-log"]).arg(&seen);
    command.arg("--ack-log").arg(&log);
    // So that a sync has all to lose.
    refuse_direct(&mut command);
    let Some(mut watch) = Watch::start(&mut command, &[libc::SYS_fdatasync]) else { return };
    let (mut stopped, start) = (None, Instant::now());
    // Not a measure of anything: as long as readers need to go round a few times.
    while stopped.is_none_or(|since: Instant| since.elapsed() < Duration::from_millis(300))
        || whole_lines(&seen) < 4
    {
        assert!(!is_late(start), "no sync came, or no reader saw what was acknowledged");
        match watch.look() {
            Seen::Call(call)
                if whole_lines(&log) < 4 || !call.file(0).starts_with(store.join("log")) =>
            {
                watch.let_go(call);
            }
            Seen::Call(_) => stopped = Some(Instant::now()),
            Seen::Nothing => {}
            Seen::End => panic!("it has ended before its time"),
        }
    }
    disk.cut();
    drop(watch);
    disk.back();
    cut_torn_line(&log);
    cut_torn_line(&seen);
    succeed(verify(&store, &input).arg("--acked").arg(&seen));
    succeed(verify(&store, &input).arg("--acked").arg(&log));
}

/// A reader stops in front of its read of a file, which is moved; then large files take whatever
/// is free. The reader must still find its file's bytes where they were.
#[test]
fn pages_are_not_free_before_their_readers_have_left() {
    let scratch = scratch();
    let (store, log) = (scratch.path().join("store"), scratch.path().join("acks"));
    let input = with_gaps(scratch.path(), &store);
    let mut command = compacting(&store, &input, &log);
    let calls = [libc::SYS_rename, libc::SYS_openat, libc::SYS_pread64];
    let Some(mut watch) = Watch::start(&mut command, &calls) else { return };
    let (mut checkpoints, mut large, start) = (0, Vec::new(), Instant::now());
    let (mut begun, mut reading, mut read) = (false, None, false);
    loop {
        assert!(!is_late(start), "{checkpoints} checkpoints, {} files", whole_lines(&log));
        if !read && checkpoints > 2 && whole_lines(&log) == LARGE {
            watch.let_go(reading.take().expect("compaction waited for the reader to stop"));
            read = true;
        }
        match watch.look() {
            Seen::Call(call) if is_checkpoint(&call) && reading.is_some() => {
                checkpoints += 1;
                watch.let_go(call);
                // With the third, those before it have made free what they do.
                if checkpoints > 2 {
                    let_all_go(&watch, &mut large);
                }
            }
            // Compaction begins when the reader has stopped: until then its file stays.
            Seen::Call(call) if is_checkpoint(&call) && !read => {
                large.push(call);
            }
            Seen::Call(call) if !read && checkpoints < 3 && is_large(&call) => {
                // Before the import, everything is compared; reads from here on are a reader's.
                begun = true;
                large.push(call);
            }
            Seen::Call(call) if begun && !read && reading.is_none() && is_whole_file(&call) => {
                reading = Some(call);
                let checkpoint = large.iter().position(is_checkpoint);
                if let Some(at) = checkpoint {
                    checkpoints += 1;
                    watch.let_go(large.swap_remove(at));
                }
            }
            Seen::Call(call) => watch.let_go(call),
            Seen::Nothing => {}
            Seen::End => break,
        }
    }
    assert!(read, "it has ended before its time");
    assert!(watch.child.wait().expect("it has ended").success(), "a reader found other bytes");
    succeed(&mut verify(&store, &input));
}

/// Whether the call reads many pages of the data file at once: one of the files to be moved.
fn is_whole_file(call: &Call) -> bool {
    let long = call.arguments[2] > 8_192;
    call.number == libc::SYS_pread64 && long && call.file(0).ends_with("data")
}
