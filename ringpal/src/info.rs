//! What a ring turned out to be.

use alloc::vec::Vec;
use core::fmt;

use crate::engine::Drive;

/// Which kernel interface does the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BackendKind {
    /// Linux io_uring.
    IoUring,
    /// Windows IoRing.
    IoRing,
    /// A pool of threads over positioned reads and writes.
    Pool,
    /// A kernel made of chances, for tests.
    #[cfg(feature = "simulate")]
    Simulated,
}

impl fmt::Display for BackendKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IoUring => "io_uring",
            Self::IoRing => "IoRing",
            Self::Pool => "thread pool",
            #[cfg(feature = "simulate")]
            Self::Simulated => "simulated kernel",
        })
    }
}

/// Why the pool is used although a ring was allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fallback {
    /// `EPERM`: a seccomp filter, as in most container runtimes, or `kernel.io_uring_disabled`.
    NotPermitted,
    /// `ENOSYS`: the kernel was built without io_uring, or a filter says so.
    NotImplemented,
    /// `EACCES`: a security module.
    AccessDenied,
    /// `ENOMEM`: the limit on locked memory on kernels before 5.12.
    OutOfMemory,
    /// `EINVAL`: the kernel knows none of the modes that were tried.
    InvalidSetup,
    /// The kernel is older than the operation named.
    MissingOperation(&'static str),
    /// The operating system or the processor has no ring that this crate speaks.
    NoRingHere,
    /// Another code of the system.
    Os(i32),
}

impl Fallback {
    #[cfg(unix)]
    #[cfg_attr(not(target_os = "linux"), allow(dead_code))]
    pub(crate) fn from_code(code: i32) -> Self {
        match code {
            libc::EPERM => Self::NotPermitted,
            libc::ENOSYS => Self::NotImplemented,
            libc::EACCES => Self::AccessDenied,
            libc::ENOMEM => Self::OutOfMemory,
            libc::EINVAL => Self::InvalidSetup,
            code => Self::Os(code),
        }
    }
}

impl fmt::Display for Fallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotPermitted => f.write_str(
                "io_uring is refused (EPERM): a seccomp filter or kernel.io_uring_disabled",
            ),
            Self::NotImplemented => {
                f.write_str("io_uring is not there (ENOSYS): an old kernel or a seccomp filter")
            }
            Self::AccessDenied => {
                f.write_str("io_uring is refused (EACCES): a security module's policy")
            }
            Self::OutOfMemory => {
                f.write_str("io_uring has no memory (ENOMEM): raise the limit on locked memory")
            }
            Self::InvalidSetup => {
                f.write_str("the kernel's io_uring knows none of our modes (EINVAL)")
            }
            Self::MissingOperation(name) => write!(f, "the kernel's ring has no {name}"),
            Self::NoRingHere => f.write_str("no ring is supported on this system"),
            Self::Os(code) => {
                write!(f, "the kernel's ring fails: {}", std::io::Error::from_raw_os_error(*code))
            }
        }
    }
}

/// What a ring turned out to be: made once, when it is built.
///
/// Its `Display` is one line for a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RingInfo {
    pub(crate) backend: BackendKind,
    pub(crate) fallback: Option<Fallback>,
    pub(crate) flags: Vec<&'static str>,
    pub(crate) depth: u32,
    pub(crate) workers: usize,
    pub(crate) drive: Drive,
}

impl RingInfo {
    /// Which kernel interface does the work.
    pub fn backend(&self) -> BackendKind {
        self.backend
    }

    /// Why it is the pool, where a ring was wanted and refused.
    pub fn fallback(&self) -> Option<Fallback> {
        self.fallback
    }

    /// The modes of the ring in use, by the kernel's names without their prefix.
    pub fn flags(&self) -> &[&'static str] {
        &self.flags
    }

    /// How many operations can be in flight at once; more wait their turn.
    pub fn depth(&self) -> u32 {
        self.depth
    }

    /// How many threads the pool has; 0 for a ring.
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// Who drives it.
    pub fn drive(&self) -> Drive {
        self.drive
    }
}

impl fmt::Display for RingInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.backend {
            BackendKind::IoUring => {
                write!(f, "io_uring, depth {}", self.depth)?;
                if !self.flags.is_empty() {
                    write!(f, ", {}", self.flags.join(" | "))?;
                }
            }
            BackendKind::IoRing => write!(f, "IoRing, depth {}", self.depth)?,
            BackendKind::Pool => write!(f, "thread pool, {} workers", self.workers)?,
            #[cfg(feature = "simulate")]
            BackendKind::Simulated => write!(f, "simulated kernel, depth {}", self.depth)?,
        }
        match self.drive {
            Drive::Submitter => f.write_str(", driven by its submitters when idle")?,
            Drive::Thread => f.write_str(", driven by its own thread")?,
        }
        match self.fallback {
            Some(reason) => write!(f, "; because {reason}"),
            None => Ok(()),
        }
    }
}
