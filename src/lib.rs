#![doc = include_str!("../README.md")]

#[cfg(feature = "batch-writer")]
pub use latchwork_batch_writer as batch_writer;
#[cfg(feature = "reclaim")]
pub use latchwork_reclaim as reclaim;
#[cfg(feature = "ringpal")]
pub use latchwork_ringpal as ringpal;
#[cfg(feature = "rwlock")]
pub use latchwork_rwlock as rwlock;
#[cfg(feature = "sync")]
pub use latchwork_sync as sync;
#[cfg(feature = "treiber")]
pub use latchwork_treiber as treiber;

/// The book, whose code is compiled and run with the tests.
#[cfg(doctest)]
mod book {
    macro_rules! chapters {
        ($($name:ident: $file:literal;)*) => {
            $(
                #[doc = include_str!($file)]
                mod $name {}
            )*
        };
    }

    chapters! {
        introduction: "../docs/introduction.md";
        choosing: "../docs/book/choosing.md";
        sync: "../docs/book/sync.md";
        treiber: "../docs/book/treiber.md";
        reclaim: "../docs/book/reclaim.md";
        rwlock: "../docs/book/rwlock.md";
        ringpal: "../docs/book/ringpal.md";
        batch_writer: "../docs/book/batch-writer.md";
        pagestore: "../docs/book/pagestore.md";
        checking: "../docs/book/checking.md";
        museum: "../docs/book/museum.md";
        eight_steps: "../docs/book/eight-steps.md";
        references: "../docs/book/references.md";
    }
}
