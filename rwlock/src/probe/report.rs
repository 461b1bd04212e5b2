//! What a probe has seen, to be read, printed or serialised.

use core::fmt;

use latchwork_sync::time::Duration;
use lock_api::RawRwLock as _;

use super::{Histogram, Level, Probed};
use crate::guards::RwLock;
use crate::holder::{Access, Holder, Site};
use crate::policy::Policy;

/// One way of holding the lock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Side {
    /// How long threads waited that had to, until they held the lock. Those that needn't wait are
    /// not counted.
    pub waited: Histogram,
    /// How long it was held, as far as the level measures that. Waits are no part of it. A hold is
    /// counted when it ends; a change of what is held ends one and begins another.
    pub held: Histogram,
    /// How many gave up at their deadline. Attempts that don't wait are not counted.
    pub gave_up: u64,
}

/// Why readers had to wait.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct ReadersReport {
    /// Reads that began to wait while a writer held the lock.
    pub behind_writers: u64,
    /// Reads that began to wait while only readers held it: a waiting writer kept them out.
    pub behind_readers: u64,
    /// How long the latter waited in all while no writer held the lock. A write section that the
    /// level doesn't measure counts as time behind readers.
    pub time_behind_readers: Duration,
}

/// How often and for how long the gate was shut to new readers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct GateReport {
    /// How often a waiting writer shut it.
    pub shut: u64,
    /// For how long it was shut in all.
    pub time: Duration,
}

/// What a [`Probed`] has seen since the lock was made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Report {
    /// The probe's level, as [`Level::NAME`].
    pub level: &'static str,
    /// Of how many holds one is measured; none where only those are that began with a wait.
    pub measured_one_in: Option<u32>,
    /// Plain shares.
    pub read: Side,
    /// The upgradable share.
    pub upgradable: Side,
    /// The write lock, upgrades included.
    pub write: Side,
    /// Why readers had to wait.
    pub readers: ReadersReport,
    /// The gate.
    pub gate: GateReport,
    /// The longest hold that was measured and has ended, without its thread.
    pub longest_hold: Option<Holder>,
    /// The longest wait, and who let that thread in: the thread that waited is this holder's
    /// successor.
    pub longest_wait: Option<LongestWait>,
    /// Who has held the lock for longest now, of those that are shown.
    pub holder: Option<Holder>,
    /// Long holds that the hook was not told of, since it had just been told of another.
    pub hooks_left_out: u64,
}

/// The longest wait.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct LongestWait {
    /// For what it waited.
    pub access: Access,
    /// Where in the program.
    pub site: Site,
    /// How long.
    pub waited: Duration,
    /// Where the lock had been asked for by whoever was last seen in its way: the last writer, or
    /// the last reader to leave.
    pub behind: Option<Site>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "probe: {}", self.level)?;
        match self.measured_one_in {
            None => writeln!(f, ", holds measured that began with a wait")?,
            Some(1) => writeln!(f)?,
            Some(one_in) => writeln!(f, ", one hold in {one_in} measured")?,
        }
        for (name, side) in
            [("read", &self.read), ("upgradable", &self.upgradable), ("write", &self.write)]
        {
            writeln!(f, "{name:<11} held    {}", side.held)?;
            writeln!(f, "{:<11} waited  {}", "", side.waited)?;
            if side.gave_up > 0 {
                writeln!(f, "{:<11} gave up {}", "", side.gave_up)?;
            }
        }
        let ReadersReport { behind_writers, behind_readers, time_behind_readers } = &self.readers;
        writeln!(
            f,
            "readers     {behind_writers} waited behind writers, {behind_readers} behind readers, \
             for {time_behind_readers:.1?}"
        )?;
        writeln!(f, "gate        shut {} times, for {:.1?}", self.gate.shut, self.gate.time)?;
        if let Some(LongestWait { access, site, waited, behind }) = &self.longest_wait {
            write!(f, "longest     wait {waited:.1?}, for the {access} lock at {site}")?;
            match behind {
                Some(behind) => writeln!(f, ", behind {behind}")?,
                None => writeln!(f)?,
            }
        }
        if let Some(holder) = &self.longest_hold {
            writeln!(f, "longest     hold: {holder}")?;
        }
        if let Some(holder) = &self.holder {
            writeln!(f, "now         {holder}")?;
        }
        if self.hooks_left_out > 0 {
            writeln!(f, "hook        left out {} times", self.hooks_left_out)?;
        }
        Ok(())
    }
}

/// What a lock with a [`Probed`] tells.
pub trait Probing {
    /// What the probe has seen until now. Takes a mutex that threads take for a longest hold or
    /// wait, and allocates; never waits for the lock itself.
    fn report(&self) -> Report;

    /// Who has held the lock for longest, of those that the probe shows. It may have let go by the
    /// time the answer is there.
    fn holder(&self) -> Option<Holder>;
}

impl<T: ?Sized, P: Policy, L: Level> Probing for RwLock<T, P, Probed<L>> {
    fn report(&self) -> Report {
        // SAFETY: only looked at.
        unsafe { self.raw() }.probe().report()
    }

    fn holder(&self) -> Option<Holder> {
        // SAFETY: only looked at.
        let raw = unsafe { self.raw() };
        if raw.is_locked() { raw.probe().longest_holder() } else { None }
    }
}
