//! What a batch is made of.

/// One page to write: `data` to `offset`.
///
/// A page may have any length; on a direct file the offset, the length and the address must be
/// multiples of the device's block (see [`AlignedBuf`](crate::AlignedBuf)). The pages of a batch
/// are written in no particular order: where two overlap, either may win.
#[derive(Clone, Copy, Debug)]
pub struct PageWrite<'a> {
    /// Where in the file, in bytes from its start.
    pub offset: u64,
    /// What is written there.
    pub data: &'a [u8],
}

/// One page to read: `data.len()` bytes from `offset`.
///
/// After an error the buffer holds what was read before it, then its old bytes.
#[derive(Debug)]
pub struct PageRead<'a> {
    /// Where in the file, in bytes from its start.
    pub offset: u64,
    /// Filled in full, or the page has failed.
    pub data: &'a mut [u8],
}
