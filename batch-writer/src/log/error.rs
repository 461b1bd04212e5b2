//! What can go wrong with a log.

use core::error::Error;
use core::fmt;
use std::io;
use std::path::PathBuf;

use latchwork_sync::lock::Arc;

/// An error of a log: what, where, and in its text what to do.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum LogError {
    /// The system refused an operation.
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// Where in the file.
        offset: Option<u64>,
        /// The system's answer.
        source: Arc<io::Error>,
    },
    /// Another process, or another log in this one, has the directory.
    Locked {
        /// The lock file.
        path: PathBuf,
        /// The process that wrote its number into it.
        holder: Option<u32>,
    },
    /// Something that was durable is no longer intact.
    Corrupt {
        /// The segment.
        path: PathBuf,
        /// The first byte that can't be trusted.
        offset: u64,
        /// What is wrong there.
        why: &'static str,
    },
    /// A segment in the middle is not there.
    Missing {
        /// The log.
        directory: PathBuf,
        /// The segment's number.
        segment: u64,
    },
    /// The record is larger than a frame can tell.
    TooLarge {
        /// The record's bytes.
        bytes: usize,
    },
}

impl LogError {
    pub(crate) fn io(action: &'static str, path: PathBuf, source: io::Error) -> Self {
        Self::Io { action, path, offset: None, source: Arc::new(source) }
    }

    pub(crate) fn io_at(
        action: &'static str,
        path: PathBuf,
        offset: u64,
        source: io::Error,
    ) -> Self {
        Self::Io { action, path, offset: Some(offset), source: Arc::new(source) }
    }

    /// The system's answer, where there is one.
    pub fn io_error(&self) -> Option<&io::Error> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }

    /// Whether the file system is full.
    pub fn is_full(&self) -> bool {
        let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
        self.io_error().is_some_and(|error| full.contains(&error.kind()))
    }
}

fn advice(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free space on its file system and try again"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "make it writable for this user"
        }
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => "check the path",
        _ => "check the disk and the kernel's log, then open the log again",
    }
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { action, path, offset, source } => {
                write!(f, "cannot {action} {}", path.display())?;
                if let Some(offset) = offset {
                    write!(f, " at byte {offset}")?;
                }
                write!(f, ": {source}; {}", advice(source.kind()))
            }
            Self::Locked { path, holder } => {
                write!(f, "the log is in use: {} is locked", path.display())?;
                if let Some(holder) = holder {
                    write!(f, " by process {holder}")?;
                }
                f.write_str("; end that process or use another directory")
            }
            Self::Corrupt { path, offset, why } => write!(
                f,
                "{} is damaged at byte {offset}: {why}; nothing was changed, restore the file \
                 from a copy",
                path.display()
            ),
            Self::Missing { directory, segment } => write!(
                f,
                "segment {segment} is missing in {}; nothing was changed, restore the file from \
                 a copy",
                directory.display()
            ),
            Self::TooLarge { bytes } => write!(
                f,
                "a record of {bytes} bytes is too large, the most is {}; split it",
                super::frame::MOST_PAYLOAD
            ),
        }
    }
}

impl Error for LogError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(&**source),
            _ => None,
        }
    }
}
