//! Reading a log back when it is opened.

use core::ops::Range;

use super::error::LogError;
use super::frame::{FRAME, Location, decode, framed, has_salt, told_length};
use super::options::LogOptions;
use super::segment::{HEADER, Name, Request, Segment, is_leftover, load, open_lanes};
use super::storage::{Storage, StorageFile};

/// A record, as it is read.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Where it lies.
    pub location: Location,
    /// What was submitted.
    pub payload: &'a [u8],
}

/// What opening a log found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recovery {
    /// Intact records.
    pub records: u64,
    /// Segments read.
    pub segments: u64,
    /// The torn tail that was cut, if there was one.
    pub cut: Option<Cut>,
}

/// A torn tail that was cut. Nothing in it was ever acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The segment's number.
    pub segment: u64,
    /// The bytes overwritten by zeros.
    pub start: u64,
    /// The first byte after them.
    pub end: u64,
}

/// Shows the records of one segment; returns where the first frame that is not intact would
/// begin, and the sequence number that it would have.
pub(crate) fn scan(
    bytes: &[u8],
    salt: u64,
    name: Name,
    mut show: impl FnMut(Record<'_>) -> bool,
) -> (usize, u64) {
    let (mut offset, mut sequence) = (HEADER as usize, name.first);
    while let Some(frame) = bytes.get(offset..).and_then(|rest| decode(rest, salt)) {
        if frame.sequence != sequence {
            break;
        }
        let location = Location {
            sequence,
            segment: name.number,
            offset: offset as u64,
            length: frame.payload.len() as u32,
        };
        if !show(Record { location, payload: frame.payload }) {
            break;
        }
        sequence += 1;
        offset += framed(frame.payload.len());
    }
    (offset, sequence)
}

/// What follows the last intact frame of the last segment.
enum Tail {
    /// Zeros, or frames of an earlier life.
    Clean,
    /// Something that was never durable as a whole.
    Torn(Range<u64>),
    /// A frame that knows the place as durable.
    Damaged,
}

fn inspect_tail(bytes: &[u8], salt: u64, offset: usize, sequence: u64) -> Tail {
    let rest = bytes.get(offset..).unwrap_or_default();
    let mut end = None;
    for at in (0..rest.len()).step_by(8) {
        let candidate = &rest[at..];
        if !has_salt(candidate, salt) {
            continue;
        }
        if decode(candidate, salt).is_some_and(|frame| frame.durable > sequence) {
            return Tail::Damaged;
        }
        // Whatever of a frame of this life is here must not be met by a later recovery.
        let whole = at + FRAME + told_length(candidate);
        let told = if whole <= rest.len() { whole } else { at + FRAME };
        end = end.max(Some(told));
    }
    match end {
        None => Tail::Clean,
        Some(end) => Tail::Torn(offset as u64..(offset + end) as u64),
    }
}

/// Reads all segments, shows their records, and leaves the last one ready to be written.
pub(crate) fn recover<P, D: Storage>(
    storage: &D,
    options: &LogOptions<P>,
    mut show: impl FnMut(Record<'_>),
) -> Result<(Segment<D::File>, u64, Recovery), LogError> {
    let failed = |error| LogError::io("list", storage.path(""), error);
    let names = storage.names().map_err(failed)?;
    for leftover in names.iter().filter(|name| is_leftover(name)) {
        let failed = |error| LogError::io("remove", storage.path(leftover), error);
        storage.remove(leftover).map_err(failed)?;
    }
    let segments = Name::sorted(&names);
    if let Some(pair) = segments.windows(2).find(|pair| pair[0].number + 1 != pair[1].number) {
        let directory = storage.path("");
        return Err(LogError::Missing { directory, segment: pair[0].number + 1 });
    }
    let mut recovery = Recovery::default();
    let mut last = None;
    for (index, &name) in segments.iter().enumerate() {
        let path = || storage.path(&name.text());
        let file = storage.open(&name.text(), true);
        let file = file.map_err(|error| LogError::io("open", path(), error))?;
        let (header, bytes) = load(storage, name, &file)?;
        let bytes = &bytes[..header.capacity as usize];
        let (offset, sequence) = scan(bytes, header.salt, name, |record| {
            recovery.records += 1;
            show(record);
            true
        });
        recovery.segments += 1;
        let damaged = |why| LogError::Corrupt { path: path(), offset: offset as u64, why };
        if let Some(next) = segments.get(index + 1) {
            // A segment is begun only when everything before it is durable.
            if next.first != sequence {
                return Err(damaged("records that were durable are missing from here on"));
            }
            continue;
        }
        match inspect_tail(bytes, header.salt, offset, sequence) {
            Tail::Clean => {}
            Tail::Damaged => {
                return Err(damaged("a record that was durable is not intact"));
            }
            Tail::Torn(range) => {
                let zeros = vec![0; (range.end - range.start) as usize];
                file.write_all_at(&zeros, range.start).and_then(|()| file.sync()).map_err(
                    |error| LogError::io_at("cut the torn tail of", path(), range.start, error),
                )?;
                recovery.cut =
                    Some(Cut { segment: name.number, start: range.start, end: range.end });
            }
        }
        let (salt, capacity) = (header.salt, header.capacity);
        let offset = offset as u64;
        let lanes = open_lanes(storage, &name.text(), options.lanes)
            .map_err(|error| LogError::io("open", path(), error))?;
        last = Some((Segment { file, name, salt, capacity, offset, lanes }, sequence));
    }
    let (segment, next) = match last {
        Some(found) => found,
        None => (first_segment(storage, options)?, 0),
    };
    // What was read may have been in the system's cache only, if the process before this one was
    // killed between a write and its sync: it counts from here on, so it has to be durable.
    let failed = |error| LogError::io("sync", storage.path(&segment.name.text()), error);
    segment.file.sync().map_err(failed)?;
    Ok((segment, next, recovery))
}

fn first_segment<P, D: Storage>(
    storage: &D,
    options: &LogOptions<P>,
) -> Result<Segment<D::File>, LogError> {
    use super::segment::MakeFailure::{Undone, Unknown};

    let name = Name { number: 0, first: 0 };
    let (capacity, lanes) = (options.segment_bytes, options.lanes);
    Segment::make(storage, name, Request { number: 0, capacity, spare: None, lanes })
        .map_err(|(Undone(error) | Unknown(error))| error)
}
