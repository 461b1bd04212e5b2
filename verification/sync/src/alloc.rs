//! Finding what a model forgets to drop.

/// A value that loom demands to be dropped, or unwrapped, before an execution ends; on the real
/// machine and under shuttle nothing but the value.
///
/// A `Track<()>` in a node costs no byte in a normal build and makes each model find a leaked one.
///
/// ```
/// use latchwork_sync::alloc::Track;
///
/// struct Node {
///     value: u32,
///     tracked: Track<()>,
/// }
///
/// let node = Box::new(Node { value: 1, tracked: Track::new(()) });
/// assert_eq!(node.value, 1);
/// # #[cfg(not(latchwork_loom))]
/// assert_eq!(size_of::<Node>(), 4);
/// ```
#[derive(Debug)]
#[cfg_attr(not(latchwork_loom), repr(transparent))]
pub struct Track<T>(#[cfg(latchwork_loom)] loom::alloc::Track<T>, #[cfg(not(latchwork_loom))] T);

impl<T> Track<T> {
    crate::const_fn! {
        /// Tracks `value`.
        #[inline(always)]
        #[cfg_attr(any(latchwork_loom, latchwork_shuttle), track_caller)]
        pub fn new(value: T) -> Self {
            #[cfg(latchwork_loom)]
            {
                Self(loom::alloc::Track::new(value))
            }
            #[cfg(not(latchwork_loom))]
            {
                Self(value)
            }
        }
    }

    /// The value.
    #[inline(always)]
    pub fn get(&self) -> &T {
        #[cfg(latchwork_loom)]
        {
            self.0.get_ref()
        }
        #[cfg(not(latchwork_loom))]
        {
            &self.0
        }
    }

    /// The value, to be changed.
    #[inline(always)]
    pub fn get_mut(&mut self) -> &mut T {
        #[cfg(latchwork_loom)]
        {
            self.0.get_mut()
        }
        #[cfg(not(latchwork_loom))]
        {
            &mut self.0
        }
    }

    /// Unwraps the value, which is tracked no longer.
    #[inline(always)]
    pub fn into_inner(self) -> T {
        #[cfg(latchwork_loom)]
        {
            self.0.into_inner()
        }
        #[cfg(not(latchwork_loom))]
        {
            self.0
        }
    }
}
