//! `cargo versus`: ours against its peers, in one run.

mod batch_writer;
mod reclaim;
mod ringpal;
mod rwlock;
mod treiber;

use std::path::PathBuf;
use std::process::ExitCode;

use latchwork_benches::{Options, Versus, table};
use lexopt::prelude::*;

const HELP: &str = "\
cargo versus: ours against its peers, in one run

usage: cargo versus [--quick] [--json FILE] [--list] [TEXT]...

  TEXT         only rows whose group/row contains TEXT, such as treiber/ or submit_8
  --quick      few rounds and small loads: shows that it runs; don't quote its numbers
  --json FILE  writes the rows as a list of objects
  --list       names the rows
  --help       this text

Each round runs ours and every peer once, in an order that rotates; the ratio is
the median over the rounds of ours over theirs, in cost: below 1 is better.
";

fn run() -> Result<(), String> {
    let mut options = Options::default();
    let mut json: Option<PathBuf> = None;
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next().map_err(|error| error.to_string())? {
        match argument {
            Long("quick") => options.quick = true,
            Long("list") => options.list = true,
            Long("json") => json = Some(arguments.value().map_err(|e| e.to_string())?.into()),
            Long("help") | Short('h') => {
                print!("{HELP}");
                return Ok(());
            }
            Value(text) => options.only.push(text.string().map_err(|e| e.to_string())?),
            other => return Err(format!("{}; --help tells the usage", other.unexpected())),
        }
    }
    // Said before the measuring, not after it.
    if let Some(path) = &json {
        std::fs::write(path, "[]\n")
            .map_err(|error| format!("can't write {}: {error}", path.display()))?;
    }
    let listing = options.list;
    let mut versus = Versus::new(options);
    groups(&mut versus);
    if listing {
        return Ok(());
    }
    if versus.rows().is_empty() {
        return Err("no row has such a name; --list names them".into());
    }
    println!("\n{}", table(versus.rows()));
    if versus.is_quick() {
        println!("a quick run: these numbers show that it works, and nothing more");
    }
    if let Some(path) = &json {
        let text = serde_json::to_string_pretty(versus.rows()).map_err(|e| e.to_string())?;
        std::fs::write(path, text + "\n")
            .map_err(|error| format!("can't write {}: {error}", path.display()))?;
    }
    Ok(())
}

/// One module a crate.
fn groups(versus: &mut Versus) {
    treiber::rows(versus);
    reclaim::rows(versus);
    rwlock::rows(versus);
    ringpal::rows(versus);
    batch_writer::rows(versus);
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("versus: {error}");
            ExitCode::FAILURE
        }
    }
}
