//! What the store keeps of a file.

use std::sync::Arc;

use crate::scratch::Held;
use crate::space::Pages;

/// Bytes in a page.
pub(crate) const PAGE: usize = 4096;

/// A version of a file. Nobody changes it; a new one takes its place.
#[derive(Debug)]
pub(crate) struct File {
    /// Its length in bytes.
    pub(crate) bytes: u64,
    /// CRC-32C of its bytes.
    pub(crate) checksum: u32,
    pub(crate) place: Place,
}

/// Where the bytes are.
#[derive(Debug)]
pub(crate) enum Place {
    /// In the journal, for a crash, and in the scratch, for readers; not in the data file yet.
    Scratch(Held),
    /// In the data file.
    Data(Pages),
}

impl File {
    /// The same version, elsewhere.
    pub(crate) fn moved(&self, pages: Pages) -> Arc<Self> {
        Arc::new(Self { place: Place::Data(pages), ..*self })
    }

    /// Its pages in the data file, once it has some.
    pub(crate) fn pages(&self) -> Option<&Pages> {
        match &self.place {
            Place::Scratch(_) => None,
            Place::Data(pages) => Some(pages),
        }
    }
}
