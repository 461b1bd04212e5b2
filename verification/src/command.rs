//! Starting other programs, keeping what they print, and telling how to start them again.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

/// A program to start.
#[derive(Clone, Debug)]
pub(crate) struct Invocation {
    program: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    directory: PathBuf,
}

/// What became of a program.
#[derive(Clone, Debug)]
pub(crate) struct Finished {
    /// Whether it ended with status 0.
    pub(crate) success: bool,
    /// How it ended.
    pub(crate) status: String,
    /// What it printed on both streams, or on standard error alone where standard output was
    /// kept apart.
    pub(crate) output: String,
}

impl Invocation {
    /// A program with its directory.
    pub(crate) fn new(program: impl Into<PathBuf>, directory: &Path) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            directory: directory.to_owned(),
        }
    }

    /// The cargo that runs us.
    pub(crate) fn cargo<'a>(root: &Path, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        Self::new("cargo", root).args(arguments)
    }

    /// Adds arguments.
    pub(crate) fn args<S: AsRef<str>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|text| text.as_ref().to_owned()));
        self
    }

    /// Adds one argument.
    pub(crate) fn arg(self, argument: &str) -> Self {
        self.args([argument])
    }

    /// Sets a variable of the environment, instead of an earlier value.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.environment.retain(|(there, _)| there != name);
        self.environment.push((name.to_owned(), value.as_ref().to_owned()));
        self
    }

    /// The command for the standard library, with nothing said about the streams.
    pub(crate) fn command(&self) -> Command {
        let cargo = std::env::var_os("CARGO");
        let program = match cargo {
            Some(cargo) if self.program == Path::new("cargo") && !self.chooses_toolchain() => {
                PathBuf::from(cargo)
            }
            _ => self.program.clone(),
        };
        let mut command = Command::new(program);
        command
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.directory)
            .stdin(Stdio::null());
        command
    }

    /// `cargo +nightly` is understood by rustup's cargo only, not by the toolchain's own.
    fn chooses_toolchain(&self) -> bool {
        self.arguments.first().is_some_and(|first| first.starts_with('+'))
    }

    /// Runs it with both streams into `log`, and reads that.
    ///
    /// # Errors
    ///
    /// When it can't be started or the log can't be written.
    pub(crate) fn run(&self, log: &Path) -> anyhow::Result<Finished> {
        let file = create(log)?;
        let other = file.try_clone()?;
        self.finish(log, other, file)
    }

    /// As [`Invocation::run`], and ends it, with all that it has started, after a time.
    ///
    /// # Errors
    ///
    /// As there, and when it can't be ended.
    pub(crate) fn run_within(&self, log: &Path, limit: Duration) -> anyhow::Result<Finished> {
        let stderr = create(log)?;
        let stdout = stderr.try_clone()?;
        let mut child = self
            .command()
            .stdout(stdout)
            .stderr(stderr)
            .spawn()
            .with_context(|| format!("can't start {}", self.program.display()))?;
        let status = wait_within(&mut child, limit)?;
        let output = String::from_utf8_lossy(&std::fs::read(log)?).into_owned();
        Ok(match status {
            Some(status) => {
                Finished { success: status.success(), status: status.to_string(), output }
            }
            None => Finished {
                success: false,
                status: format!("had not ended after {} s, and was ended", limit.as_secs()),
                output,
            },
        })
    }

    /// Runs it with standard output into `out` and standard error into `log`.
    ///
    /// # Errors
    ///
    /// When it can't be started or a file can't be written.
    pub(crate) fn run_apart(&self, out: &Path, log: &Path) -> anyhow::Result<Finished> {
        self.finish(log, create(out)?, create(log)?)
    }

    fn finish(&self, log: &Path, stdout: File, stderr: File) -> anyhow::Result<Finished> {
        let status = self
            .command()
            .stdout(stdout)
            .stderr(stderr)
            .status()
            .with_context(|| format!("can't start {}", self.program.display()))?;
        let output = String::from_utf8_lossy(&std::fs::read(log)?).into_owned();
        Ok(Finished { success: status.success(), status: status.to_string(), output })
    }

    /// Its standard output.
    ///
    /// # Errors
    ///
    /// When it can't be started or fails; what it said on standard error is in the message.
    pub(crate) fn output(&self) -> anyhow::Result<String> {
        let output = self
            .command()
            .output()
            .with_context(|| format!("can't start {}", self.program.display()))?;
        if !output.status.success() {
            bail!("`{self}`: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8(output.stdout)?)
    }
}

/// How it ended; none if it had to be ended after the time.
fn wait_within(child: &mut Child, limit: Duration) -> anyhow::Result<Option<ExitStatus>> {
    let start = Instant::now();
    let mut pause = Duration::from_millis(1);
    while start.elapsed() < limit {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
    // From the oldest down, so that none is left to start another.
    let family = descendants(child.id());
    child.kill()?;
    for process in family {
        // It may have ended by itself since.
        let _ = Command::new("kill").args(["-KILL", &process.to_string()]).status();
    }
    child.wait()?;
    Ok(None)
}

/// The processes that one has started, and those that they have, where the system lists them.
fn descendants(process: u32) -> Vec<u32> {
    let mut parents = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let number = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
        let Some(number) = number else { continue };
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        // The name, which may hold anything, ends with the last parenthesis.
        let after = stat.rsplit(')').next().unwrap_or("");
        if let Some(Ok(parent)) = after.split_whitespace().nth(1).map(str::parse::<u32>) {
            parents.push((number, parent));
        }
    }
    let mut found = vec![process];
    let mut at = 0;
    while let Some(parent) = found.get(at).copied() {
        found.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(number, _)| *number));
        at += 1;
    }
    found.split_off(1)
}

