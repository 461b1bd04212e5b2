//! Where and when a run was made, so that its numbers have a name.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// The machine, the system, the tools and the day of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Machine {
    /// The processor, and how many of them the run could use.
    pub processor: String,
    /// The operating system and its version.
    pub system: String,
    /// The file system that the files of a run were on.
    pub file_system: String,
    /// The compiler.
    pub compiler: String,
    /// The source's commit.
    pub commit: String,
    /// Year, month, day, in UTC.
    pub date: String,
}

const UNKNOWN: &str = "unknown";

impl Machine {
    /// The machine that this runs on.
    #[must_use]
    pub fn here() -> Self {
        Self {
            processor: processor(),
            system: system(),
            file_system: file_system(),
            compiler: said_by("rustc", &["--version"]),
            commit: commit(),
            date: date(),
        }
    }
}

fn said_by(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .ok()
        .filter(|output| output.status.success());
    output.map_or_else(
        || UNKNOWN.into(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split_once(": ")).map_or(UNKNOWN, |(_, name)| name);
    let count = std::thread::available_parallelism().map_or(0, usize::from);
    let virtual_machine = if info.contains(" hypervisor") { "virtual " } else { "" };
    format!("{model}, {count} {virtual_machine}processors")
}

fn system() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    // Without what a distribution appends.
    let release = release.trim().split('-').next().unwrap_or_default();
    format!("{} {release} {}", std::env::consts::OS, std::env::consts::ARCH).replace("  ", " ")
}

/// The type of the mount that holds the build's directory.
fn file_system() -> String {
    let place = fs::canonicalize(env!("CARGO_MANIFEST_DIR")).unwrap_or_default();
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let holding = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        let (point, kind) = (words.next()?, words.next()?);
        place.starts_with(Path::new(point)).then(|| (point.len(), kind.to_owned()))
    });
    holding.max().map_or_else(|| UNKNOWN.into(), |(_, kind)| kind)
}

fn commit() -> String {
    let commit = said_by("git", &["rev-parse", "--short=10", "HEAD"]);
    let changed =
        said_by("git", &["status", "--porcelain", "--untracked-files=no", "--", ":/*.rs"]);
    if changed.is_empty() || changed == UNKNOWN { commit } else { format!("{commit}, changed") }
}

fn date() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let (year, month, day) = civil(since.as_secs() / 86_400);
    format!("{year}-{month:02}-{day:02}")
}

/// Year, month and day of a day counted from 1970, by Hinnant's `civil_from_days`.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::civil;

    #[test]
    fn days_become_dates() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(59), (1970, 3, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(20_778), (2026, 11, 21));
    }
}
