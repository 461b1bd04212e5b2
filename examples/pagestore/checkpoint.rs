//! The checkpoint record: which files are where in the data file, as of one record of the journal.
//!
//! It has a file of its own, so that writing it drags no page of the data file along. A new one is
//! written beside the old, synced, and takes its name: at every moment one of them is whole.
//!
//! ```text
//! magic | position in the journal | limit | number of files | entries ... | CRC-32C of all of it
//! ```

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use crate::Layout;
use crate::failure::{Failure, Result};
use crate::file::File;
use crate::name::Name;
use crate::record::{self, Record};

const MAGIC: [u8; 8] = *b"pagestor";
const FIXED: usize = 8 + 3 * 8;

/// The files in the data file, and what else a checkpoint tells.
#[derive(Debug)]
pub(crate) struct Base {
    /// Every record of the journal before this one is in here.
    pub(crate) position: u64,
    /// No file may be larger.
    pub(crate) limit: u64,
    pub(crate) files: HashMap<Name, Arc<File>>,
}

/// A checkpoint as it is read.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) position: u64,
    pub(crate) limit: u64,
    pub(crate) records: Vec<Record>,
}

/// Writes a checkpoint; when this returns it is durable.
pub(crate) fn write(layout: &Layout, base: &Base) -> Result<u64> {
    let mut bytes = Vec::from(MAGIC);
    for number in [base.position, base.limit, base.files.len() as u64] {
        bytes.extend(number.to_le_bytes());
    }
    for (name, file) in &base.files {
        record::entry(name, file, &mut bytes);
    }
    bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
    let beside = layout.checkpoint.with_extension("new");
    let place = || -> io::Result<()> {
        let mut file = fs::File::create(&beside)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&beside, &layout.checkpoint)?;
        sync_directory(&layout.directory)
    };
    place().map_err(|error| Failure::io("write the checkpoint", &layout.checkpoint, &error))?;
    Ok(bytes.len() as u64)
}

/// Makes the names in a directory durable.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    // Elsewhere directories can't be opened, and their entries need no sync.
    if cfg!(unix) { fs::File::open(path)?.sync_all() } else { Ok(()) }
}

/// Reads the checkpoint, if there is one.
pub(crate) fn read(layout: &Layout) -> Result<Option<Found>> {
    let path = &layout.checkpoint;
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::io("read", path, &error)),
    };
    let found = decode(&bytes).ok_or_else(|| {
        let what = format!("the checkpoint {} is not as it was written", path.display());
        Failure::new(what, "check the disk, and take the store from a backup")
    })?;
    Ok(Some(found))
}

fn decode(bytes: &[u8]) -> Option<Found> {
    let (bytes, checksum) = bytes.split_last_chunk::<4>()?;
    let (fixed, mut rest) = bytes.split_first_chunk::<FIXED>()?;
    if fixed[..8] != MAGIC || crc32c::crc32c(bytes) != u32::from_le_bytes(*checksum) {
        return None;
    }
    let number = |at: usize| u64::from_le_bytes(std::array::from_fn(|index| fixed[at + index]));
    let mut records = Vec::new();
    for _ in 0..number(24) {
        records.push(record::decode(&mut rest)?);
    }
    rest.is_empty().then_some(Found { position: number(8), limit: number(16), records })
}
