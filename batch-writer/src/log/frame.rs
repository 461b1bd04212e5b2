//! A record's frame.
//!
//! ```text
//! 0      4        8       16         24         32
//! +------+--------+-------+----------+----------+---------+-------------+
//! | crc  | length | salt  | sequence | durable  | payload | 0 to 7 zeros|
//! +------+--------+-------+----------+----------+---------+-------------+
//! ```
//!
//! Little-endian. `crc` is the CRC-32C of all that follows it up to the payload's end. `salt` is
//! the segment's: a frame left by an earlier life of the same file has another. `durable` is the
//! sequence number up to which, exclusively, the log was durable when this frame was written: it
//! tells damage from a torn tail.

use super::payload::Payload;

/// Bytes before the payload.
pub(crate) const FRAME: usize = 32;
/// The most bytes of a payload.
pub(crate) const MOST_PAYLOAD: usize = 1 << 30;

/// Where a record lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// Its number in the log, from 0, without gaps.
    pub sequence: u64,
    /// Its segment's number.
    pub segment: u64,
    /// Where in the segment its frame begins.
    pub offset: u64,
    /// Its payload's bytes.
    pub length: u32,
}

/// A frame that is intact.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) sequence: u64,
    pub(crate) durable: u64,
    pub(crate) payload: &'a [u8],
}

/// The bytes that a payload of this length takes up in a segment.
pub(crate) const fn framed(length: usize) -> usize {
    (FRAME + length).next_multiple_of(8)
}

/// Appends a frame.
pub(crate) fn encode(
    into: &mut Vec<u8>,
    salt: u64,
    sequence: u64,
    durable: u64,
    payload: &impl Payload,
) {
    let start = into.len();
    let length = payload.length();
    into.extend_from_slice(&[0; 4]);
    into.extend_from_slice(&(length as u32).to_le_bytes());
    into.extend_from_slice(&salt.to_le_bytes());
    into.extend_from_slice(&sequence.to_le_bytes());
    into.extend_from_slice(&durable.to_le_bytes());
    payload.write_to(into);
    assert_eq!(into.len(), start + FRAME + length, "a payload has the length that it tells");
    let crc = crc32c::crc32c(&into[start + 4..]);
    into[start..start + 4].copy_from_slice(&crc.to_le_bytes());
    into.resize(start + framed(length), 0);
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(core::array::from_fn(|index| bytes[at + index]))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(core::array::from_fn(|index| bytes[at + index]))
}

/// Whether a frame of this salt may begin here, intact or not.
pub(crate) fn has_salt(bytes: &[u8], salt: u64) -> bool {
    bytes.len() >= FRAME && u64_at(bytes, 8) == salt
}

/// The payload's length that the frame at the beginning of `bytes` tells, intact or not.
pub(crate) fn told_length(bytes: &[u8]) -> usize {
    u32_at(bytes, 4) as usize
}

/// The intact frame at the beginning of `bytes`, if there is one.
pub(crate) fn decode(bytes: &[u8], salt: u64) -> Option<Frame<'_>> {
    if !has_salt(bytes, salt) {
        return None;
    }
    let length = u32_at(bytes, 4) as usize;
    let payload = bytes.get(FRAME..FRAME.checked_add(length)?)?;
    if crc32c::crc32c(&bytes[4..FRAME + length]) != u32_at(bytes, 0) {
        return None;
    }
    Some(Frame { sequence: u64_at(bytes, 16), durable: u64_at(bytes, 24), payload })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What another machine wrote must be read: the bytes are spelled out.
    #[test]
    fn a_frame_has_the_same_bytes_on_every_machine() {
        let mut bytes = Vec::new();
        encode(&mut bytes, 0x0123_4567_89ab_cdef, 258, 257, b"hello");
        #[rustfmt::skip]
        let spelled_out = [
            0x57, 0xfc, 0x2e, 0xc6, 5, 0, 0, 0,
            0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01,
            2, 1, 0, 0, 0, 0, 0, 0,
            1, 1, 0, 0, 0, 0, 0, 0,
            b'h', b'e', b'l', b'l', b'o', 0, 0, 0,
        ];
        assert_eq!(bytes, spelled_out);
        let frame = decode(&spelled_out, 0x0123_4567_89ab_cdef).expect("it is intact");
        assert_eq!((frame.sequence, frame.durable, frame.payload), (258, 257, &b"hello"[..]));
    }
}
