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
fn a_large_file_and_a_removal_survive() {
    let scratch = scratch();
    let (input, store) = (scratch.path().join("input"), scratch.path().join("store"));
    fs::create_dir_all(&input).unwrap();
    let large: Vec<u8> = (0..5_000_001_u32).flat_map(u32::to_le_bytes).collect();
    fs::write(input.join("large"), &large).unwrap();
    fs::write(input.join("small"), b"small").unwrap();
    succeed(&mut import(&store, &input));
    assert_eq!(succeed(pagestore(&store).args(["get", "large"])).stdout, large);
    succeed(pagestore(&store).args(["remove", "large"]));
    let line = fail(pagestore(&store).args(["get", "large"]));
    assert!(line.contains("not in the store"), "{line}");
    assert_eq!(succeed(pagestore(&store).args(["get", "small"])).stdout, b"small");
}

#[test]
fn compaction_gives_room_back() {
    let scratch = scratch();
    let (input, store) = (scratch.path().join("input"), scratch.path().join("store"));
    tree(&input, 120);
    succeed(&mut import(&store, &input));
    for number in (0..120).filter(|number| number % 4 != 1) {
        let name = format!("d{}/e{}/file {number}.bin", number % 7, number % 3);
        succeed(pagestore(&store).args(["remove", &name]));
        fs::remove_file(input.join(name)).unwrap();
    }
    let size = || fs::metadata(store.join("data")).unwrap().len();
    let before = size();
    let report = stdout(&succeed(pagestore(&store).arg("compact")));
    assert!(size() < before / 2, "{before} bytes before, {} after: {report}", size());
    succeed(&mut verify(&store, &input));
}

#[test]
fn a_limit_is_kept_and_survives() {
    let scratch = scratch();
    let (input, store) = (scratch.path().join("input"), scratch.path().join("store"));
    fs::create_dir_all(&input).unwrap();
    fs::write(input.join("file"), vec![1; 5_000]).unwrap();
    succeed(&mut import(&store, &input));
    let line = fail(pagestore(&store).args(["limit", "4000"]));
    assert!(line.contains("5000 bytes"), "{line}");
    succeed(pagestore(&store).args(["limit", "6000"]));
    fs::write(input.join("larger"), vec![2; 7_000]).unwrap();
    let line = fail(&mut import(&store, &input));
    assert!(line.contains("larger") && line.contains("6000"), "{line}");
    succeed(pagestore(&store).args(["limit", "none"]));
    succeed(&mut import(&store, &input));
}

#[test]
fn stress_and_bench_run_from_a_seed() {
    let scratch = scratch();
    for seed in ["1", "2"] {
        let store = scratch.path().join(format!("stress-{seed}"));
        let mut stress = pagestore(&store);
        stress.args(["stress", "--seed", seed, "--rounds", "3", "--writers", "4"]);
        let report = stdout(&succeed(&mut stress));
        assert!(report.contains(&format!("seed {seed}")), "{report}");
    }
    let store = scratch.path().join("bench");
    let mut bench = pagestore(&store);
    bench.args(["bench", "--seconds", "1", "--writers", "2"]);
    let report = stdout(&succeed(&mut bench));
    for word in ["p99", "maintenance", "checkpoints", "gate", "barriers"] {
        assert!(report.contains(word), "no {word:?} in the report:\n{report}");
    }
}

#[test]
fn help_teaches() {
    let scratch = scratch();
    let help = stdout(&succeed(pagestore(scratch.path()).arg("--help")));
    for word in ["import", "list", "get NAME", "verify", "stress", "--ack-log", "cargo run"] {
        assert!(help.contains(word), "{help}");
    }
}
