//! Who holds the role, so that a submission from within the sink is told from one that may wait.

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
pub(crate) use real::Holder;

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
mod real {
    use latchwork_sync::atomic::{AtomicUsize, Ordering};
    use latchwork_sync::thread::thread_local;

    thread_local! {
        /// Its address is the thread's number.
        static HERE: u8 = const { 0 };
    }

    #[inline]
    fn here() -> usize {
        HERE.with(|here| core::ptr::from_ref(here).addr())
    }

    /// The thread that holds the role, or 0.
    #[derive(Debug)]
    pub(crate) struct Holder(AtomicUsize);

    impl Holder {
        pub(crate) const fn new() -> Self {
            Self(AtomicUsize::new(0))
        }

        /// Relaxed throughout: a thread reads its own number only if it wrote it last, and then
        /// it is in its tenure.
        #[inline]
        pub(crate) fn enter(&self) {
            self.0.store(here(), Ordering::Relaxed);
        }

        #[inline]
        pub(crate) fn leave(&self) {
            self.0.store(0, Ordering::Relaxed);
        }

        #[inline]
        pub(crate) fn is_me(&self) -> bool {
            self.0.load(Ordering::Relaxed) == here()
        }
    }
}

/// Under a checker no sink submits to its own writer.
#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[derive(Debug)]
pub(crate) struct Holder;

#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[allow(clippy::unused_self, reason = "the same interface as the real one")]
impl Holder {
    pub(crate) fn new() -> Self {
        Self
    }
    pub(crate) fn enter(&self) {}
    pub(crate) fn leave(&self) {}
    pub(crate) fn is_me(&self) -> bool {
        false
    }
}
