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
        introduction: "../docs/book/src/introduction.md";
        choosing: "../docs/book/src/choosing.md";
        sync: "../docs/book/src/sync.md";
        treiber: "../docs/book/src/treiber.md";
        reclaim: "../docs/book/src/reclaim.md";
        rwlock: "../docs/book/src/rwlock.md";
        ringpal: "../docs/book/src/ringpal.md";
        batch_writer: "../docs/book/src/batch-writer.md";
        pagestore: "../docs/book/src/pagestore.md";
        checking: "../docs/book/src/checking.md";
        museum: "../docs/book/src/museum.md";
        eight_steps: "../docs/book/src/eight-steps.md";
        references: "../docs/book/src/references.md";
    }
}
