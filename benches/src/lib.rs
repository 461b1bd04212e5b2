//! The measuring side of `cargo versus`: ours and its peers in one process, interleaved, many
//! rounds, medians of ratios.
//!
//! A shared machine changes its speed within seconds, so absolute times don't compare across
//! runs, and often not across a minute of one run. A [`Versus`] therefore measures ours and every
//! peer once a round, in an order that rotates from round to round, forms the ratio within the
//! round, and reports the median of the ratios with their spread.

pub mod about;
pub mod chart;
mod clock;
pub mod machine;
pub mod plot;
mod quoted;
mod row;
mod run;
mod versus;

pub use chart::{Axis, Chart, Layout, Line};
pub use clock::{Stopwatch, process_cpu, thread_cpu, wall};
pub use machine::Machine;
pub use row::{Row, table};
pub use run::Run;
pub use versus::{Contender, Options, Versus};
