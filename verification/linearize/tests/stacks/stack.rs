//! Two stacks under a mutex: one right, one whose pop is two critical sections.

use latchwork_linearize::objects::stack::{Call, Return};
use latchwork_sync::lock::Mutex;

pub(crate) struct Stack<F> {
    items: Mutex<Vec<u8>>,
    /// Called between looking at the top and taking it off; `None` makes them one step.
    between: Option<F>,
}

impl<F: Fn()> Stack<F> {
    pub(crate) fn new(between: Option<F>) -> Self {
        Self { items: Mutex::new(Vec::new()), between }
    }

    pub(crate) fn execute(&self, call: &Call<u8>) -> Return<u8> {
        match call {
            Call::Push(item) => {
                self.items.lock().unwrap().push(*item);
                Return::Pushed
            }
            Call::Pop => Return::Popped(self.pop()),
            Call::TakeAll => Return::Taken(
                core::mem::take(&mut *self.items.lock().unwrap()).into_iter().rev().collect(),
            ),
        }
    }

    fn pop(&self) -> Option<u8> {
        let Some(between) = &self.between else { return self.items.lock().unwrap().pop() };
        let top = self.items.lock().unwrap().last().copied()?;
        between();
        self.items.lock().unwrap().pop();
        Some(top)
    }
}
