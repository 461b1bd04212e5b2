//! An embedded store in one directory, built from the family:
//!
//! | what | of which crate | where |
//! | --- | --- | --- |
//! | one sync for many transactions | `batch-writer` | `commit.rs` |
//! | pages written and read, many in a call | `ringpal` | `journal.rs`, `store.rs` |
//! | free frames, free pages, what is to be copied | `treiber` | `scratch.rs`, `space.rs` |
//! | an index that readers follow without waiting | `reclaim` | `index.rs` |
//! | compaction, and a change of the schema | `rwlock` | `compact.rs`, `store.rs` |
//!
//! Start at `store.rs`: its head is the whole of it. `arguments.rs`, `import.rs`, `report.rs`,
//! `tree.rs` and `verify.rs` are a program around it, `workload.rs`, `bench.rs` and `stress.rs`
//! put it under load.

mod arguments;
mod bench;
mod checkpoint;
mod commit;
mod compact;
mod copier;
mod failure;
mod file;
mod import;
mod index;
mod journal;
mod name;
mod record;
mod report;
mod scratch;
mod space;
mod store;
mod stress;
mod tree;
mod verify;
mod workload;

use std::collections::HashSet;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::arguments::{Arguments, BackendName, Command, Import};
use crate::failure::{Failure, Result};
use crate::store::Store;
use crate::tree::{Leave, Tree};

fn main() -> ExitCode {
    match arguments::parse().and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("pagestore: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<()> {
    let Arguments { store, backend, command } = arguments;
    match command {
        Command::Help => say(arguments::HELP),
        Command::Import(options) => import_and_verify(&store, backend, &options),
        Command::List => {
            let store = Store::open(&store, backend)?;
            let lines = store.list().into_iter();
            let lines = lines.map(|(name, bytes)| format!("{bytes:>12} {}\n", name::show(&name)));
            say(lines.collect::<String>())
        }
        Command::Get(name) => {
            let store = Store::open(&store, backend)?;
            let bytes = store.get(&name)?.ok_or_else(|| {
                Failure::new(
                    format!("{} is not in the store", name::show(&name)),
                    "`pagestore list` shows what is",
                )
            })?;
            say(bytes)
        }
        Command::Remove(name) => {
            let store = Store::open(&store, backend)?;
            store.remove(&name)?;
            store.close()
        }
        Command::Compact => {
            let store = Store::open(&store, backend)?;
            let compacted = store.compact()?;
            store.close()?;
            say(report::compacted(&compacted))
        }
        Command::Limit(limit) => {
            let store = Store::open(&store, backend)?;
            store.set_limit(limit)?;
            store.close()
        }
        Command::Bench(options) => say(bench::run(&store, backend, &options)?),
        Command::Stress(options) => say(stress::run(&store, backend, &options)?),
        Command::Verify { input, acked } => {
            let tree = walk(Some(&input), &store)?;
            let store = Store::open(&store, backend)?;
            let verified = match acked {
                Some(log) => verify::acknowledged(&store, &tree, &log)?,
                None => verify::all(&store, &tree, 0)?,
            };
            say(report::verified(&verified))
        }
    }
}

/// Writes to standard output; a reader that has gone away is no failure.
fn say(bytes: impl AsRef<[u8]>) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes.as_ref()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::io("write to", Path::new("standard output"), &error))
        }
        _ => Ok(()),
    }
}

/// The files of a directory, or of this project without its caches.
fn walk(input: Option<&Path>, store: &Path) -> Result<Tree> {
    match input {
        Some(input) => tree::walk(input, store, Leave::Nothing),
        None => tree::walk(Path::new(env!("CARGO_MANIFEST_DIR")), store, Leave::ProjectCaches),
    }
}

fn import_and_verify(place: &Path, backend: BackendName, options: &Import) -> Result<()> {
    // The input first: a wrong one should not leave an empty store behind.
    let tree = walk(options.input.as_deref(), place)?;
    let store = Store::open_or_create(place, backend)?;
    say(report::opened(place, &store, &tree))?;
    let mut unchanged = import::unchanged(&store, &tree)?;
    if options.input.is_none() && unchanged.len() == tree.sources.len() {
        // The demonstration again: there should be something to see.
        say("every file is there already: writing them all again\n")?;
        unchanged = HashSet::new();
    }
    let imported = import::run(&store, &tree, &unchanged, options)?;
    say(report::imported(&imported, &store))?;
    store.close()?;
    if options.verify {
        let store = Store::open(place, backend)?;
        let verified = verify::all(&store, &tree, imported.unreadable.len())?;
        say(report::reopened(&store, &verified))?;
    }
    unreadable(imported.unreadable)
}

/// Files that could not be read make the import a failure, though the others are safe.
fn unreadable(mut failures: Vec<Failure>) -> Result<()> {
    let more = failures.len().saturating_sub(1);
    match failures.pop() {
        None => Ok(()),
        Some(failure) if more == 0 => Err(failure.after("every other file was imported")),
        Some(failure) => Err(failure.after(&format!(
            "{more} more files could not be read either; every other file was imported"
        ))),
    }
}

/// Where a store keeps its parts.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) directory: PathBuf,
    pub(crate) lock: PathBuf,
    pub(crate) data: PathBuf,
    pub(crate) log: PathBuf,
    pub(crate) checkpoint: PathBuf,
}

impl Layout {
    pub(crate) fn of(store: &Path) -> Self {
        Self {
            directory: store.to_path_buf(),
            lock: store.join("LOCK"),
            data: store.join("data"),
            log: store.join("log"),
            checkpoint: store.join("checkpoint"),
        }
    }
}
