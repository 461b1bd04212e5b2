//! Where the bytes of a transaction wait until they are copied to the data file: a temporary file,
//! mapped into memory, whose frames lie on a lock-free stack.
//!
//! The map is of this file alone. The data file and the journal are written past the page cache,
//! and a map of a file that is written so may show old bytes; so they have none.

use std::fs::File;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use latchwork::treiber::ArrayStack;
use latchwork_sync::atomic::{AtomicU64, Ordering};
use memmap2::MmapRaw;

use crate::failure::{Failure, Result};
use crate::file::PAGE;

/// Frames in a scratch: 64 MiB.
pub(crate) const FRAMES: usize = 16 * 1024;

/// I1: a frame's number is on the stack, or in one [`Held`], and never in two places; so whoever
/// has a `Held` is alone with the bytes of its frames.
#[derive(Debug)]
pub(crate) struct Scratch {
    map: MmapRaw,
    free: ArrayStack<u32>,
    /// Whether there will be no more room, and a bell for those who wait for some.
    closed: Mutex<bool>,
    room: Condvar,
    waits: AtomicU64,
}

impl Scratch {
    pub(crate) fn new() -> Result<Arc<Self>> {
        let directory = std::env::temp_dir();
        let make = || {
            let file = tempfile::tempfile()?;
            reserve(&file, FRAMES * PAGE)?;
            MmapRaw::map_raw(&file)
        };
        let map =
            make().map_err(|error| Failure::io("map a scratch file in", &directory, &error))?;
        let free = ArrayStack::new(FRAMES);
        let numbers = (0..FRAMES as u32).rev();
        assert!(free.push_all(numbers).is_ok(), "the stack has room for every frame");
        let (closed, room) = (Mutex::new(false), Condvar::new());
        Ok(Arc::new(Self { map, free, closed, room, waits: AtomicU64::new(0) }))
    }

    /// Copies bytes into frames. Waits until there are enough, and calls `nudge` now and then for
    /// whoever can make some free. None when there will be none.
    pub(crate) fn hold(self: &Arc<Self>, bytes: &[u8], nudge: impl Fn()) -> Option<Held> {
        let count = bytes.len().div_ceil(PAGE);
        let frames = self.take(count).or_else(|| self.wait_for(count, nudge))?;
        let mut held = Held { scratch: Arc::clone(self), frames };
        held.fill(bytes);
        Some(held)
    }

    /// All or nothing.
    fn take(&self, count: usize) -> Option<Vec<u32>> {
        let mut frames = Vec::with_capacity(count);
        while frames.len() < count {
            let Some(frame) = self.free.pop() else {
                self.give_back(frames);
                return None;
            };
            frames.push(frame);
        }
        Some(frames)
    }

    #[cold]
    fn wait_for(&self, count: usize, nudge: impl Fn()) -> Option<Vec<u32>> {
        self.waits.fetch_add(1, Ordering::Relaxed);
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        while !*closed {
            if let Some(frames) = self.take(count) {
                return Some(frames);
            }
            nudge();
            // The bell is rung without the lock, so that giving back never waits; hence a limit.
            let waited = self.room.wait_timeout(closed, Duration::from_millis(1));
            closed = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        None
    }

    fn give_back(&self, frames: Vec<u32>) {
        assert!(self.free.push_all(frames).is_ok(), "there are no more frames than there were");
        self.room.notify_all();
    }

    /// Lets nobody wait any longer: nothing will be copied any more.
    pub(crate) fn close(&self) {
        *self.closed.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.room.notify_all();
    }

    /// How often a transaction had to wait for room.
    pub(crate) fn waits(&self) -> u64 {
        self.waits.load(Ordering::Relaxed)
    }
}

/// Gives the file its bytes now: a map of a file with holes dies when the disk is full.
#[cfg(target_os = "linux")]
fn reserve(file: &File, bytes: usize) -> std::io::Result<()> {
    use std::os::fd::AsRawFd;
    let length = libc::off_t::try_from(bytes).expect("the size of a scratch");
    // SAFETY: no memory is involved, and the file is open.
    match unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, length) } {
        0 => Ok(()),
        code => Err(std::io::Error::from_raw_os_error(code)),
    }
}

/// Gives the file its bytes now: a map of a file with holes dies when the disk is full.
#[cfg(not(target_os = "linux"))]
fn reserve(mut file: &File, bytes: usize) -> std::io::Result<()> {
    use std::io::Write;
    file.write_all(&vec![0; bytes])
}

/// Bytes in the scratch, padded with zeros to whole pages; the frames are free when it is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    scratch: Arc<Scratch>,
    frames: Vec<u32>,
}

impl Held {
    fn place(&self, frame: u32) -> *mut u8 {
        self.scratch.map.as_mut_ptr().wrapping_add(frame as usize * PAGE)
    }

    fn fill(&mut self, bytes: &[u8]) {
        for (frame, chunk) in self.frames.iter().zip(bytes.chunks(PAGE)) {
            // SAFETY: the frame is within the map, and ours alone (I1).
            let page = unsafe { std::slice::from_raw_parts_mut(self.place(*frame), PAGE) };
            page[..chunk.len()].copy_from_slice(chunk);
            page[chunk.len()..].fill(0);
        }
    }

    /// The pages in order.
    pub(crate) fn pages(&self) -> impl Iterator<Item = &[u8]> {
        self.frames.iter().map(|frame| {
            // SAFETY: within the map, and nobody writes to it while this is held (I1).
            unsafe { std::slice::from_raw_parts(self.place(*frame), PAGE) }
        })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.scratch.give_back(std::mem::take(&mut self.frames));
    }
}
