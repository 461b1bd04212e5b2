//! The book, by `mdbook`, where it is installed.

use super::Run;
use super::cargo::excerpt;
use crate::command::Invocation;
use crate::report::Outcome;

/// Builds the book below the target directory, and demands that no warning comes of it. Its code
/// runs with the umbrella's tests, and its links are followed there.
pub(crate) fn run(run: &mut Run) {
    if run.crates.iter().all(|krate| !krate.directory.is_empty()) {
        return;
    }
    run.check("book", |run| {
        let (root, target) = (&run.workspace.root, &run.workspace.target);
        if Invocation::new("mdbook", root).arg("--version").output().is_err() {
            let reason = "mdbook is not installed (`cargo install mdbook`)";
            return Ok(Some(Outcome::skip(reason)));
        }
        let destination = target.join("book");
        let command = Invocation::new("mdbook", root)
            .args(["build", "docs", "--dest-dir"])
            .arg(&destination.to_string_lossy());
        let mut finished = command.run(&target.join("logs/doc-book.log"))?;
        finished.success &= !finished.output.contains("WARN");
        let outcome =
            if finished.success { Outcome::pass() } else { Outcome::fail(excerpt(&finished)) };
        Ok(Some(outcome.repeat(&command)))
    });
}
