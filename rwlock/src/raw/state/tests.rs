//! Single transitions, where the scenes of the models would be too large.

use super::*;
use crate::policy::{Bounded, PhaseFair, Policy, WriterPriority};

const TAG_TOP: u64 = TAG_HALF - ONE_TAG;

fn state(active: u64, blocked: u64, waiting: u64, flags: u64) -> State {
    State((active * ONE_ACTIVE + blocked * ONE_BLOCKED + waiting * ONE_WAITING) | flags)
}

fn blocks<P: Policy>(state: State) -> Step {
    match state.block::<P>() {
        Blocking::Blocks(step) => step,
        other => panic!("{state:?}: {other:?}"),
    }
}

#[test]
fn cancel_grants_every_blocked_reader_in_the_step_in_which_it_leaves() {
    let step = state(1, 3, 1, GATE).cancel_write::<WriterPriority>(Want::Write, false, false);
    assert_eq!(step.next, state(4, 0, 0, ONE_TAG));
    assert_eq!(step.wake, Wake { readers: true, ..Wake::default() });
}

#[test]
fn cancel_behind_a_writer_leaves_the_readers_to_it() {
    let step =
        state(0, 3, 1, GATE | WRITER).cancel_write::<WriterPriority>(Want::Write, false, false);
    assert_eq!(step.next, state(0, 3, 0, WRITER));
    assert_eq!(step.wake, Wake::default());
    // And that one's release lets them run for it.
    let step = state(0, 3, 0, 0).after_write().unwrap();
    assert_eq!(step.next, state(0, 3, 0, READERS_WOKEN));
    assert!(step.wake.readers);
}

#[test]
fn cancel_with_a_cool_down_opens_the_gate_and_hands_the_timer_on() {
    let step = state(1, 1, 2, GATE).cancel_write::<Bounded>(Want::Write, false, true);
    assert_eq!(step.next, state(2, 0, 1, ONE_TAG | WRITER_WOKEN));
    assert_eq!(step.wake, Wake { readers: true, writer: Some(Want::Write), turn: false });
}

#[test]
fn cancel_of_an_urgent_writer_gives_the_readers_their_patience_back() {
    let urgent = state(1, 1, 2, GATE | URGENT);
    let own = urgent.cancel_write::<Bounded>(Want::Write, true, true);
    assert!(!own.next.has(URGENT | GATE) && own.wake.readers);
    let other = urgent.cancel_write::<Bounded>(Want::Write, false, true);
    assert_eq!(other.next, state(1, 1, 1, GATE | URGENT));
}

#[test]
fn patience_opens_the_gate_and_wakes_a_keeper_of_the_time() {
    let step = state(1, 2, 1, GATE).open_gate::<Bounded>().unwrap();
    assert_eq!(step.next, state(3, 0, 1, ONE_TAG | WRITER_WOKEN));
    assert_eq!(step.wake, Wake { readers: true, writer: Some(Want::Write), turn: false });
    assert!(state(1, 2, 1, GATE | URGENT).open_gate::<Bounded>().is_none());
    assert!(state(0, 2, 1, GATE | WRITER).open_gate::<Bounded>().is_none());
}

#[test]
fn used_up_tags_open_the_gate_instead_of_granting() {
    let step = state(1, 3, 1, GATE | TAG_TOP).open_gate::<Bounded>().unwrap();
    // The one that acts holds; the others are woken and find the way open.
    assert_eq!(step.next, state(2, 2, 1, TAG_TOP | READERS_WOKEN | WRITER_WOKEN));
    let step = state(1, 2, 1, GATE | TAG_TOP).cancel_write::<Bounded>(Want::Write, false, false);
    assert_eq!(step.next, state(1, 2, 0, TAG_TOP | READERS_WOKEN));
    assert!(step.wake.readers);
}

#[test]
fn overdue_readers_go_before_the_next_writer_with_a_tag_of_the_other_half() {
    for tag in [0, ONE_TAG, TAG_TOP, TAG_HALF, TAG_HALF | TAG_TOP] {
        let left = state(0, 2, 1, GATE | OVERDUE | tag);
        assert!(left.acquire_write::<Bounded>(Want::Write, true).is_none());
        let step = left.after_write().unwrap();
        assert_eq!(step.next.active(), 2);
        assert_ne!(step.next.batch() & TAG_HALF, tag & TAG_HALF);
        assert!(step.wake.readers);
    }
}

#[test]
fn write_with_nobody_blocked_forgets_the_tag() {
    let step = state(0, 0, 1, GATE | TAG_TOP).acquire_write::<Bounded>(Want::Write, true).unwrap();
    assert_eq!(step.next, state(0, 0, 0, WRITER));
    let step = state(0, 1, 1, GATE | TAG_TOP).acquire_write::<Bounded>(Want::Write, true).unwrap();
    assert_eq!(step.next.batch(), TAG_TOP);
}

#[test]
fn readers_that_could_not_open_an_urgent_gate_are_overdue_behind_its_writer() {
    let step = state(0, 1, 1, GATE | URGENT).acquire_write::<Bounded>(Want::Write, true).unwrap();
    assert_eq!(step.next, state(0, 1, 0, WRITER | OVERDUE));
}

#[test]
fn phase_fair_readers_are_overdue_at_once() {
    assert!(blocks::<PhaseFair>(state(1, 0, 0, WRITER)).next.has(OVERDUE));
    assert!(!blocks::<PhaseFair>(state(2, 0, 1, GATE)).next.has(OVERDUE));
    let step = state(0, 1, 1, GATE).acquire_write::<PhaseFair>(Want::Write, true).unwrap();
    assert!(step.next.has(OVERDUE));
}

#[test]
fn last_reader_that_blocks_wakes_the_writer_that_waited_for_it() {
    let step = blocks::<Bounded>(state(1, 0, 1, GATE));
    assert_eq!(step.wake.writer, Some(Want::Write));
    assert!(blocks::<Bounded>(state(2, 0, 1, GATE)).wake.writer.is_none());
    // One upgrades: its own share is not waited for.
    let upgrading = GATE | UPGRADABLE | UPGRADING;
    assert_eq!(blocks::<Bounded>(state(2, 0, 1, upgrading)).wake.writer, Some(Want::Upgrade));
    assert!(blocks::<Bounded>(state(3, 0, 1, upgrading)).wake.writer.is_none());
}

#[test]
fn wake_meant_for_the_upgrading_holder_is_its_own() {
    let upgrading = state(1, 0, 2, GATE | UPGRADABLE | UPGRADING | WRITER_WOKEN);
    assert!(upgrading.writer_saw_wake::<Bounded>(Want::Write).is_none());
    assert!(upgrading.writer_saw_wake::<Bounded>(Want::Upgrade).is_some());
    let cancelled = upgrading.cancel_write::<Bounded>(Want::Write, false, false);
    assert!(cancelled.next.has(WRITER_WOKEN));
    assert!(upgrading.acquire_write::<Bounded>(Want::Write, true).is_none());
    let step = upgrading.acquire_write::<Bounded>(Want::Upgrade, true).unwrap();
    assert_eq!(step.next, state(0, 0, 1, GATE | WRITER));
}

#[test]
fn counts_stop_at_their_ends() {
    assert!(matches!(state(1, 0xffff, 1, GATE).block::<Bounded>(), Blocking::Full));
    assert!(state(1, 0, 0xfff, GATE).join_writers::<Bounded>(Want::Write, Closing::Yes).is_none());
    assert!(State(OVERFLOW).try_read().is_none());
    assert!(matches!(State(OVERFLOW | 1).block::<Bounded>(), Blocking::Overflow));
}
