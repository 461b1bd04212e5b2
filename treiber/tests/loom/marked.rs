//! One word decides: who wakes, who drives, and that nothing gets in after a close.

use latchwork_sync::Event;
use latchwork_sync::cell::UnsafeCell;
use latchwork_sync::lock::Arc;
use latchwork_sync::model::Model;
use latchwork_sync::thread;
use latchwork_treiber::intrusive::{MarkedMailbox, Node, Seen};

type Marked = MarkedMailbox<Box<Node<u32>>>;

const AWAKE: usize = 0;
const ASLEEP: usize = 1;
const CLOSED: usize = 2;

#[allow(clippy::unnecessary_box_returns, reason = "boxes are what is pushed")]
fn node(value: u32) -> Box<Node<u32>> {
    Box::new(Node::new(value))
}

/// A consumer that sleeps until it has two items; returns how often it was woken.
fn sleeper(wakes: fn(Seen) -> bool) -> String {
    let shared = Arc::new((Marked::new(AWAKE), Event::new()));
    let pushers: Vec<_> = [1, 2]
        .map(|n| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                let (mailbox, event) = &*shared;
                let wakes = wakes(mailbox.push_with(node(n), |_| Some(AWAKE)).unwrap());
                if wakes {
                    event.set();
                }
                wakes
            })
        })
        .into();
    let (mailbox, event) = &*shared;
    let (mut sum, mut sleeps) = (0, 0);
    while sum < 3 {
        let (_, chain) = mailbox.take(AWAKE);
        sum += chain.map(|node| **node).sum::<u32>();
        if sum < 3 && mailbox.replace_mark(AWAKE, ASLEEP).is_ok() {
            event.wait();
            event.reset();
            sleeps += 1;
        }
    }
    let wakes: usize = pushers.into_iter().map(|it| usize::from(it.join().unwrap())).sum();
    assert_eq!(wakes, sleeps, "one wake a sleep");
    format!("{sleeps}")
}

fn whoever_replaced_the_mark_wakes() -> String {
    sleeper(|seen| seen.mark == ASLEEP)
}

fn nobody_wakes() -> String {
    sleeper(|_| false)
}

/// Whoever finds it idle is the one that works; the work is plain memory.
fn the_role_is_handed_over() -> String {
    const IDLE: usize = 1;
    struct Shared(Marked, UnsafeCell<u32>);
    // SAFETY: the role guards the cell; loom fails the scene where it doesn't.
    unsafe impl Sync for Shared {}
    // SAFETY: as above.
    unsafe impl Send for Shared {}

    fn submit(shared: &Shared, value: u32) -> bool {
        let (mailbox, total) = (&shared.0, &shared.1);
        if mailbox.push_with(node(value), |_| Some(AWAKE)).unwrap().mark != IDLE {
            return false;
        }
        loop {
            let (_, chain) = mailbox.take(AWAKE);
            // SAFETY: the role is ours.
            chain.for_each(|node| total.with_mut(|total| unsafe { *total += **node }));
            if mailbox.replace_mark(AWAKE, IDLE).is_ok() {
                return true;
            }
        }
    }

    let shared = Arc::new(Shared(Marked::new(IDLE), UnsafeCell::new(0)));
    let theirs = Arc::clone(&shared);
    let child = thread::spawn(move || submit(&theirs, 1));
    let ours = submit(&shared, 2);
    let theirs = child.join().unwrap();
    assert!(ours || theirs);
    // SAFETY: both have left.
    assert_eq!(shared.1.with(|total| unsafe { *total }), 3);
    format!("{ours} {theirs}")
}

/// A close takes what is in, and after it nothing gets in; the cause comes with the mark.
fn nothing_gets_in_after_a_close() -> String {
    struct Shared(Marked, UnsafeCell<u32>);
    // SAFETY: the cause is written before the close and read after it; loom checks.
    unsafe impl Sync for Shared {}
    // SAFETY: as above.
    unsafe impl Send for Shared {}

    let shared = Arc::new(Shared(Marked::new(AWAKE), UnsafeCell::new(0)));
    let theirs = Arc::clone(&shared);
    let pusher = thread::spawn(move || {
        let open = |seen: Seen| (seen.mark != CLOSED).then_some(seen.mark);
        [1, 2].map(|n| match theirs.0.push_with(node(n), open) {
            Ok(_) => true,
            Err(refused) => {
                assert_eq!(**refused.node, n);
                // SAFETY: the mark was set after the cause.
                assert_eq!(theirs.1.with(|cause| unsafe { *cause }), 7);
                false
            }
        })
    });
    // SAFETY: read only by those who see the mark.
    shared.1.with_mut(|cause| unsafe { *cause = 7 });
    let (_, chain) = shared.0.take(CLOSED);
    let taken = chain.count();
    let got_in = pusher.join().unwrap();
    assert_eq!(got_in.into_iter().filter(|ok| *ok).count(), taken);
    let left = shared.0.load();
    assert!(left.is_empty && left.mark == CLOSED);
    format!("{got_in:?}")
}

