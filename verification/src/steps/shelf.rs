//! What a registry's page shows of a crate, and what comes along with it: descriptions, licences,
//! features, the oldest compiler, where dependencies come from.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use serde_json::Value;

use super::Run;
use crate::command::{Invocation, tail};
use crate::report::Outcome;
use crate::workspace::Crate;

/// Licences that what is shipped may come under.
const LICENCES: [&str; 11] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Zlib",
];

/// The one registry.
const SOURCE: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Looks at each crate's shelf, then at what the lock file brings in, then at the last release, where
/// the programs for it are installed.
pub(crate) fn run(run: &mut Run) {
    let metadata = Invocation::cargo(&run.workspace.root, ["metadata", "--locked"])
        .args(["--format-version", "1"])
        .output()
        .and_then(|text| Packages::parse(&serde_json::from_str(&text)?));
    let packages = match metadata {
        Ok(packages) => packages,
        Err(error) => {
            run.check("workspace", |_| Err(error));
            return;
        }
    };
    run.each_crate(|run, krate| {
        if !krate.is_product() {
            return Ok(None);
        }
        let mut findings = on_the_page(&run.workspace.root, krate, &packages)?;
        findings.extend(packages.brought_along(&krate.name)?);
        Ok(Some(verdict(&findings)))
    });
    run.check("sources", |_| Ok(Some(verdict(&packages.foreign()))));
    run.check("advisories", |run| Ok(Some(known_flaws(run))));
    run.check("semver", |run| Ok(Some(since_last_release(run))));
    run.check("oldest Rust", |run| with_the_oldest(run, &packages).map(Some));
}

/// Builds each crate with the oldest compiler that it promises, where that is installed.
fn with_the_oldest(run: &Run, packages: &Packages) -> anyhow::Result<Outcome> {
    let ask = |program: &str, arguments: &[&str]| {
        Invocation::new(program, &run.workspace.root).args(arguments).output().unwrap_or_default()
    };
    let current = ask("rustc", &["--version"]);
    let installed = ask("rustup", &["toolchain", "list"]);
    let mut sum = Outcome::default();
    for krate in run.crates.iter().filter(|krate| krate.is_product()) {
        let Some(oldest) = packages.of(&krate.name)?.text("rust_version") else { continue };
        if current.starts_with(&format!("rustc {oldest}.")) {
            // Every other step has built it with this very one.
            sum.add(Outcome::pass());
            continue;
        }
        let name = installed.split_whitespace().find(|name| is_release(name, oldest));
        let Some(name) = name else {
            sum.add(Outcome::skip(format!("{} needs Rust {oldest} for it", krate.name)));
            continue;
        };
        let toolchain = format!("+{name}");
        let target = run.workspace.target.join("oldest");
        let command = Invocation::cargo(&run.workspace.root, [&*toolchain, "check", "--locked"])
            .args(["--lib", "--all-features", "--package", &krate.name])
            .env("CARGO_TARGET_DIR", target.to_string_lossy());
        let finished = command.run(&run.log(krate))?;
        sum.add(if finished.success {
            Outcome::pass()
        } else {
            Outcome::fail(tail(&finished.output, 40)).repeat(&command)
        });
    }
    Ok(sum)
}

/// Whether a toolchain's name, as rustup lists it, means a release of this kind.
fn is_release(name: &str, oldest: &str) -> bool {
    name.strip_prefix(oldest).is_some_and(|rest| rest.starts_with(['.', '-']))
}

/// One check for all; each finding is a line.
fn verdict(findings: &[String]) -> Outcome {
    if findings.is_empty() {
        return Outcome::pass();
    }
    let mut detail = String::new();
    for finding in findings {
        writeln!(detail, "    {finding}").expect("a string takes everything");
    }
    Outcome { failed: findings.len(), detail, ..Outcome::default() }
}

