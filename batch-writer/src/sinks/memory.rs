//! A sink that keeps its operations in memory.

use core::convert::Infallible;

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
pub struct Memory<O> {
    kept: Vec<O>,
}

impl<O> Memory<O> {
    /// An empty sink.
    pub const fn new() -> Self {
        Self { kept: Vec::new() }
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

impl<O: Clone> Sink for Memory<O> {
    type Op = O;
    type Output = usize;
    type Error = Infallible;

    fn bytes(_op: &O) -> usize {
        size_of::<O>()
    }

    fn write(
        &mut self,
        batch: &mut Batch<'_, O, usize, Infallible>,
    ) -> Result<(), WriteFailure<Infallible>> {
        for index in 0..batch.len() {
            let place = self.kept.len();
            self.kept.push(batch.op(index).clone());
            batch.accept(index, place);
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    fn position(&self) -> u64 {
        self.kept.len() as u64
    }
}
