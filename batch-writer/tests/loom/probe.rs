//! A sink that asserts the invariants, and submissions that check what they are told.

use latchwork_batch_writer::checked::{Core, Flaws};
use latchwork_batch_writer::{Batch, DetachedSync, Options, Sink, SubmitError, WriteFailure};
use latchwork_sync::cell::UnsafeCell;
use latchwork_sync::lock::Arc;
use latchwork_sync::model::block_on;
use latchwork_sync::thread::{JoinHandle, spawn};
use latchwork_sync::time::{Duration, Instant};

/// What strikes the sink at its sync.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strike {
    Never,
    Error,
    Panic,
}

/// Data of a submitter that the sink reads, or of the sink that the submitter reads: loom reports
/// a race where the protocol doesn't order them.
#[derive(Default)]
pub(crate) struct Payload(UnsafeCell<u32>);

// SAFETY: shared on purpose: loom reports accesses that race.
unsafe impl Sync for Payload {}
// SAFETY: plain integers.
unsafe impl Send for Payload {}

/// An operation: whose, and a place where the sink leaves a mark for it.
pub(crate) type Op = (u32, Arc<Payload>);

/// Keeps the order of what was executed; asserts that one holder at a time calls it, and nobody
/// after a failure or a close.
pub(crate) struct Probe {
    pub(crate) executed: Vec<u32>,
    inside: UnsafeCell<u32>,
    strike: Strike,
    dead: bool,
    airport: Option<Arc<Airport>>,
    launched: u32,
}

/// What the detached syncs of one sink share: a write that races with any other sync on the lane,
/// and the number of those that have landed, which each writes in its turn.
#[derive(Default)]
pub(crate) struct Airport {
    lanes: [Payload; 2],
    landed: Payload,
}

/// A sync apart from the probe; the flight that is struck is told by its number.
struct Detached {
    airport: Arc<Airport>,
    lane: usize,
    number: u32,
    strike: Strike,
}

impl DetachedSync<Error> for Detached {
    fn sync(&mut self) -> Result<(), Error> {
        // SAFETY: loom fails the scene where another sync is on the lane (L2).
        self.airport.lanes[self.lane].0.with_mut(|count| unsafe { *count += 1 });
        match self.strike {
            Strike::Error => Err("EIO"),
            Strike::Panic => std::panic::resume_unwind(Box::new("struck")),
            Strike::Never => Ok(()),
        }
    }

    fn landed(&mut self) {
        // SAFETY: loom fails the scene where two land at the same time (L1).
        let number =
            self.airport.landed.0.with_mut(|count| unsafe { count.replace(self.number + 1) });
        assert_eq!(number, self.number, "landed out of turn (L1)");
    }
}

impl Probe {
    pub(crate) fn new(strike: Strike) -> Self {
        Self {
            executed: Vec::new(),
            inside: UnsafeCell::new(0),
            strike,
            dead: false,
            airport: None,
            launched: 0,
        }
    }

    /// A sink that lets its syncs go; the first is struck.
    pub(crate) fn detaching(strike: Strike) -> Self {
        Self { airport: Some(Arc::default()), ..Self::new(strike) }
    }

    /// How many syncs have landed, for who has the sink with nothing in flight.
    pub(crate) fn landed(&self) -> u32 {
        let airport = self.airport.as_ref().expect("a sink that lets its syncs go");
        // SAFETY: loom fails the scene where a flight still lands.
        let landed = airport.landed.0.with(|count| unsafe { *count });
        assert!(self.strike != Strike::Never || landed == self.launched, "a turn in flight (L4)");
        landed
    }

    /// A write that races with any other holder's (I1).
    fn step(&self) {
        // SAFETY: the caller holds the role; loom fails the scene where another does too.
        self.inside.with_mut(|count| unsafe { *count += 1 });
    }
}

pub(crate) type Error = &'static str;
pub(crate) type Writer<F> = Core<Probe, F>;
pub(crate) type Outcome = Result<u32, SubmitError<Op, Error>>;

impl Sink for Probe {
    type Op = Op;
    type Output = u32;
    type Error = Error;

    fn bytes(_: &Op) -> usize {
        1
    }

