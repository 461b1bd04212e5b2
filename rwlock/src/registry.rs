//! What each thread holds, for others to see.
//!
//! Every thread that needs one has a *block*, which it alone writes acquisitions into; any thread
//! may take one out again, since guards travel. Whoever wants to know who holds a lock looks
//! through the blocks of all threads. Blocks are never freed: a thread that ends leaves its block
//! to the next that begins.
//!
//! # Invariants
//!
//! - I1: blocks are only added to the list, and live as long as the process.
//! - I2: between `claim` and `leave` a block belongs to one thread, which alone fills its records.
//! - I3: a record is filled only while it is free, and freed once for each filling: by whoever ends
//!   the acquisition, or where its guard was forgotten, by the drop of the lock.
//! - I4: no two locks have the same number, and a lock keeps its own when it is moved: what a forgotten
//!   guard has left is never taken for another lock's.

use core::panic::Location;
use core::ptr;

use latchwork_sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use latchwork_sync::const_fn;

use crate::biased::Slot;

/// Acquisitions that a block can show at a time; more are not shown.
const RECORDS: usize = 8;

/// Biased locks that a thread can read at a time; what it reads beyond, it reads unbiased.
const SLOTS: usize = 4;

/// An acquisition that others can see.
#[derive(Debug)]
pub struct Record {
    /// What is held, as a number that its lock knows; 0 for a free record.
    what: AtomicUsize,
    site: AtomicPtr<Location<'static>>,
    since: AtomicU64,
}

impl Record {
    const_fn! {
        /// A free record.
        pub fn new() -> Self {
            Self {
                what: AtomicUsize::new(0),
                site: AtomicPtr::new(ptr::null_mut()),
                since: AtomicU64::new(0),
            }
        }
    }

    /// Fills the record, if it is free. By its owner only.
    #[inline]
    pub fn fill(&self, what: usize, site: &'static Location<'static>, since: u64) -> bool {
        // Relaxed: whoever freed it has nothing to say, and nobody else fills it (I2).
        if self.what.load(Ordering::Relaxed) != 0 {
            return false;
        }
        // Relaxed, both: released by the store that follows.
        self.site.store(ptr::from_ref(site).cast_mut(), Ordering::Relaxed);
        self.since.store(since, Ordering::Relaxed);
        // Release: pairs with the look in `glimpse`, which then finds this site and moment, or
        // those of an acquisition of this thread that came later.
        self.what.store(what, Ordering::Release);
        true
    }

    /// Frees the record. By whoever ends the acquisition.
    #[inline]
    pub fn free(&self) {
        // Relaxed: says that nothing is there.
        self.what.store(0, Ordering::Relaxed);
    }

    fn is_of(&self, which: impl Fn(usize) -> bool) -> bool {
        // Relaxed: nothing that goes with it is looked at.
        let what = self.what.load(Ordering::Relaxed);
        what != 0 && which(what)
    }

    /// What is held here, from where and since when.
    pub fn glimpse(&self) -> Option<(usize, &'static Location<'static>, u64)> {
        // Acquire: pairs with the store in `fill`.
        let what = self.what.load(Ordering::Acquire);
        if what == 0 {
            return None;
        }
        // Relaxed, both: ordered by the load above.
        let site = self.site.load(Ordering::Relaxed);
        let since = self.since.load(Ordering::Relaxed);
        // SAFETY: null, or from a reference that is good for ever.
        let site = unsafe { site.as_ref() }?;
        Some((what, site, since))
    }
}

/// A thread's block. Its own lines, since its thread writes it all the time.
#[derive(Debug)]
#[repr(align(128))]
pub struct Block {
    /// For readers of biased locks.
    pub slots: [Slot; SLOTS],
    pub(crate) records: [Record; RECORDS],
    /// Whether a thread has it.
    taken: AtomicBool,
    next: AtomicPtr<Block>,
    #[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
    thread: latchwork_sync::lock::Mutex<Option<std::thread::Thread>>,
}

impl Block {
    fn new() -> Self {
        Self {
            slots: core::array::from_fn(|_| Slot::new()),
            records: core::array::from_fn(|_| Record::new()),
            taken: AtomicBool::new(true),
            next: AtomicPtr::new(ptr::null_mut()),
            #[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
            thread: latchwork_sync::lock::Mutex::new(None),
        }
    }

    /// Shows an acquisition, if there is room. By the block's thread only.
    #[inline]
    pub fn show(
        &'static self,
        what: usize,
        site: &'static Location<'static>,
        since: u64,
    ) -> Option<&'static Record> {
        self.records.iter().find(|record| record.fill(what, site, since))
    }

    /// Leaves the block to the next thread. By its thread only.
    pub fn leave(&self) {
        // Release: pairs with the exchange in `claim`: the next owner sees which records are
        // filled.
        self.taken.store(false, Ordering::Release);
    }

    /// The name of the thread that has the block, or had it last; its number where it has none.
    #[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
    pub(crate) fn name(&self) -> String {
        let poisoned = latchwork_sync::lock::PoisonError::into_inner;
        let thread = self.thread.lock().unwrap_or_else(poisoned);
        match thread.as_ref().map(|thread| (thread.name(), thread.id())) {
            Some((Some(name), _)) => name.to_owned(),
            Some((None, id)) => format!("{id:?}"),
            None => String::new(),
        }
    }
}

