//! The table of named shapes.

use latchwork_litmus::explorer::{Limits, explore};
use latchwork_litmus::program::{Program, Shown};
use latchwork_litmus::rc11::{self, Options};
use latchwork_litmus::shapes::{Deviation, Shape, classic, updates};

use super::Found;

/// How loom's outcomes stand to RC11's.
pub(crate) enum Verdict {
    Equal,
    Known(Deviation),
    Wrong(String),
}

/// Compares what loom showed with RC11, and where that differs, with RC11 changed as each known
/// deviation says.
pub(crate) fn compare(program: &Program, loom: &Shown) -> Verdict {
    let allowed = rc11::explore(program, Options::default());
    if same(loom, &allowed) {
        return Verdict::Equal;
    }
    let newest = Options { newest_read_by_updates: true };
    if same(loom, &rc11::explore(program, newest)) {
        return Verdict::Known(Deviation::NewestReadByUpdates);
    }
    let weaker = program.without_seq_cst_accesses();
    if same(loom, &rc11::explore(&weaker, Options::default())) {
        return Verdict::Known(Deviation::WeakSeqCstAccesses);
    }
    if allowed.race && !loom.race && loom.outcomes == allowed.outcomes && orders_by_fences(program)
    {
        return Verdict::Known(Deviation::SynchronisingSeqCstFences);
    }
    let list = |from: &Shown, not_in: &Shown| {
        let texts: Vec<_> =
            from.outcomes.difference(&not_in.outcomes).map(ToString::to_string).collect();
        texts.join(" ")
    };
    Verdict::Wrong(format!(
        "{program}: missing {{{}}}, added {{{}}}, race {} in RC11 and {} in loom",
        list(&allowed, loom),
        list(loom, &allowed),
        allowed.race,
        loom.race
    ))
}

/// With a race there is no outcome to compare: the execution ends.
fn same(loom: &Shown, allowed: &Shown) -> bool {
    loom.race == allowed.race && (loom.race || loom.outcomes == allowed.outcomes)
}

fn orders_by_fences(program: &Program) -> bool {
    use latchwork_litmus::program::Step;
    let seq_cst = Step::Fence(std::sync::atomic::Ordering::SeqCst);
    program.threads.iter().filter(|steps| steps.contains(&seq_cst)).count() > 1
}

/// More than any shape needs; one that is cut is wrong.
const EXECUTIONS: usize = 20_000_000;

pub(crate) fn run() -> Found {
    println!(
        "{:34}{:22}{:>10}{:>8}{:>8}  verdict",
        "shape", "orderings", "executions", "loom", "RC11"
    );
    let (mut equal, mut known, mut total, mut wrong) = (0, 0, 0, Vec::new());
    for Shape { name, variant, program } in classic().into_iter().chain(updates()) {
        let limits = Limits { executions: EXECUTIONS, preemptions: None };
        let explored = explore(&program, limits);
        total += explored.executions;
        let verdict = match (&explored.panic, explored.cut) {
            (Some(text), _) => Verdict::Wrong(format!("{program}: {text}")),
            (None, true) => Verdict::Wrong(format!("{program}: not finished")),
            (None, false) => compare(&program, &explored.shown),
        };
        let told = match verdict {
            Verdict::Equal => {
                equal += 1;
                "equal".to_owned()
            }
            Verdict::Known(deviation) => {
                known += 1;
                format!("known deviation: {deviation:?}")
            }
            Verdict::Wrong(text) => {
                wrong.push(format!("{name}, {variant}: {text}"));
                "WRONG".to_owned()
            }
        };
        let allowed = rc11::explore(&program, Options::default()).outcomes.len();
        let (executions, shown) = (explored.executions, explored.shown.outcomes.len());
        println!("{name:34}{variant:22}{executions:>10}{shown:>8}{allowed:>8}  {told}");
    }
    let summary = format!("{equal} equal, {known} known deviations, {total} executions");
    Found { summary, wrong }
}
