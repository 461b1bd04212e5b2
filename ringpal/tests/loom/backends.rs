//! The pool and the simulated kernel themselves, with operations that touch no file.

use latchwork_ringpal::Drive;
use latchwork_ringpal::checked::{Backend, Core, Flaws, Pool, Refused, Sound, Work};
#[cfg(feature = "simulate")]
use latchwork_ringpal::checked::{Simulated, Simulation};
use latchwork_sync::lock::Arc;
use latchwork_sync::model::Model;
use latchwork_sync::thread;

use crate::kernel::flaws;

fn nop<F: Flaws>(core: &Core<F>, operations: usize) -> &'static str {
    // SAFETY: operations without memory.
    match unsafe { core.run(Work::Nop(operations), true) } {
        Ok(failures) if failures.is_empty() => "done",
        Ok(_) => "failed",
        Err(Refused::Closed) => "closed",
        Err(Refused::Failed(_)) => "refused",
    }
}

/// A submitter and the end of the ring, over this backend.
fn submit_and_close<F: Flaws>(
    backend: Box<dyn Backend>,
    drive: Drive,
    operations: usize,
) -> String {
    let core = Arc::new(Core::<F>::new(backend, drive));
    let theirs = Arc::clone(&core);
    // SAFETY: once, by this thread.
    let ring_thread = thread::spawn(move || unsafe { theirs.serve() });
    let seen = nop(&core, operations);
    core.close();
    ring_thread.join().unwrap();
    assert!(["closed", "refused"].contains(&nop(&core, 1)));
    seen.to_owned()
}

fn pool<F: Flaws>(drive: Drive, workers: usize, operations: usize) -> String {
    let pool = Pool::flawed::<F>(2, workers).unwrap();
    submit_and_close::<F>(Box::new(pool), drive, operations)
}

#[cfg(feature = "simulate")]
fn simulated<F: Flaws>(drive: Drive, simulation: Simulation) -> String {
    submit_and_close::<F>(Box::new(Simulated::new(simulation, 2)), drive, 3)
}

#[cfg(feature = "simulate")]
fn simulated_death<F: Flaws>() -> String {
    let mut death = Simulation::of_trouble(3);
    death.death = 400;
    simulated::<F>(Drive::Submitter, death)
}

flaws! {
    NeverWake: NEVER_WAKE;
    IdleByStore: IDLE_BY_STORE;
    CompleteInSilence: COMPLETE_IN_SILENCE;
}

pub(crate) fn models() -> Vec<Model> {
    #[cfg_attr(not(feature = "simulate"), allow(unused_mut))]
    let mut models = vec![
        Model::new("pool_of_one_worker", || pool::<Sound>(Drive::Thread, 1, 2))
            .bound(1)
            .least(100)
            .random_under_shuttle(5_000)
            .twin("never_wake", || pool::<NeverWake>(Drive::Thread, 1, 2))
            .twin("complete_in_silence", || pool::<CompleteInSilence>(Drive::Thread, 1, 2)),
        Model::new("pool_driven_by_its_submitter", || pool::<Sound>(Drive::Submitter, 1, 1))
            .bound(1)
            .least(100)
            .random_under_shuttle(5_000)
            .twin("idle_by_store", || pool::<IdleByStore>(Drive::Submitter, 1, 1))
            .twin("complete_in_silence", || pool::<CompleteInSilence>(Drive::Submitter, 1, 1)),
        Model::new("pool_of_two_workers", || pool::<Sound>(Drive::Thread, 2, 2))
            .bound(1)
            .least(100)
            .random_under_shuttle(5_000)
            .twin("complete_in_silence", || pool::<CompleteInSilence>(Drive::Thread, 2, 2)),
    ];
    #[cfg(feature = "simulate")]
    models.extend([
        Model::new("simulated_trouble", || {
            simulated::<Sound>(Drive::Thread, Simulation::of_trouble(7))
        })
        .bound(1)
        .least(50)
        .random_under_shuttle(5_000)
        .twin("never_wake", || simulated::<NeverWake>(Drive::Thread, Simulation::of_trouble(7))),
        Model::new("simulated_death", simulated_death::<Sound>)
            .least(100)
            .random_under_shuttle(5_000)
            .twin("idle_by_store", simulated_death::<IdleByStore>),
    ]);
    models
}
