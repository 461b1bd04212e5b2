//! `cargo versus`: ours against its peers, in one run.

mod batch_writer;
mod reclaim;
mod ringpal;
mod rwlock;
mod treiber;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use latchwork_benches::{Options, Row, Run, Versus, plot, table};
use lexopt::prelude::*;

const HELP: &str = "\
cargo versus: ours against its peers, in one run

usage: cargo versus [options] [TEXT]...

  TEXT           only rows whose group/row contains TEXT, such as treiber/ or submit_8
  --quick        few rounds and small loads: shows that it runs; don't quote its numbers
  --json FILE    writes the rows as a list of objects
  --plot DIR     draws the run: costs, costs against threads, pauses, latencies, as SVG files
  --results DIR  writes the whole run: run.json, the pictures, and a page that shows them
  --quote FILE   puts the run's figures between the marks of a document; may be repeated
  --from FILE    measures nothing, and takes the run in FILE, a run.json, for the above
  --list         names the rows
  --help         this text

Each round runs ours and every peer once, in an order that rotates; the ratio is
the median over the rounds of ours over theirs, in cost: below 1 is better.
";

/// What is to become of a run.
#[derive(Default)]
struct Outputs {
    json: Option<PathBuf>,
    plot: Option<PathBuf>,
    results: Option<PathBuf>,
    documents: Vec<PathBuf>,
}

struct Arguments {
    options: Options,
    outputs: Outputs,
    from: Option<PathBuf>,
}

/// None when only help was asked for.
fn parse() -> Result<Option<Arguments>, lexopt::Error> {
    let (mut options, mut outputs, mut from) = (Options::default(), Outputs::default(), None);
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("quick") => options.quick = true,
            Long("list") => options.list = true,
            Long("json") => outputs.json = Some(arguments.value()?.into()),
            Long("plot") => outputs.plot = Some(arguments.value()?.into()),
            Long("results") => outputs.results = Some(arguments.value()?.into()),
            Long("quote") => outputs.documents.push(arguments.value()?.into()),
            Long("from") => from = Some(arguments.value()?.into()),
            Long("help") | Short('h') => {
                print!("{HELP}");
                return Ok(None);
            }
            Value(text) => options.only.push(text.string()?),
            other => return Err(other.unexpected()),
        }
    }
    options.charts = outputs.plot.is_some() || outputs.results.is_some();
    Ok(Some(Arguments { options, outputs, from }))
}

fn run() -> Result<(), String> {
    let arguments = parse().map_err(|error| format!("{error}; --help tells the usage"))?;
    let Some(Arguments { options, outputs, from }) = arguments else { return Ok(()) };
    if let Some(file) = from {
        return outputs.write(&Run::read(&file)?);
    }
    // Said before the measuring, not after it.
    outputs.probe()?;
    let listing = options.list;
    let mut versus = Versus::new(options);
    groups(&mut versus);
    if listing {
        return Ok(());
    }
    let run = versus.run();
    if run.rows.is_empty() && run.charts.is_empty() {
        return Err("no row has such a name; --list names them".into());
    }
    println!("\n{}", table(&run.rows));
    if run.quick {
        println!("a quick run: these numbers show that it works, and nothing more");
    }
    outputs.write(&run)
}

impl Outputs {
    /// Whether everything can be written.
    fn probe(&self) -> Result<(), String> {
        if let Some(file) = &self.json {
            write_rows(file, &[])?;
        }
        for directory in self.plot.iter().chain(&self.results) {
            std::fs::create_dir_all(directory)
                .map_err(|error| format!("can't make {}: {error}", directory.display()))?;
        }
        Ok(())
    }

    fn write(&self, run: &Run) -> Result<(), String> {
        if let Some(file) = &self.json {
            write_rows(file, &run.rows)?;
        }
        let failed =
            |directory: &Path, error| format!("can't write to {}: {error}", directory.display());
        if let Some(directory) = &self.plot {
            plot::write(run, directory).map_err(|error| failed(directory, error))?;
        }
        if let Some(directory) = &self.results {
            run.write(directory).map_err(|error| failed(directory, error))?;
        }
        self.documents.iter().try_for_each(|file| quote(run, file))
    }
}

fn quote(run: &Run, file: &Path) -> Result<(), String> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let document = std::fs::read_to_string(file).map_err(|error| failed(&error))?;
    let filled = run.quoted_in(&document).map_err(|error| failed(&error))?;
    std::fs::write(file, filled).map_err(|error| failed(&error))
}

fn write_rows(file: &Path, rows: &[Row]) -> Result<(), String> {
    let text = serde_json::to_string_pretty(rows).map_err(|error| error.to_string())?;
    std::fs::write(file, text + "\n")
        .map_err(|error| format!("can't write {}: {error}", file.display()))
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
