//! The wider atomics on real threads.
#![cfg(all(feature = "pair", feature = "typed", not(any(latchwork_loom, latchwork_shuttle))))]

use std::thread;

use latchwork_sync::atomic::{
    Atomic, AtomicBool, AtomicMut, AtomicPair, AtomicU64, NoUninit, Ordering,
};

const THREADS: u64 = 4;
const ROUNDS: u64 = 10_000;

#[test]
fn pairs_are_never_torn() {
    let pair = AtomicPair::new((0, u64::MAX));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..ROUNDS {
                    let step = |(low, high)| Some((low + 1, high - 1));
                    let (low, high) =
                        pair.fetch_update(Ordering::AcqRel, Ordering::Acquire, step).unwrap();
                    assert_eq!(high, u64::MAX - low);
                    let (low, high) = pair.load(Ordering::Acquire);
                    assert_eq!(high, u64::MAX - low);
                }
            });
        }
    });
    let mut pair = pair;
    let all = THREADS * ROUNDS;
    assert_eq!(pair.load_mut(), (all, u64::MAX - all));
    pair.store_mut((1, 2));
    assert_eq!(pair.swap((3, 4), Ordering::AcqRel), (1, 2));
    assert_eq!(
        pair.compare_exchange((3, 5), (0, 0), Ordering::AcqRel, Ordering::Acquire),
        Err((3, 4))
    );
    assert_eq!(pair.into_inner(), (3, 4));
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C, align(8))]
struct State {
    count: u32,
    flags: u16,
    tag: u16,
}
// SAFETY: four, two and two bytes fill the eight.
unsafe impl NoUninit for State {}

#[test]
fn typed_words_are_words() {
    static STATE: Atomic<State> = Atomic::new(State { count: 0, flags: 1, tag: 2 });
    assert_eq!(size_of::<Atomic<State>>(), 8);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..ROUNDS {
                    let step = |state: State| Some(State { count: state.count + 1, ..state });
                    STATE.fetch_update(Ordering::AcqRel, Ordering::Acquire, step).unwrap();
                }
            });
        }
    });
    let all = u32::try_from(THREADS * ROUNDS).unwrap();
    assert_eq!(STATE.load(Ordering::Relaxed), State { count: all, flags: 1, tag: 2 });

    let mut word = Atomic::from(State::default());
    let before = word.load_mut();
    word.store_mut(State { tag: 7, ..before });
    assert_eq!(word.swap(State::default(), Ordering::AcqRel).tag, 7);
    let old = State { tag: 1, ..State::default() };
    assert_eq!(
        word.compare_exchange(old, old, Ordering::AcqRel, Ordering::Acquire),
        Err(State::default())
    );
    assert_eq!(format!("{word:?}"), "Atomic(State { count: 0, flags: 0, tag: 0 })");
    assert_eq!(word.into_inner(), State::default());
}

#[test]
fn every_width_is_a_word() {
    fn there_and_back<T: NoUninit + PartialEq + core::fmt::Debug>(one: T, other: T) {
        let word = Atomic::new(one);
        assert_eq!(word.compare_exchange(one, other, Ordering::AcqRel, Ordering::Acquire), Ok(one));
        assert_eq!(word.load(Ordering::Acquire), other);
    }
    there_and_back(false, true);
    there_and_back(1_u8, 2);
    there_and_back(-1_i16, 2);
    there_and_back('a', 'z');
    // On some 32-bit processors eight bytes are aligned to four, and are no word.
    #[cfg(not(target_arch = "x86"))]
    there_and_back(1.0_f64, 2.0);
    there_and_back([1_u8; 1], [2; 1]);
}

#[test]
fn exclusive_access() {
    let mut flag = AtomicBool::new(true);
    let before = flag.load_mut();
    flag.store_mut(!before);
    assert!(!flag.into_inner());
    let mut word = AtomicU64::new(1);
    let before = word.load_mut();
    word.store_mut(before << 63);
    assert_eq!(word.into_inner(), 1 << 63);
}
