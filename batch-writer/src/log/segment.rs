//! One file of a log.
//!
//! ```text
//! 0       8         16      24     32         40    44          4096
//! +-------+---------+-------+------+----------+-----+-----------+---------
//! | magic | version | number| salt | capacity | crc | zeros ... | frames ...
//! +-------+---------+-------+------+----------+-----+-----------+---------
//! ```
//!
//! A segment is prepared under a temporary name, with header and zeros durable, and gets its own
//! name when its first record's sequence number is known: `NUMBER-SEQUENCE.log`.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io;

use latchwork_sync::lock::Arc;

use super::error::LogError;
use super::storage::{Storage, StorageFile};

/// Bytes before the first frame; a multiple of any sector.
pub(crate) const HEADER: u64 = 4096;
const MAGIC: [u8; 8] = *b"LWLOG\r\n\x1a";
const VERSION: u64 = 1;
/// The size of the writes that fill a segment.
const CHUNK: usize = 256 << 10;

/// A segment's name, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name {
    pub(crate) number: u64,
    /// The sequence number of its first record.
    pub(crate) first: u64,
}

impl Name {
    pub(crate) fn text(self) -> String {
        format!("{:010}-{:020}.log", self.number, self.first)
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (number, first) = text.strip_suffix(".log")?.split_once('-')?;
        let name = Self { number: number.parse().ok()?, first: first.parse().ok()? };
        (name.text() == text).then_some(name)
    }

    /// The segments among these names, in order.
    pub(crate) fn sorted(names: &[String]) -> Vec<Self> {
        let mut segments: Vec<_> = names.iter().filter_map(|name| Self::parse(name)).collect();
        segments.sort_unstable();
        segments
    }
}

/// The name of a segment that is being prepared.
fn unfinished(number: u64) -> String {
    format!("{number:010}.new")
}

/// The name of a forgotten segment that may be written again.
pub(crate) fn spare(number: u64) -> String {
    format!("{number:010}.old")
}

/// Whether a file is a segment that was never finished, or was forgotten: nothing in it counts.
pub(crate) fn is_leftover(name: &str) -> bool {
    let number = |suffix| name.strip_suffix(suffix).and_then(|number: &str| number.parse().ok());
    number(".new").is_some_and(|number| unfinished(number) == name)
        || number(".old").is_some_and(|number| spare(number) == name)
}

/// What a segment's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) number: u64,
    pub(crate) salt: u64,
    pub(crate) capacity: u64,
}

impl Header {
    fn encode(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER as usize);
        bytes.extend_from_slice(&MAGIC);
        for value in [VERSION, self.number, self.salt, self.capacity] {
            bytes.extend_from_slice(&value.to_le_bytes());
        }
        let crc = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes.resize(HEADER as usize, 0);
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        let header = bytes.get(..44).ok_or("the file is shorter than its header")?;
        let value = |at| u64::from_le_bytes(core::array::from_fn(|index| header[at + index]));
        if header[..8] != MAGIC {
            return Err("the header is not a log segment's");
        }
        if header[40..44] != crc32c::crc32c(&header[..40]).to_le_bytes() {
            return Err("the header's checksum is wrong");
        }
        if value(8) != VERSION {
            return Err("the segment is of a version that this program doesn't know");
        }
        Ok(Self { number: value(16), salt: value(24), capacity: value(32) })
    }
}

/// A salt that no segment of this log had before, but for one chance in 2^64.
fn new_salt(number: u64) -> u64 {
    // The only randomness that the standard library gives away.
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u64(number);
    hasher.write_u32(std::process::id());
    hasher.finish()
}

/// The segment that is being written.
#[derive(Debug)]
pub(crate) struct Segment<F> {
    pub(crate) file: F,
    pub(crate) name: Name,
    pub(crate) salt: u64,
    pub(crate) capacity: u64,
    /// Where the next frame goes.
    pub(crate) offset: u64,
    /// The same file, opened once more for each sync that may be in flight.
    pub(crate) lanes: Vec<Arc<F>>,
}

/// How making a segment failed.
pub(crate) enum MakeFailure {
    /// There is no such segment.
    Undone(LogError),
    /// It may or may not be there after a crash.
    Unknown(LogError),
}

fn prepare<D: Storage>(storage: &D, temporary: &str, header: Header) -> io::Result<D::File> {
    let file = storage.create(temporary)?;
    let zeros = vec![0; CHUNK];
    let mut offset = HEADER;
    while offset < header.capacity {
        let length = (header.capacity - offset).min(CHUNK as u64);
        file.write_all_at(&zeros[..length as usize], offset)?;
        offset += length;
    }
    file.write_all_at(&header.encode(), 0)?;
    file.sync()?;
    Ok(file)
}

/// As [`prepare`], in a file of an earlier life: its frames stay, and are none under the new salt.
fn prepare_again<D: Storage>(storage: &D, spare: &str, header: Header) -> io::Result<D::File> {
    let file = storage.open(spare, true)?;
    file.write_all_at(&header.encode(), 0)?;
    file.sync()?;
    Ok(file)
}

