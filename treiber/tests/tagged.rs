//! Stacks by pointer and tag, on real threads.

#![cfg(all(feature = "pair", not(any(latchwork_loom, latchwork_shuttle))))]

use std::thread;

use latchwork_treiber::intrusive::{PackedStack, Stable, StableNode, TaggedStack, WideStack};
use latchwork_treiber::tagged::TaggedPointer;

fn every_node_has_one_owner<W: TaggedPointer<StableNode<u64>>>(
    arena: &mut [StableNode<u64>],
    turns: u64,
) {
    let nodes = arena.len();
    // SAFETY: the test makes fewer turns than the narrowest tags have values.
    let stack = unsafe { TaggedStack::<u64, W>::with_narrow_tags() };
    for node in arena {
        stack.push(Stable::new(node).expect("an ordinary address"));
    }
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for turn in 0..turns {
                    if turn % 100 == 0 {
                        for mut node in stack.take_all() {
                            *node += 1;
                            stack.push(node);
                        }
                    } else if let Some(mut node) = stack.pop() {
                        // Not atomic: it would be lost if two had the node.
                        *node += 1;
                        stack.push(node);
                    }
                }
            });
        }
    });
    assert_eq!(stack.take_all().count(), nodes);
}

// The thread sanitizer doesn't see the exchange of a pair, which is an instruction in assembly.
#[cfg(not(latchwork_tsan))]
#[test]
fn every_node_of_a_wide_stack_has_one_owner() {
    let mut arena: Vec<_> = (0..8).map(|_| StableNode::new(0)).collect();
    every_node_has_one_owner::<latchwork_treiber::tagged::Wide<_>>(&mut arena, 20_000);
    let sum: u64 = arena.into_iter().map(StableNode::into_inner).sum();
    assert!(sum > 0);
}

#[test]
fn every_node_of_a_packed_stack_has_one_owner() {
    let mut arena: Vec<_> = (0..8).map(|_| StableNode::new(0)).collect();
    every_node_has_one_owner::<latchwork_treiber::tagged::Packed<_>>(&mut arena, 2_000);
}

#[test]
fn a_node_goes_from_stack_to_stack_and_back_to_its_arena() {
    let mut arena = [StableNode::new(1), StableNode::new(2)];
    {
        let (here, there) = (WideStack::new(), WideStack::new());
        for node in &mut arena {
            here.push(Stable::new(node).unwrap());
        }
        let mut node = here.pop().unwrap();
        *node = 7;
        there.push(node);
        assert_eq!(there.take_all().map(|node| *node).collect::<Vec<_>>(), [7]);
        assert!(there.is_empty() && !here.is_empty());
    }
    assert_eq!(arena.map(StableNode::into_inner), [1, 7]);
}

#[test]
fn widths_are_told() {
    assert_eq!(WideStack::<u8>::new().generation_bits(), 64);
    // SAFETY: nothing is pushed.
    let packed: PackedStack<'_, u8> = unsafe { TaggedStack::with_narrow_tags() };
    assert_eq!(packed.generation_bits(), 16);
}
