//! Nothing that was pushed is lost or seen twice, and its values come with it.

use latchwork_sync::atomic::{AtomicUsize, Ordering};
use latchwork_sync::cell::UnsafeCell;
use latchwork_sync::lock::Arc;
use latchwork_sync::model::Model;
use latchwork_sync::thread;
use latchwork_treiber::intrusive::{self, Chain, Node};

/// A value whose reading loom watches.
struct Item(UnsafeCell<u32>);

// SAFETY: the scenes share it on purpose: loom reports accesses that race.
unsafe impl Send for Item {}
// SAFETY: as above.
unsafe impl Sync for Item {}

type Owned = Box<Node<Item>>;

#[allow(clippy::unnecessary_box_returns, reason = "boxes are what is pushed")]
fn item(value: u32) -> Owned {
    let node = Box::new(Node::new(Item(UnsafeCell::new(0))));
    // SAFETY: nobody else has the node.
    node.0.with_mut(|place| unsafe { *place = value });
    node
}

fn value(node: &Owned) -> u32 {
    // SAFETY: loom fails the scene where this races.
    node.0.with(|place| unsafe { *place })
}

trait Mailbox: Send + Sync + 'static {
    fn new() -> Self;
    fn push(&self, node: Owned) -> bool;
    fn take(&self) -> Vec<u32>;
}

type Shipped = intrusive::Mailbox<Owned>;

impl Mailbox for Shipped {
    fn new() -> Self {
        Self::new()
    }

    fn push(&self, node: Owned) -> bool {
        self.push(node)
    }

    fn take(&self) -> Vec<u32> {
        self.take_all().map(|node| value(&node)).collect()
    }
}

/// The push of source row 1c: what the compiler made of a plain head.
struct DoubledLoad {
    head: AtomicUsize,
}

struct Plain {
    item: Item,
    next: UnsafeCell<usize>,
}

impl Mailbox for DoubledLoad {
    fn new() -> Self {
        Self { head: AtomicUsize::new(0) }
    }

    fn push(&self, node: Owned) -> bool {
        let node =
            Box::into_raw(Box::new(Plain { item: node.into_inner(), next: UnsafeCell::new(0) }));
        loop {
            let next = self.head.load(Ordering::Relaxed);
            // SAFETY: not published yet.
            unsafe { &*node }.next.with_mut(|place| unsafe { *place = next });
            let compared = self.head.load(Ordering::Relaxed); // the second load
            let new = node.expose_provenance();
            if self
                .head
                .compare_exchange(compared, new, Ordering::Release, Ordering::Relaxed)
                .is_ok()
            {
                return compared == 0;
            }
        }
    }

    fn take(&self) -> Vec<u32> {
        let mut next = self.head.swap(0, Ordering::Acquire);
        let mut taken = Vec::new();
        while next != 0 {
            let pointer = core::ptr::with_exposed_provenance_mut::<Plain>(next);
            // SAFETY: taken, and made by a box in `push`.
            let node = unsafe { Box::from_raw(pointer) };
            // SAFETY: loom fails the scene where this races.
            taken.push(node.item.0.with(|place| unsafe { *place }));
            // SAFETY: as above.
            next = node.next.with(|place| unsafe { *place });
        }
        taken
    }
}

/// Two push, one takes in between and at the end.
fn two_pushers_and_a_taker<M: Mailbox>() -> String {
    let mailbox = Arc::new(M::new());
    let pushers: Vec<_> = [1, 2]
        .map(|n| {
            let mailbox = Arc::clone(&mailbox);
            thread::spawn(move || mailbox.push(item(n)))
        })
        .into();
    let early = mailbox.take();
    let firsts: usize = pushers.into_iter().map(|it| usize::from(it.join().unwrap())).sum();
    let late = mailbox.take();
    let mut all = [early.clone(), late.clone()].concat();
    all.sort_unstable();
    assert_eq!(all, [1, 2], "lost or doubled");
    let takes = usize::from(!early.is_empty()) + usize::from(!late.is_empty());
    assert_eq!(firsts, takes, "one push between two takes finds it empty");
    format!("{early:?} {late:?}")
}

/// A pusher of two, a taker that pushes back what it took first.
fn a_rest_is_pushed_back() -> String {
    let mailbox = Arc::new(Shipped::new());
    let theirs = Arc::clone(&mailbox);
    let pusher = thread::spawn(move || {
        theirs.push(item(1));
        theirs.push(item(2));
    });
    let mut rest = mailbox.take_all();
    let early: Vec<u32> = rest.pop_front().iter().map(value).collect();
    mailbox.push_chain(rest);
    pusher.join().unwrap();
    let late = mailbox.take();
    let mut all = [early.clone(), late.clone()].concat();
    all.sort_unstable();
    assert_eq!(all, [1, 2], "lost or doubled");
    format!("{early:?} {late:?}")
}

/// A chain arrives in one piece.
fn a_chain_is_whole() -> String {
    let mailbox = Arc::new(Shipped::new());
    let theirs = Arc::clone(&mailbox);
    let pusher = thread::spawn(move || {
        theirs.push_chain([item(1), item(2)].into_iter().collect::<Chain<_>>())
    });
    mailbox.push(item(3));
    let early = mailbox.take();
    pusher.join().unwrap();
    let late = mailbox.take();
    for part in [&early, &late] {
        let at = |n| part.iter().position(|it| *it == n);
        assert_eq!(at(2).map(|at| at + 1), at(1), "torn apart: {part:?}");
    }
    assert_eq!(early.len() + late.len(), 3);
    format!("{early:?} {late:?}")
}

pub(crate) fn models() -> Vec<Model> {
    vec![
        Model::new("mailbox_two_pushers_and_a_taker", two_pushers_and_a_taker::<Shipped>)
            .least(50)
            .twin("doubled_load", two_pushers_and_a_taker::<DoubledLoad>),
        Model::new("mailbox_a_rest_is_pushed_back", a_rest_is_pushed_back).least(5),
        Model::new("mailbox_a_chain_is_whole", a_chain_is_whole).least(4),
    ]
}
