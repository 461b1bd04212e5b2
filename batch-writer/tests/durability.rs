//! Real files and real failures: syncs that fail under the program, processes that are killed, and,
//! for root on Linux, file systems that lose their power or their disk.
//!
//! Each looks from outside: what was acknowledged must be found by a later opening.
#![cfg(all(target_os = "linux", not(any(latchwork_loom, latchwork_shuttle))))]

#[path = "durability/files.rs"]
mod files;
#[path = "durability/power.rs"]
mod power;
#[path = "durability/process.rs"]
mod process;
