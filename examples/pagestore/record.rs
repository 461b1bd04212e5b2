//! Changes, as they are submitted and as records of the journal.

use std::sync::Arc;

use latchwork::batch_writer::log::Payload;

use crate::file::{File, PAGE, Place};
use crate::name::Name;
use crate::space::{Number, Space};

/// A transaction: what is to become of one name, or of the store.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Put(Name, Arc<File>),
    Remove(Name),
    /// From here on no file is larger.
    Limit(u64),
}

/// A record read back.
#[derive(Debug)]
pub(crate) enum Record {
    /// A file with its bytes.
    Image {
        name: Name,
        checksum: u32,
        bytes: Vec<u8>,
    },
    /// A file whose bytes were in the data file before its record was.
    Entry {
        name: Name,
        checksum: u32,
        bytes: u64,
        pages: Vec<Number>,
    },
    Remove(Name),
    Limit(u64),
}

impl Record {
    /// Its pages in the data file.
    pub(crate) fn pages(&self) -> impl Iterator<Item = Number> {
        let pages = if let Self::Entry { pages, .. } = self { &pages[..] } else { &[] };
        pages.iter().copied()
    }

    /// The file of an entry.
    pub(crate) fn into_file(self, space: &Arc<Space>) -> Option<(Name, Arc<File>)> {
        let Self::Entry { name, checksum, bytes, pages } = self else { return None };
        let place = Place::Data(space.known(pages));
        Some((name, Arc::new(File { bytes, checksum, place })))
    }
}

const IMAGE: u8 = 2;
const ENTRY: u8 = 3;
const REMOVE: u8 = 4;
const LIMIT: u8 = 5;
/// Kind, checksum, bytes, length of the name.
const FIXED: usize = 1 + 4 + 8 + 4;

fn head(kind: u8, checksum: u32, bytes: u64, name: &[u8], into: &mut Vec<u8>) {
    into.push(kind);
    into.extend(checksum.to_le_bytes());
    into.extend(bytes.to_le_bytes());
    into.extend(u32::try_from(name.len()).expect("a path is short").to_le_bytes());
    into.extend(name);
}

impl Payload for Change {
    fn length(&self) -> usize {
        FIXED
            + match self {
                Self::Limit(_) => 0,
                Self::Remove(name) => name.len(),
                Self::Put(name, file) => {
                    name.len()
                        + match &file.place {
                            Place::Scratch(_) => file.bytes as usize,
                            Place::Data(pages) => size_of_val(pages.numbers()),
                        }
                }
            }
    }

    fn write_to(&self, into: &mut Vec<u8>) {
        match self {
            Self::Limit(bytes) => head(LIMIT, 0, *bytes, &[], into),
            Self::Remove(name) => head(REMOVE, 0, 0, name, into),
            Self::Put(name, file) => match &file.place {
                Place::Scratch(held) => {
                    head(IMAGE, file.checksum, file.bytes, name, into);
                    let mut left = file.bytes as usize;
                    for page in held.pages() {
                        into.extend(&page[..left.min(PAGE)]);
                        left -= left.min(PAGE);
                    }
                }
                Place::Data(_) => entry(name, file, into),
            },
        }
    }
}

/// The record of a file in the data file, for the journal and for checkpoints.
pub(crate) fn entry(name: &Name, file: &File, into: &mut Vec<u8>) {
    let pages = file.pages().expect("in the data file");
    head(ENTRY, file.checksum, file.bytes, name, into);
    pages.numbers().iter().for_each(|page| into.extend(page.to_le_bytes()));
}

/// Reads one record from the front of `bytes`; none where it is no record of this version.
pub(crate) fn decode(bytes: &mut &[u8]) -> Option<Record> {
    let (fixed, rest) = bytes.split_first_chunk::<FIXED>()?;
    let word = |at: usize| u32::from_le_bytes(std::array::from_fn(|index| fixed[at + index]));
    let checksum = word(1);
    let length = u64::from_le_bytes(std::array::from_fn(|index| fixed[5 + index]));
    let (name, rest) = rest.split_at_checked(word(13) as usize)?;
    let name = Name::from(name);
    let (record, rest) = match fixed[0] {
        IMAGE => {
            let (image, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            (Record::Image { name, checksum, bytes: image.to_vec() }, rest)
        }
        ENTRY => {
            let count = usize::try_from(length).ok()?.div_ceil(PAGE);
            let (numbers, rest) = rest.split_at_checked(count.checked_mul(4)?)?;
            let (numbers, _) = numbers.as_chunks::<4>();
            let pages = numbers.iter().map(|number| Number::from_le_bytes(*number)).collect();
            (Record::Entry { name, checksum, bytes: length, pages }, rest)
        }
        REMOVE => (Record::Remove(name), rest),
        LIMIT => (Record::Limit(length), rest),
        _ => return None,
    };
    *bytes = rest;
    Some(record)
}
