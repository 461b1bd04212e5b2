//! The input: regular files below a directory.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};
use crate::name::{self, Name};

/// A file to import.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) name: Name,
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
}

/// What a walk found.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// By name.
    pub(crate) sources: Vec<Source>,
    /// Links, sockets and other things that have no bytes of their own.
    pub(crate) skipped: usize,
}

/// What to leave out besides the store itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leave {
    Nothing,
    /// A project's version control and its caches (directories with a `CACHEDIR.TAG`).
    ProjectCaches,
}

/// Finds every regular file below `root`, except in the store.
pub(crate) fn walk(root: &Path, store: &Path, leave: Leave) -> Result<Tree> {
    let metadata = fs::metadata(root).map_err(|error| Failure::io("read", root, &error))?;
    if !metadata.is_dir() {
        return Err(Failure::new(
            format!("{} is not a directory", root.display()),
            "name the directory that holds the files with --input",
        ));
    }
    let store = fs::canonicalize(store).ok();
    let mut tree = Tree::default();
    let mut directories = vec![root.to_path_buf()];
    while let Some(directory) = directories.pop() {
        let entries =
            fs::read_dir(&directory).map_err(|error| Failure::io("list", &directory, &error))?;
        for entry in entries {
            let entry = entry.map_err(|error| Failure::io("list", &directory, &error))?;
            let path = entry.path();
            let kind = entry.file_type().map_err(|error| Failure::io("read", &path, &error))?;
            if kind.is_dir() {
                let is_store = store.is_some() && fs::canonicalize(&path).ok() == store;
                let is_cache = leave == Leave::ProjectCaches
                    && (path.ends_with(".git") || path.join("CACHEDIR.TAG").exists());
                if !is_store && !is_cache {
                    directories.push(path);
                }
            } else if kind.is_file() {
                let metadata =
                    entry.metadata().map_err(|error| Failure::io("read", &path, &error))?;
                let relative = path.strip_prefix(root).expect("found below the root");
                let name = name::of(relative)?;
                tree.sources.push(Source { name, path, bytes: metadata.len() });
            } else {
                tree.skipped += 1;
            }
        }
    }
    tree.sources.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(tree)
}
