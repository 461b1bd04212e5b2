//! A disk in memory that can lose its power.
//!
//! Files and their names are kept twice: as programs see them, and as they would be found after a
//! crash. A sync carries a file's content over, a sync of the names carries those over. At a crash
//! each sector written since, and each change of a name, survives or not, as the given choice
//! says, independent of every other.

use core::fmt;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::PoisonError;

use latchwork_sync::lock::{Arc, Mutex, MutexGuard};

use super::error::LogError;
use super::storage::{Storage, StorageFile};

/// What is written whole or not at all.
const SECTOR: usize = 512;

#[derive(Clone, Debug, Default)]
struct Content {
    seen: Vec<u8>,
    durable: Vec<u8>,
}

#[derive(Debug, Default)]
struct Disk {
    /// Contents by number: a name is a link to one.
    contents: BTreeMap<u64, Content>,
    seen: BTreeMap<String, u64>,
    durable: BTreeMap<String, u64>,
    /// Changes of names since they were last synced, in order: a name's new content, or none.
    changes: Vec<Vec<(String, Option<u64>)>>,
    next: u64,
    locked: bool,
    /// Raised by every crash: open files of an earlier life fail.
    life: u64,
    /// Bytes that may still be written into new places.
    space: Option<u64>,
    /// Operations until every one fails, as after a loss of power.
    fuse: Option<u64>,
}

/// A directory on a simulated disk. Clones are the same directory.
#[derive(Clone, Default)]
pub struct SimulatedDisk {
    disk: Arc<Mutex<Disk>>,
}

/// An open file on a simulated disk.
#[derive(Debug)]
pub struct SimulatedFile {
    disk: SimulatedDisk,
    content: u64,
    life: u64,
}

/// Marks the directory as in use.
#[derive(Debug)]
pub struct SimulatedLock {
    disk: SimulatedDisk,
    life: u64,
}

impl Drop for SimulatedLock {
    fn drop(&mut self) {
        let mut disk = self.disk.lock_disk();
        if disk.life == self.life {
            disk.locked = false;
        }
    }
}

fn powerless() -> io::Error {
    io::Error::other("the simulated disk has lost its power")
}

impl Disk {
    /// Counts a write or a sync; fails from the one on at which the power goes.
    fn step(&mut self) -> io::Result<()> {
        match &mut self.fuse {
            None => Ok(()),
            Some(0) => Err(powerless()),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
        }
    }

    fn content(&mut self, content: u64, life: u64) -> io::Result<&mut Content> {
        if life != self.life {
            return Err(powerless());
        }
        self.contents.get_mut(&content).ok_or_else(powerless)
    }

    fn crash(&mut self, mut survives: impl FnMut() -> bool) {
        for change in core::mem::take(&mut self.changes) {
            if survives() {
                for (name, content) in change {
                    match content {
                        Some(content) => self.durable.insert(name, content),
                        None => self.durable.remove(&name),
                    };
                }
            }
        }
        for content in self.contents.values_mut() {
            // A longer file may have come to its new length without all of its new sectors.
            let mut left = content.durable.clone();
            if content.seen.len() != left.len() && survives() {
                left.resize(content.seen.len(), 0);
            }
            for start in (0..left.len()).step_by(SECTOR) {
                let range = start..(start + SECTOR).min(left.len());
                let new = content.seen.get(range.clone());
                if let Some(new) = new
                    && left[range.clone()] != *new
                    && survives()
                {
                    left[range].copy_from_slice(new);
                }
            }
            content.durable.clone_from(&left);
            content.seen = left;
        }
        self.seen = self.durable.clone();
        self.locked = false;
        self.fuse = None;
        self.life += 1;
    }
}

impl SimulatedDisk {
    /// An empty directory.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock_disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Loses the power, and comes back: everything synced is there, and of the rest what
    /// `survives` says, asked once for each sector and each change of a name. Open files and
    /// locks of before are dead.
    pub fn crash(&self, survives: impl FnMut() -> bool) {
        self.lock_disk().crash(survives);
    }

    /// Lets so many writes, syncs and changes of names succeed, and every later one fail.
    pub fn lose_power_after(&self, steps: u64) {
        self.lock_disk().fuse = Some(steps);
    }

