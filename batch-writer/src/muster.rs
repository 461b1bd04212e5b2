//! Where a leader sleeps until its siblings are back.
//!
//! The leader says how many it expects to be queued; whoever queues as the last of them wakes it.
//! All this is a hint: a wake that is missed, or one too many, costs the leader the rest of its
//! wait, or another look.

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
pub(crate) use real::Muster;

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
mod real {
    use latchwork_sync::atomic::{AtomicU32, Ordering};
    use latchwork_sync::thread::yield_now;
    use latchwork_sync::time::Instant;
    use latchwork_sync::wait::{Address, Class, wait, wake_one};

    use crate::room::Room;

    /// How many operations the leader waits for, or 0.
    #[derive(Debug, Default)]
    pub(crate) struct Muster(AtomicU32);

    impl Muster {
        /// For the holder of the role: returns when so many are queued, at the deadline, or for
        /// no reason.
        pub(crate) fn wait(&self, operations: usize, room: &Room, deadline: Instant) {
            let wanted = u32::try_from(operations).unwrap_or(u32::MAX);
            // Relaxed: see the module. An exchange, since on most processors that is seen before
            // the look at the room that follows.
            self.0.swap(wanted, Ordering::Relaxed);
            if room.operations() >= u64::from(wanted) {
                // They have their room, and are about to queue.
                self.0.store(0, Ordering::Relaxed);
                yield_now();
                return;
            }
            wait(&self.0, wanted, Class::ANY, Some(deadline));
            self.0.store(0, Ordering::Relaxed);
        }

        /// For a submitter that has queued.
        #[inline]
        pub(crate) fn came(&self, room: &Room) {
            let wanted = self.0.load(Ordering::Relaxed);
            if wanted != 0
                && room.operations() >= u64::from(wanted)
                && self.0.swap(0, Ordering::Relaxed) != 0
            {
                wake_one(Address::of(&self.0));
            }
        }
    }
}

/// Under a checker nobody waits for siblings.
#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[derive(Debug, Default)]
pub(crate) struct Muster {}

#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[allow(clippy::unused_self, reason = "the same interface as the real one")]
impl Muster {
    pub(crate) fn came(&self, _room: &crate::room::Room) {}
}
