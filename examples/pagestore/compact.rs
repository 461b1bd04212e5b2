//! Compaction: files at the end of the data file move into the gaps before it, and the end is cut
//! off.
//!
//! While it takes the free pages for itself nobody else may take any, so each slice of it holds
//! the store's lock for writing, and no longer than the slice takes. It asks for the lock
//! patiently: what it makes others wait is bounded, however long the transactions take that are
//! under way. Readers follow the index, and never wait for it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use latchwork::ringpal::{PageRead, PageWrite};
use latchwork::rwlock::{Patient, WritePatiently};

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
        let (moved, held) = exclusively(&shared, || slice(work))?;
        let moved = moved?;
        compacted.slices += 1;
        compacted.longest = compacted.longest.max(held);
        if moved == 0 {
            break;
        }
        compacted.moved += moved;
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

/// Moves some files; how many pages of them.
fn slice(work: &mut Work) -> Result<usize> {
    let shared = Arc::clone(&work.shared);
    let mut free = shared.space.take_free();
    // Without gaps the pages in use would end here.
    let dense = shared.space.end() - free.len() as Number;
    let holes = free.iter().filter(|page| **page < dense).count();
    let mut room = holes.min(SLICE);
    let mut moved: Vec<(Name, Arc<File>, Arc<File>)> = Vec::new();
    for (name, file) in &work.base.files {
        let pages = file.pages().map_or(&[][..], Pages::numbers);
        let fits = pages.len() <= room || (moved.is_empty() && pages.len() <= holes);
        if fits && pages.iter().any(|page| *page >= dense) {
            // The lowest are the last.
            let to = free.split_off(free.len() - pages.len());
            let to = file.moved(shared.space.known(to.into_iter().rev().collect()));
            moved.push((name.clone(), to, Arc::clone(file)));
            room = room.saturating_sub(pages.len());
        }
    }
    shared.space.free(free);
    let mut pages = 0;
    for (_, to, from) in &moved {
        pages += copy(&shared, from, to)?;
    }
    work.publish(moved)?;
    Ok(pages)
}

fn copy(shared: &Shared, from: &File, to: &File) -> Result<usize> {
    let numbers = |file: &'_ File| file.pages().map_or_else(Vec::new, |it| it.numbers().to_vec());
    let mut buffer = zeroed(numbers(from).len())?;
    let parts = numbers(from).into_iter().zip(buffer.chunks_mut(PAGE));
    let mut reads: Vec<_> =
        parts.map(|(page, data)| PageRead { offset: offset(page), data }).collect();
    shared.read_data(&mut reads)?;
    let parts = numbers(to).into_iter().zip(buffer.chunks(PAGE));
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
