//! Who holds a lock, and from where.

use core::fmt;
use core::panic::Location;

use latchwork_sync::time::Duration;

/// A way of holding a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum Access {
    /// A share.
    Read,
    /// The upgradable share.
    Upgradable,
    /// The write lock.
    Write,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Upgradable => "upgradable read",
            Self::Write => "write",
        })
    }
}

/// A place in the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Site {
    /// The file, as the compiler was given it.
    pub file: &'static str,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
}

impl From<&'static Location<'static>> for Site {
    fn from(site: &'static Location<'static>) -> Self {
        Self { file: site.file(), line: site.line(), column: site.column() }
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Someone who holds the lock, or held it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Holder {
    /// How.
    pub access: Access,
    /// Where in the program it asked for the lock.
    pub site: Site,
    /// The thread that asked: its name, or its number where it has none. None if the probe can't
    /// tell.
    pub thread: Option<String>,
    /// For how long it has held the lock, or did. None if the probe can't tell.
    pub held: Option<Duration>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { access, site, thread, held } = self;
        write!(f, "{access} lock from {site}")?;
        if let Some(thread) = thread {
            write!(f, " by thread {thread}")?;
        }
        if let Some(held) = held {
            write!(f, ", held for {held:.1?}")?;
        }
        Ok(())
    }
}
