//! What the compiler makes of the fast paths.
//!
//! # An attempt at a pop
//!
//! It begins when the head is in `rax`. An `ArrayStack` takes 6 instructions, none of which can go:
//! the exchange destroys no register but needs the head in one and the mask would destroy it (1);
//! the word's low bits are the place of the slot (2), and zero where there is none (3); the word
//! below is what the head is exchanged for (4, 5); and it may fail (6).
//!
//! ```text
//! 1  movq  %rax, %rsi             the head once more
//! 2  andq  %rcx, %rsi             the slot's offset; the mask is in a register
//! 3  je    empty
//! 4  movq  (%rdx,%rsi,8), %r8     the slot's next; where the slots begin is in a register
//! 5  lock cmpxchgq %r8, (%rdi)
//! 6  jne   contended
//! ```
//!
//! A `Stack` grows, so that where a slot lies takes a look into a table of chunks: 5 more.
//!
//! ```text
//! 1  testq %rcx, %rcx             no mask that would tell by the way
//! 2  je    empty
//! 3  movl  %ecx, %edx             the index
//! 4  movl  %ecx, %eax
//! 5  shrl  $26, %eax              the chunk's number
//! 6  movq  (%rdi,%rax,8), %rsi    where its index 0 would be
//! 7  shlq  $4, %rdx               an index counts slots of 16 bytes; a load scales by 8 at most
//! 8  movq  (%rsi,%rdx), %r8
//! 9  movq  %rcx, %rax             what to compare with
//! 10 lock cmpxchgq %r8, 768(%rdi)
//! 11 jne   contended
//! ```
//!
//! It could do without the 7th if it counted by 8 bytes, as the `ArrayStack` does; then its 32 bits
//! would name 32 GiB of slots at most, whatever their size. It can do without the 9th, and takes
//! longer: the word that is left when the exchange is done then comes out of the exchange.

use std::collections::BTreeMap;

use anyhow::Context as _;

use super::Run;
use super::cargo::excerpt;
use crate::assembly::{self, Function};
use crate::command::Invocation;
use crate::report::Outcome;

/// What a function must look like.
#[derive(Clone, Copy, Debug)]
enum Rule {
    /// A retry loop of at most so many instructions, that reads the word it exchanges at most
    /// once an attempt.
    RetryLoop(usize),
    /// At most so many instructions from the read of the word that it exchanges first to the
    /// branch on the outcome, with no other read of it between.
    Attempt(usize),
    /// So many instructions that order all of memory, cold functions that it calls aside.
    Heavy(usize),
    /// The machine code of another of them.
    SameAs(&'static str),
}

/// A function of `verification/codegen`, its rule, and whether it must break it.
const RULES: [(&str, Rule, bool); 15] = [
    ("mailbox_push", Rule::Attempt(3), false),
    ("array_stack_push", Rule::Heavy(3), false),
    ("array_stack_pop", Rule::Attempt(6), false),
    ("stack_push", Rule::Heavy(3), false),
    ("stack_pop", Rule::Attempt(11), false),
    ("handle_push", Rule::Heavy(1), false),
    ("handle_pop", Rule::Heavy(1), false),
    ("control_doubled_load", Rule::RetryLoop(10), true),
    ("epoch_pin", Rule::Heavy(0), false),
    ("epoch_snapshot_load", Rule::Heavy(0), false),
    ("control_reader_with_fence", Rule::Heavy(0), true),
    ("rwlock_read_pair", Rule::Heavy(2), false),
    ("rwlock_probe_off_read", Rule::SameAs("rwlock_core_read"), false),
    ("rwlock_probe_off_write", Rule::SameAs("rwlock_core_write"), false),
    ("control_probe_on_read", Rule::SameAs("rwlock_core_read"), true),
];

/// Compiles the functions and looks at them.
pub(crate) fn run(run: &mut Run) {
    run.check("workspace", |run| {
        if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
            return Ok(Some(Outcome::skip("only assembly for x86-64 on Linux is understood")));
        }
        let target = run.workspace.target.join("codegen");
        std::fs::create_dir_all(&target)?;
        let assembly = target.join("fast-paths.s");
        let emit = format!("--emit=asm={}", assembly.display());
        let command = Invocation::cargo(&run.workspace.root, ["rustc", "--release", "--locked"])
            .args(["--package", "latchwork-codegen", "--lib"])
            .env("CARGO_TARGET_DIR", target.to_string_lossy())
            .env("CARGO_PROFILE_RELEASE_DEBUG", "none")
            .args(["--", &emit, "-Ccodegen-units=1"]);
        let log = target.with_file_name("logs").join("codegen.log");
        let finished = command.run(&log)?;
        if !finished.success {
            return Ok(Some(Outcome::fail(excerpt(&finished)).repeat(&command)));
        }
        let text = std::fs::read_to_string(&assembly)
            .with_context(|| format!("can't read {}", assembly.display()))?;
        Ok(Some(judge(&assembly::functions(&text)).repeat(&command)))
    });
}

fn judge(functions: &BTreeMap<String, Function>) -> Outcome {
    let mut sum = Outcome::default();
    for (name, rule, is_control) in RULES {
        let (kept, said) = match functions.get(name) {
            Some(function) => keeps(function, rule, functions),
            None => (is_control, "it is not there".to_owned()),
        };
        let line = format!("    {name}: {said}");
        if kept == is_control {
            let which =
                if is_control { ": a control that was NOT FOUND" } else { ": NOT AS IT MUST BE" };
            sum.add(Outcome::fail(format!("{line}{which}\n")));
        } else {
            sum.add(Outcome::pass());
            sum.notes.push(line.trim().to_owned());
        }
    }
    sum
}

/// Whether a function keeps a rule, and what was seen.
fn keeps(
    function: &Function,
    rule: Rule,
    functions: &BTreeMap<String, Function>,
) -> (bool, String) {
    match rule {
        Rule::RetryLoop(most) => match function.retry_loop() {
            Some(body) => {
                let (length, loads) = (body.length(), body.loads_of_exchanged_word());
                let said = format!("a loop of {length}, {loads} loads of the head in it");
                (length <= most && loads <= 1, said)
            }
            None => (false, "no retry loop".to_owned()),
        },
        Rule::Attempt(most) => match function.attempt() {
            Some(body) => {
                let (length, loads) = (body.length(), body.loads_of_exchanged_word());
                let said =
                    format!("{length} instructions an attempt, {loads} more loads of the head");
                (length <= most && loads == 0, said)
            }
            None => (false, "no exchange of a word that it read".to_owned()),
        },
        Rule::Heavy(most) => {
            let heavy = function.heavy();
            let length = function.length();
            (heavy <= most, format!("{heavy} fences or locked operations in {length} instructions"))
        }
        Rule::SameAs(name) => {
            let same = functions.get(name).is_some_and(|other| function.is_like(other));
            let (length, verb) = (function.length(), if same { "as" } else { "unlike" });
            (same, format!("{length} instructions, {verb} {name}"))
        }
    }
}
