//! Schedules of shuttle's for scenes that a test drives itself: many random ones, or one that has
//! failed before and is kept.
//!
//! A scene that fails panics; before it does, shuttle prints the schedule that led there. Kept in
//! a test that gives it to [`replay`], it shows that the bug stays away:
//!
//! ```text
//! #[test]
//! fn both_pops_take_the_same_item() {
//!     schedules::replay("910213e3e8f2c5fdd1c6f6bd01804051a428092400", scene);
//! }
//! ```
//!
//! A schedule fits the scene that it was found in, step by step: one that changes needs another.

use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, FailurePersistence, Runner};

/// Plays a scene in so many random schedules, always the same ones for the same seed.
///
/// # Panics
///
/// When the scene does in one of them, or deadlocks; the schedule is printed.
pub fn random(seed: u64, schedules: usize, scene: impl Fn() + Send + Sync + 'static) {
    run(RandomScheduler::new_from_seed(seed, schedules), FailurePersistence::Print, scene);
}

/// Plays a scene in so many schedules in which threads have priorities that change `depth` times,
/// which finds bugs of a few rare steps sooner (Burckhardt and others, *A randomized scheduler
/// with probabilistic guarantees of finding bugs*, 2010).
///
/// # Panics
///
/// As [`random`].
pub fn by_priorities(
    seed: u64,
    depth: usize,
    schedules: usize,
    scene: impl Fn() + Send + Sync + 'static,
) {
    run(PctScheduler::new_from_seed(seed, depth, schedules), FailurePersistence::Print, scene);
}

/// Whether a scene passes in so many random schedules. For searches that shrink a case, whose
/// failures are no news.
pub fn passes(seed: u64, schedules: usize, scene: impl Fn() + Send + Sync + 'static) -> bool {
    let random = RandomScheduler::new_from_seed(seed, schedules);
    let run = core::panic::AssertUnwindSafe(|| run(random, FailurePersistence::None, scene));
    std::panic::catch_unwind(run).is_ok()
}

/// Plays a scene in one schedule that was printed before.
///
/// # Panics
///
/// When the scene does, or is another than the one that the schedule was found in.
pub fn replay(schedule: &str, scene: impl Fn() + Send + Sync + 'static) {
    shuttle::replay(move || play(&scene), schedule);
}

fn run(
    scheduler: impl Scheduler + 'static,
    failures: FailurePersistence,
    scene: impl Fn() + Send + Sync + 'static,
) {
    let mut config = Config::new();
    config.failure_persistence = failures;
    Runner::new(scheduler, config).run(move || play(&scene));
}

fn play(scene: &impl Fn()) {
    super::start_execution();
    scene();
}
