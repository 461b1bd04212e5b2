//! Who is in line: the inbox, the batch that is filled from it, and who gets the role next.

use core::mem;

use latchwork_sync::atomic::Ordering;
#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
use latchwork_sync::time::Instant;

use super::Tenure;
use crate::batch::Entry;
use crate::flaws::Flaws;
use crate::head::Head;
use crate::node::{self, Kind, Node};
use crate::room::Share;
use crate::sink::Sink;

impl<S: Sink, F: Flaws> Tenure<'_, S, F> {
    /// Takes the inbox into the line; tells whether there was anything.
    #[inline(never)]
    pub(super) fn take_inbox(&mut self) -> bool {
        // Relaxed: a hint; what is taken is ordered by the exchange.
        let mut head = self.writer.head.load(Ordering::Relaxed);
        loop {
            if head.newest().is_null() {
                return false;
            }
            // Acquire: pairs with the Release of every push since the last look; each exchange
            // of the word continues the release sequences of those before.
            match self.writer.head.exchange(head, head.emptied(), Ordering::Acquire) {
                Ok(()) => break,
                Err(now) => head = now,
            }
        }
        // SAFETY: the exchange has unlinked the inbox: its nodes are the holder's.
        unsafe { self.role.waiting.append_reversed::<F>(head.newest()) };
        true
    }

    /// Fills the batch within its bounds, from the front of the line; returns its bytes.
    #[inline]
    pub(super) fn gather(&mut self, own_bytes: usize) -> usize {
        self.take_inbox();
        if self.role.waiting.is_empty() { own_bytes } else { self.gather_waiting(own_bytes) }
    }

    fn gather_waiting(&mut self, mut bytes: usize) -> usize {
        let limits = &self.writer.limits;
        let mut freed = Share::default();
        while self.role.batch.len() < limits.batch_operations
            && let Some(next) = self.role.waiting.front()
        {
            let more = next.bytes;
            let fits = bytes.saturating_add(more) <= limits.batch_bytes;
            // The first of a batch may be as large as it likes.
            if next.kind() == Kind::Turn || !fits && !self.role.batch.is_empty() {
                break;
            }
            let Some(node) = self.role.waiting.pop() else { break };
            freed.add(more);
            // SAFETY: the node was just unlinked by the holder of the role.
            if !unsafe { node::claim::<S, F>(node) } {
                self.writer.meter.withdrawn.add(1);
                continue;
            }
            // SAFETY: a claimed node lives until it is answered (N1).
            let claimed = unsafe { &*node };
            // SAFETY: and it is the holder's (N1).
            if let Some(op) = unsafe { claimed.take_op() } {
                self.role.batch.push(Entry::new(op, node.cast()));
                bytes += more;
            }
        }
        self.writer.room.give::<F>(freed);
        bytes
    }

    /// Gives the role to the next in line, or back.
    #[inline]
    pub(super) fn hand_on(mut self) {
        loop {
            if !self.role.waiting.is_empty()
                && let Some(node) = self.successor()
            {
                self.end();
                // SAFETY: claimed by the holder, or the dedicated thread's, which has not got the
                // role; from the exchange in it on, neither the node nor the role is touched (T1).
                unsafe { node::give_lead::<S, F>(node) };
                return;
            }
            match self.release() {
                Ok(()) => {
                    mem::forget(self);
                    return;
                }
                Err(()) => self.take_inbox(),
            };
        }
    }

    /// Makes the role free if the inbox is empty.
    #[inline]
    pub(super) fn release(&mut self) -> Result<(), ()> {
        self.writer.holder.leave();
        let mut from = Head::held();
        if F::GATEWAY {
            from = self.writer.head.load(Ordering::Relaxed);
            if !from.newest().is_null() {
                return self.stay();
            }
        }
        // Release: gives the role's fields to whoever takes it next.
        while let Err(now) = self.writer.head.exchange(from, from.released(), Ordering::Release) {
            // Shut and empty is released as such.
            if !now.newest().is_null() && !F::GATEWAY {
                return self.stay();
            }
            from = now;
        }
        if from.is_shut()
            && !F::NO_FAREWELL
            && let Some(dedicated) = self.writer.dedicated()
        {
            // SAFETY: this was the last tenure (I6, I7), and only this ends the thread.
            unsafe { node::send_home::<S, F>(dedicated) };
        }
        Ok(())
    }

    /// The role is not released after all.
    #[cold]
    fn stay(&mut self) -> Result<(), ()> {
        self.writer.holder.enter();
        Err(())
    }

    /// Who gets the role next: the dedicated thread if there is one, but for a turn.
    fn successor(&mut self) -> Option<*const Node<S>> {
        let front = self.role.waiting.front()?;
        match self.writer.dedicated() {
            Some(dedicated) if front.kind() != Kind::Turn => Some(dedicated),
            _ => self.next_in_line().map(<*mut Node<S>>::cast_const),
        }
    }

    /// Unlinks and claims the next node that still wants something.
    pub(super) fn next_in_line(&mut self) -> Option<*mut Node<S>> {
        while let Some(node) = self.role.waiting.pop() {
            // SAFETY: unlinked, not yet claimed: it lives.
            let unlinked = unsafe { &*node };
            if unlinked.kind() != Kind::Turn {
                self.writer.room.give_one::<F>(unlinked.bytes);
            }
            // SAFETY: just unlinked by the holder of the role.
            if unsafe { node::claim::<S, F>(node) } {
                return Some(node);
            }
            self.writer.meter.withdrawn.add(1);
        }
        None
    }

    #[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
    #[cold]
    pub(super) fn wait_for_siblings(&mut self) {
        use crate::siblings::Waited;

        self.take_inbox();
        let own = self.role.batch.len();
        let before = own + self.role.waiting.len();
        let most = self.writer.limits.batch_operations;
        let Some(window) = self.role.store.siblings.window(before, most) else { return };
        let start = Instant::now();
        let deadline = start + window.longest;
        let (mut after, mut now) = (before, start);
        while after < window.operations && now < deadline {
            self.writer.muster.wait(window.operations - own, &self.writer.room, deadline);
            now = Instant::now();
            self.take_inbox();
            after = own + self.role.waiting.len();
        }
        let nanoseconds = u64::try_from((now - start).as_nanos()).unwrap_or(u64::MAX);
        // As if they had come at an even pace.
        let cost = nanoseconds.saturating_mul((before + after) as u64) / 2;
        let expected = window.operations;
        let waited = Waited { expected, before, after, nanoseconds, cost };
        self.writer.meter.sibling_waits.add(1);
        if self.role.store.siblings.judge(waited) {
            self.writer.meter.sibling_waits_paid.add(1);
        }
    }

    /// Under a checker there is no wait: it only takes the inbox more often.
    #[cfg(any(latchwork_loom, latchwork_shuttle))]
    pub(super) fn wait_for_siblings(&mut self) {
        self.take_inbox();
    }
}
