//! Starting the example, and something for it to import.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

/// The example, built as the tests are.
pub(crate) fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let test = std::env::current_exe().expect("a running program has a path");
        let profile = test.parent().and_then(Path::parent).expect("target/PROFILE/deps/TEST");
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--locked", "--package", "latchwork"]);
        build.args(["--example", "pagestore"]).current_dir(env!("CARGO_MANIFEST_DIR"));
        if profile.ends_with("release") {
            build.arg("--release");
        }
        // Built for a named target, as the sanitizers demand, the directory above has its name.
        let above = profile.parent().and_then(Path::file_name).and_then(|name| name.to_str());
        if let Some(target) = above.filter(|name| name.split('-').count() >= 3) {
            build.args(["--target", target]);
        }
        assert!(build.status().expect("cargo runs").success(), "the example doesn't build");
        profile.join("examples/pagestore")
    })
}

/// A directory below the build's own, on a real disk, gone at the end.
pub(crate) fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the build directory is writable")
}

/// The example on a store, ready for more arguments.
pub(crate) fn pagestore(store: &Path) -> Command {
    let mut command = Command::new(program());
    command.arg("--store").arg(store).stdin(Stdio::null());
    command
}

pub(crate) fn import(store: &Path, input: &Path) -> Command {
    let mut command = pagestore(store);
    command.args(["import", "--writers", "8", "--readers", "1", "--input"]).arg(input);
    command
}

pub(crate) fn verify(store: &Path, input: &Path) -> Command {
    let mut command = pagestore(store);
    command.args(["verify", "--input"]).arg(input);
    command
}

pub(crate) fn output(command: &mut Command) -> Output {
    command.output().expect("the example starts")
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[track_caller]
pub(crate) fn succeed(command: &mut Command) -> Output {
    let output = output(command);
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        stdout(&output),
        stderr(&output)
    );
    output
}

/// Runs what must fail with one clear line, and returns the line.
#[track_caller]
pub(crate) fn fail(command: &mut Command) -> String {
    let output = output(command);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{command:?}: {}\n{said}", output.status);
    let lines: Vec<_> = said.lines().collect();
    let [line] = lines[..] else { panic!("{command:?}: one line expected, got\n{said}") };
    assert!(line.starts_with("pagestore: "), "{line}");
    line.to_owned()
}

/// Bytes that differ from file to file and from place to place.
fn bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// A tree of files with sizes around the borders of pages, in nested directories.
pub(crate) fn tree(root: &Path, files: u64) {
    for number in 0..files {
        let directory = root.join(format!("d{}", number % 7)).join(format!("e{}", number % 3));
        fs::create_dir_all(&directory).expect("the tree is writable");
        let length = match number % 8 {
            0 => 0,
            1 => 1,
            2 => 4095,
            3 => 4096,
            4 => 4097,
            5 => 20_000,
            6 => 70_001,
            _ => 300 + usize::try_from(number).expect("small"),
        };
        fs::write(directory.join(format!("file {number}.bin")), bytes(number + 1, length))
            .expect("the tree is writable");
    }
}

/// How many whole lines a log has. Whoever writes to it may go on.
pub(crate) fn whole_lines(log: &Path) -> usize {
    fs::read_to_string(log).unwrap_or_default().matches('\n').count()
}

/// Removes the last line if it has no end: it was not acknowledged to anybody. Returns how many
/// are left. Nobody writes to the log any more.
pub(crate) fn cut_torn_line(log: &Path) -> usize {
    let acknowledged = fs::read_to_string(log).unwrap_or_default();
    let whole = acknowledged.rfind('\n').map_or(0, |end| end + 1);
    fs::write(log, &acknowledged[..whole]).unwrap();
    acknowledged[..whole].lines().count()
}
