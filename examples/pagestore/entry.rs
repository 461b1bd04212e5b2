//! Where a file's bytes lie, in memory and as a record of the log.

use crate::name::Name;

/// Bytes in a page of the data file.
pub(crate) const PAGE: u64 = 4096;

/// A file's place in the data file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The first of its pages, which are consecutive.
    pub(crate) page: u64,
    /// Its length in bytes.
    pub(crate) bytes: u64,
    /// CRC-32C of its bytes.
    pub(crate) checksum: u32,
}

impl Entry {
    /// How many pages it has.
    pub(crate) fn pages(self) -> u64 {
        self.bytes.div_ceil(PAGE)
    }

    /// Bytes of the record of an entry with this name.
    pub(crate) fn encoded_length(name: &[u8]) -> usize {
        FIXED + name.len()
    }

    /// The record that the log keeps: version, page, length, checksum, name.
    pub(crate) fn encode(self, name: &[u8], into: &mut Vec<u8>) {
        into.push(VERSION);
        into.extend(self.page.to_le_bytes());
        into.extend(self.bytes.to_le_bytes());
        into.extend(self.checksum.to_le_bytes());
        into.extend(name);
    }

    /// The name and the entry of a record; none where it is no record of this version.
    pub(crate) fn decode(record: &[u8]) -> Option<(Name, Self)> {
        let (fixed, name) = record.split_first_chunk::<FIXED>()?;
        let number = |at: usize| {
            u64::from_le_bytes(fixed[at..at + 8].try_into().expect("a slice of eight bytes"))
        };
        let checksum = u32::from_le_bytes(fixed[17..].try_into().expect("a slice of four bytes"));
        let entry = Self { page: number(1), bytes: number(9), checksum };
        (fixed[0] == VERSION && !name.is_empty()).then(|| (name.to_vec(), entry))
    }
}

const VERSION: u8 = 1;
const FIXED: usize = 1 + 8 + 8 + 4;
