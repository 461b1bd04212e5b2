//! Operations that own their memory: the waker, the drop and the cancel, each against completion.

use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use latchwork_ringpal::Drive;
use latchwork_ringpal::checked::{
    Cause, Core, Ended, Flaws, Operation, RawFile, RawOp, Sound, Started, Work,
};
use latchwork_sync::atomic::{AtomicU32, Ordering};
use latchwork_sync::cell::UnsafeCell;
use latchwork_sync::lock::Arc;
use latchwork_sync::model::{Model, block_on};
use latchwork_sync::thread;

use crate::kernel::{IMMORTAL, Kernel, Memory, flaws};

/// What an operation owns: memory for the kernel, and a count of how often it was freed.
struct Buffer {
    memory: Box<Memory>,
    freed: Arc<AtomicU32>,
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // Whoever frees it is alone with it.
        self.memory.get_mut();
        self.freed.fetch_add(1, Ordering::Relaxed);
    }
}

struct Scene<F: Flaws> {
    core: Arc<Core<F>>,
    ring_thread: thread::JoinHandle<()>,
    freed: Arc<AtomicU32>,
}

impl<F: Flaws> Scene<F> {
    fn new() -> Self {
        let core = Arc::new(Core::new(Box::new(Kernel::new(2, IMMORTAL)), Drive::Thread));
        let theirs = Arc::clone(&core);
        // SAFETY: once, by this thread.
        let ring_thread = thread::spawn(move || unsafe { theirs.serve() });
        Self { core, ring_thread, freed: Arc::new(AtomicU32::new(0)) }
    }

    fn begin(&self) -> Started<Buffer, F> {
        let buffer =
            Buffer { memory: Box::new(UnsafeCell::new(0)), freed: Arc::clone(&self.freed) };
        let work = |buffer: &mut Buffer| {
            let memory: *mut Memory = &raw mut *buffer.memory;
            let op = RawOp::plain(Operation::Nop, RawFile::NONE);
            Work::One(RawOp { address: memory.cast(), ..op })
        };
        // SAFETY: the memory is the buffer's.
        unsafe { Started::begin(&self.core, buffer, None, work) }
    }

    /// Closes; whatever happened, every buffer was freed once.
    fn end(self, begun: u32) {
        self.core.close();
        self.ring_thread.join().unwrap();
        assert_eq!(self.freed.load(Ordering::Relaxed), begun, "freed once each");
    }
}

/// What the kernel did to the memory is there with the result.
fn check((result, buffer): Ended<Buffer>) -> &'static str {
    // SAFETY: the buffer is this thread's again.
    let written = buffer.memory.with(|value| unsafe { *value });
    match result.map_err(|failure| failure.cause) {
        Ok(()) => {
            assert_eq!(written, 1);
            "done"
        }
        Err(Cause::Cancelled) => {
            assert_eq!(written, 0);
            "cancelled"
        }
        Err(Cause::Closed) => "closed",
        Err(cause) => panic!("{cause:?}"),
    }
}

/// The future of an operation.
struct Operating<F: Flaws> {
    started: Started<Buffer, F>,
    /// A bug: only the first waker is ever left.
    first_waker_only: bool,
    polled: bool,
}

impl<F: Flaws> Future for Operating<F> {
    type Output = Ended<Buffer>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Ended<Buffer>> {
        if self.polled && self.first_waker_only && !self.started.is_done() {
            return Poll::Pending;
        }
        self.polled = true;
        self.started.poll(context)
    }
}

/// A task polls, moves to another waker, and sleeps under that one.
fn waker_replaced<F: Flaws>(first_waker_only: bool) -> String {
    let scene = Scene::<F>::new();
    let mut operating = Operating { started: scene.begin(), first_waker_only, polled: false };
    let first = Pin::new(&mut operating).poll(&mut Context::from_waker(Waker::noop()));
    let seen = match first {
        Poll::Ready(ended) => check(ended),
        Poll::Pending => check(block_on(operating)),
    };
    scene.end(1);
    seen.to_owned()
}

