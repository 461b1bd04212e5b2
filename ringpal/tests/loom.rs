//! Models of the protocol between submitters, the driver and the end: the shipped core over a
//! kernel of a few lines. On the real machine there is nothing to run.

#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[path = "loom/backends.rs"]
mod backends;
#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[path = "loom/kernel.rs"]
mod kernel;
#[cfg(any(latchwork_loom, latchwork_shuttle))]
#[path = "loom/owned.rs"]
mod owned;

#[cfg(any(latchwork_loom, latchwork_shuttle))]
mod models {
    use std::process::ExitCode;

    use latchwork_ringpal::Drive;
    use latchwork_ringpal::checked::{Core, Flaws, Refused, Sound, Work};
    use latchwork_sync::lock::Arc;
    use latchwork_sync::model::{Model, main};
    use latchwork_sync::thread;

    use crate::kernel::{IMMORTAL, Kernel, flaws};

    struct Scene<F: Flaws> {
        core: Arc<Core<F>>,
        ring_thread: thread::JoinHandle<()>,
    }

    impl<F: Flaws> Scene<F> {
        fn new(drive: Drive, capacity: u32, lives: usize) -> Self {
            let core = Arc::new(Core::new(Box::new(Kernel::new(capacity, lives)), drive));
            let theirs = Arc::clone(&core);
            // SAFETY: once, by this thread.
            let ring_thread = thread::spawn(move || unsafe { theirs.serve() });
            Self { core, ring_thread }
        }

        fn submitter(&self, operations: usize) -> thread::JoinHandle<&'static str> {
            let core = Arc::clone(&self.core);
            thread::spawn(move || submit(&core, operations, true))
        }

