//! How much memory one model may take: a search that grows without end fails by its name, and
//! doesn't take the machine with it.

/// MiB that a model may take if the environment doesn't say: far more than any needs.
const LIMIT: u32 = 4096;

/// The limit in MiB, by `LATCHWORK_MEMORY` if that is set; none if it is 0.
pub(super) fn limit() -> Option<u32> {
    let Ok(text) = std::env::var("LATCHWORK_MEMORY") else { return Some(LIMIT) };
    let limit = text.parse().unwrap_or_else(|_| panic!("LATCHWORK_MEMORY={text}: not MiB"));
    (limit > 0).then_some(limit)
}

/// What is said by whoever gets no memory: the standard library, the explorers where they make
/// stacks, the system.
const SIGNS: [&str; 3] =
    ["memory allocation of ", "failed to alloc sys stack", "Cannot allocate memory"];

/// What to say of a process that failed, if it failed for want of memory.
pub(super) fn exceeded(output: &str) -> Option<String> {
    let limit = limit()?;
    let short = SIGNS.iter().any(|sign| output.contains(sign));
    short.then(|| format!("needed more than {limit} MiB (LATCHWORK_MEMORY sets another limit)"))
}

/// Why no limit can be set here, if so.
pub(super) const UNLIMITED: Option<&str> = if IS_LIMITED {
    None
} else {
    Some("a process can be limited on Linux, with the feature `std`")
};

const IS_LIMITED: bool = cfg!(all(target_os = "linux", feature = "std"));

/// Sets the limit for this process.
///
/// # Errors
///
/// When the system refuses.
#[cfg(all(target_os = "linux", feature = "std"))]
pub(super) fn confine() -> std::io::Result<()> {
    let Some(mebibytes) = limit() else { return Ok(()) };
    let mut now = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: it is given a structure of the kind that it fills.
    let asked = unsafe { libc::getrlimit(libc::RLIMIT_AS, &raw mut now) };
    now.rlim_cur = libc::rlim_t::from(mebibytes).saturating_mul(1 << 20).min(now.rlim_max);
    // SAFETY: it is given a structure of the kind that it reads.
    let told = unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const now) };
    if asked == 0 && told == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}

/// No limit can be set here, which [`UNLIMITED`] says.
#[cfg(not(all(target_os = "linux", feature = "std")))]
#[expect(clippy::unnecessary_wraps, reason = "as where it can be")]
pub(super) fn confine() -> std::io::Result<()> {
    Ok(())
}
