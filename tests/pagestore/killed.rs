//! `kill -9` at any moment: nothing that was acknowledged is missing, and the next run goes on.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use crate::run::{cut_torn_line, import, pagestore, scratch, succeed, tree, verify, whole_lines};

#[test]
fn killed_twenty_times_nothing_acknowledged_is_missing() {
    let scratch = scratch();
    let (input, store) = (scratch.path().join("input"), scratch.path().join("store"));
    tree(&input, 400);
    let log = scratch.path().join("acks");
    let mut kills_in_mid_import = 0;
    for round in 0..20_u64 {
        let before = whole_lines(&log);
        let mut child = import(&store, &input)
            .args(["--no-verify", "--ack-log"])
            .arg(&log)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the example starts");
        // Every fifth is killed while the store is opened, the others when they have acknowledged
        // some files of the 400, however fast the machine is.
        let more = round % 5 * 12;
        let ready = || more == 0 || whole_lines(&log) >= before + more as usize;
        while !ready() && child.try_wait().expect("it is our child").is_none() {
            std::thread::yield_now();
        }
        std::thread::sleep(Duration::from_millis(1 + round / 5));
        child.kill().expect("it is our child");
        let status = child.wait().expect("it was killed");
        kills_in_mid_import += u32::from(!status.success());
        if log.exists() {
            cut_torn_line(&log);
            let mut check = verify(&store, &input);
            check.arg("--acked").arg(&log);
            succeed(&mut check);
        }
        if round % 5 == 4 {
            // Start over, or the later rounds would find nothing left to import.
            // On a slow machine none of the rounds may have come to making the store.
            if store.exists() {
                fs::remove_dir_all(&store).unwrap();
            }
            let _ = fs::remove_file(&log);
        }
    }
    assert!(kills_in_mid_import >= 5, "only {kills_in_mid_import} of 20 kills met a live import");
    succeed(import(&store, &input).arg("--ack-log").arg(&log));
    succeed(verify(&store, &input).arg("--acked").arg(&log));
}

#[test]
fn killed_in_compaction_nothing_is_missing() {
    let scratch = scratch();
    let (input, store) = (scratch.path().join("input"), scratch.path().join("store"));
    tree(&input, 200);
    succeed(import(&store, &input).arg("--no-verify"));
    for round in 0..12_u64 {
        // Other bytes for every third file, so that there are gaps.
        for number in (round % 3..200).step_by(3) {
            let name = format!("d{}/e{}/file {number}.bin", number % 7, number % 3);
            fs::write(input.join(name), vec![round as u8; 9_000 + number as usize]).unwrap();
        }
        succeed(import(&store, &input).arg("--no-verify"));
        let mut child = pagestore(&store)
            .arg("compact")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the example starts");
        std::thread::sleep(Duration::from_millis(round * 2));
        let _ = child.kill();
        child.wait().expect("it has ended");
        succeed(&mut verify(&store, &input));
    }
    succeed(pagestore(&store).arg("compact"));
    succeed(&mut verify(&store, &input));
}