    /// Lets files grow by so many bytes in all, and then be refused as on a full disk.
    pub fn leave_space(&self, bytes: u64) {
        self.lock_disk().space = Some(bytes);
    }

    /// Changes bytes behind everybody's back, as a failing disk does.
    ///
    /// # Panics
    ///
    /// When there is no such place.
    pub fn damage(&self, name: &str, offset: usize, change: impl FnOnce(&mut [u8])) {
        let mut disk = self.lock_disk();
        let content = disk.seen[name];
        let content = disk.contents.get_mut(&content).expect("every name has its content");
        change(&mut content.seen[offset..]);
        content.durable.clone_from(&content.seen);
    }

    /// A file's content as programs see it.
    pub fn content(&self, name: &str) -> Option<Vec<u8>> {
        let disk = self.lock_disk();
        let content = disk.seen.get(name)?;
        disk.contents.get(content).map(|content| content.seen.clone())
    }
}

impl fmt::Debug for SimulatedDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedDisk").finish_non_exhaustive()
    }
}

impl Storage for SimulatedDisk {
    type File = SimulatedFile;
    type Lock = SimulatedLock;

    fn lock(&self) -> Result<SimulatedLock, LogError> {
        let mut disk = self.lock_disk();
        if disk.locked {
            return Err(LogError::Locked { path: self.path("LOCK"), holder: None });
        }
        disk.locked = true;
        Ok(SimulatedLock { disk: self.clone(), life: disk.life })
    }

    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.lock_disk().seen.keys().cloned().collect())
    }

    fn create(&self, name: &str) -> io::Result<SimulatedFile> {
        let mut disk = self.lock_disk();
        disk.step()?;
        let content = disk.next;
        disk.next += 1;
        disk.contents.insert(content, Content::default());
        disk.seen.insert(name.to_owned(), content);
        disk.changes.push(vec![(name.to_owned(), Some(content))]);
        Ok(SimulatedFile { disk: self.clone(), content, life: disk.life })
    }

    fn open(&self, name: &str, _write: bool) -> io::Result<SimulatedFile> {
        let disk = self.lock_disk();
        let content = *disk.seen.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(SimulatedFile { disk: self.clone(), content, life: disk.life })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut disk = self.lock_disk();
        disk.step()?;
        let content = disk.seen.remove(from).ok_or(io::ErrorKind::NotFound)?;
        disk.seen.insert(to.to_owned(), content);
        disk.changes.push(vec![(from.to_owned(), None), (to.to_owned(), Some(content))]);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut disk = self.lock_disk();
        disk.step()?;
        disk.seen.remove(name).ok_or(io::ErrorKind::NotFound)?;
        disk.changes.push(vec![(name.to_owned(), None)]);
        Ok(())
    }

    fn sync_names(&self) -> io::Result<()> {
        let mut disk = self.lock_disk();
        disk.step()?;
        disk.durable = disk.seen.clone();
        disk.changes.clear();
        Ok(())
    }

    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from("simulated").join(name)
    }
}

impl StorageFile for SimulatedFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut disk = self.disk.lock_disk();
        let content = disk.content(self.content, self.life)?;
        let start = (offset as usize).min(content.seen.len());
        let bytes = &content.seen[start..];
        let length = bytes.len().min(buffer.len());
        buffer[..length].copy_from_slice(&bytes[..length]);
        Ok(length)
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut disk = self.disk.lock_disk();
        disk.step()?;
        let end = offset as usize + bytes.len();
        let grows = end.saturating_sub(disk.content(self.content, self.life)?.seen.len());
        if let Some(space) = &mut disk.space {
            if grows as u64 > *space {
                return Err(io::ErrorKind::StorageFull.into());
            }
            *space -= grows as u64;
        }
        let content = disk.content(self.content, self.life)?;
        if grows > 0 {
            content.seen.resize(end, 0);
        }
        content.seen[offset as usize..end].copy_from_slice(bytes);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut disk = self.disk.lock_disk();
        disk.step()?;
        let content = disk.content(self.content, self.life)?;
        content.durable.clone_from(&content.seen);
        Ok(())
    }

    fn length(&self) -> io::Result<u64> {
        let mut disk = self.disk.lock_disk();
        Ok(disk.content(self.content, self.life)?.seen.len() as u64)
    }
}