/// The blocks of all threads.
#[derive(Debug)]
pub struct Registry {
    newest: AtomicPtr<Block>,
}

impl Registry {
    const_fn! {
        /// A registry without blocks.
        pub fn new() -> Self {
            Self { newest: AtomicPtr::new(ptr::null_mut()) }
        }
    }

    /// A block for the calling thread: one that was left, or a new one.
    pub fn claim(&self) -> &'static Block {
        for block in self.blocks() {
            // Acquire: pairs with `leave`. Relaxed: somebody else has it.
            let left =
                block.taken.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed);
            if left.is_ok() {
                return block;
            }
        }
        let block: &'static Block = Box::leak(Box::new(Block::new()));
        // Relaxed: the exchange below says whether it is still so.
        let mut newest = self.newest.load(Ordering::Relaxed);
        loop {
            // Relaxed: released by the exchange below, and never changed afterwards.
            block.next.store(newest, Ordering::Relaxed);
            let own = ptr::from_ref(block).cast_mut();
            // Release: pairs with the load in `blocks`. An exchange continues the release
            // sequences of those before it, so that older blocks are seen too.
            match self.newest.compare_exchange(newest, own, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return block,
                Err(now) => newest = now,
            }
        }
    }

    /// Every block, the newest first.
    pub fn blocks(&self) -> impl Iterator<Item = &'static Block> + use<> {
        // Acquire: pairs with the exchange in `claim`.
        let mut next = self.newest.load(Ordering::Acquire);
        core::iter::from_fn(move || {
            // SAFETY: null, or a block, which lives for ever (I1).
            let block: &'static Block = unsafe { next.as_ref() }?;
            // Relaxed: written before the block was added.
            next = block.next.load(Ordering::Relaxed);
            Some(block)
        })
    }

    /// Takes out what guards have left here that were forgotten, of a lock that is no more.
    pub fn forget(&self, which: impl Fn(usize) -> bool) {
        let records = self.blocks().flat_map(|block| &block.records);
        records.filter(|record| record.is_of(&which)).for_each(Record::free);
    }

    /// What is held that `which` asks for.
    pub fn find(
        &self,
        which: impl Fn(usize) -> bool,
    ) -> impl Iterator<Item = (&'static Block, usize, &'static Location<'static>, u64)> {
        self.blocks()
            .flat_map(|block| block.records.iter().map(move |record| (block, record)))
            .filter_map(|(block, record)| {
                record.glimpse().map(|(what, site, since)| (block, what, site, since))
            })
            .filter(move |&(_, what, _, _)| which(what))
    }
}

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
pub(crate) use own::{ALL, number, own_block};

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
mod own {
    use core::cell::Cell;

    use latchwork_sync::atomic::{AtomicUsize, Ordering};

    use super::{Block, Registry};

    /// The process's registry.
    pub(crate) static ALL: Registry = Registry::new();

    std::thread_local! {
        // Without a destructor, so that a look costs no check.
        static OWN: Cell<Option<&'static Block>> = const { Cell::new(None) };
        static LEAVER: Leaver = const { Leaver };
    }

    /// Leaves the thread's block when the thread ends.
    struct Leaver;

    impl Drop for Leaver {
        fn drop(&mut self) {
            if let Some(block) = OWN.take() {
                block.leave();
            }
        }
    }

    /// The calling thread's block; none in a thread that is ending.
    #[inline]
    pub(crate) fn own_block() -> Option<&'static Block> {
        OWN.get().or_else(claim)
    }

    /// The number of a lock, which is kept in `place`: a multiple of 8 that no other lock has, and
    /// that stays when the lock is moved.
    #[inline]
    pub(crate) fn number(place: &AtomicUsize) -> usize {
        // Relaxed: a number orders nothing.
        let number = place.load(Ordering::Relaxed);
        if number == 0 { new_number(place) } else { number }
    }

    #[cold]
    fn new_number(place: &AtomicUsize) -> usize {
        static NEXT: AtomicUsize = AtomicUsize::new(8);
        // Relaxed, all: as above.
        let new = NEXT.fetch_add(8, Ordering::Relaxed);
        let exchange = place.compare_exchange(0, new, Ordering::Relaxed, Ordering::Relaxed);
        exchange.map_or_else(|number| number, |_| new)
    }

    #[cold]
    fn claim() -> Option<&'static Block> {
        LEAVER.try_with(|_| ()).ok()?;
        let block = ALL.claim();
        let poisoned = latchwork_sync::lock::PoisonError::into_inner;
        *block.thread.lock().unwrap_or_else(poisoned) = Some(std::thread::current());
        OWN.set(Some(block));
        Some(block)
    }
}
