//! The four ways to write a file, each a type.

use core::fmt;
use core::ops::Deref;

use super::opening::sealed::Make;
use super::{Access, AccessKind, Opening};
use crate::align::Alignment;
use crate::file::{File, Policy};
use crate::page::{PageRead, PageWrite};

/// What an unbuffered transfer got wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misaligned {
    what: &'static str,
    value: u64,
    block: Alignment,
}

impl Misaligned {
    /// What is wrong: `"offset"`, `"length"` or `"address"`.
    pub fn what(&self) -> &'static str {
        self.what
    }

    /// Of what it must be a multiple.
    pub fn block(&self) -> Alignment {
        self.block
    }
}

impl fmt::Display for Misaligned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, value, block } = self;
        write!(f, "{what} {value} is no multiple of {}: take an AlignedBuf, and", block.bytes())?;
        f.write_str(" offsets and lengths in whole blocks")
    }
}

impl core::error::Error for Misaligned {}

macro_rules! typed_file {
    ($(#[$docs:meta])* $name:ident, $kind:ident) => {
        $(#[$docs])*
        pub struct $name {
            file: File,
            block: Alignment,
        }

        impl $name {
            /// How to open one.
            pub fn options() -> Opening<Self> {
                Opening::new()
            }

            /// The same file with another policy.
            #[must_use]
            pub fn with_policy(self, policy: Policy) -> Self {
                Self { file: self.file.with_policy(policy), ..self }
            }

            /// Of what offsets, lengths and addresses must be multiples: the system's answer where
            /// it knows one, else 4,096 for direct files; 1 for the others.
            pub fn block(&self) -> Alignment {
                self.block
            }

            /// A page write that this file accepts.
            ///
            /// # Errors
            ///
            /// When offset, length or address is no multiple of [`Self::block`].
            pub fn page_write<'data>(
                &self,
                offset: u64,
                data: &'data [u8],
            ) -> Result<PageWrite<'data>, Misaligned> {
                check(self.block, offset, data)?;
                Ok(PageWrite { offset, data })
            }

            /// A page read that this file accepts.
            ///
            /// # Errors
            ///
            /// As [`Self::page_write`].
            pub fn page_read<'data>(
                &self,
                offset: u64,
                data: &'data mut [u8],
            ) -> Result<PageRead<'data>, Misaligned> {
                check(self.block, offset, data)?;
                Ok(PageRead { offset, data })
            }
        }

        impl Make for $name {
            fn make(file: File, block: Alignment) -> Self {
                Self { file, block }
            }
        }

        impl Access for $name {
            const KIND: AccessKind = AccessKind::$kind;
        }

        impl Deref for $name {
            type Target = File;

            fn deref(&self) -> &File {
                &self.file
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name))
                    .field("file", &self.file)
                    .field("block", &self.block)
                    .finish()
            }
        }
    };
}

fn check(block: Alignment, offset: u64, data: &[u8]) -> Result<(), Misaligned> {
    let facts = [
        ("offset", offset),
        ("length", data.len() as u64),
        ("address", data.as_ptr().addr() as u64),
    ];
    match facts.into_iter().find(|(_, value)| !block.holds(*value)) {
        None => Ok(()),
        Some((what, value)) => Err(Misaligned { what, value, block }),
    }
}

typed_file! {
    /// A file written and read through the page cache.
    ///
    /// Writes of any offset and length. What was written is seen by maps of the file at once,
    /// though a page may be seen half written: publish it only after the write has returned.
    BufferedFile, Buffered
}

typed_file! {
    /// A file written through the page cache to the device: each write returns when it is durable.
    ///
    /// As [`BufferedFile`] otherwise.
    WriteThroughFile, WriteThrough
}

typed_file! {
    /// A file written and read past the page cache.
    ///
    /// ```no_run
    /// use latchwork_ringpal::{AlignedBuf, DirectFile, Ring};
    ///
    /// let file = DirectFile::options().read(true).write(true).create(true).open("pages")?;
    /// let page = AlignedBuf::zeroed(4096, file.block())?;
    /// let ring = Ring::new()?;
    /// ring.commit(&file, &[file.page_write(0, &page)?])?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// It can't become a map:
    ///
    /// ```compile_fail
    /// # use latchwork_ringpal::{DirectFile, MappedFile};
    /// fn map(file: DirectFile) -> MappedFile {
    ///     file.into()
    /// }
    /// ```
    DirectFile, Direct
}

typed_file! {
    /// A file written past the page cache, each write durable when it returns: what a journal is
    /// appended to.
    ///
    /// A journal that is preallocated ([`Opening::preallocate`]) and overwritten never changes its
    /// length, so that each append is one write and one flush of the device's cache.
    DirectSyncFile, DirectSync
}
