//! The nodes that the holder of the role has taken from the inbox, oldest first.

use core::ptr;

use crate::flaws::Flaws;
use crate::node::Node;
use crate::sink::Sink;

/// A list through the nodes' own links. Private to the holder of the role.
pub(crate) struct Fifo<S: Sink> {
    oldest: *mut Node<S>,
    newest: *mut Node<S>,
    length: usize,
}

impl<S: Sink> Fifo<S> {
    pub(crate) const fn new() -> Self {
        Self { oldest: ptr::null_mut(), newest: ptr::null_mut(), length: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.oldest.is_null()
    }

    /// Nodes in the list, withdrawn ones included.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Appends an inbox, which is linked from newer to older.
    ///
    /// # Safety
    ///
    /// `newest` is null or the newest of a chain of nodes that nobody else has.
    pub(crate) unsafe fn append_reversed<F: Flaws>(&mut self, newest: *mut Node<S>) {
        let mut older = newest;
        let mut front = ptr::null_mut();
        let mut count = 0;
        if F::LIFO {
            while !older.is_null() {
                // SAFETY: as below.
                let next = unsafe { &(*older).next }.with(|next| unsafe { *next });
                // SAFETY: as below.
                unsafe { self.append_one(older) };
                older = next;
            }
            return;
        }
        while !older.is_null() {
            // SAFETY: the chain is the caller's.
            let link = unsafe { &(*older).next };
            // SAFETY: as above.
            let next = link.with_mut(|link| unsafe { link.replace(front) });
            front = older;
            older = next;
            count += 1;
        }
        if front.is_null() {
            return;
        }
        if self.oldest.is_null() {
            self.oldest = front;
        } else {
            // SAFETY: nodes in the list belong to the role, whose holder the caller is.
            let link = unsafe { &(*self.newest).next };
            // SAFETY: as above.
            link.with_mut(|link| unsafe { *link = front });
        }
        self.newest = newest;
        self.length += count;
    }

    /// # Safety
    ///
    /// Nobody else has the node.
    unsafe fn append_one(&mut self, node: *mut Node<S>) {
        // SAFETY: the caller's node.
        let link = unsafe { &(*node).next };
        // SAFETY: as above.
        link.with_mut(|link| unsafe { *link = ptr::null_mut() });
        if self.oldest.is_null() {
            self.oldest = node;
        } else {
            // SAFETY: nodes in the list belong to the role.
            let link = unsafe { &(*self.newest).next };
            // SAFETY: as above.
            link.with_mut(|link| unsafe { *link = node });
        }
        self.newest = node;
        self.length += 1;
    }

    /// The oldest node, which stays.
    pub(crate) fn front(&self) -> Option<&Node<S>> {
        // SAFETY: nodes in the list live until they have been unlinked and fulfilled, or
        // unlinked and freed.
        unsafe { self.oldest.as_ref() }
    }

    /// Unlinks the oldest node.
    pub(crate) fn pop(&mut self) -> Option<*mut Node<S>> {
        let node = self.oldest;
        if node.is_null() {
            return None;
        }
        // SAFETY: as in `front`.
        let link = unsafe { &(*node).next };
        // SAFETY: links of nodes in the list belong to the role.
        self.oldest = link.with(|link| unsafe { *link });
        self.length -= 1;
        Some(node)
    }
}