/// What is wrong with a crate's manifest, README, changelog and licences.
fn on_the_page(root: &Path, krate: &Crate, packages: &Packages) -> anyhow::Result<Vec<String>> {
    let package = packages.of(&krate.name)?;
    let read = |name: &str| {
        let path = root.join(krate.path(name));
        std::fs::read_to_string(&path).with_context(|| format!("can't read {}", path.display()))
    };
    let (readme, changelog) = (read("README.md")?, read("CHANGELOG.md")?);
    let mut findings = Vec::new();
    let mut demand = |holds: bool, what: &str| {
        if !holds {
            findings.push(format!("{}: {what}", krate.name));
        }
    };
    demand(package.text("description").is_some(), "no description in the manifest");
    demand(package.text("license").is_some(), "no licence in the manifest");
    demand(package.text("readme").is_some(), "no readme in the manifest");
    let count = |field: &str| package.0[field].as_array().map_or(0, Vec::len);
    demand((1..=5).contains(&count("keywords")), "a registry takes 1 to 5 keywords");
    demand((1..=5).contains(&count("categories")), "a registry takes 1 to 5 categories");
    let documented = package.0["metadata"]["docs"]["rs"]["all-features"] == true;
    demand(documented, "docs.rs would not show every feature ([package.metadata.docs.rs])");
    let version = package.text("version").unwrap_or_default();
    let headings = [format!("## {version}"), format!("## [{version}]")];
    let listed = headings.iter().any(|heading| changelog.contains(heading));
    demand(listed, "its version is not in CHANGELOG.md");
    for feature in krate.features.iter().filter(|name| *name != "default") {
        let named = readme.contains(&format!("`{feature}`"));
        demand(named, &format!("README.md doesn't name the feature `{feature}`"));
    }
    match package.text("rust_version") {
        Some(oldest) => {
            let stated = readme.contains(&format!("Minimum Rust: {oldest}"));
            demand(stated, &format!("README.md doesn't say `Minimum Rust: {oldest}`"));
        }
        None => demand(false, "no rust-version in the manifest"),
    }
    for name in ["LICENSE-APACHE", "LICENSE-MIT"] {
        let same =
            std::fs::read(root.join(krate.path(name))).ok() == std::fs::read(root.join(name)).ok();
        demand(same, &format!("{name} is not that of the workspace"));
    }
    Ok(findings)
}

/// A package, as cargo tells it.
struct Package(Value);

impl Package {
    fn text(&self, field: &str) -> Option<&str> {
        self.0[field].as_str()
    }

    fn title(&self) -> String {
        let field = |name| self.text(name).unwrap_or("?");
        format!("{} {}", field("name"), field("version"))
    }
}

/// Every package of the lock file, and what each brings along in a build of a user's.
struct Packages {
    by_id: BTreeMap<String, Package>,
    needs: BTreeMap<String, Vec<String>>,
}

impl Packages {
    fn parse(metadata: &Value) -> anyhow::Result<Self> {
        let id = |value: &Value| value.as_str().map(str::to_owned);
        let packages = metadata["packages"].as_array().context("no packages")?;
        let by_id = packages
            .iter()
            .filter_map(|package| Some((id(&package["id"])?, Package(package.clone()))))
            .collect();
        let nodes = metadata["resolve"]["nodes"].as_array().context("nothing resolved")?;
        let needs = nodes.iter().filter_map(|node| {
            let needed = node["deps"].as_array()?.iter().filter(|dep| comes_along(dep));
            Some((id(&node["id"])?, needed.filter_map(|dep| id(&dep["pkg"])).collect()))
        });
        Ok(Self { by_id, needs: needs.collect() })
    }

    fn of(&self, name: &str) -> anyhow::Result<&Package> {
        let mut packages = self.by_id.values();
        packages
            .find(|package| package.text("name") == Some(name))
            .with_context(|| format!("cargo doesn't tell of {name}"))
    }

    /// What is wrong with the packages that a user builds with this one.
    fn brought_along(&self, name: &str) -> anyhow::Result<Vec<String>> {
        let ours = self.of(name)?;
        let oldest = ours.text("rust_version").and_then(release);
        let mut left: Vec<&str> = ours.text("id").into_iter().collect();
        let mut seen = BTreeSet::new();
        let mut findings = Vec::new();
        while let Some(id) = left.pop() {
            if !seen.insert(id) {
                continue;
            }
            left.extend(self.needs.get(id).into_iter().flatten().map(String::as_str));
            let package = self.by_id.get(id).with_context(|| format!("no package {id}"))?;
            let title = package.title();
            match package.text("license") {
                Some(licence) if is_allowed(licence) => {}
                licence => {
                    let licence = licence.unwrap_or("no licence");
                    findings.push(format!("{name} brings {title} along, under {licence}"));
                }
            }
            let needs = package.text("rust_version").and_then(release);
            if needs > oldest {
                let version = package.text("rust_version").unwrap_or_default();
                findings.push(format!("{name} brings {title} along, which needs Rust {version}"));
            }
        }
        Ok(findings)
    }

    /// Packages that are neither ours nor the registry's.
    fn foreign(&self) -> Vec<String> {
        let foreign =
            |package: &&Package| package.text("source").is_some_and(|source| source != SOURCE);
        let line = |package: &Package| {
            format!("{} comes from {}", package.title(), package.text("source").unwrap_or("?"))
        };
        self.by_id.values().filter(foreign).map(line).collect()
    }
}

/// Whether a dependency is for more than tests and checking builds.
fn comes_along(dependency: &Value) -> bool {
    let kinds = dependency["dep_kinds"].as_array().into_iter().flatten();
    let private = |kind: &Value| {
        kind["target"].as_str().is_some_and(|target| {
            target == "cfg(latchwork_loom)" || target == "cfg(latchwork_shuttle)"
        })
    };
    kinds.into_iter().any(|kind| kind["kind"] != "dev" && !private(kind))
}

