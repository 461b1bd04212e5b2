//! A tenure whose sync goes on without the role (`flights.rs`).
//!
//! A batch is written in two parts: what is queued when the leader comes, while the flights before
//! it use their lanes; and what has come by the time that one is free. Then it is launched as a
//! whole, and the role goes on while its sync is made.

use core::ptr;

use latchwork_sync::atomic::Ordering;

use super::{Came, Role, Tenure, told};
use crate::answers::Answers;
use crate::batch::Entry;
use crate::error::{Cause, SubmitError};
use crate::flaws::Flaws;
use crate::flight::Flight;
use crate::flights::Failed;
use crate::sink::Sink;

/// A batch after its write.
enum Launched<'a, S: Sink, F: Flaws> {
    Flight(Flight<'a, S, F>),
    /// Durable already, or with nothing in it to be made durable.
    Synced(Answers<'a, S, F>),
}

impl<'a, S: Sink, F: Flaws> Tenure<'a, S, F> {
    /// As [`commit_batch`](Self::commit_batch), with the sync taken off the sink and made without
    /// the role.
    #[inline(never)]
    pub(super) fn commit_in_flight(
        mut self,
        op: S::Op,
        bytes: usize,
        came: Came,
    ) -> Result<S::Output, SubmitError<S::Op, S::Error>> {
        let writer = self.writer;
        if writer.flights.am_pilot() {
            self.hand_on();
            return Err(SubmitError::Reentered(op));
        }
        // Relaxed: a failure not yet seen here is seen by the wait for a lane, at the latest by
        // the flight itself (L1).
        if writer.head.load(Ordering::Relaxed).is_poisoned() {
            return Err(SubmitError::Poisoned(op, self.refuse()));
        }
        let took = writer.flights.took.get();
        if took > 0 {
            self.role.store.siblings.sync(took);
        }
        self.role.batch.push(Entry::new(op, ptr::null_mut()));
        let (bytes, accepted) = match self.write_ahead(bytes) {
            Ok(written) => written,
            Err(cause) => return self.fail(cause),
        };
        let flight = match self.launch(accepted) {
            Ok(flight) => flight,
            Err(cause) => return self.fail(cause),
        };
        self.count(self.role.flying, bytes, came);
        match flight {
            Launched::Flight(flight) => {
                self.hand_on();
                flight.fly().map_or_else(|cause| Err(SubmitError::Unknown(cause)), told)
            }
            Launched::Synced(mut batch) => {
                self.hand_on();
                batch.publish();
                told(batch.own())
            }
        }
    }

    /// Writes what is queued, and once there is a lane for its sync, what has come meanwhile.
    /// Returns the batch's bytes, and whether anything is to be synced.
    fn write_ahead(&mut self, bytes: usize) -> Result<(usize, bool), Cause<S::Error>> {
        let (writer, lanes) = (self.writer, self.writer.limits.syncs_in_flight);
        let (mut bytes, mut written, mut accepted) = (bytes, 0, false);
        let waits = !writer.flights.are_fewer(self.role.next, lanes);
        if waits {
            bytes = self.gather(bytes);
            accepted = self.write_rest(&mut written)?;
        }
        if writer.flights.await_lane::<F>(self.role.next, lanes) == Err(Failed) {
            return Err(writer.reason().cause);
        }
        if lanes == 1 {
            if waits {
                // Those of the flight that has just landed are on their way back.
                let there = self.role.batch.len() + self.role.waiting.len();
                self.role.store.siblings.batch(self.role.flying + there);
            }
            if self.role.store.siblings.are_about() {
                self.wait_for_siblings();
            }
        }
        bytes = self.gather(bytes);
        accepted |= self.write_rest(&mut written)?;
        Ok((bytes, accepted))
    }

    /// Writes the batch from there on; tells whether any of it was accepted.
    fn write_rest(&mut self, written: &mut usize) -> Result<bool, Cause<S::Error>> {
        let Role { store, batch, .. } = &mut *self.role;
        let rest = &mut batch[*written..];
        *written += rest.len();
        if rest.is_empty() { Ok(false) } else { store.write(self.writer, rest) }
    }

    /// Makes a flight of the batch, or syncs it here if the sink doesn't let go of its sync.
    fn launch(&mut self, accepted: bool) -> Result<Launched<'a, S, F>, Cause<S::Error>> {
        let (writer, number) = (self.writer, self.role.next);
        self.role.flying = self.role.batch.len();
        if !accepted {
            return Ok(Launched::Synced(self.take_batch()));
        }
        let store = &mut self.role.store;
        let lane = number.lane(writer.limits.syncs_in_flight);
        let Some(sync) = store.sink.detach_sync(lane) else {
            if writer.flights.await_all(number) == Err(Failed) {
                return Err(writer.reason().cause);
            }
            store.sync(writer)?;
            return Ok(Launched::Synced(self.take_batch()));
        };
        let position = store.sink.position();
        self.role.next = number.next();
        writer.meter.detached.add(1);
        let batch = self.take_batch();
        Ok(Launched::Flight(Flight::launch(writer, number, sync, position, batch)))
    }
}
