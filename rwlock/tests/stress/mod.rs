//! What the stress tests and the example `stress` share.

use core::time::Duration;

use latchwork_rwlock::Bounded;

pub(crate) mod pair;

/// Times that are over again and again while the threads run.
pub(crate) const SHORT: Bounded = Bounded::new()
    .patience(Duration::from_micros(20))
    .cool_down(Duration::from_micros(100))
    .longest_writer_wait(Some(Duration::from_micros(300)));

/// Readers that are let in as soon as they wait.
pub(crate) const EAGER: Bounded = Bounded::new()
    .patience(Duration::from_micros(1))
    .cool_down(Duration::ZERO)
    .longest_writer_wait(None);

/// Numbers that look random: xorshift64* (Vigna 2016), from any seed but 0.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) % bound
    }
}
