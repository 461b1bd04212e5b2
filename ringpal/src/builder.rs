//! Building a ring, with the fallback.

use alloc::boxed::Box;
use core::fmt;

use latchwork_sync::Event;
use latchwork_sync::atomic::{AtomicU32, Ordering};
use latchwork_sync::lock::Arc;
use latchwork_sync::thread::{JoinHandle, spawn_named};

use crate::backend::Backend;
use crate::backend::pool::Pool;
#[cfg(feature = "simulate")]
use crate::backend::simulated::{Simulated, Simulation};
use crate::engine::{Core, Drive};
use crate::info::{BackendKind, Fallback, RingInfo};
use crate::ring::Ring;

/// Which backend a ring shall have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BackendChoice {
    /// A kernel ring where the system allows it, else the pool, with the reason in
    /// [`RingInfo::fallback`].
    #[default]
    Auto,
    /// io_uring or an error.
    IoUring,
    /// Windows IoRing or an error.
    IoRing,
    /// The pool of threads.
    Pool,
}

/// Why a ring could not be built.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// A ring was demanded and is not to be had.
    Refused(Fallback),
    /// The system gives no thread.
    NoThread(std::io::Error),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(reason) => write!(f, "{reason}; allow it, or use BackendChoice::Auto"),
            Self::NoThread(error) => {
                write!(f, "no thread for the ring: {error}; raise the limit on threads")
            }
        }
    }
}

impl core::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Refused(_) => None,
            Self::NoThread(error) => Some(error),
        }
    }
}

impl From<BuildError> for std::io::Error {
    fn from(error: BuildError) -> Self {
        let kind = match &error {
            BuildError::Refused(_) => std::io::ErrorKind::Unsupported,
            BuildError::NoThread(error) => error.kind(),
        };
        Self::new(kind, error)
    }
}

/// Options for a [`Ring`].
///
/// ```
/// use latchwork_ringpal::{BackendChoice, BackendKind, Ring};
///
/// let ring = Ring::builder().backend(BackendChoice::Pool).workers(2).build()?;
/// assert_eq!(ring.info().backend(), BackendKind::Pool);
/// # Ok::<(), latchwork_ringpal::BuildError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder {
    backend: BackendChoice,
    depth: u32,
    workers: usize,
    drive: Drive,
    latencies: bool,
    #[cfg(feature = "simulate")]
    simulation: Option<Simulation>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            backend: BackendChoice::Auto,
            depth: 255,
            workers: 8,
            drive: Drive::Submitter,
            latencies: false,
            #[cfg(feature = "simulate")]
            simulation: None,
        }
    }
}

impl Builder {
    /// Which backend; [`BackendChoice::Auto`] unless told.
    pub fn backend(mut self, backend: BackendChoice) -> Self {
        self.backend = backend;
        self
    }

    /// How many operations may be in flight at once, at least; 255 unless told, at most 16,383.
    /// More wait their turn in the ring, without a bound.
    pub fn depth(mut self, operations: u32) -> Self {
        self.depth = operations.clamp(1, 16_383);
        self
    }

    /// How many threads a pool has; 8 unless told, at least 1.
    pub fn workers(mut self, threads: usize) -> Self {
        self.workers = threads.max(1);
        self
    }

    /// Who drives the ring; [`Drive::Submitter`] unless told.
    pub fn drive(mut self, drive: Drive) -> Self {
        self.drive = drive;
        self
    }

    /// Whether to note how long each batch takes, in [`Metrics::latencies`](crate::Metrics); not
    /// unless told, since it costs three looks at the clock a batch.
    pub fn latencies(mut self, noted: bool) -> Self {
        self.latencies = noted;
        self
    }

    /// A simulated kernel instead of a real one, for tests of what is built on the ring.
    #[cfg(feature = "simulate")]
    pub fn simulated(mut self, simulation: Simulation) -> Self {
        self.simulation = Some(simulation);
        self
    }

    #[cfg(feature = "simulate")]
    fn build_simulated(&self, simulation: Simulation) -> Result<Ring, BuildError> {
        let backend = Simulated::new(simulation, self.depth);
        let info = RingInfo {
            backend: BackendKind::Simulated,
            fallback: None,
            flags: alloc::vec::Vec::new(),
            depth: backend.capacity(),
            workers: 0,
            drive: self.drive,
        };
        self.launch(Box::new(backend), info)
    }

