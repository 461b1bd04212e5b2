//! Which pages of the data file are free.
//!
//! Free pages lie on a lock-free stack; pages that nobody leads to any more wait in a mailbox.
//! They become free when a checkpoint that doesn't lead to them is durable: until then a crash
//! would bring back who does.

use std::sync::Arc;

use latchwork::treiber::{Mailbox, Stack};
use latchwork_sync::atomic::{AtomicU32, Ordering};

/// A page's number in the data file.
pub(crate) type Number = u32;

#[derive(Debug)]
pub(crate) struct Space {
    free: Stack<Number>,
    leaving: Mailbox<Number>,
    /// The first page that nobody uses and nobody did.
    end: AtomicU32,
}

impl Space {
    /// What these used pages leave free.
    pub(crate) fn between(mut used: Vec<Number>) -> Arc<Self> {
        used.sort_unstable();
        let end = used.last().map_or(0, |last| last + 1);
        let space = Self { free: Stack::new(), leaving: Mailbox::new(), end: AtomicU32::new(end) };
        // The lowest last, so that it is taken first.
        let mut used = used.into_iter().rev().peekable();
        for page in (0..end).rev() {
            if used.next_if_eq(&page).is_none() {
                space.free.push(page);
            }
        }
        Arc::new(space)
    }

    /// Takes so many pages.
    pub(crate) fn take(self: &Arc<Self>, count: usize) -> Pages {
        let mut numbers = Vec::with_capacity(count);
        while numbers.len() < count
            && let Some(page) = self.free.pop()
        {
            numbers.push(page);
        }
        let missing = u32::try_from(count - numbers.len()).expect("a file has fewer pages");
        // Relaxed: a number is all that is shared.
        let start = self.end.fetch_add(missing, Ordering::Relaxed);
        numbers.extend(start..start + missing);
        numbers.sort_unstable();
        Pages { numbers, space: Arc::clone(self) }
    }

    /// Pages that are in use already.
    pub(crate) fn known(self: &Arc<Self>, numbers: Vec<Number>) -> Pages {
        Pages { numbers, space: Arc::clone(self) }
    }

    /// The pages that nobody led to at some moment of this call.
    pub(crate) fn left(&self) -> Vec<Number> {
        self.leaving.take_all().collect()
    }

    /// Makes pages free: a checkpoint that was begun after they had left is durable. The last of
    /// them is taken first.
    pub(crate) fn free(&self, numbers: Vec<Number>) {
        self.free.push_all(numbers);
    }

    /// Takes every free page, highest first; nobody else may take or free pages meanwhile.
    pub(crate) fn take_free(&self) -> Vec<Number> {
        let mut numbers: Vec<_> = self.free.take_all().collect();
        numbers.sort_unstable_by(|a, b| b.cmp(a));
        numbers
    }

    /// Where the used pages end.
    pub(crate) fn end(&self) -> Number {
        self.end.load(Ordering::Relaxed)
    }

    /// Lets the pages end earlier; nobody uses those behind, and nobody takes any meanwhile.
    pub(crate) fn end_at(&self, end: Number) {
        self.end.store(end, Ordering::Relaxed);
    }
}

/// Pages of the data file, owned: when the last owner is gone, they leave.
#[derive(Debug)]
pub(crate) struct Pages {
    numbers: Vec<Number>,
    space: Arc<Space>,
}

impl Pages {
    pub(crate) fn numbers(&self) -> &[Number] {
        &self.numbers
    }

    /// Consecutive pages, at most so many at a time: the first, and how many.
    pub(crate) fn runs(&self, most: usize) -> impl Iterator<Item = (Number, usize)> {
        let runs = self.numbers.chunk_by(|a, b| a + 1 == *b);
        runs.flat_map(move |run| run.chunks(most).map(|run| (run[0], run.len())))
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        self.space.leaving.push_all(self.numbers.drain(..));
    }
}
