//! The steps that look at the crates as their users get them: with any choice of features, from
//! outside the workspace, and packed for the registry.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::Run;
use super::cargo::excerpt;
use crate::command::{Invocation, tail};
use crate::report::Outcome;
use crate::workspace::Crate;

/// Builds each crate with no feature, with each alone, and with its default ones, with `--long`
/// with every choice of them, and demands that no warning comes of it.
pub(crate) fn features(run: &mut Run) {
    run.each_crate(|run, krate| {
        if !krate.is_product() {
            return Ok(None);
        }
        let mut sum = Outcome::default();
        sum.add(build(run, krate, &[])?);
        let mut names: Vec<_> =
            krate.features.iter().filter(|feature| *feature != "default").cloned().collect();
        // The umbrella's only re-export: any two of them never meet.
        let most = if run.options.long && !krate.directory.is_empty() { names.len() } else { 1 };
        names.sort_unstable();
        for choice in choices(&names, most) {
            let choice = choice.join(",");
            sum.add(build(run, krate, &["--no-default-features", "--features", &choice])?);
        }
        Ok(Some(sum))
    });
}

/// Every choice of at most so many of the names, the empty one first.
fn choices(names: &[String], most: usize) -> Vec<Vec<&str>> {
    let mut choices: Vec<Vec<&str>> = vec![Vec::new()];
    for name in names {
        let with = choices.iter().filter(|choice| choice.len() < most).map(|choice| {
            let mut choice = choice.clone();
            choice.push(name);
            choice
        });
        let with: Vec<_> = with.collect();
        choices.extend(with);
    }
    choices
}

fn build(run: &Run, krate: &Crate, choice: &[&str]) -> anyhow::Result<Outcome> {
    let command = Invocation::cargo(&run.workspace.root, ["check", "--lib", "--locked"])
        .args(["--package", &krate.name])
        .args(choice);
    let finished = command.run(&run.log(krate))?;
    let warned = finished.output.lines().any(|line| line.starts_with("warning"));
    if finished.success && !warned {
        return Ok(Outcome::pass());
    }
    Ok(Outcome::fail(excerpt(&finished)).repeat(&command))
}

/// Makes a package outside the workspace that depends on one crate by path, with the example of
/// that crate's README as its program, and runs it.
pub(crate) fn outside(run: &mut Run) {
    run.each_crate(|run, krate| {
        if !krate.is_product() {
            return Ok(None);
        }
        let root = &run.workspace.root;
        let readme = root.join(krate.path("README.md"));
        let text = std::fs::read_to_string(&readme)
            .with_context(|| format!("can't read {}", readme.display()))?;
        let Some(example) = first_example(&text) else {
            return Ok(Some(Outcome::skip("its README has no example")));
        };
        let directory = run.workspace.target.join("outside").join(krate.short());
        write_package(run, krate, &directory, &example)?;
        let target = run.workspace.target.join("outside-target");
        let command = Invocation::cargo(&directory, ["run", "--quiet"])
            .args(["--manifest-path", &directory.join("Cargo.toml").to_string_lossy()])
            .env("CARGO_TARGET_DIR", target.to_string_lossy());
        let finished = command.run(&run.log(krate))?;
        let outcome =
            if finished.success { Outcome::pass() } else { Outcome::fail(excerpt(&finished)) };
        Ok(Some(outcome.repeat(&command)))
    });
}

fn write_package(run: &Run, krate: &Crate, directory: &Path, example: &str) -> anyhow::Result<()> {
    let path = run.workspace.root.join(&krate.directory);
    let path = serde_json::Value::from(path.to_string_lossy().trim_end_matches('/'));
    let name = &krate.name;
    let manifest = format!(
        "[package]\nname = \"outside\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [workspace]\n\n[dependencies]\n{name} = {{ path = {path} }}\n"
    );
    std::fs::create_dir_all(directory.join("src"))?;
    std::fs::write(directory.join("Cargo.toml"), manifest)?;
    // The same versions as the workspace's: nothing has to be asked of the registry.
    std::fs::copy(run.workspace.root.join("Cargo.lock"), directory.join("Cargo.lock"))?;
    std::fs::write(directory.join("src/main.rs"), example)?;
    Ok(())
}

/// The first Rust example of a README, as a program.
fn first_example(readme: &str) -> Option<String> {
    let mut lines = readme.lines();
    lines.by_ref().find(|line| {
        line.strip_prefix("```")
            .is_some_and(|kind| kind == "rust" || kind.is_empty() && !readme.contains("```rust"))
    })?;
    let mut body = String::new();
    for line in lines.take_while(|line| !line.starts_with("```")) {
        // What documentation hides is still a part of it.
        let line = if line == "#" { "" } else { line.strip_prefix("# ").unwrap_or(line) };
        writeln!(body, "{line}").expect("a string takes everything");
    }
    if body.contains("fn main()") {
        return Some(body);
    }
    // As rustdoc does it: an example that ends with `Ok::<(), E>(())` has a result.
    match body.rfind("Ok::<(),") {
        Some(at) => {
            let error = body[at..].strip_prefix("Ok::<(),")?.split(">(())").next()?.trim();
            let error = error.to_owned();
            Some(format!("fn main() -> Result<(), {error}> {{\n{body}}}\n"))
        }
        None => Some(format!("fn main() {{\n{body}}}\n")),
    }
}

