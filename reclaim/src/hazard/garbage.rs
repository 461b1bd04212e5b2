//! One thread's retired objects.
//!
//! ```text
//! retire -> open --full: scan--> ripe -> gone, one a retire
//!             ^             |
//!             +-- in use ---+
//! ```

use alloc::vec::Vec;

use latchwork_sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::engine::Limits;
use crate::orphans::Bundle;
use crate::retired::Retired;

/// How much garbage there is, for anyone to read: statistics, Relaxed throughout, written by
/// whoever has the garbage.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) pending: AtomicUsize,
    pub(super) bytes: AtomicUsize,
    pub(super) freed: AtomicU64,
}

impl Counts {
    #[inline(always)]
    fn add(&self, retired: &Retired) {
        self.change(1, retired.bytes());
    }

    /// An object that is freed is no longer pending when its destructor begins.
    #[inline(always)]
    fn free(&self, retired: &Retired) {
        self.change(1_usize.wrapping_neg(), retired.bytes().wrapping_neg());
        let freed = self.freed.load(Ordering::Relaxed) + 1;
        self.freed.store(freed, Ordering::Relaxed);
    }

    #[inline(always)]
    fn change(&self, objects: usize, bytes: usize) {
        let pending = self.pending.load(Ordering::Relaxed).wrapping_add(objects);
        self.pending.store(pending, Ordering::Relaxed);
        let bytes = self.bytes.load(Ordering::Relaxed).wrapping_add(bytes);
        self.bytes.store(bytes, Ordering::Relaxed);
    }
}

/// Retired objects on their way from one thread to another.
pub(super) struct Bag(pub(super) Vec<Retired>);

impl Bundle for Bag {
    fn amount(&self) -> (usize, usize) {
        (self.0.len(), self.0.iter().map(Retired::bytes).sum())
    }
}

/// The retired objects of the thread that owns a record.
pub(super) struct Garbage {
    /// Not yet compared with what is in use.
    open: Vec<Retired>,
    /// The open bag is scanned when it holds so many.
    limit: usize,
    /// Or so many bytes.
    bytes_left: usize,
    limits: Limits,
    /// Of no use to anyone.
    ripe: Vec<Retired>,
    /// Objects to free with each retire.
    pace: u32,
    /// What a scan has seen in use, sorted. Kept for its room.
    pub(super) shown: Vec<*mut ()>,
}

impl Garbage {
    /// Has room for a whole bag, so that a retire allocates nothing.
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            open: Vec::with_capacity(limits.batch),
            limit: limits.batch,
            bytes_left: limits.bytes,
            limits,
            ripe: Vec::with_capacity(limits.batch),
            pace: 1,
            shown: Vec::new(),
        }
    }

    /// Takes an object in; whether it is time for a scan.
    #[inline(always)]
    pub(super) fn push(&mut self, retired: Retired, counts: &Counts) -> bool {
        counts.add(&retired);
        self.bytes_left = self.bytes_left.saturating_sub(retired.bytes());
        self.open.push(retired);
        self.open.len() >= self.limit || self.bytes_left == 0
    }

    /// Takes a bag in that another thread has left.
    pub(super) fn adopt(&mut self, mut bag: Bag, counts: &Counts) {
        let (objects, bytes) = bag.amount();
        counts.change(objects, bytes);
        self.open.append(&mut bag.0);
    }

    /// Whether nothing is left to compare.
    pub(super) fn is_open_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Moves what is not among `self.shown` to where it is freed.
    pub(super) fn sort_out(&mut self) {
        let (shown, ripe) = (&self.shown, &mut self.ripe);
        if shown.is_empty() && ripe.is_empty() {
            core::mem::swap(&mut self.open, ripe);
        } else {
            self.open.retain(|retired| {
                let is_shown = shown.binary_search(&retired.address()).is_ok();
                if !is_shown {
                    ripe.push(*retired);
                }
                is_shown
            });
        }
        // At least as many can be retired until the next scan as this one has left over, so that
        // scans cost each object a constant amount.
        self.limit = self.limits.batch.max(2 * self.open.len());
        self.bytes_left = self.limits.bytes;
        self.open.reserve(self.limit - self.open.len());
        self.set_pace();
    }

    /// What is ripe now is gone by the time of the next scan.
    fn set_pace(&mut self) {
        let room = self.limit - self.open.len();
        self.pace = self.ripe.len().div_ceil(room).max(1) as u32;
    }

    /// How many objects to free with this retire.
    #[inline(always)]
    pub(super) fn pace(&self) -> u32 {
        self.pace
    }

    /// An object to free.
    #[inline(always)]
    pub(super) fn next(&mut self, counts: &Counts) -> Option<Retired> {
        let retired = self.ripe.pop()?;
        counts.free(&retired);
        Some(retired)
    }

    /// Takes everything out.
    pub(super) fn take(&mut self, counts: &Counts) -> Bag {
        let mut all = Vec::with_capacity(self.open.len() + self.ripe.len());
        all.append(&mut self.open);
        all.append(&mut self.ripe);
        let bag = Bag(all);
        let (objects, bytes) = bag.amount();
        counts.change(objects.wrapping_neg(), bytes.wrapping_neg());
        bag
    }
}
