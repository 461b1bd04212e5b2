//! The steps, in the order in which they run.

pub(crate) mod book;
mod bounds;
pub(crate) mod cargo;
pub(crate) mod codegen;
pub(crate) mod engine;
pub(crate) mod facade;
pub(crate) mod fuzz;
mod ground;
pub(crate) mod killers;
pub(crate) mod models;
pub(crate) mod mutants;
pub(crate) mod packages;
pub(crate) mod sanitizers;
pub(crate) mod shelf;
pub(crate) mod spin;
pub(crate) mod stock;
pub(crate) mod stress;
pub(crate) mod targets;
pub(crate) mod tsan;
pub(crate) mod typos;

use std::io::{IsTerminal as _, Write as _};
use std::time::Instant;

use crate::options::Options;
use crate::report::{Outcome, Report};
use crate::workspace::{Crate, Workspace};

/// How often a step runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// Always.
    Always,
    /// Not with `--quick`.
    Thorough,
    /// Only with `--long` or by name.
    Long,
}

/// A step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// What it checks.
    pub(crate) about: &'static str,
    /// How often it runs.
    pub(crate) when: When,
    run: fn(&mut Run),
}

/// Every step. Shuttle goes before loom, which must see all that shuttle saw.
pub(crate) const ALL: &[Step] = &[
    Step {
        name: "fmt",
        about: "every file is as rustfmt writes it",
        when: When::Always,
        run: cargo::fmt,
    },
    Step {
        name: "facade",
        about: "no crate goes past latchwork-sync to atomics, futexes, threads or locks",
        when: When::Always,
        run: facade::run,
    },
    Step {
        name: "test",
        about: "unit tests, integration tests and the examples in the documentation",
        when: When::Always,
        run: cargo::test,
    },
    Step {
        name: "doc",
        about: "the documentation builds without a warning, the book too, by `mdbook`",
        when: When::Thorough,
        run: cargo::doc,
    },
    Step {
        name: "lint",
        about: "clippy finds nothing in any target",
        when: When::Always,
        run: cargo::lint,
    },
    Step {
        name: "features",
        about: "each crate builds without a warning with any one of its features, and with none",
        when: When::Thorough,
        run: packages::features,
    },
    Step {
        name: "outside",
        about: "a package outside the workspace runs each README's example",
        when: When::Thorough,
        run: packages::outside,
    },
    Step {
        name: "shelf",
        about: "manifests, licences, features in the READMEs, the oldest Rust, sources",
        when: When::Always,
        run: shelf::run,
    },
    Step {
        name: "typos",
        about: "spelling, by `typos`; with --long it is built where it isn't installed",
        when: When::Always,
        run: typos::run,
    },
    Step {
        name: "publish",
        about: "each crate packs for the registry, and builds from its package",
        when: When::Thorough,
        run: packages::publish,
    },
    Step {
        name: "codegen",
        about: "the machine code of the fast paths: loads an attempt, loop lengths, no fence",
        when: When::Thorough,
        run: codegen::run,
    },
    Step {
        name: "asan",
        about: "tests under AddressSanitizer, with leaks counted (nightly)",
        when: When::Thorough,
        run: sanitizers::address,
    },
    Step {
        name: "fuzz",
        about: "operations in any order against models, under libFuzzer (nightly)",
        when: When::Thorough,
        run: fuzz::run,
    },
    Step {
        name: "tsan",
        about: "tests under ThreadSanitizer, with an instrumented standard library",
        when: When::Long,
        run: tsan::run,
    },
    Step {
        name: "targets",
        about: "types on other systems; with --long, tests on other processors, emulated",
        when: When::Thorough,
        run: targets::run,
    },
    Step {
        name: "spin",
        about: "the algorithms in Promela, and their mistakes, which must fail (spin, cc)",
        when: When::Thorough,
        run: spin::run,
    },
    Step {
        name: "shuttle",
        about: "the models under every sequentially consistent schedule, or many random ones",
        when: When::Thorough,
        run: models::shuttle,
    },
    Step {
        name: "litmus",
        about: "the corrected loom against every interleaving, and against RC11",
        when: When::Thorough,
        run: models::litmus,
    },
    Step {
        name: "bugs",
        about: "published bugs as models that must fail, beside their fixes",
        when: When::Thorough,
        run: models::bugs,
    },
    Step {
        name: "loom",
        about: "the models under every interleaving and stale read, by a corrected loom",
        when: When::Always,
        run: models::loom,
    },
    Step {
        name: "stock",
        about: "the facade's models under loom as published, which sees less",
        when: When::Thorough,
        run: stock::run,
    },
    Step {
        name: "stress",
        about: "what runs for long: 10^8 timed operations on the lock, 10^4 crashes and 100 power cuts",
        when: When::Long,
        run: stress::run,
    },
    Step {
        name: "killers",
        about: "each ordering, fence and wake is weakened, and its recorded killers fail for it",
        when: When::Thorough,
        run: killers::run,
    },
    Step {
        name: "mutants",
        about: "the same with every model, and with waits and exchanges that fail for no reason",
        when: When::Long,
        run: mutants::run,
    },
];

