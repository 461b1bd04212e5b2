//! The references themselves, against what is known.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};

use latchwork_litmus::interleavings;
use latchwork_litmus::program::{Outcome, Program, Step};
use latchwork_litmus::random::{Family, Random};
use latchwork_litmus::rc11::{self, Options};
use latchwork_litmus::shapes::classic;

/// Whether RC11 allows that the threads read these values.
fn allows(name: &str, variant: &str, read: &[&[u8]], words: Option<&[u8]>) -> bool {
    let shape = classic().into_iter().find(|shape| shape.name == name && shape.variant == variant);
    let shown = rc11::explore(&shape.expect("a shape of the table").program, Options::default());
    shown
        .outcomes
        .iter()
        .any(|outcome| outcome.read == read && words.is_none_or(|words| outcome.words == words))
}

/// A shape, its weak outcome, and the strengths that allow that.
type Weak<'a> = (&'a str, &'a [&'a [u8]], Option<&'a [u8]>, [bool; 5]);

/// The weak outcome of each shape, and the strengths that allow it, as the literature has them.
#[test]
fn rc11_allows_what_is_published() {
    let strengths = ["relaxed", "acquire release", "seq_cst", "fence acq_rel", "fence seq_cst"];
    let shapes: &[Weak<'_>] = &[
        ("SB", &[&[0], &[0]], None, [true, true, false, true, false]),
        ("MP", &[&[], &[1, 0]], None, [true, false, false, false, false]),
        ("LB", &[&[1], &[1]], None, [false; 5]),
        ("S", &[&[], &[1]], Some(&[2, 1]), [true, false, false, false, false]),
        ("R", &[&[], &[0]], Some(&[1, 2]), [true, true, false, true, false]),
        ("2+2W", &[&[], &[]], Some(&[1, 1]), [true, true, false, true, false]),
        ("CoRR", &[&[], &[1, 0]], None, [false; 5]),
        ("CoWR", &[&[2], &[]], Some(&[1, 0][..1]), [false; 5]),
        ("WRC", &[&[], &[1], &[1, 0]], None, [true, false, false, false, false]),
        ("RWC", &[&[], &[1, 0], &[0]], None, [true, true, false, true, false]),
        ("ISA2", &[&[], &[1], &[1, 0]], None, [true, false, false, false, false]),
        ("IRIW", &[&[], &[], &[1, 0], &[1, 0]], None, [true, true, false, true, false]),
    ];
    for (name, read, words, allowed) in shapes {
        for (variant, allowed) in strengths.iter().zip(allowed) {
            assert_eq!(allows(name, variant, read, *words), *allowed, "{name}, {variant}");
        }
    }
}

#[test]
fn interleavings_are_consistent_in_rc11() {
    let family = Family { fences: &[Acquire, Release, AcqRel, SeqCst], ..Family::ATOMICS };
    let mut random = Random::new(7);
    for _ in 0..500 {
        let program = family.program(&mut random);
        let strong = interleavings::explore(&program, None).outcomes;
        let weak = rc11::explore(&program, Options::default()).outcomes;
        assert!(strong.is_subset(&weak), "{program}");
    }
}

#[test]
fn a_bound_leaves_out_what_needs_more_preemptions() {
    let program = Program::new([
        vec![Step::Load(0, Relaxed), Step::Load(0, Relaxed)],
        vec![Step::Store(0, 1, Relaxed), Step::Store(0, 2, Relaxed)],
    ]);
    let read = |a, b| Outcome { read: vec![vec![a, b], vec![]], words: vec![2] };
    let all = interleavings::explore(&program, None).outcomes;
    assert_eq!(all.len(), 6);
    let none = interleavings::explore(&program, Some(0)).outcomes;
    assert_eq!(none.into_iter().collect::<Vec<_>>(), [read(0, 0)]);
    let one = interleavings::explore(&program, Some(1)).outcomes;
    let expected = [read(0, 0), read(0, 2), read(2, 2)];
    assert_eq!(one.into_iter().collect::<Vec<_>>(), expected);
    assert_eq!(interleavings::explore(&program, Some(3)).outcomes, all);
}

#[test]
fn a_deadlock_and_a_race_are_told() {
    let waits = Program::new([vec![Step::Park], vec![]]);
    assert!(interleavings::explore(&waits, None).deadlock);
    let races = Program::new([vec![Step::CellWrite(0)], vec![Step::CellRead(0)]]);
    assert!(interleavings::explore(&races, None).race);
    assert!(rc11::explore(&races, Options::default()).race);
}
