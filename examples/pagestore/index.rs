//! Names to files: what readers look things up in, without ever waiting.
//!
//! A tree of two levels that is never changed, only replaced: a change copies the shards that it
//! touches and the root, and exchanges the root. Readers keep the version that they found for as
//! long as they look at it; what was replaced is freed when the last of them has left.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use latchwork::reclaim::{Epoch, Snapshot, epoch};

use crate::file::File;
use crate::name::Name;

const SHARDS: usize = 256;

type Shard = HashMap<Name, Arc<File>>;

#[derive(Clone, Debug)]
struct Root {
    shards: Vec<Arc<Shard>>,
}

#[derive(Debug)]
pub(crate) struct Index {
    root: Snapshot<Root>,
    hasher: RandomState,
}

/// What is to replace a name's file.
pub(crate) enum Update {
    /// This one, or nothing.
    Set(Name, Option<Arc<File>>),
    /// The second, if the first is still there.
    Move(Name, Arc<File>, Arc<File>),
}

/// The only one who replaces the root, and frees what was there before.
#[derive(Debug)]
pub(crate) struct Publisher {
    index: Arc<Index>,
    handle: epoch::Handle,
}

impl Index {
    pub(crate) fn new() -> Arc<Self> {
        let shards = vec![Arc::default(); SHARDS];
        Arc::new(Self { root: Snapshot::new(Root { shards }), hasher: RandomState::new() })
    }

    fn shard(&self, name: &Name) -> usize {
        (self.hasher.hash_one(name) % SHARDS as u64) as usize
    }

    /// The file of a name.
    pub(crate) fn find(&self, name: &Name) -> Option<Arc<File>> {
        let guard = epoch::pin();
        self.root.load(&guard).shards[self.shard(name)].get(name).cloned()
    }

    /// Every name and file of one moment.
    pub(crate) fn all(&self) -> Vec<(Name, Arc<File>)> {
        // Counted, not guarded: walking all of it takes long, and would hold back all garbage.
        let root = self.root.load_full(&epoch::pin());
        let files = root.shards.iter().flat_map(|shard| shard.iter());
        files.map(|(name, file)| (Name::clone(name), Arc::clone(file))).collect()
    }

    pub(crate) fn publisher(self: &Arc<Self>) -> Publisher {
        Publisher { index: Arc::clone(self), handle: Epoch::global().register() }
    }
}

impl Publisher {
    /// Replaces the root by one with all these updates.
    pub(crate) fn publish(&mut self, updates: impl IntoIterator<Item = Update>) {
        let index = &self.index;
        let guard = self.handle.pin();
        let mut root = Root::clone(&index.root.load(&guard));
        for update in updates {
            let (Update::Set(name, _) | Update::Move(name, ..)) = &update;
            let shard = &mut root.shards[index.shard(name)];
            match update {
                Update::Set(name, Some(file)) => drop(Arc::make_mut(shard).insert(name, file)),
                Update::Set(name, None) => drop(Arc::make_mut(shard).remove(&name)),
                Update::Move(name, from, to) => {
                    if shard.get(&name).is_some_and(|file| Arc::ptr_eq(file, &from)) {
                        Arc::make_mut(shard).insert(name, to);
                    }
                }
            }
        }
        index.root.store(root, &guard);
        drop(guard);
        // Frees what no reader looks at any more, and with it frames and pages.
        self.handle.flush();
    }

    /// Frees what could not be freed when it was replaced.
    pub(crate) fn tidy(&mut self) {
        self.handle.flush();
    }

    /// Waits until no reader looks at anything that was replaced.
    pub(crate) fn wait_for_readers(&mut self) {
        self.handle.barrier();
    }
}
