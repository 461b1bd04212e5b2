// The operations, written once over `sync`, which the including file names: the facade or `core`.
// Each becomes a symbol whose machine code the test compares.

use sync::{AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};

macro_rules! words {
    ($($atomic:ident: $value:ty => $load:ident $store:ident $swap:ident $exchange:ident $weak:ident;)*) => {$(
        #[unsafe(no_mangle)]
        pub extern "C" fn $load(word: &$atomic) -> $value {
            word.load(Ordering::Acquire)
        }

        #[unsafe(no_mangle)]
        pub extern "C" fn $store(word: &$atomic, value: $value) {
            word.store(value, Ordering::Release);
        }

        #[unsafe(no_mangle)]
        pub extern "C" fn $swap(word: &$atomic, value: $value) -> $value {
            word.swap(value, Ordering::AcqRel)
        }

        #[unsafe(no_mangle)]
        pub extern "C" fn $exchange(word: &$atomic, old: $value, new: $value) -> bool {
            word.compare_exchange(old, new, Ordering::AcqRel, Ordering::Acquire).is_ok()
        }

        #[unsafe(no_mangle)]
        pub extern "C" fn $weak(word: &$atomic, old: $value, new: $value) -> bool {
            word.compare_exchange_weak(old, new, Ordering::Release, Ordering::Relaxed).is_ok()
        }
    )*};
}

words! {
    AtomicBool: bool => shim_bool_load shim_bool_store shim_bool_swap shim_bool_exchange shim_bool_weak;
    AtomicU8: u8 => shim_u8_load shim_u8_store shim_u8_swap shim_u8_exchange shim_u8_weak;
    AtomicU32: u32 => shim_u32_load shim_u32_store shim_u32_swap shim_u32_exchange shim_u32_weak;
    AtomicU64: u64 => shim_u64_load shim_u64_store shim_u64_swap shim_u64_exchange shim_u64_weak;
}

#[unsafe(no_mangle)]
pub extern "C" fn shim_pointer_push(head: &AtomicPtr<u8>, next: &mut *mut u8, node: *mut u8) {
    let mut seen = head.load(Ordering::Relaxed);
    loop {
        *next = seen;
        match head.compare_exchange_weak(seen, node, Ordering::Release, Ordering::Relaxed) {
            Ok(_) => return,
            Err(now) => seen = now,
        }
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn shim_fetches(word: &AtomicUsize) -> usize {
    word.fetch_or(1, Ordering::Relaxed);
    word.fetch_and(!2, Ordering::Release);
    word.fetch_add(4, Ordering::Acquire) + word.fetch_sub(8, Ordering::AcqRel)
}

#[unsafe(no_mangle)]
pub extern "C" fn shim_fences(word: &AtomicUsize) -> usize {
    fence(Ordering::Acquire);
    fence(Ordering::SeqCst);
    word.load(Ordering::Relaxed)
}

#[unsafe(no_mangle)]
pub extern "C" fn shim_exclusive(word: &mut AtomicU64) -> u64 {
    let before = sync::read_exclusively(word);
    sync::write_exclusively(word, before.wrapping_add(1));
    before
}

#[unsafe(no_mangle)]
pub extern "C" fn shim_cell(cell: &sync::Cell) -> u64 {
    sync::bump(cell)
}

#[unsafe(no_mangle)]
pub extern "C" fn shim_typed_exchange(word: &sync::Typed, old: u64, new: u64) -> bool {
    sync::exchange_typed(word, old, new)
}

#[unsafe(no_mangle)]
pub extern "C" fn shim_pair_exchange(word: &sync::Pair, old: &[u64; 2], new: &[u64; 2]) -> bool {
    sync::exchange_pair(word, old, new)
}

#[unsafe(no_mangle)]
pub extern "C" fn shim_spin() {
    sync::spin_loop();
}
