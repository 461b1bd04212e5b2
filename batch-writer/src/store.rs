//! The sink, and what is known of it: writing and syncing a batch.

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
use latchwork_sync::time::Instant;

use crate::batch::{Batch, Entry};
use crate::core::Core;
use crate::error::Cause;
use crate::flaws::Flaws;
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
use crate::siblings::QUICK;
use crate::siblings::Siblings;
use crate::sink::{Sink, WriteFailure};

/// After a sync that was quick so many are not measured.
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
const UNMEASURED: u32 = 255;

type Entries<S> = [Entry<<S as Sink>::Op, <S as Sink>::Output, <S as Sink>::Error>];

/// The role's sink.
pub(crate) struct Store<S: Sink> {
    pub(crate) sink: S,
    pub(crate) siblings: Siblings,
    /// Syncs to go before the next one is measured.
    unmeasured: u32,
    /// The sink was closed, or must not be used again.
    pub(crate) ended: bool,
}

impl<S: Sink> Store<S> {
    pub(crate) fn new(sink: S, siblings: Siblings) -> Self {
        Self { sink, siblings, unmeasured: 0, ended: false }
    }

    /// Ends the sink's work.
    pub(crate) fn close(&mut self) -> Result<(), S::Error> {
        self.ended = true;
        self.sink.close()
    }

    /// Writes the batch and makes it durable. Every operation has its answer afterwards.
    #[inline]
    pub(crate) fn write_and_sync<F: Flaws>(
        &mut self,
        writer: &Core<S, F>,
        entries: &mut Entries<S>,
    ) -> Result<(), Cause<S::Error>> {
        if self.write(writer, entries)? { self.sync(writer) } else { Ok(()) }
    }

    /// Writes the batch; tells whether there is anything to be synced. Every operation has its
    /// answer afterwards.
    #[inline]
    pub(crate) fn write<F: Flaws>(
        &mut self,
        writer: &Core<S, F>,
        entries: &mut Entries<S>,
    ) -> Result<bool, Cause<S::Error>> {
        match self.sink.write(&mut Batch::new(entries)) {
            Ok(()) => {}
            Err(WriteFailure::Undone(error)) => {
                reject_all(writer, entries, &error);
                return Ok(false);
            }
            Err(WriteFailure::Separable(error)) => self.write_each(writer, entries, &error)?,
            Err(WriteFailure::Torn(error)) => return Err(Cause::Write(error)),
        }
        let mut accepted = false;
        for entry in &*entries {
            match entry.answer() {
                Some(Ok(_)) => accepted = true,
                Some(Err(_)) => writer.meter.failed.add(1),
                None => panic!("the sink left an operation of the batch without an answer"),
            }
        }
        Ok(accepted)
    }

    /// Tries each operation of a failed batch as a batch of its own.
    #[cold]
    fn write_each<F: Flaws>(
        &mut self,
        writer: &Core<S, F>,
        entries: &mut Entries<S>,
        error: &S::Error,
    ) -> Result<(), Cause<S::Error>> {
        if entries.len() == 1 {
            entries[0].set_answer(Some(Err(error.clone())));
            return Ok(());
        }
        writer.meter.reruns.add(1);
        for entry in &mut *entries {
            entry.set_answer(None);
            match self.sink.write(&mut Batch::new(core::slice::from_mut(entry))) {
                Ok(()) => {}
                Err(WriteFailure::Undone(error) | WriteFailure::Separable(error)) => {
                    entry.set_answer(Some(Err(error)));
                }
                Err(WriteFailure::Torn(error)) => return Err(Cause::Write(error)),
            }
        }
        Ok(())
    }

    #[inline]
    pub(crate) fn sync<F: Flaws>(&mut self, writer: &Core<S, F>) -> Result<(), Cause<S::Error>> {
        self.measured_sync(writer).map_err(Cause::Sync)?;
        writer.durable.set(self.sink.position());
        Ok(())
    }

    #[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
    #[inline]
    fn measured_sync<F: Flaws>(&mut self, writer: &Core<S, F>) -> Result<(), S::Error> {
        if self.unmeasured == 0 {
            return self.measure(writer);
        }
        self.unmeasured -= 1;
        self.sink.sync()
    }

    /// Out of the way of syncs that are quick.
    #[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
    #[cold]
    #[inline(never)]
    fn measure<F: Flaws>(&mut self, writer: &Core<S, F>) -> Result<(), S::Error> {
        let start = Instant::now();
        self.sink.sync()?;
        let nanoseconds = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        writer.meter.sync_nanoseconds.record(nanoseconds);
        self.siblings.sync(nanoseconds);
        self.unmeasured = if nanoseconds < QUICK { UNMEASURED } else { 0 };
        writer.set_quick(self.siblings.are_quick());
        Ok(())
    }

    #[cfg(any(latchwork_loom, latchwork_shuttle))]
    fn measured_sync<F: Flaws>(&mut self, _writer: &Core<S, F>) -> Result<(), S::Error> {
        self.unmeasured = 0;
        self.sink.sync()
    }
}

#[cold]
fn reject_all<S: Sink, F: Flaws>(writer: &Core<S, F>, entries: &mut Entries<S>, error: &S::Error) {
    writer.meter.failed.add(entries.len() as u64);
    for entry in entries {
        entry.set_answer(Some(Err(error.clone())));
    }
}
