//! How long readers pause because of another reader.
//!
//! T1 reads for long. T2 wants to write and waits for T1. T3 and T4 read often and shortly: under
//! writer priority they wait for T2, and so for T1. This plays the scene on several locks and
//! ways to write, prints what the readers saw, and draws it.

mod contenders;
mod plot;
mod scene;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use lexopt::prelude::*;

use crate::contenders::contenders;
use crate::scene::{Played, Scene};

const HELP: &str = "\
rw_pause: how long readers pause because of another reader

usage: cargo run --release --example rw_pause -- [options]

  --writers N    threads that want to write (1)
  --rounds N     how often each lock is played (5)
  --hold MS      how long the slow reader holds the lock, in milliseconds (100)
  --svg FILE     draws the readers' latency over time
  --help         this text
";

struct Arguments {
    scene: Scene,
    rounds: usize,
    svg: Option<PathBuf>,
}

fn parse() -> Result<Option<Arguments>, lexopt::Error> {
    let mut scene = Scene { writers: 1, hold: Duration::from_millis(100) };
    let (mut rounds, mut svg) = (5, None);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("writers") => scene.writers = parser.value()?.parse()?,
            Long("rounds") => rounds = parser.value()?.parse::<usize>()?.max(1),
            Long("hold") => scene.hold = Duration::from_millis(parser.value()?.parse()?),
            Long("svg") => svg = Some(parser.value()?.into()),
            Long("help") | Short('h') => {
                print!("{HELP}");
                return Ok(None);
            }
            other => return Err(other.unexpected()),
        }
    }
    Ok(Some(Arguments { scene, rounds, svg }))
}

/// The value below which a fraction of the sorted ones lies.
fn quantile(sorted: &[Duration], percent: usize) -> Duration {
    sorted.get((sorted.len().saturating_sub(1)) * percent / 100).copied().unwrap_or_default()
}

fn print_row(name: &str, rounds: &[Played]) {
    let mut pauses: Vec<_> =
        rounds.iter().flat_map(|played| &played.reads).map(|read| read.pause).collect();
    let mut longest: Vec<_> = rounds.iter().map(Played::longest_pause).collect();
    let mut waits: Vec<_> = rounds.iter().flat_map(|played| played.writes.clone()).collect();
    pauses.sort_unstable();
    longest.sort_unstable();
    waits.sort_unstable();
    let ms = |duration: Duration| format!("{:.2}", duration.as_secs_f64() * 1e3);
    println!(
        "{name:<34} {:>8} {:>8} {:>8} {:>10} {:>10}",
        ms(quantile(&pauses, 50)),
        ms(quantile(&pauses, 90)),
        ms(quantile(&pauses, 99)),
        ms(quantile(&longest, 50)),
        ms(quantile(&waits, 50)),
    );
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let Arguments { scene, rounds, svg } = arguments;
    println!(
        "a reader holds for {:?}; {} want to write; two read every {:?}; milliseconds\n",
        scene.hold,
        scene.writers,
        scene::EVERY
    );
    println!(
        "{:<34} {:>8} {:>8} {:>8} {:>10} {:>10}",
        "", "p50", "p90", "p99", "longest", "writer"
    );
    let mut drawn = Vec::new();
    for (name, play) in contenders() {
        let played: Vec<_> = (0..*rounds).map(|_| play(*scene)).collect();
        print_row(name, &played);
        drawn.push((name, played));
    }
    println!("\nlongest: the median over the rounds of the longest pause of a round");
    println!("writer: the median wait for the write lock");
    if let Some(path) = svg {
        std::fs::write(path, plot::svg(*scene, &drawn))
            .map_err(|error| format!("can't write {}: {error}", path.display()))?;
        println!("drawn: {}", path.display());
    }
    Ok(())
}

fn main() -> ExitCode {
    let result = match parse() {
        Ok(Some(arguments)) => run(&arguments),
        Ok(None) => Ok(()),
        Err(error) => Err(format!("{error}; --help tells the usage")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rw_pause: {error}");
            ExitCode::FAILURE
        }
    }
}