fn waited_for<F: Flaws>() -> String {
    let scene = Scene::<F>::new();
    let seen = check(scene.begin().wait());
    scene.end(1);
    seen.to_owned()
}

/// The handle goes while the operation is anywhere.
fn dropped<F: Flaws>(polled: bool) -> String {
    let scene = Scene::<F>::new();
    let mut started = scene.begin();
    if polled && let Poll::Ready(ended) = started.poll(&mut Context::from_waker(Waker::noop())) {
        check(ended);
    }
    drop(started);
    scene.end(1);
    String::new()
}

fn cancelled<F: Flaws>() -> String {
    let scene = Scene::<F>::new();
    let started = scene.begin();
    started.cancel();
    let seen = check(block_on(Operating { started, first_waker_only: false, polled: false }));
    scene.end(1);
    seen.to_owned()
}

fn cancelled_and_dropped<F: Flaws>() -> String {
    let scene = Scene::<F>::new();
    let started = scene.begin();
    started.cancel();
    drop(started);
    scene.end(1);
    String::new()
}

/// An operation and its cancel against the end of the ring.
fn cancelled_against_close<F: Flaws>() -> String {
    let scene = Scene::<F>::new();
    let (core, freed) = (Arc::clone(&scene.core), Arc::clone(&scene.freed));
    let closer = thread::spawn(move || core.close());
    let started = scene.begin();
    started.cancel();
    let seen = check(started.wait());
    closer.join().unwrap();
    drop(freed);
    scene.end(1);
    seen.to_owned()
}

flaws! {
    ReleaseEarly: RELEASE_EARLY;
    NeverRelease: NEVER_RELEASE;
    CancelKeepsNothing: CANCEL_KEEPS_NOTHING;
    StopBlindly: STOP_BLINDLY;
    TakeBlindly: TAKE_BLINDLY;
    DropAtClose: DROP_AT_CLOSE;
    NeverWake: NEVER_WAKE;
}

pub(crate) fn models() -> Vec<Model> {
    vec![
        Model::new("owned_waker_replaced_against_complete", || waker_replaced::<Sound>(false))
            .bound(1)
            .least(100)
            .random_under_shuttle(20_000)
            .twin("first_waker_only", || waker_replaced::<Sound>(true))
            .twin("take_blindly", || waker_replaced::<TakeBlindly>(false)),
        Model::new("owned_waited_for", waited_for::<Sound>)
            .bound(1)
            .least(50)
            .random_under_shuttle(20_000)
            .twin("never_wake", waited_for::<NeverWake>),
        Model::new("owned_drop_against_complete", || dropped::<Sound>(false))
            .bound(1)
            .least(40)
            .random_under_shuttle(20_000)
            .twin("never_release", || dropped::<NeverRelease>(false))
            .twin("release_early", || dropped::<ReleaseEarly>(false)),
        Model::new("owned_polled_drop_against_complete", || dropped::<Sound>(true))
            .bound(1)
            .least(50)
            .random_under_shuttle(20_000)
            .twin("release_early", || dropped::<ReleaseEarly>(true)),
        Model::new("owned_cancel_against_complete", cancelled::<Sound>)
            .bound(1)
            .least(100)
            .random_under_shuttle(20_000)
            .twin("stop_blindly", cancelled::<StopBlindly>),
        Model::new("owned_cancel_and_drop_against_complete", cancelled_and_dropped::<Sound>)
            // One misses the twin.
            .bound(2)
            .least(100)
            .random_under_shuttle(20_000)
            .twin("cancel_keeps_nothing", cancelled_and_dropped::<CancelKeepsNothing>),
        Model::new("owned_cancel_against_close", cancelled_against_close::<Sound>)
            .bound(1)
            .least(100)
            .random_under_shuttle(20_000)
            .twin("drop_at_close", cancelled_against_close::<DropAtClose>),
    ]
}