/// Packs every crate that is meant for the registry, and builds each from its package.
pub(crate) fn publish(run: &mut Run) {
    run.check("workspace", |run| {
        let published: Vec<_> =
            run.workspace.crates.iter().filter(|krate| krate.published).cloned().collect();
        let mut command =
            Invocation::cargo(&run.workspace.root, ["publish", "--dry-run", "--locked"])
                .args(["--allow-dirty"]);
        for krate in &published {
            command = command.args(["--package", &krate.name]);
        }
        let Some(first) = published.first() else { return Ok(None) };
        published.iter().try_for_each(forget_unpacked)?;
        let finished = command.run(&run.log(first).with_file_name("publish.log"))?;
        let outcome = match unreachable_registry(&finished.output) {
            _ if finished.success => Outcome { passed: published.len(), ..Outcome::default() },
            Some(reason) => {
                let mut listed = list_all(run, &published)?;
                listed.add(Outcome::skip(format!("only the packages' lists were made: {reason}")));
                listed
            }
            None => Outcome::fail(tail(&finished.output, 40)),
        };
        Ok(Some(outcome.repeat(&command)))
    });
}

/// Removes what cargo has unpacked of this crate's packages before. It keeps that by the name and
/// version of a package, and would build the old text again where only the text has changed.
fn forget_unpacked(krate: &Crate) -> anyhow::Result<()> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    let Some(registries) = home.and_then(|home| home.join("registry/src").read_dir().ok()) else {
        return Ok(());
    };
    for registry in registries {
        let registry = registry?;
        // Cargo's name for a registry without a host, as the one of packed workspaces is.
        if !registry.file_name().to_string_lossy().starts_with('-') {
            continue;
        }
        for package in registry.path().read_dir()? {
            let package = package?;
            let name = package.file_name();
            let version = name.to_str().and_then(|name| name.strip_prefix(krate.name.as_str()));
            if version.is_some_and(|it| it.starts_with("-0.") || it.starts_with("-1.")) {
                fs::remove_dir_all(package.path())?;
            }
        }
    }
    Ok(())
}

/// Why the registry could not be asked, where that is what went wrong.
fn unreachable_registry(output: &str) -> Option<String> {
    let signs = ["failed to download", "failed to query", "could not resolve host", "--offline"];
    let of_network =
        ["spurious network error", "Could not connect", "registry index was not found"];
    output
        .lines()
        .map(str::trim)
        .find(|line| {
            let line = line.to_lowercase();
            signs.iter().chain(&of_network).any(|sign| line.contains(&sign.to_lowercase()))
        })
        .map(str::to_owned)
}

fn list_all(run: &Run, crates: &[Crate]) -> anyhow::Result<Outcome> {
    let mut sum = Outcome::default();
    for krate in crates {
        let command = Invocation::cargo(&run.workspace.root, ["package", "--list", "--locked"])
            .args(["--allow-dirty", "--package", &krate.name]);
        let finished = command.run(&run.log(krate))?;
        sum.add(if finished.success {
            Outcome::pass()
        } else {
            Outcome::fail(excerpt(&finished)).repeat(&command)
        });
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_becomes_a_program() {
        let readme = "# x\n```sh\nls\n```\n```rust\n# use a::b;\nlet c = 1;\n#\n```\n";
        let program = first_example(readme).unwrap();
        assert_eq!(program, "fn main() {\nuse a::b;\nlet c = 1;\n\n}\n");
        assert_eq!(first_example("nothing"), None);
        let whole = first_example("```rust\nfn main() {}\n```\n").unwrap();
        assert_eq!(whole, "fn main() {}\n");
        let result = first_example("```rust\nf()?;\n# Ok::<(), E>(())\n```\n").unwrap();
        assert_eq!(result, "fn main() -> Result<(), E> {\nf()?;\nOk::<(), E>(())\n}\n");
    }

    #[test]
    fn choices_of_features() {
        let names = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(choices(&names, 1), [vec![], vec!["a"], vec!["b"], vec!["c"]]);
        assert_eq!(choices(&names, 3).len(), 8);
    }

    #[test]
    fn a_network_is_told_from_a_mistake() {
        assert!(unreachable_registry("error: failed to download x\n").is_some());
        assert!(unreachable_registry("error: missing field description\n").is_none());
    }
}
