//! Systems on which this crate knows no positioned I/O: it compiles, and no file can be opened.

use crate::backend::{Outcome, RawOp};
use crate::error::Operation;

/// The codes that the core looks at. The system has none of them.
pub(crate) mod codes {
    pub(crate) const INTERRUPTED: i32 = i32::MIN;
    pub(crate) const AGAIN: i32 = i32::MIN + 1;
    pub(crate) const CANCELLED: i32 = i32::MIN + 2;
    pub(crate) const INVALID: i32 = i32::MIN + 3;

    pub(crate) fn is_unsupported(code: i32) -> bool {
        code == INVALID
    }

    #[cfg(feature = "simulate")]
    pub(crate) const NO_SPACE: i32 = i32::MIN + 4;
    #[cfg(feature = "simulate")]
    pub(crate) const BROKEN: i32 = i32::MIN + 5;
}

/// No file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawFile;

impl RawFile {
    /// For operations without a file.
    pub const NONE: Self = Self;

    pub(crate) fn of(_: &std::fs::File) -> Self {
        Self
    }
}

/// Refuses every operation but the one that does nothing.
///
/// # Safety
///
/// None is needed; the other systems' has requirements.
pub(crate) unsafe fn perform(op: &RawOp) -> Outcome {
    match *op {
        RawOp { operation: Operation::Nop, file: RawFile, .. } => Ok(0),
        _ => Err(codes::INVALID),
    }
}

pub(crate) fn is_direct(_: &std::fs::File) -> bool {
    false
}

pub(crate) fn set_open_flags(
    _: &mut std::fs::OpenOptions,
    _: bool,
    _: bool,
) -> std::io::Result<()> {
    Err(std::io::Error::new(
        std::io::ErrorKind::Unsupported,
        "latchwork-ringpal has no positioned I/O for this system",
    ))
}

pub(crate) fn allocate(_: &std::fs::File, _: u64) -> std::io::Result<()> {
    Err(std::io::Error::from(std::io::ErrorKind::Unsupported))
}

pub(crate) fn direct_alignment(_: &std::fs::File) -> Option<usize> {
    None
}

/// No map.
pub(crate) struct Map;

impl Map {
    pub(crate) fn new(_: &std::fs::File, _: usize) -> std::io::Result<Self> {
        Err(std::io::Error::from(std::io::ErrorKind::Unsupported))
    }

    pub(crate) fn start(&self) -> *const u8 {
        core::ptr::dangling()
    }

    pub(crate) fn length(&self) -> usize {
        0
    }
}
