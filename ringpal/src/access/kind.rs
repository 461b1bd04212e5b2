//! What an open flag makes the system do, in words.

use core::fmt;

/// How a file reaches the disk.
///
/// Its `Display` is the sentence for a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AccessKind {
    /// Through the page cache.
    Buffered,
    /// Through the page cache, and each write waits for the device.
    WriteThrough,
    /// Past the page cache.
    Direct,
    /// Past the page cache, and each write waits until it is durable.
    DirectSync,
}

impl AccessKind {
    /// Whether transfers go past the page cache, and so must be aligned.
    pub const fn is_direct(self) -> bool {
        matches!(self, Self::Direct | Self::DirectSync)
    }

    /// Whether a write that has returned is durable without a sync.
    pub const fn is_durable(self) -> bool {
        matches!(self, Self::WriteThrough | Self::DirectSync)
    }

    /// The open flags, by the system's names.
    pub const fn flags(self) -> &'static str {
        match (self, cfg!(windows)) {
            (Self::Buffered, _) => "no flags",
            (Self::WriteThrough, false) => "O_DSYNC",
            (Self::Direct, false) => "O_DIRECT",
            (Self::DirectSync, false) => "O_DIRECT | O_DSYNC",
            (Self::WriteThrough, true) => "FILE_FLAG_WRITE_THROUGH",
            (Self::Direct, true) => "FILE_FLAG_NO_BUFFERING",
            (Self::DirectSync, true) => "FILE_FLAG_NO_BUFFERING | FILE_FLAG_WRITE_THROUGH",
        }
    }

    const fn path(self) -> &'static str {
        if self.is_direct() {
            "transfers go past the page cache, and offset, length and address must be multiples of \
             the block"
        } else {
            "transfers go through the page cache"
        }
    }

    const fn promise(self) -> &'static str {
        match self {
            Self::Buffered => "a write that returned is lost with the power until a sync returns",
            Self::Direct => {
                "a write that returned may be in the device's cache until a sync returns"
            }
            Self::WriteThrough | Self::DirectSync => {
                "a write that returned is durable, as far as the device tells the truth"
            }
        }
    }
}

impl fmt::Display for AccessKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "opened with {}: {}; {}", self.flags(), self.path(), self.promise())
    }
}
