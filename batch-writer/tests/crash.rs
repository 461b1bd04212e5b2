//! Loss of power at any moment, on a simulated disk.
//!
//! A run writes batches until the power goes; each unsynced sector and name survives or not. After
//! recovery: everything acknowledged is there, what is there is a prefix of what was submitted,
//! nothing is there twice or that was reported as not executed, and recovering again, after
//! another crash even, finds the same.
#![cfg(not(any(latchwork_loom, latchwork_shuttle)))]

use std::cell::Cell;
use std::collections::VecDeque;

use latchwork_batch_writer::log::{Log, LogError, LogOptions, SimulatedDisk};
use latchwork_batch_writer::{DetachedSync, Sink, WriteFailure, commit, write};
use proptest::prelude::*;

/// One life of the log: batches of payload lengths, and the power that it has.
#[derive(Clone, Debug)]
struct Life {
    batches: Vec<Vec<u16>>,
    steps: u64,
    survivors: u64,
    /// Where the power goes during recovery, if it does.
    recovery_steps: Option<u64>,
}

fn life() -> impl Strategy<Value = Life> {
    let length = prop_oneof![4 => 0..200_u16, 2 => 200..1500_u16, 1 => Just(6000_u16)];
    let batches = prop::collection::vec(prop::collection::vec(length, 1..6), 0..12);
    (batches, 0..80_u64, any::<u64>(), prop::option::weighted(0.3, 0..4_u64)).prop_map(
        |(batches, steps, survivors, recovery_steps)| Life {
            batches,
            steps,
            survivors,
            recovery_steps,
        },
    )
}

/// A sequence of choices from a seed.
fn choices(seed: u64) -> impl FnMut() -> bool {
    let mut state = seed | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state & 2 != 0
    }
}

fn payload(number: u64, length: u16) -> Vec<u8> {
    // The same lengths come again with other contents, so that a stale record would show.
    let mut bytes = vec![(number % 251) as u8 + 1; usize::from(length)];
    bytes.extend_from_slice(&number.to_le_bytes());
    bytes
}

fn options() -> LogOptions<Vec<u8>> {
    // The thread that makes segments ahead would use up power at moments of its own.
    Log::<Vec<u8>>::options().segment_bytes(8192).syncs_in_flight(2).prepare_ahead(false)
}

type Opened = (Log<Vec<u8>, SimulatedDisk>, Vec<Vec<u8>>);

fn open(disk: &SimulatedDisk) -> Option<Opened> {
    let mut found = Vec::new();
    let log = options().open_in(disk.clone(), |record| {
        assert_eq!(record.location.sequence, found.len() as u64);
        found.push(record.payload.to_vec());
    });
    Some((log.ok()?, found))
}

fn survive(lives: &[Life]) -> usize {
    let disk = SimulatedDisk::new();
    // What must be there, and behind it what may be.
    let mut acknowledged: Vec<Vec<u8>> = Vec::new();
    let mut number = 0;
    for life in lives {
        let mut survives = choices(life.survivors);
        if let Some(steps) = life.recovery_steps {
            disk.lose_power_after(steps);
            drop(open(&disk));
            disk.crash(&mut survives);
        }
        let (mut log, found) = open(&disk).expect("recovery succeeds when the disk works");
        assert_eq!(found, acknowledged, "recovered records are those that recovery showed before");
        disk.lose_power_after(life.steps);
        let mut unknown: Vec<Vec<u8>> = Vec::new();
        for lengths in &life.batches {
            let batch: Vec<_> = lengths
                .iter()
                .map(|length| {
                    number += 1;
                    payload(number, *length)
                })
                .collect();
            match commit(&mut log, batch.clone()) {
                Ok(_) => acknowledged.extend(batch),
                // Taken back: nothing of it may ever come back.
                Err(WriteFailure::Undone(_) | WriteFailure::Separable(_)) => {}
                Err(WriteFailure::Torn(_)) => {
                    unknown = batch;
                    break;
                }
            }
        }
        drop(log);
        disk.crash(&mut survives);
        let (log, found) = open(&disk).expect("recovery succeeds after a crash");
        let mut possible = acknowledged.clone();
        possible.extend(unknown);
        assert!(found.len() >= acknowledged.len(), "acknowledged records are missing");
        assert_eq!(found[..], possible[..found.len()], "a prefix of what was submitted");
        acknowledged = found;
        drop(log);
        // What was shown once stays, whatever a second loss of power takes.
        disk.crash(&mut survives);
    }
    let (_, found) = open(&disk).expect("recovery succeeds");
    assert_eq!(found, acknowledged);
    acknowledged.len()
}

