//! Downloads packages and what they depend on, and unpacks them into a directory of ours. Works
//! without privileges and leaves the system's own state alone.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

use crate::command::Invocation;
use crate::workspace::Workspace;

/// In a root of ours, a file that says which packages it holds in full.
const COMPLETE: &str = "packages";

/// The root that holds some packages, with what the system lacks of their dependencies.
///
/// # Errors
///
/// Why they can't be had, for a line of the report.
pub(crate) fn unpack(
    workspace: &Workspace,
    name: &str,
    packages: &[&str],
) -> Result<PathBuf, String> {
    let debian = workspace.target.join("debian");
    let root = debian.join(name);
    let wanted = packages.join(" ") + "\n";
    if std::fs::read_to_string(root.join(COMPLETE)).is_ok_and(|there| there == wanted) {
        return Ok(root);
    }
    if std::env::var_os("CARGO_NET_OFFLINE").is_some_and(|value| value == "true") {
        return Err("needs packages of Debian's, and CARGO_NET_OFFLINE forbids to load them".into());
    }
    if !Path::new("/var/lib/dpkg/status").is_file() {
        return Err("needs packages of Debian's, and this system has none".into());
    }
    let unpacked = Apt::new(&debian, name).and_then(|apt| {
        apt.download(packages)?;
        apt.unpack(&root)?;
        std::fs::write(root.join(COMPLETE), wanted)?;
        Ok(())
    });
    unpacked.map(|()| root).map_err(|error| {
        let reason = format!("{error:#}");
        let first = reason.lines().find(|line| line.starts_with("E: "));
        let first = first.or(reason.lines().next()).unwrap_or_default();
        format!("needs Debian's packages {}: {first}", packages.join(", "))
    })
}

/// APT with lists and archives of our own.
struct Apt {
    lists: PathBuf,
    cache: PathBuf,
}

impl Apt {
    fn new(debian: &Path, name: &str) -> anyhow::Result<Self> {
        let apt = Self { lists: debian.join("lists"), cache: debian.join("cache").join(name) };
        // What an earlier run left is of no use where it isn't whole.
        let _ = std::fs::remove_dir_all(&apt.cache);
        for directory in [apt.lists.join("partial"), apt.cache.join("archives/partial")] {
            std::fs::create_dir_all(&directory)
                .with_context(|| format!("can't make {}", directory.display()))?;
        }
        Ok(apt)
    }

    fn get(&self, arguments: &[&str]) -> Invocation {
        let option = |name: &str, value: &str| format!("--option={name}={value}");
        Invocation::new("apt-get", &self.cache)
            .args([
                option("Dir::State::Lists", &self.lists.to_string_lossy()),
                option("Dir::Cache", &self.cache.to_string_lossy()),
                option("Dir::Cache::archives", &self.cache.join("archives").to_string_lossy()),
                option("Debug::NoLocking", "true"),
                // Else root would give the downloads to a user who can't write here.
                option("APT::Sandbox::User", ""),
                option("Acquire::Languages", "none"),
                option("Acquire::Retries", "1"),
                option("Acquire::http::Timeout", "20"),
                option("Acquire::https::Timeout", "20"),
            ])
            .args(["--quiet"])
            .args(arguments)
            .env("LC_ALL", "C")
    }

    /// Loads the packages, and those of their dependencies that the system lacks.
    fn download(&self, packages: &[&str]) -> anyhow::Result<()> {
        // A source that can't be reached need not be the one that has them.
        let _ = self.get(&["update"]).output();
        let how = ["--assume-yes", "--download-only", "--reinstall", "--no-install-recommends"];
        self.get(&["install"]).args(how).args(packages).output().map(drop)
    }

    fn unpack(&self, root: &Path) -> anyhow::Result<()> {
        std::fs::create_dir_all(root)?;
        let archives = self.cache.join("archives");
        let mut count = 0;
        for entry in std::fs::read_dir(&archives)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "deb") {
                unpack_one(&path, root)?;
                count += 1;
            }
        }
        if count == 0 {
            bail!("apt-get loaded no package");
        }
        std::fs::remove_dir_all(&self.cache)?;
        Ok(())
    }
}

fn unpack_one(package: &Path, root: &Path) -> anyhow::Result<()> {
    let mut archive = Command::new("dpkg-deb")
        .arg("--fsys-tarfile")
        .arg(package)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("can't start dpkg-deb")?;
    let stream = archive.stdout.take().context("dpkg-deb has an output")?;
    let mut tar = Command::new("tar");
    tar.arg("--extract").arg("--directory").arg(root);
    // Of the compiler's own source, only the library.
    tar.args(["--exclude=./usr/share/doc", "--exclude=./usr/share/man"]);
    for part in ["compiler", "src", "tests", "vendor"] {
        tar.args(["--anchored", "--no-wildcards-match-slash"])
            .arg(format!("--exclude=./usr/src/rustc-*/{part}"));
    }
    let extracted = tar.stdin(stream).status().context("can't start tar")?;
    let read = archive.wait()?;
    if !extracted.success() || !read.success() {
        bail!("{} can't be unpacked", package.display());
    }
    Ok(())
}
