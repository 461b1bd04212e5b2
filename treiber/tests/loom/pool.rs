//! Nodes of a pool come with their values.

use latchwork_sync::model::Model;
use latchwork_sync::thread;
use latchwork_treiber::intrusive::{Pool, PoolBox, Stack};

/// One pushes, the other takes and pops; the pool outlives both, as a static would.
fn nodes_come_with_their_values() -> String {
    let pool: &'static Pool<u64> = Box::leak(Box::new(Pool::new()));
    let stack: &'static Stack<'static, u64> = Box::leak(Box::new(Stack::new(pool)));
    let child = thread::spawn(move || {
        stack.push(pool.insert(1));
        stack.push(pool.insert(2));
    });
    let mut values: Vec<u64> = stack.take_all().map(PoolBox::into_inner).collect();
    values.extend(stack.pop().map(PoolBox::into_inner));
    let seen = format!("{values:?}");
    child.join().unwrap();
    values.extend(stack.take_all().map(PoolBox::into_inner));
    values.sort_unstable();
    assert_eq!(values, [1, 2], "lost or doubled");
    seen
}

pub(crate) fn models() -> Vec<Model> {
    vec![
        Model::new("pool_nodes_come_with_their_values", nodes_come_with_their_values)
            .least(20)
            .random_under_shuttle(2_000),
    ]
}