        /// Closes, waits for the end, and shows that it is one.
        fn end(self) {
            self.core.close();
            self.ring_thread.join().unwrap();
            assert_eq!(submit(&self.core, 1, true), "closed");
        }
    }

    fn submit<F: Flaws>(core: &Core<F>, operations: usize, lead: bool) -> &'static str {
        // SAFETY: operations without memory.
        match unsafe { core.run(Work::Nop(operations), lead) } {
            Ok(failures) if failures.is_empty() => "ok",
            Ok(_) => "failed",
            Err(Refused::Closed) => "closed",
            Err(Refused::Failed(reason)) => {
                assert_eq!(reason, 5, "the reason comes with the mark");
                "refused"
            }
        }
    }

    fn one_submitter<F: Flaws>(drive: Drive) -> String {
        let scene = Scene::<F>::new(drive, 2, IMMORTAL);
        assert_eq!(submit(&scene.core, 1, true), "ok");
        assert_eq!(submit(&scene.core, 1, true), "ok");
        scene.end();
        String::new()
    }

    fn two_submitters<F: Flaws>(drive: Drive) -> String {
        let scene = Scene::<F>::new(drive, 2, IMMORTAL);
        let other = scene.submitter(1);
        assert_eq!(submit(&scene.core, 1, true), "ok");
        assert_eq!(other.join().unwrap(), "ok");
        scene.end();
        String::new()
    }

    /// One submitter may lead, the other leaves an idle ring to its thread.
    fn leader_and_follower<F: Flaws>(drive: Drive) -> String {
        let scene = Scene::<F>::new(drive, 2, IMMORTAL);
        let other = scene.submitter(1);
        assert_eq!(submit(&scene.core, 1, false), "ok");
        assert_eq!(other.join().unwrap(), "ok");
        scene.end();
        String::new()
    }

    /// More operations than the kernel takes at once: the rest is owed.
    fn more_than_the_capacity<F: Flaws>(drive: Drive) -> String {
        let scene = Scene::<F>::new(drive, 1, IMMORTAL);
        let other = scene.submitter(2);
        assert_eq!(submit(&scene.core, 1, true), "ok");
        assert_eq!(other.join().unwrap(), "ok");
        scene.end();
        String::new()
    }

    fn close_against_submit<F: Flaws>(drive: Drive) -> String {
        let scene = Scene::<F>::new(drive, 2, IMMORTAL);
        let other = scene.submitter(1);
        scene.end();
        let result = other.join().unwrap();
        assert!(["ok", "closed"].contains(&result));
        result.to_owned()
    }

    /// The kernel fails for good: everybody is told, nobody hangs.
    fn ring_death<F: Flaws>(drive: Drive) -> String {
        let scene = Scene::<F>::new(drive, 2, 2);
        let other = scene.submitter(1);
        let mine = submit(&scene.core, 1, true);
        let theirs = other.join().unwrap();
        scene.core.close();
        scene.ring_thread.join().unwrap();
        assert!(["refused", "closed"].contains(&submit(&scene.core, 1, true)));
        format!("{mine} {theirs}")
    }

    flaws! {
        NeverWake: NEVER_WAKE;
        ArmByStore: ARM_BY_STORE;
        DropAtClose: DROP_AT_CLOSE;
        TouchAfterDone: TOUCH_AFTER_DONE;
        LeaveWithoutHandover: LEAVE_WITHOUT_HANDOVER;
        IdleByStore: IDLE_BY_STORE;
        LoseTheRest: LOSE_THE_REST;
    }

    pub(super) fn run() -> ExitCode {
        let mut models = crate::owned::models();
        models.extend(crate::backends::models());
        models.extend([
            Model::new("thread_serves_one_submitter", || one_submitter::<Sound>(Drive::Thread))
                .bound(1)
                .least(100)
                .random_under_shuttle(20_000)
                .twin("never_wake", || one_submitter::<NeverWake>(Drive::Thread))
                .twin("arm_by_store", || one_submitter::<ArmByStore>(Drive::Thread))
                .twin("touch_after_done", || one_submitter::<TouchAfterDone>(Drive::Thread)),
            Model::new("thread_serves_two_submitters", || two_submitters::<Sound>(Drive::Thread))
                .bound(1)
                .least(100)
                .random_under_shuttle(20_000)
                .twin("arm_by_store", || two_submitters::<ArmByStore>(Drive::Thread)),
            Model::new("thread_owes_more_than_the_capacity", || {
                more_than_the_capacity::<Sound>(Drive::Thread)
            })
            .bound(1)
            .least(100)
            .random_under_shuttle(20_000)
            .twin("lose_the_rest", || more_than_the_capacity::<LoseTheRest>(Drive::Thread)),
            Model::new("close_against_submit", || close_against_submit::<Sound>(Drive::Thread))
                .bound(1)
                .least(100)
                .random_under_shuttle(20_000)
                .twin("drop_at_close", || close_against_submit::<DropAtClose>(Drive::Thread)),
            Model::new("ring_death", || ring_death::<Sound>(Drive::Thread))
                .bound(1)
                .least(100)
                .random_under_shuttle(20_000)
                .twin("drop_at_close", || ring_death::<DropAtClose>(Drive::Thread)),
            Model::new("submitter_leads", || one_submitter::<Sound>(Drive::Submitter))
                .bound(1)
                .least(40)
                .random_under_shuttle(20_000)
                .twin("idle_by_store", || one_submitter::<IdleByStore>(Drive::Submitter)),
            Model::new("leader_hands_over", || two_submitters::<Sound>(Drive::Submitter))
                // One misses the twin `leave_without_handover`.
                .bound(2)
                .least(100)
                .random_under_shuttle(20_000)
                .twin("leave_without_handover", || {
                    two_submitters::<LeaveWithoutHandover>(Drive::Submitter)
                })
                .twin("idle_by_store", || two_submitters::<IdleByStore>(Drive::Submitter)),
            Model::new("leader_and_follower", || leader_and_follower::<Sound>(Drive::Submitter))
                // One misses the twin.
                .bound(2)
                .least(100)
                .random_under_shuttle(20_000)
                .twin("leave_without_handover", || {
                    leader_and_follower::<LeaveWithoutHandover>(Drive::Submitter)
                }),
            Model::new("leader_against_close", || close_against_submit::<Sound>(Drive::Submitter))
                .bound(1)
                .least(100)
                .random_under_shuttle(20_000)
                .twin("drop_at_close", || close_against_submit::<DropAtClose>(Drive::Submitter)),
            Model::new("ring_death_under_a_leader", || ring_death::<Sound>(Drive::Submitter))
                .bound(1)
                .least(100)
                .random_under_shuttle(20_000)
                .twin("idle_by_store", || ring_death::<IdleByStore>(Drive::Submitter)),
        ]);
        main(&models)
    }
}

#[cfg(any(latchwork_loom, latchwork_shuttle))]
fn main() -> std::process::ExitCode {
    models::run()
}

#[cfg(not(any(latchwork_loom, latchwork_shuttle)))]
fn main() {}
