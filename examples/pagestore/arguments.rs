//! The command line.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use lexopt::prelude::*;

use crate::failure::{Failure, Result};
use crate::name::{self, Name};

pub(crate) const HELP: &str = "\
pagestore: an embedded store in one directory, built from the Latchwork crates

Every file is one transaction: its bytes go into the journal, together with those of
other threads' transactions and with one sync for all, and then it is acknowledged; a
thread in the background copies them to the data file. Kill it whenever you like and
run it again: it recovers, and goes on with what is missing.

usage: pagestore [import] [--input DIR] [--writers N] [--readers N] [--compact]
                 [--ack-log FILE] [--seen-log FILE]
       pagestore list
       pagestore get NAME > FILE
       pagestore remove NAME
       pagestore verify --input DIR [--acked FILE]
       pagestore compact
       pagestore limit BYTES
       pagestore bench [--seed N] [--seconds N] [--writers N] [--readers N]
       pagestore stress [--seed N] [--rounds N] [--writers N] [--readers N]

commands
  import       imports every file below the input, reports, opens the store again
               and compares every byte; also what runs without a command
  list         shows the size and name of every file in the store
  get NAME     writes the bytes of a file to standard output
  remove NAME  removes a file
  verify       compares the store with a directory
  compact      closes the gaps in the data file and cuts off its end
  limit BYTES  lets no file be larger; fails if one is. `limit none` takes all again
  bench        measures puts and gets, alone, together, and under maintenance
  stress       writers, readers and maintenance at once, ended in the middle now and
               then; everything is checked

options
  --store DIR      where the store is (default: target/pagestore; bench and stress:
                   target/pagestore-bench and -stress, made and removed)
  --input DIR      the files to import (default: this project's own)
  --writers N      threads that write (default: 8)
  --readers N      threads that read meanwhile (default: 2)
  --backend NAME   auto, ring or pool: how pages are written (default: auto)
  --ack-log FILE   appends each name to FILE just after it was acknowledged
  --seen-log FILE  appends each name to FILE when a reader has first found its file
  --compact        import: closes the gaps in the data file meanwhile
  --acked FILE     verify: looks at the names in FILE only; each must be there
  --no-verify      import: leaves the comparison at the end out
  --seed N         bench, stress: the same seed, the same work (default: 1)
  --seconds N      bench: how long each load lasts (default: 2)
  --rounds N       stress: how often the store is opened (default: 6)
  --help           this text

try it
  cargo run --release --example pagestore
  cargo run --release --example pagestore -- --input /usr/include --writers 32
  cargo run --release --example pagestore -- get README.md
  cargo run --release --example pagestore -- bench
  cargo run --release --example pagestore -- stress --seed 7
";

/// How pages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BackendName {
    Auto,
    Ring,
    Pool,
}

#[derive(Debug)]
pub(crate) struct Import {
    pub(crate) input: Option<PathBuf>,
    pub(crate) writers: NonZeroUsize,
    pub(crate) readers: usize,
    pub(crate) ack_log: Option<PathBuf>,
    pub(crate) seen_log: Option<PathBuf>,
    pub(crate) compact: bool,
    pub(crate) verify: bool,
}

/// What bench and stress do.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) seed: u64,
    pub(crate) writers: NonZeroUsize,
    pub(crate) readers: usize,
    pub(crate) time: Duration,
    pub(crate) rounds: u64,
}

#[derive(Debug)]
pub(crate) enum Command {
    Help,
    Import(Import),
    List,
    Get(Name),
    Remove(Name),
    Verify { input: PathBuf, acked: Option<PathBuf> },
    Compact,
    Limit(u64),
    Bench(Load),
    Stress(Load),
}

#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) store: PathBuf,
    pub(crate) backend: BackendName,
    pub(crate) command: Command,
}

/// A wrong word on the command line.
fn usage(what: impl Into<String>) -> Failure {
    Failure::new(what, "`pagestore --help` shows what there is")
}

fn number(value: &std::ffi::OsStr, option: &str) -> Result<u64> {
    let number = value.to_str().and_then(|text| text.parse().ok());
    number.ok_or_else(|| usage(format!("{option} takes a number, not {}", value.display())))
}

fn count(value: &std::ffi::OsStr, option: &str, least: usize) -> Result<usize> {
    let number = value.to_str().and_then(|text| text.parse::<usize>().ok());
    match number {
        Some(number) if (least..=1024).contains(&number) => Ok(number),
        _ => Err(usage(format!(
            "{option} takes a number from {least} to 1024, not {}",
            value.display()
        ))),
    }
}

