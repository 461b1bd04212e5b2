//! A sink that counts.

use core::convert::Infallible;
use core::marker::PhantomData;

use crate::batch::Batch;
use crate::sink::{Sink, WriteFailure};

/// Accepts everything, keeps nothing, numbers operations from 0. For measuring a writer alone.
#[derive(Debug)]
pub struct Null<O> {
    next: u64,
    ops: PhantomData<fn(O)>,
}

impl<O> Null<O> {
    /// An empty sink.
    pub const fn new() -> Self {
        Self { next: 0, ops: PhantomData }
    }
}

impl<O> Default for Null<O> {
    fn default() -> Self {
        Self::new()
    }
}

impl<O> Sink for Null<O> {
    type Op = O;
    type Output = u64;
    type Error = Infallible;

    #[inline]
    fn bytes(_op: &O) -> usize {
        size_of::<O>()
    }

    #[inline]
    fn write(
        &mut self,
        batch: &mut Batch<'_, O, u64, Infallible>,
    ) -> Result<(), WriteFailure<Infallible>> {
        for index in 0..batch.len() {
            batch.accept(index, self.next);
            self.next += 1;
        }
        Ok(())
    }

    #[inline]
    fn sync(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    #[inline]
    fn position(&self) -> u64 {
        self.next
    }
}
