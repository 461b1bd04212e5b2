//! Ordering sites: every call of an atomic operation, by file, line, column and role.
//!
//! With `LATCHWORK_SITES=FILE` a run appends the sites that it reached. With
//! `LATCHWORK_MUTANT=FILE:LINE:COLUMN:ROLE:ORDERING` that one site gets a weaker ordering.

use core::panic::Location;
use core::sync::atomic::Ordering;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::{LazyLock, Mutex};

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
    /// A wake, which a mutant drops.
    Wake,
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
            Self::Wake => "wake",
        }
    }
}

type Site = (&'static str, u32, u32, Role);

struct Mutant {
    file: String,
    line: u32,
    column: u32,
    role: String,
    order: Ordering,
}

static MUTANT: LazyLock<Option<Mutant>> = LazyLock::new(|| {
    let text = std::env::var("LATCHWORK_MUTANT").ok()?;
    Some(parse(&text).unwrap_or_else(|| {
        panic!("LATCHWORK_MUTANT={text}: expected FILE:LINE:COLUMN:ROLE:ORDERING")
    }))
});

static SITES: LazyLock<Option<Mutex<BTreeMap<Site, (&'static str, u64)>>>> =
    LazyLock::new(|| std::env::var_os("LATCHWORK_SITES").map(|_| Mutex::default()));

fn parse(text: &str) -> Option<Mutant> {
    let mut parts = text.rsplitn(5, ':');
    let order = parse_order(parts.next()?)?;
    let role = parts.next()?.to_owned();
    let column = parts.next()?.parse().ok()?;
    let line = parts.next()?.parse().ok()?;
    Some(Mutant { file: parts.next()?.to_owned(), line, column, role, order })
}

fn parse_order(name: &str) -> Option<Ordering> {
    Some(match name {
        "Relaxed" => Ordering::Relaxed,
        "Acquire" => Ordering::Acquire,
        "Release" => Ordering::Release,
        "AcqRel" => Ordering::AcqRel,
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

/// The ordering that this run uses at a site, which counts as reached.
pub(crate) fn ordering(at: &'static Location<'static>, role: Role, order: Ordering) -> Ordering {
    if let Some(sites) = &*SITES {
        let site = (at.file(), at.line(), at.column(), role);
        sites
            .lock()
            .expect("held for a count only")
            .entry(site)
            .or_insert((order_name(order), 0))
            .1 += 1;
    }
    match &*MUTANT {
        Some(mutant) if mutant.is(at, role) => mutant.order,
        _ => order,
    }
}

/// Whether this run's mutant drops the wake at a site, which counts as reached.
pub(crate) fn wake_is_dropped(at: &'static Location<'static>) -> bool {
    // A dropped wake is written as one of ordering Relaxed.
    ordering(at, Role::Wake, Ordering::AcqRel) == Ordering::Relaxed
}

impl Mutant {
    fn is(&self, at: &Location<'_>, role: Role) -> bool {
        at.line() == self.line
            && at.column() == self.column
            && role.name() == self.role
            && at.file() == self.file
    }
}

/// Appends what was reached to the file that `LATCHWORK_SITES` names: one line a site with its
/// file, line, column, role, ordering and hits, separated by tabs.
pub(crate) fn report() -> std::io::Result<()> {
    let (Some(path), Some(sites)) = (std::env::var_os("LATCHWORK_SITES"), &*SITES) else {
        return Ok(());
    };
    let mut lines = String::new();
    for ((file, line, column, role), (order, hits)) in
        &*sites.lock().expect("held for a count only")
    {
        let role = role.name();
        writeln!(lines, "{file}\t{line}\t{column}\t{role}\t{order}\t{hits}")
            .expect("a string takes everything");
    }
    std::fs::OpenOptions::new().create(true).append(true).open(path)?.write_all(lines.as_bytes())
}
