//! The documents: every link leads somewhere, every model that is named is there, and the museum
//! tells what its models tell.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files below a directory whose names end so, but for build products.
fn below(directory: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.join("CACHEDIR.TAG").exists() && !path.ends_with(".git") {
            found.extend(below(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// What stands outside of blocks of code.
fn prose(text: &str) -> String {
    let mut inside = false;
    let lines = text.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        inside ^= fence;
        !inside && !fence
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The targets of links to files, without those to other sites and to items of the code.
fn links(text: &str) -> Vec<String> {
    let parts = text.split("](").skip(1);
    let targets = parts.filter_map(|part| part.split_once(')').map(|(target, _)| target));
    let is_file = |target: &&str| {
        !target.contains("://")
            && !target.contains("::")
            && (target.contains('/') || target.contains('.') || target.starts_with('#'))
    };
    targets.filter(is_file).map(str::to_owned).collect()
}

/// The name that a heading is linked by.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut broken = Vec::new();
    for document in below(root(), ".md") {
        let text = prose(&read(&document));
        for link in links(&text) {
            let (path, fragment) = link.split_once('#').unwrap_or((&link, ""));
            let target = match path {
                "" => document.clone(),
                path => document.parent().unwrap().join(path),
            };
            // The results are there once somebody has committed a run.
            let results = root().join("docs/results");
            if path.contains("results/") && !results.join("README.md").exists() {
                continue;
            }
            let there = target.exists()
                && (fragment.is_empty() || {
                    let headings = read(&target);
                    let mut headings = headings.lines().filter(|line| line.starts_with('#'));
                    headings.any(|heading| anchor(heading) == fragment)
                });
            if !there {
                let document = document.strip_prefix(root()).unwrap();
                broken.push(format!("{}: {link}", document.display()));
            }
        }
    }
    assert!(broken.is_empty(), "links that lead nowhere:\n{}", broken.join("\n"));
}

#[test]
fn the_summary_has_every_chapter() {
    let source = root().join("docs");
    let listed: BTreeSet<_> = links(&read(&source.join("SUMMARY.md"))).into_iter().collect();
    let chapters = below(&source, ".md").into_iter();
    let chapters = chapters.map(|path| path.strip_prefix(&source).unwrap().to_path_buf());
    let chapters = chapters.map(|path| path.to_string_lossy().replace('\\', "/"));
    let chapters: BTreeSet<_> = chapters.filter(|name| name != "SUMMARY.md").collect();
    assert_eq!(listed, chapters);
    // And those with code are among the documents whose code is compiled and run.
    let tested = read(&root().join("src/lib.rs"));
    for chapter in chapters {
        if read(&source.join(&chapter)).contains("```rust\n") {
            assert!(tested.contains(&format!("docs/{chapter}")), "{chapter} is not in src/lib.rs");
        }
    }
}

/// `mdbook` takes every link to a document for one to a page of its own; to a document elsewhere
/// leads its directory.
#[test]
fn chapters_link_to_no_document_outside_the_book() {
    let book = root().join("docs");
    let listed = links(&read(&book.join("SUMMARY.md"))).into_iter();
    let pages: BTreeSet<_> = listed.map(|page| book.join(page).canonicalize().unwrap()).collect();
    let mut outside = Vec::new();
    for page in &pages {
        for link in links(&prose(&read(page))) {
            let path = Path::new(link.split('#').next().unwrap_or_default());
            let target = page.parent().unwrap().join(path).canonicalize();
            let is_document = path.extension().is_some_and(|extension| extension == "md");
            if is_document && target.is_ok_and(|target| !pages.contains(&target)) {
                outside.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(outside.is_empty(), "links that no page is behind:\n{}", outside.join("\n"));
}

/// Names in the last column of the tables of models.
fn models_named(text: &str) -> Vec<String> {
    let mut named = Vec::new();
    let mut in_table = false;
    for line in text.lines() {
        in_table = line.starts_with('|') && (in_table || line.contains("the model that fails"));
        let column = line.trim_end_matches('|').rsplit('|').next().unwrap_or_default();
        if in_table {
            named.extend(column.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    named
}

#[test]
fn every_model_that_is_named_exists() {
    let mut missing = Vec::new();
    for (chapter, directory) in [
        ("sync", "verification/sync"),
        ("treiber", "treiber"),
        ("reclaim", "reclaim"),
        ("rwlock", "rwlock"),
        ("ringpal", "ringpal"),
        ("batch-writer", "batch-writer"),
    ] {
        let sources = below(&root().join(directory).join("tests"), ".rs");
        let sources: String = sources.iter().map(|path| read(path)).collect();
        let named = models_named(&read(&root().join(format!("docs/book/{chapter}.md"))));
        assert!(!named.is_empty(), "{chapter} names no model");
        for model in named.iter().filter(|model| !sources.contains(&format!("\"{model}\""))) {
            missing.push(format!("{chapter}.md names `{model}`, which {directory} hasn't"));
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// `LATCHWORK_WRITE_MUSEUM=1 cargo test --test book museum` writes it anew.
#[test]
fn the_museum_tells_what_its_models_tell() {
    let bugs = root().join("verification/bugs");
    let page = root().join("docs/book/museum.md");
    let museum = read(&page);
    let (introduction, _) = museum.split_once("\n## ").expect("an introduction, then the bugs");
    let mut told = introduction.to_owned();
    let table = read(&bugs.join("README.md"));
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    for (bug, _) in rows {
        let source = read(&bugs.join(format!("tests/loom/{bug}.rs")));
        let head = source.lines().map_while(|line| line.strip_prefix("//!"));
        let head: Vec<_> = head.map(str::trim).collect();
        let end = head.iter().position(|line| line.is_empty()).expect("a title, then the story");
        let (title, story) = (head[..end].join("\n"), head[end..].join("\n"));
        write!(
            told,
            "\n## {bug}\n\n*{title}*\n{story}\n\nThe model: \
             [`{bug}.rs`](../../verification/bugs/tests/loom/{bug}.rs).\n"
        )
        .expect("a string takes all");
    }
    if std::env::var_os("LATCHWORK_WRITE_MUSEUM").is_some() {
        fs::write(&page, &told).unwrap();
    }
    assert!(
        read(&page) == told,
        "docs/book/museum.md isn't what the models' heads tell; \
         `LATCHWORK_WRITE_MUSEUM=1 cargo test --test book museum` writes it anew"
    );
}
