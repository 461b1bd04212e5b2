//! Sites: every call of an atomic operation, a fence, a wait or a wake, by file, line, column and
//! role.
//!
//! With `LATCHWORK_SITES=FILE` a run appends the sites that it reached. With
//! `LATCHWORK_MUTANT=FILE:LINE:COLUMN:ROLE:CHANGE` that one site is changed:
//!
//! | role | change | what happens there |
//! | --- | --- | --- |
//! | `load`, `store`, `rmw`, `success`, `failure`, `fence` | an ordering | it is used instead; a fence of `Relaxed` is none |
//! | `light`, `heavy`, `wake`, `set` | `Dropped` | nothing |
//! | `timer` | `Dropped` | the deadline passes at once |
//! | `weak` | `Fails` | each thread's first weak exchange there fails for no reason |
//! | `wait` | `Spurious` | each thread's first wait there is woken for no reason |
//!
//! A model must fail under a change of the first three kinds, and pass under one of the last two.

use core::cell::Cell;
use core::panic::Location;
use core::sync::atomic::Ordering;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::{LazyLock, Mutex, Once};

/// What part of an operation an ordering belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// A plain load.
    Load,
    /// A plain store.
    Store,
    /// A read-modify-write that always succeeds.
    Rmw,
    /// A compare-exchange that succeeds.
    Success,
    /// A compare-exchange that fails.
    Failure,
    /// A fence.
    Fence,
    /// The fence of the many.
    Light,
    /// The fence of the few.
    Heavy,
    /// A wake.
    Wake,
    /// The setting of an event.
    Set,
    /// A compare-exchange that may fail for no reason.
    Weak,
    /// A wait, which may end for no reason.
    Wait,
    /// The deadline of a wait.
    Timer,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Store => "store",
            Self::Rmw => "rmw",
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Fence => "fence",
            Self::Light => "light",
            Self::Heavy => "heavy",
            Self::Wake => "wake",
            Self::Set => "set",
            Self::Weak => "weak",
            Self::Wait => "wait",
            Self::Timer => "timer",
        }
    }
}

type Site = (&'static str, u32, u32, Role);

struct Mutant {
    file: String,
    line: u32,
    column: u32,
    role: String,
    change: Change,
}

#[derive(Clone, Copy)]
enum Change {
    Order(Ordering),
    Dropped,
    Once,
}

static MUTANT: LazyLock<Option<Mutant>> = LazyLock::new(|| {
    let text = std::env::var("LATCHWORK_MUTANT").ok()?;
    Some(parse(&text).unwrap_or_else(|| {
        panic!("LATCHWORK_MUTANT={text}: expected FILE:LINE:COLUMN:ROLE:CHANGE")
    }))
});

/// The sites that were reached, with the ordering and the hits of each.
type Reached = BTreeMap<Site, (&'static str, u64)>;

static SITES: LazyLock<Option<Mutex<Reached>>> =
    LazyLock::new(|| std::env::var_os("LATCHWORK_SITES").map(|_| Mutex::default()));

fn parse(text: &str) -> Option<Mutant> {
    let mut parts = text.rsplitn(5, ':');
    let change = parse_change(parts.next()?)?;
    let role = parts.next()?.to_owned();
    let column = parts.next()?.parse().ok()?;
    let line = parts.next()?.parse().ok()?;
    Some(Mutant { file: parts.next()?.to_owned(), line, column, role, change })
}

fn parse_change(name: &str) -> Option<Change> {
    Some(match name {
        "Relaxed" => Change::Order(Ordering::Relaxed),
        "Acquire" => Change::Order(Ordering::Acquire),
        "Release" => Change::Order(Ordering::Release),
        "AcqRel" => Change::Order(Ordering::AcqRel),
        "Dropped" => Change::Dropped,
        "Fails" | "Spurious" => Change::Once,
        _ => return None,
    })
}

fn order_name(order: Ordering) -> &'static str {
    match order {
        Ordering::Relaxed => "Relaxed",
        Ordering::Acquire => "Acquire",
        Ordering::Release => "Release",
        Ordering::AcqRel => "AcqRel",
        _ => "SeqCst",
    }
}

/// Counts a visit, and tells how this run changes the site.
fn visit(at: &'static Location<'static>, role: Role, now: &'static str) -> Option<Change> {
    if let Some(sites) = &*SITES {
        let site = (at.file(), at.line(), at.column(), role);
        sites.lock().expect("held for a count only").entry(site).or_insert((now, 0)).1 += 1;
    }
    MUTANT.as_ref().filter(|mutant| mutant.is(at, role)).map(|mutant| mutant.change)
}

/// The ordering that this run uses at a site, which counts as reached.
pub(crate) fn ordering(at: &'static Location<'static>, role: Role, order: Ordering) -> Ordering {
    match visit(at, role, order_name(order)) {
        Some(Change::Order(weaker)) => weaker,
        _ => order,
    }
}

/// Whether this run leaves out what happens at a site, which counts as reached.
pub(crate) fn is_dropped(at: &'static Location<'static>, role: Role) -> bool {
    matches!(visit(at, role, "Kept"), Some(Change::Dropped))
}

/// Whether what happens at a site, which counts as reached, ends for no reason this time: the
/// first time for each thread.
pub(crate) fn ends_for_no_reason(at: &'static Location<'static>, role: Role) -> bool {
    matches!(visit(at, role, "Kept"), Some(Change::Once)) && {
        TROUBLED.with(|troubled| !troubled.replace(true))
    }
}

#[cfg(latchwork_loom)]
loom::thread_local! {
    static TROUBLED: Cell<bool> = Cell::new(false);
}
#[cfg(latchwork_shuttle)]
shuttle::thread_local! {
    static TROUBLED: Cell<bool> = Cell::new(false);
}

/// Whether this run changes a site.
pub(crate) fn is_mutated() -> bool {
    MUTANT.is_some()
}

impl Mutant {
    fn is(&self, at: &Location<'_>, role: Role) -> bool {
        at.line() == self.line
            && at.column() == self.column
            && role.name() == self.role
            && at.file() == self.file
    }
}

/// Lets a run that fails tell what it had reached until then.
pub(crate) fn report_when_it_fails() {
    if SITES.is_none() {
        return;
    }
    let told = Once::new();
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        // Once: a scene may catch panics in each of its executions.
        told.call_once(|| drop(report()));
        before(panic);
    }));
}

/// Appends what was reached since the last call to the file that `LATCHWORK_SITES` names: one line
/// a site with its file, line, column, role, ordering and hits, separated by tabs.
pub(crate) fn report() -> std::io::Result<()> {
    let (Some(path), Some(sites)) = (std::env::var_os("LATCHWORK_SITES"), &*SITES) else {
        return Ok(());
    };
    let mut lines = String::new();
    let reached = std::mem::take(&mut *sites.lock().expect("held for a count only"));
    for ((file, line, column, role), (order, hits)) in reached {
        let role = role.name();
        writeln!(lines, "{file}\t{line}\t{column}\t{role}\t{order}\t{hits}")
            .expect("a string takes everything");
    }
    std::fs::OpenOptions::new().create(true).append(true).open(path)?.write_all(lines.as_bytes())
}
