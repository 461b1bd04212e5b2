//! Compaction: files at the end of the data file move into the gaps before it, and the end is cut
//! off.
//!
//! While it looks through the free pages nobody else may take any, so for each slice it holds the
//! store's lock for writing, until it has chosen; the copying needs no lock, since nobody writes
//! to the old pages and nobody knows the new ones. It asks for the lock patiently: what it makes
//! others wait is bounded, however long the transactions take that are under way. Readers follow
//! the index, and never wait for it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use latchwork::ringpal::{PageRead, PageWrite};
use latchwork::rwlock::{Patient, WritePatiently};

use crate::checkpoint::Base;
use crate::copier::Work;
use crate::failure::{Failure, Result};
use crate::file::{File, PAGE};
use crate::name::Name;
use crate::space::{Number, Pages};
use crate::store::{Shared, offset, zeroed};

/// Pages that are moved in one slice.
const SLICE: usize = 64;

/// How long whoever changes the shape of the store holds others back, and waits at all.
pub(crate) const PATIENCE: Patient =
    Patient::within(Duration::from_secs(5)).patience(Duration::from_millis(5));

/// What a compaction did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Compacted {
    /// Pages of the data file before and after.
    pub(crate) before: Number,
    pub(crate) after: Number,
    pub(crate) moved: usize,
    pub(crate) slices: u32,
    /// The longest that a slice held the lock.
    pub(crate) longest: Duration,
}

/// Under the store's lock.
fn exclusively<R>(shared: &Shared, act: impl FnOnce() -> R) -> Result<(R, Duration)> {
    let gate = shared.gate.write_patiently(PATIENCE).map_err(|gave_up| {
        Failure::new(format!("compaction waits for transactions: {gave_up}"), "try again later")
    })?;
    let start = Instant::now();
    let result = act();
    drop(gate);
    Ok((result, start.elapsed()))
}

pub(crate) fn compact(work: &mut Work) -> Result<Compacted> {
    let shared = Arc::clone(&work.shared);
    let mut compacted = Compacted { before: shared.space.end(), ..Compacted::default() };
    // What has left is free from here on.
    settle(work)?;
    loop {
        let (chosen, held) = exclusively(&shared, || choose(&shared, &work.base))?;
        compacted.longest = compacted.longest.max(held);
        compacted.slices += 1;
        if chosen.is_empty() {
            break;
        }
        compacted.moved += copy(&shared, &chosen)?;
        work.publish(chosen)?;
    }
    settle(work)?;
    let (cut, held) = exclusively(&shared, || cut(&shared))?;
    cut?;
    compacted.longest = compacted.longest.max(held);
    compacted.after = shared.space.end();
    Ok(compacted)
}

/// Makes everything free that nobody leads to.
fn settle(work: &mut Work) -> Result<()> {
    work.shared.in_turn(|commit| commit.publisher.wait_for_readers())?;
    work.checkpoint()
}

/// Files to move, each with the new and the old version of it.
type Chosen = Vec<(Name, Arc<File>, Arc<File>)>;

/// Some files that reach beyond where all would end without gaps, and gaps for them.
fn choose(shared: &Shared, base: &Base) -> Chosen {
    let mut free = shared.space.take_free();
    let dense = shared.space.end() - free.len() as Number;
    let holes = free.iter().filter(|page| **page < dense).count();
    let mut room = holes.min(SLICE);
    let mut chosen = Chosen::new();
    for (name, file) in &base.files {
        let pages = file.pages().map_or(&[][..], Pages::numbers);
        let fits = pages.len() <= room || (chosen.is_empty() && pages.len() <= holes);
        if fits && pages.iter().any(|page| *page >= dense) {
            // The lowest are the last.
            let to = free.split_off(free.len() - pages.len());
            let to = file.moved(shared.space.known(to.into_iter().rev().collect()));
            chosen.push((name.clone(), to, Arc::clone(file)));
            room = room.saturating_sub(pages.len());
        }
    }
    shared.space.free(free);
    chosen
}

/// Copies the pages of all these files, by one call that reads and one that writes; how many.
fn copy(shared: &Shared, chosen: &Chosen) -> Result<usize> {
    let numbers =
        |file: &'_ Arc<File>| file.pages().map_or_else(Vec::new, |it| it.numbers().to_vec());
    let from: Vec<_> = chosen.iter().flat_map(|(_, _, from)| numbers(from)).collect();
    let to: Vec<_> = chosen.iter().flat_map(|(_, to, _)| numbers(to)).collect();
    let mut buffer = zeroed(from.len())?;
    let parts = from.into_iter().zip(buffer.chunks_mut(PAGE));
    let mut reads: Vec<_> =
        parts.map(|(page, data)| PageRead { offset: offset(page), data }).collect();
    shared.read_data(&mut reads)?;
    let parts = to.into_iter().zip(buffer.chunks(PAGE));
    let writes: Vec<_> =
        parts.map(|(page, data)| PageWrite { offset: offset(page), data }).collect();
    shared.write_data(&writes)?;
    Ok(writes.len())
}

/// Cuts off the free pages at the end of the data file.
fn cut(shared: &Shared) -> Result<()> {
    let mut free = shared.space.take_free();
    let mut end = shared.space.end();
    // The highest are the first.
    let behind = free.iter().take_while(|page| {
        let last = **page + 1 == end;
        end -= Number::from(last);
        last
    });
    let behind = behind.count();
    free.drain(..behind);
    shared.space.end_at(end);
    shared.space.free(free);
    shared.cut_data(end)
}
