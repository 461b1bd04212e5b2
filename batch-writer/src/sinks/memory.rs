//! A sink that keeps its operations in memory.

use core::convert::Infallible;
use core::fmt::{Debug, Display};
use core::marker::PhantomData;

use crate::batch::Batch;
use crate::sink::{Sink, WriteFailure};

/// Keeps a clone of every operation, in order; the output is its index.
///
/// ```
/// use latchwork_batch_writer::{BatchWriter, sinks::Memory};
///
/// let writer = BatchWriter::new(Memory::new());
/// assert_eq!(writer.submit("first").unwrap(), 0);
/// assert_eq!(writer.submit("second").unwrap(), 1);
/// let kept = writer.with_sink(|memory| memory.operations().to_vec()).unwrap();
/// assert_eq!(kept, ["first", "second"]);
/// ```
#[derive(Debug)]
pub struct Memory<O, E = Infallible> {
    kept: Vec<O>,
    error: PhantomData<fn() -> E>,
}

impl<O> Memory<O> {
    /// An empty sink.
    pub const fn new() -> Self {
        Self::fallible()
    }
}

impl<O, E> Memory<O, E> {
    /// An empty sink with an error that it never has itself, for a [`Fault`](super::Fault) around
    /// it.
    pub const fn fallible() -> Self {
        Self { kept: Vec::new(), error: PhantomData }
    }

    /// Everything committed, in order.
    pub fn operations(&self) -> &[O] {
        &self.kept
    }
}

impl<O> Default for Memory<O> {
    fn default() -> Self {
        Self::new()
    }
}

impl<O: Clone, E: Clone + Debug + Display> Sink for Memory<O, E> {
    type Op = O;
    type Output = usize;
    type Error = E;

    fn bytes(_op: &O) -> usize {
        size_of::<O>()
    }

    fn write(&mut self, batch: &mut Batch<'_, O, usize, E>) -> Result<(), WriteFailure<E>> {
        for index in 0..batch.len() {
            let place = self.kept.len();
            self.kept.push(batch.op(index).clone());
            batch.accept(index, place);
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), E> {
        Ok(())
    }

    fn position(&self) -> u64 {
        self.kept.len() as u64
    }
}
