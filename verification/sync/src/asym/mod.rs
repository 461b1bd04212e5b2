//! Asymmetric fences: a barrier that costs its many users next to nothing, because its few users
//! pay for both.
//!
//! Where a thread calls [`light`] and another calls [`heavy`], the pair acts as two sequentially
//! consistent fences: either what the first did before its fence is seen by the second after its
//! own, or the other way round. Two lights order nothing between them.
//!
//! | system | `light` | `heavy` |
//! | --- | --- | --- |
//! | Linux | a compiler fence | `membarrier(2)`, private and expedited |
//! | Windows | a compiler fence | `FlushProcessWriteBuffers` |
//! | elsewhere, where the kernel refuses, by choice, without `std` | a fence | a fence |
//!
//! Which it is, is decided once, before either is first used: [`kind`] and [`describe`] tell, and
//! [`use_symmetric`] or `LATCHWORK_ASYM=symmetric` in the environment choose the fences, say for a
//! sandbox that kills a process for an unknown system call.
//!
//! What the fence of the many costs is up to where the decision is looked up: [`light`] reads it
//! from a static, which takes a load of its own; a copy in [`Fences`], kept beside the words that
//! the fast path reads anyway, takes a comparison with memory that is in the cache for sure; with
//! [`Asymmetric`] in the type nothing is looked up at all.
//!
//! Calls of `heavy` that come while one is under way are combined: one barrier serves all that
//! came before it began. [`Barriers`] is that numbering, for whoever wants to ask later whether a
//! barrier has passed instead of waiting for it.
//!
//! After a `fork` both work in the child too, also if another thread of the parent was inside
//! `heavy`.
//!
//! What the language says: nothing yet. Its memory model knows no fence of another thread, so
//! that the compiler fence with `membarrier` is right by what compilers and kernels do, and by
//! P1202R5 (*Asymmetric fences*), from where the promise above is taken. The accesses that a
//! `light` is to order must be atomic.
//!
//! Under loom a fence is a read-modify-write of a cell per thread, which gives exactly this promise
//! and no more; the fences of the fallback are explored too (`Model::symmetric_fences`).
//!
//! Progress: `light` is wait-free; `heavy` blocks.

#[cfg(target_has_atomic = "64")]
mod barriers;
#[cfg(target_has_atomic = "64")]
pub use barriers::Barriers;

#[cfg(all(target_has_atomic = "64", any(feature = "std", latchwork_loom, latchwork_shuttle)))]
mod leader;

/// Where one thread can put a barrier into all: the process's barrier and its choice.
#[cfg(all(
    feature = "std",
    target_has_atomic = "64",
    any(target_os = "linux", windows),
    not(any(miri, latchwork_loom, latchwork_shuttle, latchwork_tsan)),
))]
#[path = "process.rs"]
mod imp;
/// Where none can.
#[cfg(all(
    not(all(
        feature = "std",
        target_has_atomic = "64",
        any(target_os = "linux", windows),
        not(any(miri, latchwork_tsan)),
    )),
    not(any(latchwork_loom, latchwork_shuttle)),
))]
#[path = "symmetric.rs"]
mod imp;
#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[path = "checked.rs"]
mod imp;

/// How the pair of fences works on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// `membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED)`; `light` is a compiler fence.
    Membarrier,
    /// `FlushProcessWriteBuffers`; `light` is a compiler fence.
    FlushProcessWriteBuffers,
    /// Both sides are sequentially consistent fences.
    Symmetric,
    /// The explorer's cell per thread.
    Model,
}

/// The fence of the many.
///
/// Cost: a load of a static, a predicted branch and no fence where the process has a barrier; see
/// [`Fences`] for less.
#[inline(always)]
#[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
pub fn light() {
    imp::light();
}

/// The fence of the few: orders every [`light`] of every thread of this process.
///
/// Cost: a system call that interrupts the process's other running threads, or the wait for one
/// that somebody else makes; elsewhere a fence.
///
/// # Panics
///
/// When the kernel refuses a barrier that it has granted before, as after a filter of system
/// calls was tightened: the fences of the many would be void.
#[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
pub fn heavy() {
    imp::heavy();
}