    fn write(&mut self, batch: &mut Batch<'_, Op, u32, Error>) -> Result<(), WriteFailure<Error>> {
        self.step();
        assert!(!self.dead, "a write after a failure or a close (I6, I7)");
        for index in 0..batch.len() {
            let (whose, payload) = batch.op(index);
            let whose = *whose;
            assert!(!self.executed.contains(&whose), "executed twice (I2)");
            // SAFETY: the operation is the holder's; loom fails the scene where it is not.
            payload.0.with_mut(|place| unsafe { *place += 1 });
            self.executed.push(whose);
            batch.accept(index, whose);
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), Error> {
        self.step();
        match self.strike {
            Strike::Never => Ok(()),
            Strike::Error => {
                self.dead = true;
                Err("EIO")
            }
            Strike::Panic => {
                self.dead = true;
                std::panic::resume_unwind(Box::new("struck"));
            }
        }
    }

    fn detach_sync(&mut self, lane: usize) -> Option<Box<dyn DetachedSync<Error>>> {
        self.step();
        let airport = Arc::clone(self.airport.as_ref()?);
        let number = self.launched;
        self.launched += 1;
        let strike = if number == 0 { self.strike } else { Strike::Never };
        Some(Box::new(Detached { airport, lane, number, strike }))
    }

    fn position(&self) -> u64 {
        0
    }

    fn close(&mut self) -> Result<(), Error> {
        self.step();
        assert!(!self.dead, "a close after a failure or a close");
        self.dead = true;
        Ok(())
    }
}

pub(crate) fn writer<F: Flaws>(batch: usize, strike: Strike) -> Arc<Writer<F>> {
    let options = Options::new().batch_operations(batch).sibling_wait(Duration::ZERO);
    Arc::new(Core::new(Probe::new(strike), options, false))
}

/// A writer with so many syncs in flight.
pub(crate) fn ahead<F: Flaws>(lanes: usize, batch: usize, strike: Strike) -> Arc<Writer<F>> {
    let options = Options::new().batch_operations(batch).sibling_wait(Duration::ZERO);
    Arc::new(Core::new(Probe::detaching(strike), options.syncs_in_flight(lanes), false))
}

/// A writer with a dedicated thread, which the scene must start.
pub(crate) fn dedicated<F: Flaws>(batch: usize, strike: Strike) -> Arc<Writer<F>> {
    let options = Options::new().batch_operations(batch).sibling_wait(Duration::ZERO);
    Arc::new(Core::new(Probe::new(strike), options.inline(false), true))
}

pub(crate) fn spawn_serve<F: Flaws>(writer: &Arc<Writer<F>>) -> JoinHandle<()> {
    let writer = Arc::clone(writer);
    spawn(move || writer.serve())
}

/// An operation, and the submitter's view of its payload.
pub(crate) fn operation(whose: u32) -> (Op, Arc<Payload>) {
    let payload = Arc::new(Payload::default());
    // SAFETY: not yet shared.
    payload.0.with_mut(|place| unsafe { *place = 0 });
    ((whose, Arc::clone(&payload)), payload)
}

/// Reads what the sink left: 1 after success.
pub(crate) fn check(whose: u32, payload: &Payload, outcome: &Outcome) {
    let executed = match outcome {
        Ok(output) => {
            assert_eq!(*output, whose, "somebody else's answer");
            1
        }
        Err(SubmitError::Unknown(_)) => return,
        Err(_) => 0,
    };
    assert_executed(payload, executed);
}

pub(crate) fn assert_executed(payload: &Payload, times: u32) {
    // SAFETY: answered: the payload is ours again, or loom fails the scene.
    let found = payload.0.with(|place| unsafe { *place });
    assert_eq!(found, times, "executed exactly if told so (I2)");
}

/// Submits, and checks what it was told.
pub(crate) fn submit<F: Flaws>(
    writer: &Writer<F>,
    whose: u32,
    deadline: Option<Instant>,
) -> Outcome {
    let (op, payload) = operation(whose);
    let outcome = match deadline {
        None => writer.submit(op),
        Some(deadline) => writer.submit_until(op, deadline),
    };
    check(whose, &payload, &outcome);
    outcome
}

/// The same as a task, on this thread.
pub(crate) fn submit_async<F: Flaws>(writer: &Writer<F>, whose: u32) -> Outcome {
    let (op, payload) = operation(whose);
    let outcome = block_on(writer.submit_async(op));
    check(whose, &payload, &outcome);
    outcome
}

pub(crate) fn spawn_submit<F: Flaws>(writer: &Arc<Writer<F>>, whose: u32) -> JoinHandle<Outcome> {
    let writer = Arc::clone(writer);
    spawn(move || submit(&writer, whose, None))
}

/// The order of execution, when everybody has left: the role is free (I5).
pub(crate) fn order<F: Flaws>(writer: &Writer<F>) -> String {
    writer.with_sink(|probe| format!("{:?}", probe.executed)).expect("the role is free")
}