    /// Builds the ring and starts its thread.
    ///
    /// # Errors
    ///
    /// When the system gives no thread; when a ring was demanded and is refused.
    pub fn build(&self) -> Result<Ring, BuildError> {
        #[cfg(feature = "simulate")]
        if let Some(simulation) = self.simulation {
            return self.build_simulated(simulation);
        }
        let fallback = match self.backend {
            BackendChoice::Pool => None,
            BackendChoice::IoUring => return self.build_uring(),
            BackendChoice::IoRing => return self.build_ioring(),
            BackendChoice::Auto => {
                let ring = if cfg!(windows) { self.build_ioring() } else { self.build_uring() };
                match ring {
                    Ok(ring) => return Ok(ring),
                    Err(BuildError::Refused(reason)) => Some(reason),
                    Err(error) => return Err(error),
                }
            }
        };
        self.build_pool(fallback)
    }

    #[cfg(all(windows, target_pointer_width = "64"))]
    fn build_ioring(&self) -> Result<Ring, BuildError> {
        let ring = crate::backend::ioring::IoRing::new(self.depth).map_err(BuildError::Refused)?;
        let info = RingInfo {
            backend: BackendKind::IoRing,
            fallback: None,
            flags: alloc::vec::Vec::new(),
            depth: ring.capacity(),
            workers: 0,
            drive: self.drive,
        };
        self.launch(Box::new(ring), info)
    }

    #[cfg(not(all(windows, target_pointer_width = "64")))]
    #[allow(clippy::unused_self, reason = "the same face on every system")]
    fn build_ioring(&self) -> Result<Ring, BuildError> {
        Err(BuildError::Refused(Fallback::NoRingHere))
    }

    fn build_pool(&self, fallback: Option<Fallback>) -> Result<Ring, BuildError> {
        let pool = Pool::new(self.depth, self.workers).map_err(BuildError::NoThread)?;
        let info = RingInfo {
            backend: BackendKind::Pool,
            fallback,
            flags: alloc::vec::Vec::new(),
            depth: pool.capacity(),
            workers: pool.workers(),
            drive: self.drive,
        };
        self.launch(Box::new(pool), info)
    }

    #[cfg(all(
        target_os = "linux",
        any(
            target_arch = "x86_64",
            target_arch = "aarch64",
            target_arch = "riscv64",
            target_arch = "loongarch64",
            target_arch = "powerpc64"
        )
    ))]
    fn build_uring(&self) -> Result<Ring, BuildError> {
        let uring = crate::backend::uring::Uring::new(self.depth, self.drive)
            .map_err(BuildError::Refused)?;
        let info = RingInfo {
            backend: BackendKind::IoUring,
            fallback: None,
            flags: uring.flags(),
            depth: uring.capacity(),
            workers: 0,
            drive: self.drive,
        };
        self.launch(Box::new(uring), info)
    }

    #[cfg(not(all(
        target_os = "linux",
        any(
            target_arch = "x86_64",
            target_arch = "aarch64",
            target_arch = "riscv64",
            target_arch = "loongarch64",
            target_arch = "powerpc64"
        )
    )))]
    #[allow(clippy::unused_self, reason = "the same face on every system")]
    fn build_uring(&self) -> Result<Ring, BuildError> {
        Err(BuildError::Refused(Fallback::NoRingHere))
    }

    pub(crate) fn launch(
        &self,
        backend: Box<dyn Backend>,
        info: RingInfo,
    ) -> Result<Ring, BuildError> {
        let core = Arc::new(Core::with(backend, self.drive, self.latencies));
        let thread = start_thread(&core)?;
        Ok(Ring::assemble(core, thread, info))
    }
}

/// What the thread tells of its start.
struct Started {
    event: Event,
    /// 0, or the code of the backend.
    code: AtomicU32,
}

fn start_thread(core: &Arc<Core>) -> Result<JoinHandle<()>, BuildError> {
    let started = Arc::new(Started { event: Event::new(), code: AtomicU32::new(0) });
    let (theirs, core) = (Arc::clone(&started), Arc::clone(core));
    let body = move || {
        // SAFETY: once, by this thread, which alone serves.
        let result = unsafe { core.start() };
        // Relaxed: the event below publishes it.
        theirs.code.store(result.err().unwrap_or(0).cast_unsigned(), Ordering::Relaxed);
        theirs.event.set();
        if result.is_ok() {
            // SAFETY: once, by one thread.
            unsafe { core.serve() };
        }
    };
    let thread = spawn_named("ringpal", body).map_err(BuildError::NoThread)?;
    started.event.wait();
    match started.code.load(Ordering::Relaxed).cast_signed() {
        0 => Ok(thread),
        refused => {
            // The thread has nothing left to do.
            let _ = thread.join();
            Err(BuildError::Refused(refusal(refused)))
        }
    }
}

#[cfg(unix)]
fn refusal(code: i32) -> Fallback {
    Fallback::from_code(code)
}

#[cfg(not(unix))]
fn refusal(code: i32) -> Fallback {
    Fallback::Os(code)
}
