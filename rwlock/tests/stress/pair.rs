//! Two words that only a writer may see different.

#[derive(Default)]
pub(crate) struct Pair(u64, u64);

impl Pair {
    /// What a reader does.
    pub(crate) fn look(&self) {
        assert_eq!(self.0, self.1, "a reader saw half a write");
    }

    /// What a writer does.
    pub(crate) fn count(&mut self) {
        self.0 += 1;
        core::hint::spin_loop();
        self.1 += 1;
    }

    /// How many writes there were.
    pub(crate) fn writes(&self) -> u64 {
        self.0
    }
}
