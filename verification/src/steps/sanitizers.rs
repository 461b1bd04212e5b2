//! Tests under `AddressSanitizer`, which a nightly compiler has.

use super::Run;
use super::cargo::excerpt;
use crate::command::Invocation;
use crate::counts;
use crate::report::Outcome;

/// What kind of machine the sanitizer and its leak checker are known to work on.
const SUPPORTED: bool =
    cfg!(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")));

/// Unit and integration tests with every access checked, and leaks at the end.
pub(crate) fn address(run: &mut Run) {
    let host = match nightly_host(run) {
        Ok(host) => host,
        Err(reason) => {
            run.check("workspace", |_| Ok(Some(Outcome::skip(reason))));
            return;
        }
    };
    let target = run.workspace.target.join("asan");
    let forgotten = run.workspace.root.join("verification/leaks.txt");
    run.each_crate(|run, krate| {
        if !krate.is_product() {
            return Ok(None);
        }
        let command = Invocation::cargo(&run.workspace.root, ["+nightly", "test"])
            .args(["--no-fail-fast", "--locked", "--all-features", "--lib", "--tests"])
            .args(["--package", &krate.name, "--target", &host])
            .env("RUSTFLAGS", "-Zsanitizer=address")
            .env("ASAN_OPTIONS", "detect_leaks=1")
            .env("LSAN_OPTIONS", format!("suppressions={}", forgotten.display()))
            .env("CARGO_TARGET_DIR", target.to_string_lossy());
        let finished = command.run(&run.log(krate))?;
        let mut outcome = counts::of_tests(&finished.output);
        if !finished.success {
            outcome.failed = outcome.failed.max(1);
            outcome.detail = excerpt(&finished);
        } else if outcome.passed == 0 {
            outcome = Outcome::skip("has no tests");
        }
        Ok(Some(outcome.repeat(&command)))
    });
}

/// The nightly compiler's host, or why there is none.
pub(super) fn nightly_host(run: &Run) -> Result<String, String> {
    if !SUPPORTED {
        return Err("AddressSanitizer with leak checking is for Linux on x86-64 or aarch64".into());
    }
    let text = Invocation::new("rustc", &run.workspace.root)
        .args(["+nightly", "--version", "--verbose"])
        .output()
        .map_err(|_| "there is no nightly toolchain (`rustup toolchain install nightly`)")?;
    host_in(&text).ok_or_else(|| "the nightly compiler names no host".to_owned())
}

fn host_in(version: &str) -> Option<String> {
    version.lines().find_map(|line| line.strip_prefix("host: ")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_read() {
        let text = "rustc 1.97.0-nightly\nbinary: rustc\nhost: x86_64-unknown-linux-gnu\n";
        assert_eq!(host_in(text).as_deref(), Some("x86_64-unknown-linux-gnu"));
    }
}
