//! A normal build adds no instruction: the same operations over the facade and over what it is made
//! of give the same machine code, symbol by symbol.
//!
//! Needs `objdump` and Linux on x86-64; elsewhere it says so and passes.
#![cfg(all(
    feature = "pair",
    feature = "typed",
    not(any(latchwork_loom, latchwork_shuttle, latchwork_tsan))
))]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The instructions of each shim, with what depends on its place taken out.
type Code = BTreeMap<String, Vec<String>>;

/// Builds one of the two libraries as a user of the crate would: optimised.
fn build(example: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("codegen");
    let status = Command::new(env!("CARGO"))
        .args(["build", "--release", "--offline", "--features", "pair,typed", "--example", example])
        .args(["--config", "profile.release.debug=false"])
        .args(["--config", "profile.release.lto=false"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("CARGO_TARGET_DIR", &target)
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("RUSTFLAGS", "")
        .status()
        .expect("cargo, which runs this test, can be started");
    assert!(status.success(), "{example} doesn't build");
    target.join(format!("release/examples/lib{example}.so"))
}

/// `%rip`-relative addresses and jump targets differ between libraries; what is left must not.
fn normalised(instruction: &str) -> String {
    let text = instruction.split(['#', '<']).next().unwrap_or_default();
    let words: Vec<_> = text
        .split_whitespace()
        .map(|word| match word.split_once("(%rip)") {
            Some((_, rest)) => format!("STATIC{rest}"),
            None if is_address(word) => "PLACE".to_owned(),
            None => word.to_owned(),
        })
        .collect();
    words.join(" ")
}

fn is_address(word: &str) -> bool {
    word.len() >= 4 && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn disassemble(library: &Path) -> Code {
    let output = Command::new("objdump")
        .args(["--disassemble", "--no-show-raw-insn", "--section=.text"])
        .arg(library)
        .output()
        .expect("objdump has answered before");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut code = Code::new();
    let mut symbol = None;
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        if let Some(name) = line.strip_suffix(">:") {
            let name = name.rsplit('<').next().unwrap_or_default();
            symbol = name.starts_with("shim_").then(|| name.to_owned());
        } else if let (Some(symbol), Some((_, instruction))) = (&symbol, line.split_once(":\t")) {
            let instruction = normalised(instruction);
            // Padding between functions.
            if !["nop", "int3", "xchg %ax,%ax", "data16", "cs nopw"]
                .iter()
                .any(|padding| instruction.starts_with(padding))
            {
                code.entry(symbol.clone()).or_default().push(instruction);
            }
        }
    }
    code
}

/// What runs when nothing slow has to be done.
fn up_to_return(code: &[String]) -> &[String] {
    let end = code.iter().position(|instruction| instruction.starts_with("ret"));
    &code[..end.map_or(code.len(), |end| end + 1)]
}

#[test]
fn the_facade_adds_no_instruction() {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        println!("SKIPPED: the disassembly is read on Linux and x86-64 only");
        return;
    }
    if Command::new("objdump").arg("--version").output().is_err() {
        println!("SKIPPED: no objdump on this machine");
        return;
    }
    let facade = disassemble(&build("codegen_facade"));
    let std = disassemble(&build("codegen_std"));
    let missing: Vec<_> = std.keys().filter(|symbol| !facade.contains_key(*symbol)).collect();
    assert!(missing.is_empty() && std.len() >= 28, "{} shims, without {missing:?}", std.len());
    for (symbol, code) in &std {
        assert_eq!(&facade[symbol], code, "{symbol} differs: facade to the left, std to the right");
    }

    // A reader's fence where it isn't known at compile time: one branch more, nothing locked.
    let light = up_to_return(&facade["shim_light"]);
    let branches = light.iter().filter(|instruction| instruction.starts_with('j')).count();
    assert_eq!(branches, 1, "{light:#?}");
    for word in ["fence", "lock", "xchg", "call"] {
        assert!(!light.iter().any(|instruction| instruction.contains(word)), "{light:#?}");
    }

    // The same with the decision in the reader's record: store, comparison, branch, load, return.
    let copied = up_to_return(&facade["shim_copied_light"]);
    assert!(copied.len() <= 5, "{copied:#?}");
    for word in ["fence", "lock", "xchg", "call", "STATIC"] {
        assert!(!copied.iter().any(|instruction| instruction.contains(word)), "{copied:#?}");
    }
    println!("{} shims are the same; light: {light:?}; copied: {copied:?}", std.len());
}
