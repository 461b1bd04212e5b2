/// How the engine decides what a pin protects.
///
/// Sealed: the two modes are [`Whole`] and [`ByBirth`].
pub trait Mode: sealed::Sealed + Copy + Send + Sync + 'static {
    /// What each object carries.
    #[doc(hidden)]
    type Header: Copy + Send + Sync + 'static;

    #[doc(hidden)]
    const NAME: &'static str;

    /// Whether objects carry their birth and pins publish an interval.
    #[doc(hidden)]
    const BY_BIRTH: bool;

    /// How many objects make a bag, unless a domain says otherwise.
    #[doc(hidden)]
    const BATCH: u32;

    #[doc(hidden)]
    fn header(era: u64) -> Self::Header;

    /// The birth of an object with this header; only where there are births.
    #[doc(hidden)]
    fn birth(header: Self::Header) -> u64;

    /// Whether a known bug is put back, for a model that must fail. Never in a normal build.
    #[doc(hidden)]
    #[inline(always)]
    fn has(_fault: u32) -> bool {
        false
    }

    #[cfg(all(feature = "std", not(any(latchwork_loom, latchwork_shuttle))))]
    #[doc(hidden)]
    fn global() -> GlobalEngine<Self>;
}

/// Intervals: a pin protects what was born no later than its last load, and was retired no earlier
/// than its begin.
#[derive(Clone, Copy, Debug)]
pub struct ByBirth;

/// The era in which an object was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Birth(u64);

impl sealed::Sealed for ByBirth {}

impl Mode for ByBirth {
    type Header = Birth;

    const NAME: &'static str = "interval";
    const BY_BIRTH: bool = true;
    const BATCH: u32 = 192;

    #[inline(always)]
    fn header(era: u64) -> Birth {
        Birth(era)
    }

    #[inline(always)]
    fn birth(Birth(era): Birth) -> u64 {
        era
    }

    #[cfg(all(feature = "std", not(any(latchwork_loom, latchwork_shuttle))))]
    fn global() -> GlobalEngine<Self> {
        GlobalEngine(crate::interval::global_engine())
    }
}

/// The engine of a mode's global domain, sealed.
#[cfg(all(feature = "std", not(any(latchwork_loom, latchwork_shuttle))))]
#[doc(hidden)]
#[derive(Debug)]
pub struct GlobalEngine<M: Mode>(pub(crate) &'static super::Engine<M>);

mod sealed {
    pub trait Sealed {}
}

/// Epochs: a pin protects everything that was reachable at some time since it began.
#[derive(Clone, Copy, Debug)]
pub struct Whole;

impl sealed::Sealed for Whole {}

impl Mode for Whole {
    type Header = ();

    const NAME: &'static str = "epoch";
    const BY_BIRTH: bool = false;
    const BATCH: u32 = 512;

    #[inline(always)]
    fn header(_era: u64) {}

    fn birth((): ()) -> u64 {
        0
    }

    #[cfg(all(feature = "std", not(any(latchwork_loom, latchwork_shuttle))))]
    fn global() -> GlobalEngine<Self> {
        GlobalEngine(crate::epoch::global_engine())
    }
}

/// Known bugs, for the models' twins.
#[cfg(any(latchwork_loom, latchwork_shuttle))]
pub mod faults {
    use super::{Mode, sealed};

    /// The barrier is counted but not issued.
    pub const NO_HEAVY: u32 = 1;
    /// A pin does not fence.
    pub const NO_LIGHT: u32 = 1 << 1;
    /// The number of a bag is taken when the bag is opened, before what is in it was unlinked.
    pub const EARLY_TICKET: u32 = 1 << 2;
    /// A number comes from a load, which may be served before this thread's own stores are visible.
    pub const PLAIN_TICKET: u32 = 1 << 3;
    /// The end of an inner guard ends the outer one's pin.
    pub const NO_DEPTH: u32 = 1 << 5;
    /// A nested pin publishes the present era.
    pub const NESTED_REPIN: u32 = 1 << 6;
    /// A load by birth does not publish the era that it has seen.
    pub const NO_HIGH: u32 = 1 << 8;
    /// A load by birth does not fence after it has published.
    pub const NO_HIGH_LIGHT: u32 = 1 << 9;
    /// The era is stored before the heavy it stands for.
    pub const EARLY_ERA: u32 = 1 << 7;

    /// A mode with bugs.
    #[derive(Clone, Copy, Debug)]
    pub struct Faulty<M, const FAULTS: u32>(M);

    impl<M, const FAULTS: u32> sealed::Sealed for Faulty<M, FAULTS> {}

    impl<M: Mode, const FAULTS: u32> Mode for Faulty<M, FAULTS> {
        type Header = M::Header;

        const NAME: &'static str = M::NAME;
        const BY_BIRTH: bool = M::BY_BIRTH;
        const BATCH: u32 = M::BATCH;

        fn header(era: u64) -> M::Header {
            M::header(era)
        }

        fn birth(header: M::Header) -> u64 {
            M::birth(header)
        }

        fn has(fault: u32) -> bool {
            FAULTS & fault != 0
        }
    }
}

/// Whether the mode has a fault of `faults`, spelled without its number in normal builds.
macro_rules! fault {
    ($mode:ty, $name:ident) => {{
        #[cfg(any(latchwork_loom, latchwork_shuttle))]
        {
            <$mode as $crate::engine::Mode>::has($crate::engine::mode::faults::$name)
        }
        #[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
        {
            false
        }
    }};
}
pub(crate) use fault;
