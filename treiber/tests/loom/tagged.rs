//! Stacks by pointer and tag: every node has one owner; narrow tags lose that as predicted.

use latchwork_sync::model::Model;
use latchwork_sync::thread;
use latchwork_treiber::intrusive::{Stable, StableNode, TaggedStack};
use latchwork_treiber::narrow::NarrowPointer;
use latchwork_treiber::tagged::TaggedPointer;

/// A stack of leaked nodes with these values, the last on top.
fn stack<W: TaggedPointer<StableNode<u64>> + 'static>(
    values: &[u64],
) -> &'static TaggedStack<'static, u64, W> {
    // SAFETY: where the tags are too narrow, that is what the model is for; the nodes are leaked.
    let stack = unsafe { TaggedStack::with_narrow_tags() };
    for value in values {
        let node = Box::leak(Box::new(StableNode::new(*value)));
        stack.push(Stable::new(node).expect("an address of 48 bits"));
    }
    Box::leak(Box::new(stack))
}

/// Fails unless these values, and what is left on the stack, are the expected ones.
fn settle<W: TaggedPointer<StableNode<u64>>>(
    stack: &TaggedStack<'static, u64, W>,
    mut values: Vec<u64>,
    expected: &[u64],
) {
    values.extend(stack.take_all().map(|node| *node));
    values.sort_unstable();
    assert_eq!(values, expected, "lost or doubled");
}

/// A pop against one that takes two nodes and puts the first back, so often.
fn the_same_node_again<W: TaggedPointer<StableNode<u64>> + 'static, const TIMES: u32>() -> String {
    let stack = stack::<W>(&[1, 2, 3]);
    let child = thread::spawn(move || stack.pop());
    let (first, second) = (stack.pop(), stack.pop());
    let mut kept: Vec<u64> = second.iter().map(|node| **node).collect();
    if let Some(mut node) = first {
        for time in 1..=TIMES {
            // What it holds comes with it.
            *node += 10;
            stack.push(node);
            if time == TIMES {
                break;
            }
            match stack.pop() {
                Some(next) => node = next,
                None => break,
            }
        }
    }
    let popped = child.join().unwrap();
    let seen = format!("{:?} {kept:?}", popped.as_deref());
    kept.extend(popped.map(|node| *node));
    settle_tens(stack, kept);
    seen
}

/// As `settle`, where a node's tens count how often it went round.
fn settle_tens<W: TaggedPointer<StableNode<u64>>>(
    stack: &TaggedStack<'static, u64, W>,
    values: Vec<u64>,
) {
    let mut all: Vec<u64> = values.into_iter().map(|value| value % 10).collect();
    all.extend(stack.take_all().map(|node| *node % 10));
    all.sort_unstable();
    assert_eq!(all, [1, 2, 3], "lost or doubled");
}

/// Two push and take; values come with their nodes.
fn nodes_come_with_their_values<W: TaggedPointer<StableNode<u64>> + 'static>() -> String {
    let stack = stack::<W>(&[]);
    let node = |value| Stable::new(Box::leak(Box::new(StableNode::new(value)))).unwrap();
    let child = thread::spawn(move || {
        stack.push(node(1));
        stack.push(node(2));
    });
    let mut taken: Vec<u64> = stack.take_all().map(|node| *node).collect();
    stack.push(node(3));
    taken.extend(stack.pop().map(|node| *node));
    child.join().unwrap();
    let seen = format!("{taken:?}");
    settle(stack, taken, &[1, 2, 3]);
    seen
}

type Narrow<const BITS: u32> = NarrowPointer<StableNode<u64>, BITS>;

#[cfg(feature = "pair")]
type Full = latchwork_treiber::tagged::Wide<StableNode<u64>>;
#[cfg(not(feature = "pair"))]
type Full = latchwork_treiber::tagged::Packed<StableNode<u64>>;

pub(crate) fn models() -> Vec<Model> {
    vec![
        Model::new("tagged_the_same_node_again", the_same_node_again::<Full, 1>)
            .bound(1)
            .least(30)
            .random_under_shuttle(20_000)
            .twin("no_tag", the_same_node_again::<Narrow<0>, 1>),
        Model::new("tagged_the_same_node_twice", the_same_node_again::<Narrow<2>, 2>)
            .bound(1)
            .least(50)
            .random_under_shuttle(20_000)
            .twin("one_bit", the_same_node_again::<Narrow<1>, 2>),
        Model::new("tagged_nodes_come_with_their_values", nodes_come_with_their_values::<Full>)
            .least(20)
            .random_under_shuttle(20_000),
        Model::new("tagged_packed_nodes_come_with_their_values", {
            nodes_come_with_their_values::<Narrow<16>>
        })
        .least(20)
        .random_under_shuttle(20_000),
    ]
}
