//! The `pagestore` example as a user meets it: a program that is started, killed, refused a ring,
//! given bad input, and held to what it acknowledged.

// Its faults are set up with Unix permissions, users and mounts.
#[cfg(unix)]
mod faults;
#[cfg(target_os = "linux")]
mod filter;
mod killed;
// The calls have other numbers and names elsewhere.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod moments;
#[cfg(target_os = "linux")]
mod power;
mod run;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod watch;
mod works;
