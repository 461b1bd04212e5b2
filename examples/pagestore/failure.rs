//! What a person is told: what went wrong, where, and what to do about it, in one line.

use std::fmt;
use std::io;
use std::path::Path;

use latchwork::batch_writer::log::LogError;

/// The one kind of error of this program.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    what: String,
    remedy: String,
}

pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    pub(crate) fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: remedy.into() }
    }

    /// An operating system error at a path.
    pub(crate) fn io(doing: &str, path: &Path, error: &io::Error) -> Self {
        Self::new(format!("can't {doing} {}: {error}", path.display()), remedy(error))
    }

    /// An error of the journal.
    pub(crate) fn log(error: &LogError) -> Self {
        Self::new(error.to_string(), error.io_error().map_or(AGAIN, remedy))
    }

    /// The same, with what else is worth knowing put before the remedy.
    pub(crate) fn after(self, also: &str) -> Self {
        Self { what: format!("{} ({also})", self.what), ..self }
    }
}

/// What a person can do when nothing else is known.
pub(crate) const AGAIN: &str = "then run it again: what was acknowledged is safe";

/// What a person can do about an error of the operating system's.
pub(crate) fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "check the path",
        io::ErrorKind::PermissionDenied => "check who owns it and its permissions",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "make room or name a store on another disk with --store, then run it again: what was \
             acknowledged is safe"
        }
        io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory => "name the other kind of path",
        io::ErrorKind::ReadOnlyFilesystem => "name a store on a writable disk with --store",
        _ => "look at the disk and the system's log, then run it again",
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.what, self.remedy)
    }
}
