//! Operations that own their buffers: futures for any executor, and handles to wait on.
//!
//! The buffer goes into the operation, stays there while the system works on it, and comes back
//! with the result. A [`Pending`] that is dropped leaves its operation alone: it runs to its end,
//! and the buffer is freed then, on the thread that drives the ring: its drop must not panic, which
//! ends the process, nor block on the ring. So no order of drops, leaks and panics lets
//! the system write to memory that is somebody else's.
//!
//! Source of the rule: the use-after-free of rio (RUSTSEC-2020-0021), whose futures borrowed, and those
//! of runtimes that free buffers when the ring is dropped, which the kernel does not wait for.

mod buffer;
mod pending;
mod requests;

pub use buffer::{ReadBuf, WriteBuf};
pub use pending::{Completed, Pending};
pub use requests::Requests;
