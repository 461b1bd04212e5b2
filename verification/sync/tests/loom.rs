//! Models of the facade's own protocols. On the real machine there is nothing to run.

#[cfg(any(latchwork_loom, latchwork_shuttle))]
mod models {
    use std::process::ExitCode;

    use latchwork_sync::atomic::{AtomicU32, AtomicUsize, Ordering, fence};
    use latchwork_sync::cell::UnsafeCell;
    use latchwork_sync::lock::Arc;
    use latchwork_sync::model::{Model, advance, main};
    use latchwork_sync::time::{Duration, Instant};
    use latchwork_sync::wait::{Address, Class, Waited, wait, wake_all, wake_one};
    use latchwork_sync::{Event, asym, thread};

    struct Shared<T>(UnsafeCell<T>);
    // SAFETY: the scenes share it on purpose: loom reports accesses that race.
    unsafe impl<T> Sync for Shared<T> {}
    // SAFETY: the values in it are plain integers.
    unsafe impl<T> Send for Shared<T> {}

    impl<T: Copy> Shared<T> {
        fn new(value: T) -> Self {
            Self(UnsafeCell::new(value))
        }

        fn get(&self) -> T {
            // SAFETY: loom fails the scene where this races.
            self.0.with(|value| unsafe { *value })
        }

        fn set(&self, new: T) {
            // SAFETY: loom fails the scene where this races.
            self.0.with_mut(|value| unsafe { *value = new });
        }
    }

    /// Loom without its correction finds one outcome of two here.
    fn load_against_load_and_exchange() -> String {
        let word = Arc::new(AtomicU32::new(0));
        let theirs = Arc::clone(&word);
        let child = thread::spawn(move || {
            let seen = theirs.load(Ordering::Relaxed);
            let _ = theirs.compare_exchange(seen, 1, Ordering::Relaxed, Ordering::Relaxed);
        });
        let seen = word.load(Ordering::Relaxed);
        child.join().unwrap();
        seen.to_string()
    }

    fn event_hands_over_data() -> String {
        let shared = Arc::new((Event::new(), Shared::new(0)));
        let theirs = Arc::clone(&shared);
        let setter = thread::spawn(move || {
            theirs.1.set(1);
            theirs.0.set();
        });
        let asleep = shared.0.is_set();
        shared.0.wait();
        assert_eq!(shared.1.get(), 1);
        setter.join().unwrap();
        asleep.to_string()
    }

    fn event_is_reused() -> String {
        let shared = Arc::new((Event::new(), Event::new()));
        let theirs = Arc::clone(&shared);
        let child = thread::spawn(move || {
            for _ in 0..2 {
                theirs.0.wait();
                theirs.0.reset();
                theirs.1.set();
            }
        });
        for _ in 0..2 {
            shared.0.set();
            shared.1.wait();
            shared.1.reset();
        }
        child.join().unwrap();
        String::new()
    }

    fn event_times_out_or_is_set() -> String {
        let event = Arc::new(Event::new());
        let deadline = Instant::now() + Duration::from_millis(1);
        let waiting = Arc::clone(&event);
        let waiter = thread::spawn(move || waiting.wait_until(deadline));
        let setting = Arc::clone(&event);
        let setter = thread::spawn(move || setting.set());
        advance(1);
        let was_set = waiter.join().unwrap();
        setter.join().unwrap();
        assert!(event.is_set());
        was_set.to_string()
    }

    fn wake_after_change_is_never_missed(wake_too: bool) -> String {
        let word = Arc::new(AtomicU32::new(0));
        let theirs = Arc::clone(&word);
        let waker = thread::spawn(move || {
            theirs.store(1, Ordering::Relaxed);
            if wake_too {
                wake_one(Address::of(&theirs));
            }
        });
        let mut result = Waited::Changed;
        while word.load(Ordering::Relaxed) == 0 {
            result = wait(&word, 0, Class::ANY, None);
        }
        waker.join().unwrap();
        format!("{result:?}")
    }

    fn changed_then_woken() -> String {
        wake_after_change_is_never_missed(true)
    }

    fn changed_not_woken() -> String {
        wake_after_change_is_never_missed(false)
    }

    /// A wake of one class leaves the other asleep.
    fn classes_are_kept_apart() -> String {
        let word = Arc::new(AtomicU32::new(0));
        let sleepers: Vec<_> = [1, 2]
            .map(|bits| {
                let word = Arc::clone(&word);
                thread::spawn(move || {
                    while word.load(Ordering::Relaxed) == 0 {
                        wait(&word, 0, Class::new(bits), None);
                    }
                })
            })
            .into();
        word.store(1, Ordering::Relaxed);
        latchwork_sync::wait::wake(Address::of(&word), 1, Class::new(2));
        latchwork_sync::wait::wake(Address::of(&word), 1, Class::new(1));
        for sleeper in sleepers {
            sleeper.join().unwrap();
        }
        wake_all(Address::of(&word)).to_string()
    }

    /// Dekker's handshake: of a light and a heavy at least one sees the other's store.
    fn dekker(ours: fn(), theirs: fn()) -> String {
        let words = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
        let other = Arc::clone(&words);
        let child = thread::spawn(move || {
            other.0.store(1, Ordering::Relaxed);
            theirs();
            other.1.load(Ordering::Relaxed)
        });
        words.1.store(1, Ordering::Relaxed);
        ours();
        let seen = words.0.load(Ordering::Relaxed);
        let saw = child.join().unwrap();
        assert!(seen + saw > 0, "both missed the other's store");
        format!("{seen}{saw}")
    }

    fn light_against_heavy() -> String {
        dekker(asym::heavy, asym::light)
    }

    fn light_against_light() -> String {
        dekker(asym::light, asym::light)
    }

    fn light_against_nothing() -> String {
        dekker(|| fence(Ordering::AcqRel), asym::light)
    }

    pub(super) fn run() -> ExitCode {
        main(&[
            Model::new("load_against_load_and_exchange", load_against_load_and_exchange),
            Model::new("event_hands_over_data", event_hands_over_data),
            Model::new("event_hands_over_data_with_spurious_wakes", event_hands_over_data)
                .spurious(1),
            Model::new("event_is_reused", event_is_reused).bound(3).random_under_shuttle(20_000),
            Model::new("event_times_out_or_is_set", event_times_out_or_is_set),
            Model::new("wake_after_change_is_never_missed", changed_then_woken)
                .twin("no_wake", changed_not_woken),
            Model::new("classes_are_kept_apart", classes_are_kept_apart)
                .bound(3)
                .random_under_shuttle(20_000),
            Model::new("light_against_heavy", light_against_heavy)
                .twin("light_against_light", light_against_light)
                .twin("light_against_nothing", light_against_nothing),
            Model::new("light_against_heavy_by_fences", light_against_heavy)
                .symmetric_fences()
                .twin("light_against_nothing", light_against_nothing),
        ])
    }
}

#[cfg(any(latchwork_loom, latchwork_shuttle))]
fn main() -> std::process::ExitCode {
    models::run()
}

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
fn main() {}
