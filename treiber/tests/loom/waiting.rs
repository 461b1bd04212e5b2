//! A sleeping consumer is woken once a sleep, and misses nothing.

use latchwork_sync::lock::Arc;
use latchwork_sync::model::{Model, advance};
use latchwork_sync::thread;
use latchwork_sync::time::{Duration, Instant};
use latchwork_treiber::intrusive::{Node, WaitingMailbox};

type Mailbox = WaitingMailbox<Box<Node<u32>>>;

fn two_pushers_and_a_sleeper() -> String {
    let mailbox = Arc::new(Mailbox::new());
    let pushers: Vec<_> = [1, 2]
        .map(|n| {
            let mailbox = Arc::clone(&mailbox);
            thread::spawn(move || mailbox.push(Box::new(Node::new(n))))
        })
        .into();
    let mut order = vec![];
    while order.len() < 2 {
        order.extend(mailbox.wait().map(|node| **node));
    }
    let wakes: Vec<_> = pushers.into_iter().map(|it| it.join().unwrap()).collect();
    format!("{order:?} {wakes:?}")
}

/// The deadline passes while a push comes: whichever it was, the next sleep is whole.
fn a_late_wake_ends_no_later_sleep() -> String {
    let mailbox = Arc::new(Mailbox::new());
    let theirs = Arc::clone(&mailbox);
    let deadline = Instant::now() + Duration::from_millis(1);
    let consumer = thread::spawn(move || {
        let early = theirs.wait_until(deadline).count();
        assert!(early > 0 || Instant::now() >= deadline, "it gave up before its time");
        // Nothing may be left behind that would end this one with nothing.
        let late = if early == 0 { theirs.wait().count() } else { 0 };
        (early, late)
    });
    let theirs = Arc::clone(&mailbox);
    let pusher = thread::spawn(move || theirs.push(Box::new(Node::new(1))));
    advance(1);
    let woke = pusher.join().unwrap();
    let (early, late) = consumer.join().unwrap();
    assert_eq!(early + late, 1);
    format!("{early} {late} {woke}")
}

pub(crate) fn models() -> Vec<Model> {
    vec![
        Model::new("waiting_two_pushers_and_a_sleeper", two_pushers_and_a_sleeper)
            .bound(1)
            .least(100)
            .random_under_shuttle(20_000),
        Model::new("waiting_a_late_wake_ends_no_later_sleep", a_late_wake_ends_no_later_sleep)
            .bound(1)
            .least(50)
            .random_under_shuttle(20_000),
    ]
}
