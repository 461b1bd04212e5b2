//! Holding the store to what went in.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use crate::failure::{Failure, Result};
use crate::name;
use crate::store::Store;
use crate::tree::{Source, Tree};

/// Files and bytes that were compared and found equal.
#[derive(Debug, Default)]
pub(crate) struct Verified {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
}

impl Verified {
    fn compare(&mut self, store: &Store, source: &Source) -> Result<()> {
        let shown = name::show(&source.name);
        let bytes =
            fs::read(&source.path).map_err(|error| Failure::io("read", &source.path, &error))?;
        let Some(stored) = store.get(&source.name)? else {
            return Err(Failure::new(
                format!("{shown} is not in the store"),
                "import it with `pagestore import --input DIR`",
            ));
        };
        if let Some(at) = difference(&bytes, &stored) {
            return Err(Failure::new(
                format!("{shown} differs from {} at byte {at}", source.path.display()),
                "if the file was changed since, import it again",
            ));
        }
        self.files += 1;
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}

/// Where two byte strings first differ.
fn difference(a: &[u8], b: &[u8]) -> Option<usize> {
    (a != b).then(|| a.iter().zip(b).take_while(|(a, b)| a == b).count())
}

/// Compares every file of the tree, except those that could not be imported.
pub(crate) fn all(store: &Store, tree: &Tree, left_out: usize) -> Result<Verified> {
    let mut verified = Verified::default();
    for source in &tree.sources {
        let unreadable = left_out > 0 && fs::File::open(&source.path).is_err();
        if !unreadable {
            verified.compare(store, source)?;
        }
    }
    Ok(verified)
}

/// Compares the files whose names an acknowledgement log lists.
pub(crate) fn acknowledged(store: &Store, tree: &Tree, log: &Path) -> Result<Verified> {
    let lines = fs::read_to_string(log).map_err(|error| Failure::io("read", log, &error))?;
    let sources: HashMap<String, &Source> =
        tree.sources.iter().map(|source| (name::show(&source.name), source)).collect();
    let mut verified = Verified::default();
    for line in lines.lines() {
        let source = sources.get(line).ok_or_else(|| {
            Failure::new(
                format!("{line}, which {} lists, is not in the input", log.display()),
                "give the directory that was imported with --input",
            )
        })?;
        verified.compare(store, source)?;
    }
    Ok(verified)
}