/// As [`survive`], with all but the last `keep` records forgotten again and again, so that segments
/// are written a second and a third time.
fn survive_recycling(lives: &[Life], keep: u64) -> u64 {
    let disk = SimulatedDisk::new();
    // By sequence number: what was acknowledged, and behind it what may be there.
    let (mut acknowledged, mut possible): (Vec<Vec<u8>>, Vec<Vec<u8>>) = Default::default();
    let (mut forgotten, mut number, mut recycled) = (0, 0, 0);
    for life in lives {
        let mut survives = choices(life.survivors);
        let mut found: Vec<(u64, Vec<u8>)> = Vec::new();
        let mut log = options()
            .open_in(disk.clone(), |record| {
                found.push((record.location.sequence, record.payload.to_vec()));
            })
            .expect("recovery succeeds when the disk works");
        let next = found.last().map_or(acknowledged.len(), |(last, _)| *last as usize + 1);
        assert!(next >= acknowledged.len() && next <= possible.len(), "lost, or made up");
        let first = found.first().map_or(forgotten, |(first, _)| *first);
        assert!(first <= forgotten, "{first} is the first, {forgotten} were forgotten");
        for (at, (sequence, payload)) in found.iter().enumerate() {
            assert_eq!(*sequence, first + at as u64);
            assert_eq!(*payload, possible[*sequence as usize], "a record of another life");
        }
        possible.truncate(next);
        acknowledged.clone_from(&possible);
        disk.lose_power_after(life.steps);
        for lengths in &life.batches {
            let batch: Vec<_> = lengths
                .iter()
                .map(|length| {
                    number += 1;
                    payload(number, *length)
                })
                .collect();
            match commit(&mut log, batch.clone()) {
                Ok(_) => {
                    acknowledged.extend(batch);
                    possible.clone_from(&acknowledged);
                }
                Err(WriteFailure::Undone(_) | WriteFailure::Separable(_)) => {}
                Err(WriteFailure::Torn(_)) => {
                    possible.extend(batch);
                    break;
                }
            }
            forgotten = forgotten.max((acknowledged.len() as u64).saturating_sub(keep));
            match log.forget_before(forgotten) {
                Ok(segments) => recycled += segments,
                Err(_) => break,
            }
        }
        drop(log);
        disk.crash(&mut survives);
    }
    recycled
}

/// A batch that is written, its sync, and whether that has ended.
type Flight = (Vec<Vec<u8>>, Box<dyn DetachedSync<LogError>>, bool);

/// Ends one of the syncs in flight, whichever is chosen, and lands those in front that have ended.
fn end_one(
    flights: &mut VecDeque<Flight>,
    chosen: bool,
    acknowledged: &mut Vec<Vec<u8>>,
) -> Result<(), LogError> {
    let which = usize::from(flights.len() > 1 && chosen && !flights[1].2);
    if !flights[which].2 {
        flights[which].1.sync()?;
        flights[which].2 = true;
    }
    while flights.front().is_some_and(|(.., ended)| *ended) {
        if let Some((batch, mut sync, _)) = flights.pop_front() {
            sync.landed();
            acknowledged.extend(batch);
        }
    }
    Ok(())
}

