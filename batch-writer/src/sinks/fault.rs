//! A sink that fails on demand.

use core::fmt;

use crate::batch::Batch;
use crate::sink::{Sink, WriteFailure};

/// Where in a batch's way a fault may strike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Point {
    /// Before the inner sink is asked to write.
    BeforeWrite,
    /// After the inner sink has written.
    AfterWrite,
    /// Instead of the inner sink's sync.
    Sync,
}

/// What strikes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger<E> {
    /// The whole batch fails as [`WriteFailure::Undone`]; only before the write.
    Undone(E),
    /// The whole batch fails as [`WriteFailure::Separable`]; only before the write.
    Separable(E),
    /// The write fails as [`WriteFailure::Torn`], or the sync fails.
    Fatal(E),
    /// The sink panics.
    Panic,
}

/// Another sink, with faults chosen by a function of the place and of how often it was reached.
///
/// ```
/// use latchwork_batch_writer::sinks::{Fault, Memory, Point, Trigger};
/// use latchwork_batch_writer::{BatchWriter, Cause, SubmitError};
///
/// let second_sync_fails = |point, times| {
///     (point == Point::Sync && times == 1).then_some(Trigger::Fatal("input/output error"))
/// };
/// let writer = BatchWriter::new(Fault::new(Memory::fallible(), second_sync_fails));
/// assert!(writer.submit('a').is_ok());
/// let failed = writer.submit('b').unwrap_err();
/// assert!(matches!(failed, SubmitError::Unknown(Cause::Sync("input/output error"))));
/// let refused = writer.submit('c').unwrap_err();
/// assert!(matches!(refused, SubmitError::Poisoned('c', poison) if poison.durable_upto == 1));
/// ```
pub struct Fault<S, F> {
    inner: S,
    choose: F,
    reached: [u64; 3],
}

impl<S, F> Fault<S, F> {
    /// Wraps `inner`. `choose` gets the place, and how often it was reached before.
    pub fn new(inner: S, choose: F) -> Self {
        Self { inner, choose, reached: [0; 3] }
    }

    /// The sink inside.
    pub fn inner(&self) -> &S {
        &self.inner
    }
}

impl<S: Sink, F: FnMut(Point, u64) -> Option<Trigger<S::Error>>> Fault<S, F> {
    fn strike(&mut self, point: Point) -> Option<Trigger<S::Error>> {
        let times = &mut self.reached[point as usize];
        *times += 1;
        (self.choose)(point, *times - 1)
    }
}

impl<S: Sink, F: FnMut(Point, u64) -> Option<Trigger<S::Error>>> Sink for Fault<S, F> {
    type Op = S::Op;
    type Output = S::Output;
    type Error = S::Error;

    fn bytes(op: &S::Op) -> usize {
        S::bytes(op)
    }

    fn write(
        &mut self,
        batch: &mut Batch<'_, S::Op, S::Output, S::Error>,
    ) -> Result<(), WriteFailure<S::Error>> {
        match self.strike(Point::BeforeWrite) {
            None => {}
            Some(Trigger::Undone(error)) => return Err(WriteFailure::Undone(error)),
            Some(Trigger::Separable(error)) => return Err(WriteFailure::Separable(error)),
            Some(Trigger::Fatal(error)) => return Err(WriteFailure::Torn(error)),
            Some(Trigger::Panic) => panic!("an injected fault before a write"),
        }
        self.inner.write(batch)?;
        match self.strike(Point::AfterWrite) {
            None => Ok(()),
            Some(Trigger::Panic) => panic!("an injected fault after a write"),
            Some(Trigger::Undone(error) | Trigger::Separable(error) | Trigger::Fatal(error)) => {
                Err(WriteFailure::Torn(error))
            }
        }
    }

    fn sync(&mut self) -> Result<(), S::Error> {
        match self.strike(Point::Sync) {
            None => self.inner.sync(),
            Some(Trigger::Panic) => panic!("an injected fault in a sync"),
            Some(Trigger::Undone(error) | Trigger::Separable(error) | Trigger::Fatal(error)) => {
                Err(error)
            }
        }
    }

    fn position(&self) -> u64 {
        self.inner.position()
    }

    fn close(&mut self) -> Result<(), S::Error> {
        self.inner.close()
    }
}

impl<S: fmt::Debug, F> fmt::Debug for Fault<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fault").field("inner", &self.inner).finish_non_exhaustive()
    }
}