fn create(path: &Path) -> anyhow::Result<File> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    File::create(path).with_context(|| format!("can't write {}", path.display()))
}

/// As a line for a POSIX shell in the workspace's root.
impl fmt::Display for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.environment {
            write!(f, "{name}={} ", quoted(value))?;
        }
        f.write_str(&quoted(&self.program.to_string_lossy()))?;
        self.arguments.iter().try_for_each(|argument| write!(f, " {}", quoted(argument)))
    }
}

fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:+,@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// The last lines of a text, indented.
pub(crate) fn tail(text: &str, most: usize) -> String {
    let lines: Vec<_> = text.lines().collect();
    let start = lines.len().saturating_sub(most);
    let mut shown: String = lines[start..].iter().flat_map(|line| ["    ", line, "\n"]).collect();
    if start > 0 {
        shown.insert_str(0, &format!("    … {start} lines before\n"));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_can_be_pasted_into_a_shell() {
        let invocation = Invocation::cargo(Path::new("/"), ["test", "--config", "a='b c'"])
            .env("RUSTFLAGS", "--cfg x");
        assert_eq!(
            invocation.to_string(),
            r"RUSTFLAGS='--cfg x' cargo test --config 'a='\''b c'\'''"
        );
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_does_not_end_is_ended_with_all_that_it_started() {
        let log = std::env::temp_dir().join(format!("latchwork-limit-{}", std::process::id()));
        let shell = Invocation::new("sh", Path::new("/"))
            .args(["-c", "echo test a has been running; sleep 1000 & wait"]);
        let mut limit = Duration::from_millis(300);
        loop {
            let finished = shell.run_within(&log, limit).unwrap();
            assert!(!finished.success, "{finished:?}");
            assert!(finished.status.contains("had not ended"), "{finished:?}");
            assert!(descendants(std::process::id()).is_empty());
            // Where the machine is so slow that it hadn't begun, once more.
            if finished.output.contains("test a") {
                break;
            }
            limit *= 2;
        }
        let quick = Invocation::new("true", Path::new("/"));
        assert!(quick.run_within(&log, Duration::from_mins(10)).unwrap().success);
        std::fs::remove_file(&log).unwrap();
    }

    #[test]
    fn the_tail_says_what_it_leaves_out() {
        assert_eq!(tail("a\nb\nc", 2), "    … 1 lines before\n    b\n    c\n");
        assert_eq!(tail("a", 2), "    a\n");
    }
}