/// As [`survive`], with up to two syncs in flight while batches are written, which end in any
/// order and land in turn.
fn survive_in_flight(lives: &[Life]) -> usize {
    let disk = SimulatedDisk::new();
    let (mut acknowledged, mut number): (Vec<Vec<u8>>, _) = (Vec::new(), 0);
    for life in lives {
        let mut choose = choices(life.survivors);
        let (mut log, found) = open(&disk).expect("recovery succeeds when the disk works");
        assert_eq!(found, acknowledged, "recovered records are those that recovery showed before");
        let reader = log.reader();
        disk.lose_power_after(life.steps);
        let (mut flights, mut torn) = (VecDeque::new(), Vec::new());
        let mut launched = 0;
        for lengths in &life.batches {
            number += 1;
            let batch: Vec<_> = lengths.iter().map(|length| payload(number, *length)).collect();
            match write(&mut log, batch.clone()) {
                Ok(_) => {}
                Err(WriteFailure::Undone(_) | WriteFailure::Separable(_)) => continue,
                Err(WriteFailure::Torn(_)) => {
                    torn = batch;
                    break;
                }
            }
            let sync = log.detach_sync(launched % 2).expect("the log has two lanes");
            launched += 1;
            flights.push_back((batch, sync, false));
            let mut powerless = false;
            while !powerless && (flights.len() == 2 || !flights.is_empty() && choose()) {
                powerless = end_one(&mut flights, choose(), &mut acknowledged).is_err();
            }
            assert!(powerless || reader.durable_upto() == acknowledged.len() as u64);
            if powerless {
                break;
            }
        }
        drop((log, reader));
        disk.crash(&mut choose);
        let (log, found) = open(&disk).expect("recovery succeeds after a crash");
        let mut possible = acknowledged.clone();
        possible.extend(flights.into_iter().flat_map(|(batch, ..)| batch));
        possible.extend(torn);
        assert!(found.len() >= acknowledged.len(), "acknowledged records are missing");
        assert_eq!(found[..], possible[..found.len()], "a prefix of what was submitted");
        acknowledged = found;
        drop(log);
        disk.crash(&mut choose);
    }
    acknowledged.len()
}

#[test]
fn segments_are_written_again() {
    let batches = vec![vec![3000]; 40];
    let life = Life { batches, steps: u64::MAX, survivors: 7, recovery_steps: None };
    assert!(survive_recycling(&[life.clone(), life], 2) > 20);
}

/// `LATCHWORK_CRASHES` asks for more than the default.
fn cases() -> ProptestConfig {
    let asked = std::env::var("LATCHWORK_CRASHES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig { test_name: None, ..ProptestConfig::with_cases(asked.unwrap_or(1000)) }
}

/// Many lives of many logs, told as `what`.
fn survive_many(what: &str, survive: fn(&[Life]) -> usize) {
    let (crashes, records) = (Cell::new(0), Cell::new(0));
    proptest!(cases(), |(lives in prop::collection::vec(life(), 1..4))| {
        records.set(records.get() + survive(&lives));
        crashes.set(crashes.get() + lives.len());
    });
    let (crashes, records) = (crashes.get(), records.get());
    println!("told: {crashes} losses of power{what}, {records} records acknowledged, none lost");
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_else_appears() {
    survive_many("", survive);
}

#[test]
fn nothing_acknowledged_in_turn_is_lost_with_two_syncs_in_flight() {
    survive_many(" with syncs in flight", survive_in_flight);
}

#[test]
fn records_of_a_segments_earlier_lives_never_come_back() {
    let (crashes, segments) = (Cell::new(0), Cell::new(0));
    proptest!(cases(), |(lives in prop::collection::vec(life(), 2..6), keep in 0..4_u64)| {
        segments.set(segments.get() + survive_recycling(&lives, keep));
        crashes.set(crashes.get() + lives.len());
    });
    let (crashes, segments) = (crashes.get(), segments.get());
    println!("told: {crashes} losses of power, {segments} segments forgotten, nothing came back");
}
