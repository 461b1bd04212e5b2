//! A sync on its way, and the batch that waits for it.

use crate::answers::{Answers, Own};
use crate::core::Core;
use crate::error::{Cause, Poison};
use crate::flaws::Flaws;
use crate::flights::{Failed, Number};
use crate::sink::{DetachedSync, Sink};

/// A batch that is written, with its sync; see `flights.rs`. Dropped before it has ended, by a
/// panic, it fails.
pub(crate) struct Flight<'a, S: Sink, F: Flaws> {
    writer: &'a Core<S, F>,
    number: Number,
    sync: Box<dyn DetachedSync<S::Error>>,
    /// Where the sink had got to when the sync was taken off it.
    position: u64,
    answers: Answers<'a, S, F>,
    ended: bool,
}

impl<'a, S: Sink, F: Flaws> Flight<'a, S, F> {
    /// The number is the next that the role's holder had, and this flight has its lane.
    pub(crate) fn launch(
        writer: &'a Core<S, F>,
        number: Number,
        sync: Box<dyn DetachedSync<S::Error>>,
        position: u64,
        answers: Answers<'a, S, F>,
    ) -> Self {
        Self { writer, number, sync, position, answers, ended: false }
    }

    /// Syncs, lands, and answers everybody in the batch; returns the leader's own answer.
    pub(crate) fn fly(mut self) -> Result<Own<S>, Cause<S::Error>> {
        let lane = self.number.lane(self.writer.limits.syncs_in_flight);
        self.writer.flights.pilot(lane).enter();
        let (synced, took) = measured(|| self.sync.sync());
        self.writer.flights.pilot(lane).leave();
        let ended = self.end(synced.map_err(Cause::Sync), took);
        self.answers.publish();
        ended.map(|()| self.answers.own())
    }

    fn end(
        &mut self,
        synced: Result<(), Cause<S::Error>>,
        took: u64,
    ) -> Result<(), Cause<S::Error>> {
        let ended = self.land(synced, took);
        self.ended = true;
        if let Err(cause) = &ended {
            self.answers.void(cause);
        }
        ended
    }

    /// Lands in turn, or fails (L1, L3).
    fn land(
        &mut self,
        synced: Result<(), Cause<S::Error>>,
        took: u64,
    ) -> Result<(), Cause<S::Error>> {
        let writer = self.writer;
        if !F::LAND_OUT_OF_TURN && writer.flights.await_all(self.number) == Err(Failed) {
            // Whatever the own sync said: its error may have been the earlier one's.
            return if F::FAIL_ALONE { synced } else { Err(writer.reason().cause) };
        }
        match synced {
            Ok(()) => {
                self.sync.landed();
                // One writer at a time: the flight in front.
                writer.durable.set(self.position);
                writer.meter.sync_nanoseconds.record(took);
                writer.flights.took.set(took);
                writer.flights.land(self.number);
                Ok(())
            }
            Err(cause) => {
                if F::WAKE_BEFORE_GATE {
                    self.answers.void(&cause);
                    self.answers.publish();
                }
                let durable_upto = writer.durable.get();
                // SAFETY: in front, and not failed: the only poisoner there is (L3).
                unsafe { writer.shut(&Poison { cause: cause.clone(), durable_upto }) };
                writer.flights.fail(self.number);
                Err(cause)
            }
        }
    }
}

impl<S: Sink, F: Flaws> Drop for Flight<'_, S, F> {
    fn drop(&mut self) {
        if self.ended || F::NO_GUARD {
            return;
        }
        let lane = self.number.lane(self.writer.limits.syncs_in_flight);
        self.writer.flights.pilot(lane).leave();
        // The answers follow with the drop of their place.
        let _ = self.end(Err(Cause::Panic), 0);
    }
}

/// Also how long it took, in nanoseconds.
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
fn measured<R>(act: impl FnOnce() -> R) -> (R, u64) {
    let start = latchwork_sync::time::Instant::now();
    let result = act();
    (result, u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX))
}

#[cfg(any(latchwork_loom, latchwork_shuttle))]
fn measured<R>(act: impl FnOnce() -> R) -> (R, u64) {
    (act(), 0)
}
