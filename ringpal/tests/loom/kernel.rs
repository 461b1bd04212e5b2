//! A kernel of a few lines, and bugs to put back into the core.

use latchwork_ringpal::checked::{Backend, Completion, RawOp, Wait, Wake};
use latchwork_sync::Event;
use latchwork_sync::cell::UnsafeCell;

/// Rings at the driver's door.
struct Bell(Event);

impl Wake for Bell {
    fn wake(&self) {
        self.0.set();
    }
}

/// The memory of an operation, as the kernel sees it.
pub(crate) type Memory = UnsafeCell<u32>;

/// Does what it was given at the next wait, or at the submission after; sleeps when it has
/// nothing. Writes to the memory of an operation that has any. Fails for ever after so many
/// submissions.
pub(crate) struct Kernel {
    bell: std::sync::Arc<Bell>,
    pushed: Vec<(u32, *const Memory)>,
    taken: Vec<(u32, *const Memory)>,
    done: Vec<Completion>,
    capacity: u32,
    lives: usize,
}

// SAFETY: the memory is there until the completion, by `push`'s contract.
unsafe impl Send for Kernel {}

pub(crate) const IMMORTAL: usize = usize::MAX;

impl Kernel {
    pub(crate) fn new(capacity: u32, lives: usize) -> Self {
        let bell = std::sync::Arc::new(Bell(Event::new()));
        Self { bell, pushed: vec![], taken: vec![], done: vec![], capacity, lives }
    }

    fn perform(&mut self, (key, memory): (u32, *const Memory)) {
        if !memory.is_null() {
            // SAFETY: by `push`'s contract the memory is the kernel's until the completion.
            let memory = unsafe { &*memory };
            // SAFETY: as above.
            memory.with_mut(|value| unsafe { *value += 1 });
        }
        self.done.push(Completion { key, outcome: Ok(0) });
    }
}

// SAFETY: each key goes from `pushed` to `taken` to `done` and out, once.
unsafe impl Backend for Kernel {
    fn capacity(&self) -> u32 {
        self.capacity
    }

    unsafe fn push(&mut self, op: &RawOp, key: u32) {
        let inside = self.pushed.len() + self.taken.len() + self.done.len();
        assert!(inside < self.capacity as usize, "more than the kernel has room for");
        self.pushed.push((key, op.address.cast()));
    }

    fn cancel(&mut self, key: u32) {
        for queue in [&mut self.pushed, &mut self.taken] {
            if let Some(at) = queue.iter().position(|(other, _)| *other == key) {
                queue.remove(at);
                self.done.push(Completion { key, outcome: Err(125) });
            }
        }
    }

    fn submit(&mut self, wait: Wait) -> Result<(), i32> {
        for op in core::mem::take(&mut self.taken) {
            self.perform(op);
        }
        if self.lives == 0 {
            return Err(5);
        }
        self.lives -= 1;
        self.taken.append(&mut self.pushed);
        if wait != Wait::No && self.done.is_empty() {
            if self.taken.is_empty() {
                self.bell.0.wait();
                self.bell.0.reset();
            } else {
                let op = self.taken.remove(0);
                self.perform(op);
            }
        }
        Ok(())
    }

    fn reap(&mut self, into: &mut Vec<Completion>) {
        into.append(&mut self.done);
    }

    fn abandon(&mut self, into: &mut Vec<Completion>) {
        let cancelled = |(key, _)| Completion { key, outcome: Err(125) };
        into.extend(self.pushed.drain(..).map(cancelled));
    }

    fn waker(&self) -> std::sync::Arc<dyn Wake> {
        std::sync::Arc::<Bell>::clone(&self.bell)
    }
}

macro_rules! flaws {
    ($($name:ident: $flaw:ident;)*) => {$(
        struct $name;
        impl Flaws for $name {
            const $flaw: bool = true;
        }
    )*};
}
pub(crate) use flaws;