/// A gate that is set beside nodes: they are taken, and it stays.
fn a_gate_stays_when_nodes_go() -> String {
    let mailbox = Arc::new(Marked::new(AWAKE));
    let theirs = Arc::clone(&mailbox);
    let pusher = thread::spawn(move || {
        theirs.push_with(node(1), |seen| (seen.mark == 0).then_some(0)).is_ok()
    });
    let closer = Arc::clone(&mailbox);
    let closer = thread::spawn(move || closer.set_bits(CLOSED).is_empty);
    let (early, chain) = mailbox.take_keeping(CLOSED);
    let mut taken = chain.count();
    let got_in = pusher.join().unwrap();
    let empty = closer.join().unwrap();
    let (late, chain) = mailbox.take_keeping(CLOSED);
    taken += chain.count();
    assert_eq!(late.mark, CLOSED);
    assert_eq!(taken, usize::from(got_in));
    format!("{got_in} {empty} {}", early.mark)
}

/// Each change of the word hands over what was written before, to each way of reading it.
fn handed_over(start: usize, give: fn(&Marked), take: fn(&Marked) -> bool) -> String {
    struct Shared(Marked, UnsafeCell<u32>);
    // SAFETY: the word hands the cell over; loom fails the scene where it doesn't.
    unsafe impl Sync for Shared {}
    // SAFETY: as above.
    unsafe impl Send for Shared {}

    let shared = Arc::new(Shared(Marked::new(start), UnsafeCell::new(0)));
    let theirs = Arc::clone(&shared);
    let giver = thread::spawn(move || {
        // SAFETY: the other reads it only after the change of the word below.
        theirs.1.with_mut(|place| unsafe { *place = 7 });
        give(&theirs.0);
    });
    let taken = take(&shared.0);
    if taken {
        // SAFETY: `take` has seen the other's change.
        assert_eq!(shared.1.with(|place| unsafe { *place }), 7);
    }
    giver.join().unwrap();
    taken.to_string()
}

fn by_replace_mark_to_load() -> String {
    handed_over(0, |it| it.replace_mark(0, 1).unwrap(), |it| it.load().mark == 1)
}

fn by_set_bits_to_push() -> String {
    let push = |it: &Marked| it.push_with(node(1), |seen| Some(seen.mark)).unwrap().mark == 1;
    handed_over(
        0,
        |it| {
            let _ = it.set_bits(1);
        },
        push,
    )
}

fn by_take_keeping_to_replace_mark() -> String {
    handed_over(3, |it| drop(it.take_keeping(1)), |it| it.replace_mark(1, 2).is_ok())
}

fn by_set_bits_to_failed_replace_mark() -> String {
    handed_over(
        0,
        |it| {
            let _ = it.set_bits(1);
        },
        |it| it.replace_mark(0, 2).is_err(),
    )
}

fn by_replace_mark_to_set_bits() -> String {
    handed_over(
        0,
        |it| {
            let _ = it.replace_mark(0, 1);
        },
        |it| it.set_bits(2).mark == 1,
    )
}

pub(crate) fn models() -> Vec<Model> {
    vec![
        Model::new("marked_by_replace_mark_to_load", by_replace_mark_to_load),
        Model::new("marked_by_set_bits_to_push", by_set_bits_to_push),
        Model::new("marked_by_take_keeping_to_replace_mark", by_take_keeping_to_replace_mark),
        Model::new("marked_by_set_bits_to_failed_replace_mark", by_set_bits_to_failed_replace_mark),
        Model::new("marked_by_replace_mark_to_set_bits", by_replace_mark_to_set_bits),
        Model::new("marked_whoever_replaced_the_mark_wakes", whoever_replaced_the_mark_wakes)
            .bound(1)
            .least(100)
            .random_under_shuttle(20_000)
            .twin("nobody_wakes", nobody_wakes),
        Model::new("marked_the_role_is_handed_over", the_role_is_handed_over).least(5),
        Model::new("marked_nothing_gets_in_after_a_close", nothing_gets_in_after_a_close).least(4),
        Model::new("marked_a_gate_stays_when_nodes_go", a_gate_stays_when_nodes_go).least(20),
    ]
}