/// The store's place where none is named: below the build's own directory.
fn default_store(name: &str) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target"), PathBuf::from)
        .join(name)
}

/// Reads the arguments of this process.
pub(crate) fn parse() -> Result<Arguments> {
    let mut parser = lexopt::Parser::from_env();
    let mut words: Vec<std::ffi::OsString> = Vec::new();
    let (mut store, mut input, mut acked) = (None, None, None);
    let (mut ack_log, mut seen_log, mut compact) = (None, None, false);
    let (mut writers, mut readers) = (NonZeroUsize::new(8).expect("8 is not 0"), 2);
    let (mut verify, mut backend, mut help) = (true, BackendName::Auto, false);
    let (mut seed, mut seconds, mut rounds) = (1, 2, 6);
    let failed = |error: lexopt::Error| usage(error.to_string());
    while let Some(argument) = parser.next().map_err(failed)? {
        match argument {
            Long("help") | Short('h') => help = true,
            Long("store") => store = Some(PathBuf::from(parser.value().map_err(failed)?)),
            Long("input") => input = Some(PathBuf::from(parser.value().map_err(failed)?)),
            Long("ack-log") => ack_log = Some(PathBuf::from(parser.value().map_err(failed)?)),
            Long("seen-log") => seen_log = Some(PathBuf::from(parser.value().map_err(failed)?)),
            Long("compact") => compact = true,
            Long("acked") => acked = Some(PathBuf::from(parser.value().map_err(failed)?)),
            Long("no-verify") => verify = false,
            Long("writers") => {
                let number = count(&parser.value().map_err(failed)?, "--writers", 1)?;
                writers = NonZeroUsize::new(number).expect("at least 1");
            }
            Long("readers") => readers = count(&parser.value().map_err(failed)?, "--readers", 0)?,
            Long("seed") => seed = number(&parser.value().map_err(failed)?, "--seed")?,
            Long("seconds") => seconds = number(&parser.value().map_err(failed)?, "--seconds")?,
            Long("rounds") => rounds = number(&parser.value().map_err(failed)?, "--rounds")?,
            Long("backend") => {
                backend = match parser.value().map_err(failed)?.to_str() {
                    Some("auto") => BackendName::Auto,
                    Some("ring") => BackendName::Ring,
                    Some("pool") => BackendName::Pool,
                    _ => return Err(usage("--backend takes auto, ring or pool")),
                };
            }
            Value(word) => words.push(word),
            other => return Err(usage(other.unexpected().to_string())),
        }
    }
    let load = Load { seed, writers, readers, time: Duration::from_secs(seconds), rounds };
    let import = |input| {
        Command::Import(Import { input, writers, readers, ack_log, seen_log, compact, verify })
    };
    let mut words = words.into_iter();
    let command = match words.next() {
        _ if help => Command::Help,
        None => import(input),
        Some(word) if word == "import" => import(input),
        Some(word) if word == "list" => Command::List,
        Some(word) if word == "get" => {
            let name = words.next().ok_or_else(|| usage("get needs the name of a file"))?;
            Command::Get(name::from_argument(&name)?)
        }
        Some(word) if word == "remove" => {
            let name = words.next().ok_or_else(|| usage("remove needs the name of a file"))?;
            Command::Remove(name::from_argument(&name)?)
        }
        Some(word) if word == "compact" => Command::Compact,
        Some(word) if word == "limit" => match words.next() {
            Some(word) if word == "none" => Command::Limit(u64::MAX),
            Some(word) => Command::Limit(number(&word, "limit")?),
            None => return Err(usage("limit needs a number of bytes, or none")),
        },
        Some(word) if word == "bench" => Command::Bench(load),
        Some(word) if word == "stress" => Command::Stress(load),
        Some(word) if word == "verify" => {
            let input = input.ok_or_else(|| usage("verify needs --input DIR to compare with"))?;
            Command::Verify { input, acked }
        }
        Some(word) => return Err(usage(format!("there is no command {}", word.display()))),
    };
    match words.next() {
        Some(word) if !help => Err(usage(format!("{} is one word too many", word.display()))),
        _ => {
            let name = match command {
                Command::Bench(_) => "pagestore-bench",
                Command::Stress(_) => "pagestore-stress",
                _ => "pagestore",
            };
            let store = store.unwrap_or_else(|| default_store(name));
            Ok(Arguments { store, backend, command })
        }
    }
}
