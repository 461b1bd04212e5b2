//! What a record is made from.

use std::sync::Arc;

/// Bytes to be logged as one record. A pair is its parts one after the other, so that a header
/// and a body needn't be copied together first.
pub trait Payload {
    /// How many bytes [`write_to`](Self::write_to) will append.
    fn length(&self) -> usize;

    /// Appends the bytes.
    fn write_to(&self, into: &mut Vec<u8>);
}

macro_rules! slices {
    ($($type:ty),* $(,)?) => {$(
        impl Payload for $type {
            fn length(&self) -> usize {
                self.len()
            }

            fn write_to(&self, into: &mut Vec<u8>) {
                into.extend_from_slice(self);
            }
        }
    )*};
}

slices! { Vec<u8>, Box<[u8]>, Arc<[u8]>, &[u8] }

impl<const N: usize> Payload for [u8; N] {
    fn length(&self) -> usize {
        N
    }

    fn write_to(&self, into: &mut Vec<u8>) {
        into.extend_from_slice(self);
    }
}

impl<A: Payload, B: Payload> Payload for (A, B) {
    fn length(&self) -> usize {
        self.0.length() + self.1.length()
    }

    fn write_to(&self, into: &mut Vec<u8>) {
        self.0.write_to(into);
        self.1.write_to(into);
    }
}
