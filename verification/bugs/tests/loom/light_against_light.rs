//! An asymmetric handshake needs the dear fence on one side.
//!
//! A reader announces the object that it is about to use, looks whether it is still linked, and
//! uses it. The reclaimer unlinks it, looks at the announcements, and frees it. Each stores one
//! word and loads the other's (Dekker). Where both execute only what is free on the fast path, each
//! load may come before the other's store, and the object is freed under its reader. C#'s
//! LightEpoch announced its readers by a plain store without any fence; models in which the light
//! side is a sequentially consistent fence can't show this.
//!
//! The fix: `heavy()` at the reclaimer.
//!
//! Reference: microsoft/garnet #2015, FASTER #150; P1202R5, "Asymmetric fences".

use latchwork_sync::asym;
use latchwork_sync::atomic::{AtomicBool, Ordering};
use latchwork_sync::lock::Arc;
use latchwork_sync::thread;

use super::memory::Memory;
use super::{Bug, RACE};

pub(super) const BUG: Bug = Bug {
    name: "light_against_light",
    twin: "reclaimer_takes_the_light_one",
    fails_with: RACE,
    bound: None,
    fixed: || scene(asym::heavy),
    broken: || scene(asym::light),
};

struct Shared {
    linked: AtomicBool,
    announced: AtomicBool,
    object: Memory<u32>,
}

fn scene(reclaimers_fence: fn()) -> String {
    let shared = Arc::new(Shared {
        linked: AtomicBool::new(true),
        announced: AtomicBool::new(false),
        object: Memory::new(1),
    });
    let theirs = Arc::clone(&shared);
    let reader = thread::spawn(move || {
        theirs.announced.store(true, Ordering::Relaxed);
        asym::light();
        let linked = theirs.linked.load(Ordering::Acquire);
        if linked {
            theirs.object.read();
        }
        // Release: pairs with the reclaimer's look.
        theirs.announced.store(false, Ordering::Release);
        linked
    });
    shared.linked.store(false, Ordering::Release);
    reclaimers_fence();
    let free = !shared.announced.load(Ordering::Acquire);
    if free {
        shared.object.write(0);
    }
    let used = reader.join().unwrap();
    format!("used {used} freed {free}")
}
