//! No crate goes past the facade: what it doesn't see, no model checks.

use std::fmt::Write as _;
use std::path::Path;

use proc_macro2::{Delimiter, TokenTree};

use super::Run;
use crate::report::Outcome;
use crate::source::{self, Cfg};
use crate::workspace::Crate;

/// The crate that may name them.
const FACADE: &str = "latchwork-sync";

/// Paths that only the facade may name, after `std` or `core`.
const OF_STD: [&str; 13] = [
    "sync::atomic",
    "sync::Mutex",
    "sync::RwLock",
    "sync::Condvar",
    "sync::Barrier",
    "sync::mpsc",
    "thread::spawn",
    "thread::scope",
    "thread::Builder",
    "thread::park",
    "thread::park_timeout",
    "thread::yield_now",
    "hint::spin_loop",
];

/// Names that are suspect wherever they stand.
const NAMES: [&str; 4] = ["SYS_futex", "SYS_membarrier", "FUTEX_WAIT", "FUTEX_WAKE"];

/// Crates that only the facade may name.
const CRATES: [&str; 4] = ["loom", "shuttle", "portable_atomic", "parking_lot_core"];

/// Everything but the unit tests, which run on real threads.
const SHIPPED: Cfg = |name, value| !(name == "test" && value.is_none());

/// Looks at the sources and the models of the product's crates.
pub(crate) fn run(run: &mut Run) {
    run.each_crate(|run, krate| {
        if krate.name == FACADE || !krate.is_product() {
            return Ok(None);
        }
        let found = breaches(&run.workspace.root, krate)?;
        Ok(Some(if found.is_empty() { Outcome::pass() } else { Outcome::fail(found) }))
    });
}

fn breaches(root: &Path, krate: &Crate) -> anyhow::Result<String> {
    let mut found = String::new();
    let mut files = source::files_below(&root.join(krate.path("src")))?;
    // Not `tests/shuttle.rs`: it drives that explorer itself, over objects that the facade made.
    files.extend(Some(root.join(krate.path("tests/loom.rs"))).filter(|path| path.is_file()));
    files.extend(source::files_below(&root.join(krate.path("tests/loom")))?);
    for path in files {
        let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        let tokens = source::tokens_of(&path, SHIPPED)?;
        for (line, name) in names(&tokens) {
            writeln!(found, "    {shown}:{line}: {name}; use latchwork_sync instead")?;
        }
    }
    Ok(found)
}

/// The forbidden names in some tokens, with their lines.
fn names(tokens: &[TokenTree]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    search(tokens, &mut found);
    found
}

fn search(tokens: &[TokenTree], found: &mut Vec<(usize, String)>) {
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => {
                search(&source::configured(group.stream(), SHIPPED), found);
            }
            TokenTree::Ident(name) if !is_inside_path(tokens, at) => {
                let name = name.to_string();
                let line = token.span().start().line;
                if NAMES.contains(&name.as_str()) {
                    found.push((line, name));
                } else if is_path_start(tokens, at) {
                    let mut paths = Vec::new();
                    expand(&tokens[at..], "", &mut paths);
                    found.extend(
                        paths
                            .into_iter()
                            .filter(|path| is_forbidden(path))
                            .map(|path| (line, path)),
                    );
                }
            }
            TokenTree::Ident(name) if NAMES.contains(&name.to_string().as_str()) => {
                found.push((token.span().start().line, name.to_string()));
            }
            _ => {}
        }
    }
}

fn is_punct(token: Option<&TokenTree>, c: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == c)
}

fn is_path_start(tokens: &[TokenTree], at: usize) -> bool {
    is_punct(tokens.get(at + 1), ':') && is_punct(tokens.get(at + 2), ':')
}

/// Whether a name follows `name::`; a leading `::` starts a path.
fn is_inside_path(tokens: &[TokenTree], at: usize) -> bool {
    at >= 3
        && is_punct(tokens.get(at - 1), ':')
        && is_punct(tokens.get(at - 2), ':')
        && matches!(tokens.get(at - 3), Some(TokenTree::Ident(name)) if name != "use" && name != "dyn")
}

/// Every path that starts here, with the lists of a `use` written out.
fn expand(tokens: &[TokenTree], before: &str, paths: &mut Vec<String>) {
    match tokens.first() {
        Some(TokenTree::Ident(name)) => {
            let path =
                if before.is_empty() { name.to_string() } else { format!("{before}::{name}") };
            if is_path_start(tokens, 0) {
                expand(&tokens[3..], &path, paths);
            } else {
                paths.push(path);
            }
        }
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
            let inside: Vec<_> = group.stream().into_iter().collect();
            for part in inside.split(|token| is_punct(Some(token), ',')) {
                expand(part, before, paths);
            }
        }
        Some(TokenTree::Punct(star)) if star.as_char() == '*' => paths.push(format!("{before}::*")),
        _ => paths.push(before.to_owned()),
    }
}

fn is_forbidden(path: &str) -> bool {
    let (first, rest) = path.split_once("::").unwrap_or((path, ""));
    if CRATES.contains(&first) {
        return true;
    }
    let standard = ["std", "core", "alloc"].contains(&first);
    standard
        && OF_STD.iter().any(|name| {
            let continued =
                rest.strip_prefix(name).is_some_and(|end| end.is_empty() || end.starts_with("::"));
            let module = name.split_once("::").map_or("", |(module, _)| module);
            continued || rest == format!("{module}::*")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let tokens = source::tokens(text, SHIPPED).unwrap();
        names(&tokens).into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn every_way_to_name_an_atomic_is_found() {
        assert_eq!(found("use std::sync::atomic::AtomicU8;"), ["std::sync::atomic::AtomicU8"]);
        assert_eq!(found("use ::core::sync::atomic::*;"), ["core::sync::atomic::*"]);
        assert_eq!(
            found("use std::{mem, sync::{Arc, atomic::{self, Ordering}}};"),
            ["std::sync::atomic::self", "std::sync::atomic::Ordering"]
        );
        assert_eq!(found("fn f() { std::thread::park(); }"), ["std::thread::park"]);
        assert_eq!(found("x(libc::SYS_futex)"), ["SYS_futex"]);
        assert_eq!(found("loom::model(f)"), ["loom::model"]);
    }

    #[test]
    fn what_is_allowed_is_let_pass() {
        for text in [
            "use latchwork_sync::atomic::AtomicU8; use latchwork_sync::{thread::spawn, asym};",
            "use std::sync::Arc; std::thread::panicking();",
            "/// std::sync::atomic::AtomicU8\nfn f() { \"std::thread::park\"; } // loom::model",
            "#[cfg(test)] mod tests { use std::sync::atomic::AtomicU8; }",
        ] {
            assert_eq!(found(text), [] as [String; 0], "{text}");
        }
    }
}
