//! `rwlock` against its peers.

mod biased;
mod pairs;
mod pause;
mod probes;
mod threads;
mod timeline;

use std::ops::DerefMut;

use latchwork_benches::Versus;

/// What every contender can do.
trait Lock: Send + Sync {
    fn new() -> Self;
    fn with_read<R>(&self, f: impl FnOnce(&Words) -> R) -> R;
    fn with_write<R>(&self, f: impl FnOnce(&mut Words) -> R) -> R;
}

/// What the locks protect.
type Words = [u64; 2];

fn add(mut words: impl DerefMut<Target = Words>) {
    words[0] += 1;
    words[1] += 1;
}

macro_rules! locks {
    ($($lock:ty: $new:expr, $read:ident $write:ident $(. $unwrap:ident)?;)*) => {$(
        impl Lock for $lock {
            fn new() -> Self {
                $new([0; 2])
            }

            #[inline]
            fn with_read<R>(&self, f: impl FnOnce(&Words) -> R) -> R {
                f(&self.$read()$(.$unwrap())?)
            }

            #[inline]
            fn with_write<R>(&self, f: impl FnOnce(&mut Words) -> R) -> R {
                f(&mut self.$write()$(.$unwrap())?)
            }
        }
    )*};
}

locks! {
    latchwork_rwlock::RwLock<Words>: latchwork_rwlock::RwLock::new, read write;
    latchwork_rwlock::biased::ReadBiased<Words>: latchwork_rwlock::biased::ReadBiased::new, read write;
    parking_lot::RwLock<Words>: parking_lot::RwLock::new, read write;
    std::sync::RwLock<Words>: std::sync::RwLock::new, read write.unwrap;
    async_lock::RwLock<Words>: async_lock::RwLock::new, read_blocking write_blocking;
    tokio::sync::RwLock<Words>: tokio::sync::RwLock::new, blocking_read blocking_write;
    usync::RwLock<Words>: usync::RwLock::new, read write;
    spin::RwLock<Words>: spin::RwLock::new, read write;
    std::sync::Mutex<Words>: std::sync::Mutex::new, lock lock.unwrap;
}

/// The rows of this crate.
pub(crate) fn rows(versus: &mut Versus) {
    pairs::rows(versus);
    threads::rows(versus);
    pause::rows(versus);
    probes::rows(versus);
    biased::rows(versus);
    timeline::curves(versus);
}
