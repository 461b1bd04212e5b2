//! The measuring side of `cargo versus`: ours and its peers in one process, interleaved, many
//! rounds, medians of ratios.
//!
//! A shared machine changes its speed within seconds, so absolute times don't compare across
//! runs, and often not across a minute of one run. A [`Versus`] therefore measures ours and every
//! peer once a round, in an order that rotates from round to round, forms the ratio within the
//! round, and reports the median of the ratios with their spread.

mod clock;
mod row;
mod versus;

pub use clock::{Stopwatch, process_cpu, thread_cpu, wall};
pub use row::{Row, table};
pub use versus::{Contender, Options, Versus};