/// A run of some steps.
#[derive(Debug)]
pub(crate) struct Run {
    /// What the user asked for.
    pub(crate) options: Options,
    /// Where everything is.
    pub(crate) workspace: Workspace,
    /// The crates to check.
    pub(crate) crates: Vec<Crate>,
    /// What ran.
    pub(crate) report: Report,
    step: &'static str,
}

impl Run {
    /// A run of which nothing has run.
    pub(crate) fn new(options: Options, workspace: Workspace, crates: Vec<Crate>) -> Self {
        Self { options, workspace, crates, report: Report::default(), step: "" }
    }

    /// Runs the steps.
    pub(crate) fn all(&mut self) {
        for step in ALL {
            match self.options.leaves_out(step) {
                None => {
                    self.step = step.name;
                    (step.run)(self);
                }
                Some("not asked for") => {}
                Some(reason) => self.report.left_out.push((step.name, reason.to_owned())),
            }
        }
    }

    /// Where this step keeps what its programs print.
    pub(crate) fn log(&self, krate: &Crate) -> std::path::PathBuf {
        self.workspace.target.join("logs").join(format!("{}-{}.log", self.step, krate.short()))
    }

    /// Where what each model of a crate reaches is kept.
    pub(crate) fn listings(&self, krate: &Crate) -> std::path::PathBuf {
        self.workspace.target.join("listings").join(krate.short())
    }

    /// Does something for each chosen crate, and tells what came of it.
    pub(crate) fn each_crate(
        &mut self,
        mut check: impl FnMut(&mut Self, &Crate) -> anyhow::Result<Option<Outcome>>,
    ) {
        for krate in self.crates.clone() {
            self.check(&krate.name, |run| check(run, &krate));
        }
    }

    /// Does something, and tells what came of it; says nothing of what doesn't apply.
    pub(crate) fn check(
        &mut self,
        subject: &str,
        check: impl FnOnce(&mut Self) -> anyhow::Result<Option<Outcome>>,
    ) {
        let start = Instant::now();
        let head = format!("{:<8} {subject:<24} ", self.step);
        let live = std::io::stdout().is_terminal();
        if live {
            print!("{head}");
            // Nothing is lost if the terminal is gone.
            let _ = std::io::stdout().flush();
        }
        let outcome = check(self).unwrap_or_else(|error| {
            Some(Outcome::fail(crate::command::tail(&format!("{error:#}"), 60)))
        });
        let took = start.elapsed();
        let start_of_line = if live { "\r\x1b[K" } else { "" };
        let Some(outcome) = outcome else {
            print!("{start_of_line}");
            return;
        };
        let verdict = if outcome.failed > 0 { "  FAILED" } else { "" };
        let counts = outcome.counts();
        let seconds = took.as_secs_f64();
        println!("{start_of_line}{head}{counts:<36} {seconds:>7.1} s{verdict}");
        for note in &outcome.notes {
            println!("    {note}");
        }
        if outcome.failed > 0 {
            print!("{}", outcome.detail);
            if let Some(command) = &outcome.repeat {
                println!("    repeat with: {command}");
            }
        }
        self.report.push(self.step, subject, &outcome, took);
    }
}