/// How the fences of this process work; decides it if nothing has used them yet.
pub fn kind() -> Kind {
    imp::kind()
}

/// How the fences of this process work and why so, for a log.
///
/// ```
/// println!("asymmetric fences: {}", latchwork_sync::asym::describe());
/// ```
pub fn describe() -> &'static str {
    imp::describe()
}

/// Chooses sequentially consistent fences for both sides, for the whole process.
///
/// # Errors
///
/// When the fences have been used already and work otherwise.
///
/// ```
/// use latchwork_sync::asym;
///
/// // First thing in `main`:
/// asym::use_symmetric().expect("nothing has fenced yet");
/// assert_eq!(asym::kind(), asym::Kind::Symmetric);
/// ```
pub fn use_symmetric() -> Result<(), AlreadyDecided> {
    imp::use_symmetric()
}

/// The fences have been used before the choice; it comes too late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AlreadyDecided {
    /// How they work.
    pub kind: Kind,
}

impl core::fmt::Display for AlreadyDecided {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "asymmetric fences are in use already, as {:?}: choose before", self.kind)
    }
}

impl core::error::Error for AlreadyDecided {}

/// The decision of the process, copied: for a structure that keeps it beside the words that its
/// fast path reads anyway, which saves the load that [`light`] makes.
///
/// ```
/// use latchwork_sync::asym::Fences;
/// use latchwork_sync::atomic::{AtomicU64, Ordering};
///
/// struct Reader {
///     announced: AtomicU64,
///     fences: Fences,
/// }
///
/// impl Reader {
///     fn new() -> Self {
///         Self { announced: AtomicU64::new(0), fences: Fences::decided() }
///     }
///
///     fn announce(&self) {
///         self.announced.store(1, Ordering::Relaxed);
///         self.fences.light();
///     }
/// }
/// # Reader::new().announce();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fences {
    /// Whether `heavy` puts a barrier into every thread, so that `light` need not be one.
    is_asymmetric: bool,
}

impl Fences {
    /// How the fences of this process work; decides it if nothing has used them yet.
    pub fn decided() -> Self {
        Self { is_asymmetric: kind() != Kind::Symmetric }
    }

    /// Whether [`Fences::light`] is no instruction: for who decides once what to do in a path of
    /// many steps.
    #[inline(always)]
    pub fn is_asymmetric(self) -> bool {
        self.is_asymmetric
    }

    /// The fence of the many, as [`fn@light`]. Cost: a predicted branch on the value itself, and
    /// no fence where the process has a barrier.
    #[inline(always)]
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    pub fn light(self) {
        #[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
        if self.is_asymmetric {
            core::sync::atomic::compiler_fence(core::sync::atomic::Ordering::SeqCst);
        } else {
            symmetric_light();
        }
        #[cfg(any(latchwork_loom, latchwork_shuttle))]
        imp::light();
    }
}

/// Aside, so that the code in line is what almost every machine runs.
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
#[cold]
#[inline(never)]
fn symmetric_light() {
    // SeqCst: pairs with the fence in `barrier`.
    core::sync::atomic::fence(core::sync::atomic::Ordering::SeqCst);
}

/// Proof that the process has a barrier, so that the fence of the many is no instruction at all,
/// not even the branch of [`light`].
///
/// For a structure that is generic over its fences and picks at its creation:
///
/// ```
/// use latchwork_sync::asym::{self, Asymmetric};
///
/// match Asymmetric::proven() {
///     Some(fences) => fences.light(),
///     None => asym::light(),
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Asymmetric(());

impl Asymmetric {
    /// The proof, where [`kind`] isn't symmetric.
    pub fn proven() -> Option<Self> {
        (kind() != Kind::Symmetric).then_some(Self(()))
    }

    /// The fence of the many, as [`fn@light`]. Cost: none; it only keeps the compiler from moving
    /// accesses over it.
    #[inline(always)]
    #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
    pub fn light(self) {
        #[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
        core::sync::atomic::compiler_fence(core::sync::atomic::Ordering::SeqCst);
        #[cfg(any(latchwork_loom, latchwork_shuttle))]
        imp::light();
    }
}
