//! What it is for.

use std::fs;

use crate::run::{fail, import, pagestore, scratch, stdout, succeed, tree, verify};

#[test]
fn imports_lists_gets_and_verifies() {
    let scratch = scratch();
    let (input, store) = (scratch.path().join("input"), scratch.path().join("store"));
    tree(&input, 40);
    let report = stdout(&succeed(&mut import(&store, &input)));
    for word in ["files", "40", "commits/s", "batch", "sync", "p99", "backend", "every byte"] {
        assert!(report.contains(word), "no {word:?} in the report:\n{report}");
    }
    let list = stdout(&succeed(pagestore(&store).arg("list")));
    assert_eq!(list.lines().count(), 40);
    let name = "d6/e0/file 6.bin";
    assert!(list.lines().any(|line| line.ends_with(name)), "{list}");
    let got = succeed(pagestore(&store).args(["get", name])).stdout;
    assert_eq!(got, fs::read(input.join(name)).unwrap());
    succeed(&mut verify(&store, &input));
}

#[test]
fn a_second_import_writes_what_has_changed() {
    let scratch = scratch();
    let (input, store) = (scratch.path().join("input"), scratch.path().join("store"));
    tree(&input, 20);
    succeed(&mut import(&store, &input));
    let changed = "d5/e2/file 5.bin";
    fs::write(input.join(changed), b"changed").unwrap();
    fs::write(input.join("new"), b"new").unwrap();
    let log = scratch.path().join("acks");
    succeed(import(&store, &input).arg("--ack-log").arg(&log));
    let mut acknowledged: Vec<_> =
        fs::read_to_string(&log).unwrap().lines().map(str::to_owned).collect();
    acknowledged.sort();
    assert_eq!(acknowledged, [changed, "new"]);
    assert_eq!(succeed(pagestore(&store).args(["get", changed])).stdout, b"changed");
    succeed(verify(&store, &input).arg("--acked").arg(&log));
}

#[test]
fn verify_names_what_differs() {
    let scratch = scratch();
    let (input, store) = (scratch.path().join("input"), scratch.path().join("store"));
    tree(&input, 8);
    succeed(&mut import(&store, &input));
    fs::write(input.join("d5/e2/file 5.bin"), b"other").unwrap();
    let line = fail(&mut verify(&store, &input));
    assert!(line.contains("file 5.bin"), "{line}");
}

#[cfg(unix)]
#[test]
fn names_that_are_no_text_survive() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let scratch = scratch();
    let (input, store) = (scratch.path().join("input"), scratch.path().join("store"));
    fs::create_dir_all(&input).unwrap();
    let odd = OsStr::from_bytes(b"no\xfftext\nat all\\");
    fs::write(input.join(odd), b"content").unwrap();
    let log = scratch.path().join("acks");
    succeed(import(&store, &input).arg("--ack-log").arg(&log));
    assert_eq!(fs::read_to_string(&log).unwrap(), "no\\xfftext\\nat all\\\\\n");
    assert_eq!(succeed(pagestore(&store).arg("get").arg(odd)).stdout, b"content");
    succeed(verify(&store, &input).arg("--acked").arg(&log));
}

#[test]
fn help_teaches() {
    let scratch = scratch();
    let help = stdout(&succeed(pagestore(scratch.path()).arg("--help")));
    for word in ["import", "list", "get NAME", "verify", "--ack-log", "cargo run"] {
        assert!(help.contains(word), "{help}");
    }
}