/// A release of the compiler, to be compared.
fn release(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// Whether one way of reading a licence's expression is allowed. Alternatives inside parentheses
/// are taken as if all of them were demanded, which errs on the safe side.
fn is_allowed(expression: &str) -> bool {
    // Old manifests separate alternatives by a slash.
    let expression = expression.replace('/', " OR ");
    let plain = |part: &str| LICENCES.contains(&part.trim().trim_matches(['(', ')']));
    if expression.contains('(') {
        return expression.replace(" OR ", " AND ").split(" AND ").all(plain);
    }
    expression.split(" OR ").any(|choice| choice.split(" AND ").all(plain))
}

/// Looks for flaws that are known of what is built here, but for the peers that are only measured.
fn known_flaws(run: &Run) -> Outcome {
    if std::env::var_os("CARGO_NET_OFFLINE").is_some_and(|value| value == "true") {
        return Outcome::skip("CARGO_NET_OFFLINE forbids to load the database of advisories");
    }
    let chosen = ["deny", "--workspace", "--all-features", "--exclude", "latchwork-benches"];
    let command = Invocation::cargo(&run.workspace.root, chosen).args([
        "check",
        "--hide-inclusion-graph",
        "advisories",
    ]);
    match command.run(&run.workspace.target.join("logs/shelf-advisories.log")) {
        Ok(finished) if finished.success => Outcome::pass(),
        Ok(finished) if finished.output.contains("no such command") => {
            Outcome::skip("cargo-deny is not installed (`cargo install` brings it)")
        }
        Ok(finished) if finished.output.contains("failed to fetch advisory database") => {
            Outcome::skip("the database of advisories can't be reached")
        }
        Ok(finished) => Outcome::fail(tail(&finished.output, 40)).repeat(&command),
        Err(error) => Outcome::fail(format!("    {error:#}\n")),
    }
}

/// Compares the public items with the last tag's.
fn since_last_release(run: &Run) -> Outcome {
    let root = &run.workspace.root;
    let tag = Invocation::new("git", root)
        .args(["describe", "--tags", "--abbrev=0", "--match", "v[0-9]*"])
        .output();
    let Ok(tag) = tag else {
        return Outcome::skip("no release is tagged yet that an interface could break with");
    };
    let tag = tag.trim();
    // Those that the release had: a new crate breaks nobody. And each by its name, or the package at
    // the root would be the only one.
    let released = |krate: &&Crate| {
        let manifest = format!("{tag}:{}", krate.path("Cargo.toml"));
        krate.is_product()
            && Invocation::new("git", root).args(["cat-file", "-e", &manifest]).output().is_ok()
    };
    let released: Vec<_> = run.crates.iter().filter(released).collect();
    if released.is_empty() {
        return Outcome::skip(format!("{tag} has none of these crates"));
    }
    let command = Invocation::cargo(root, ["semver-checks", "--baseline-rev", tag])
        .args(released.iter().flat_map(|krate| ["--package", &krate.name]));
    match command.run(&run.workspace.target.join("logs/shelf-semver.log")) {
        Ok(finished) if finished.success => Outcome::pass(),
        Ok(finished) if finished.output.contains("no such command") => {
            Outcome::skip("cargo-semver-checks is not installed (`cargo install` brings it)")
        }
        Ok(finished) => Outcome::fail(tail(&finished.output, 40)).repeat(&command),
        Err(error) => Outcome::fail(format!("    {error:#}\n")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences_are_read() {
        assert!(is_allowed("MIT"));
        assert!(is_allowed("GPL-3.0 OR MIT"));
        assert!(is_allowed("MIT/Apache-2.0"));
        assert!(is_allowed("(MIT OR Apache-2.0) AND Unicode-3.0"));
        assert!(is_allowed("Apache-2.0 WITH LLVM-exception OR Apache-2.0"));
        assert!(!is_allowed("MIT AND GPL-3.0"));
        assert!(!is_allowed("(MIT OR Apache-2.0) AND OpenSSL"));
    }

    #[test]
    fn releases_are_compared_as_numbers() {
        assert!(release("1.100") > release("1.95.1"));
        assert!(release("1.71.0") < release("1.88"));
        assert!(None < release("1.0"), "who says nothing needs nothing");
    }

    #[test]
    fn toolchains_are_found_by_their_release() {
        assert!(is_release("1.88.0-x86_64-unknown-linux-gnu", "1.88"));
        assert!(is_release("1.88-aarch64-apple-darwin", "1.88"));
        assert!(!is_release("1.880.0-x86_64-unknown-linux-gnu", "1.88"));
        assert!(!is_release("stable-x86_64-unknown-linux-gnu", "1.88"));
    }

    #[test]
    fn what_is_for_tests_does_not_come_along() {
        let dep = |kind: Value, target: Value| serde_json::json!({"dep_kinds": [{"kind": kind, "target": target}]});
        assert!(comes_along(&dep(Value::Null, Value::Null)));
        assert!(comes_along(&dep("build".into(), "cfg(unix)".into())));
        assert!(!comes_along(&dep("dev".into(), Value::Null)));
        assert!(!comes_along(&dep(Value::Null, "cfg(latchwork_loom)".into())));
    }
}
