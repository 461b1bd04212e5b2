/// What a domain has done, and what it still holds.
///
/// ```
/// use latchwork_reclaim::{Epoch, Guard, Handle, Owned, Scheme};
///
/// let domain = Epoch::new();
/// let mut handle = domain.register();
/// let guard = handle.pin();
/// let object = Owned::new(7).into_tagged();
/// // SAFETY: the object was never shared, and is retired once.
/// unsafe { guard.retire(object.as_shared()) };
/// drop(guard);
/// assert_eq!(domain.stats().pending, 1);
/// handle.barrier();
/// assert_eq!(domain.stats().freed, 1);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Objects retired and not yet freed.
    pub pending: usize,
    /// Their size in bytes, as far as `retire` was told. A bag's bytes count as freed when its
    /// first object is.
    pub pending_bytes: usize,
    /// Of the pending objects, those that no thread has, since the thread that retired them left.
    pub orphans: usize,
    /// Objects freed.
    pub freed: u64,
    /// Heavy fences issued.
    pub barriers: u64,
    /// Bags that needed no heavy fence of their own, since another's covered them.
    pub barriers_saved: u64,
    /// Registrations that are pinned.
    pub pinned: usize,
    /// The age of the oldest guard, in heavy fences issued since it began.
    pub oldest_guard: Option<u64>,
}