/// Opens a segment for syncs alone, before anything is written that they are to make durable.
pub(crate) fn open_lanes<D: Storage>(
    storage: &D,
    name: &str,
    lanes: usize,
) -> io::Result<Vec<Arc<D::File>>> {
    (0..lanes).map(|_| storage.open(name, true).map(Arc::new)).collect()
}

/// What a segment is to be.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) number: u64,
    pub(crate) capacity: u64,
    /// A forgotten segment of this capacity that may be written again.
    pub(crate) spare: Option<String>,
    /// How often it is opened for syncs alone.
    pub(crate) lanes: usize,
}

/// A segment that is durable and empty, and has no name yet.
#[derive(Debug)]
pub(crate) struct Prepared<F> {
    file: F,
    lanes: Vec<Arc<F>>,
    header: Header,
    pub(crate) temporary: String,
}

impl<F: StorageFile> Prepared<F> {
    pub(crate) fn make<D: Storage<File = F>>(storage: &D, request: Request) -> io::Result<Self> {
        let Request { number, capacity, spare, lanes } = request;
        let header = Header { number, salt: new_salt(number), capacity };
        let again = spare.is_some();
        let temporary = spare.unwrap_or_else(|| unfinished(number));
        let make = || {
            let file = if again {
                prepare_again(storage, &temporary, header)?
            } else {
                prepare(storage, &temporary, header)?
            };
            Ok((file, open_lanes(storage, &temporary, lanes)?))
        };
        match make() {
            Ok((file, lanes)) => Ok(Self { file, lanes, header, temporary }),
            Err(error) => {
                // What is left of it is in the way of nobody: the next opening removes it.
                let _ = storage.remove(&temporary);
                Err(error)
            }
        }
    }

    /// Whether it is what is wanted.
    pub(crate) fn is(&self, number: u64, capacity: u64) -> bool {
        self.header.number == number && self.header.capacity == capacity
    }
}

impl<F: StorageFile> Segment<F> {
    /// Makes a segment, durable and empty.
    pub(crate) fn make<D: Storage<File = F>>(
        storage: &D,
        name: Name,
        request: Request,
    ) -> Result<Self, MakeFailure> {
        let prepared = Prepared::make(storage, request).map_err(|error| {
            let path = storage.path(&unfinished(name.number));
            MakeFailure::Undone(LogError::io("make the segment", path, error))
        })?;
        Self::begin(storage, name, prepared)
    }

    /// Gives a prepared segment its name.
    pub(crate) fn begin<D: Storage<File = F>>(
        storage: &D,
        name: Name,
        prepared: Prepared<F>,
    ) -> Result<Self, MakeFailure> {
        let Prepared { file, lanes, header, temporary } = prepared;
        let text = name.text();
        storage.rename(&temporary, &text).map_err(|error| {
            MakeFailure::Undone(LogError::io("name the segment", storage.path(&text), error))
        })?;
        storage.sync_names().map_err(|error| {
            MakeFailure::Unknown(LogError::io("sync the directory", storage.path(""), error))
        })?;
        let Header { salt, capacity, .. } = header;
        Ok(Self { file, name, salt, capacity, offset: HEADER, lanes })
    }
}

/// A segment's whole content, checked as far as its header.
pub(crate) fn load<D: Storage>(
    storage: &D,
    name: Name,
    file: &D::File,
) -> Result<(Header, Vec<u8>), LogError> {
    let path = || storage.path(&name.text());
    let failed = |error| LogError::io("read", path(), error);
    let length = file.length().map_err(failed)?;
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
    let read = file.read_at(&mut bytes, 0).map_err(failed)?;
    bytes.truncate(read);
    let header = Header::decode(&bytes);
    let header = header.and_then(|header| {
        let fits = header.number == name.number && header.capacity <= read as u64;
        fits.then_some(header).ok_or("the header doesn't fit the file's name or length")
    });
    let header = header.map_err(|why| LogError::Corrupt { path: path(), offset: 0, why })?;
    Ok((header, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What another machine wrote must be read: the bytes are spelled out.
    #[test]
    fn a_header_has_the_same_bytes_on_every_machine() {
        let header = Header { number: 2, salt: 0x0123_4567_89ab_cdef, capacity: 8192 };
        #[rustfmt::skip]
        let spelled_out = [
            b'L', b'W', b'L', b'O', b'G', b'\r', b'\n', 0x1a,
            1, 0, 0, 0, 0, 0, 0, 0,
            2, 0, 0, 0, 0, 0, 0, 0,
            0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01,
            0, 0x20, 0, 0, 0, 0, 0, 0,
            0x9a, 0x13, 0x27, 0xa9,
        ];
        let bytes = header.encode();
        assert_eq!(bytes.len() as u64, HEADER);
        assert_eq!(bytes[..44], spelled_out);
        assert!(bytes[44..].iter().all(|byte| *byte == 0));
        assert_eq!(Header::decode(&spelled_out), Ok(header));
    }
}
