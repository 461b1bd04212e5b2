//! The fuzzer's own check: an access to freed memory behind four bytes, which every run must find.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let value = Box::new(7_u8);
    let freed = std::ptr::from_ref(&*value);
    drop(value);
    if let [b'l', b'o', b'o', b'k', ..] = bytes {
        // SAFETY: none: it is the planted bug.
        assert_eq!(unsafe { std::ptr::read_volatile(freed) }, 7);
    }
});
