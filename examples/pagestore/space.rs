//! Which pages of the data file are free.

use std::collections::BTreeMap;

use crate::entry::Entry;

/// Free pages: gaps between what is in use, and everything behind it.
#[derive(Debug, Default)]
pub(crate) struct Space {
    /// First page and number of pages of each gap.
    gaps: BTreeMap<u64, u64>,
    /// The first page that nobody uses and nobody did.
    end: u64,
}

impl Space {
    /// What the entries of an index leave free.
    pub(crate) fn between(entries: impl Iterator<Item = Entry>) -> Self {
        let mut used: Vec<_> = entries
            .filter(|entry| entry.pages() > 0)
            .map(|entry| (entry.page, entry.page + entry.pages()))
            .collect();
        used.sort_unstable();
        let mut space = Self::default();
        for (start, end) in used {
            if start > space.end {
                space.gaps.insert(space.end, start - space.end);
            }
            space.end = space.end.max(end);
        }
        space
    }

    /// Takes consecutive pages, from the first gap that is large enough.
    pub(crate) fn take(&mut self, pages: u64) -> u64 {
        let gap = self.gaps.iter().find(|(_, length)| **length >= pages);
        let Some((&start, &length)) = gap.filter(|_| pages > 0) else {
            let start = self.end;
            self.end += pages;
            return start;
        };
        self.gaps.remove(&start);
        if length > pages {
            self.gaps.insert(start + pages, length - pages);
        }
        start
    }

    /// Gives the pages of an entry back that neither index nor log nor a reader knows.
    pub(crate) fn give_back(&mut self, entry: Entry) {
        if entry.pages() > 0 {
            self.gaps.insert(entry.page, entry.pages());
        }
    }
}
