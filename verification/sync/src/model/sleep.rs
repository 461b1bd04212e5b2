//! Blocking a thread of a model until it is woken, once.

#[cfg(latchwork_shuttle)]
pub(crate) use by_channel::Sleeper;
#[cfg(latchwork_loom)]
pub(crate) use by_park::Sleeper;

#[cfg(latchwork_loom)]
mod by_park {
    use std::cell::Cell;

    use loom::thread::{Thread, current, park};

    /// The calling thread's next sleep.
    pub(crate) struct Sleeper {
        thread: Thread,
        woken: Cell<bool>,
    }

    impl Sleeper {
        pub(crate) fn new() -> Self {
            Self { thread: current(), woken: Cell::new(false) }
        }

        pub(crate) fn sleep(&self) {
            while !self.woken.get() {
                park();
            }
        }

        pub(crate) fn wake(&self) {
            self.woken.set(true);
            self.thread.unpark();
        }
    }
}

#[cfg(latchwork_shuttle)]
mod by_channel {
    use shuttle::sync::mpsc::{Receiver, Sender, channel};

    /// The calling thread's next sleep. Shuttle's `park` may return for no reason, without end
    /// under its exhaustive search; a channel doesn't.
    pub(crate) struct Sleeper {
        sender: Sender<()>,
        receiver: Receiver<()>,
    }

    impl Sleeper {
        pub(crate) fn new() -> Self {
            let (sender, receiver) = channel();
            Self { sender, receiver }
        }

        pub(crate) fn sleep(&self) {
            self.receiver.recv().expect("the sender lives beside the receiver");
        }

        pub(crate) fn wake(&self) {
            self.sender.send(()).expect("the receiver lives beside the sender");
        }
    }
}
