mod biased;
mod epoch;
mod hazard;
mod probe;
mod snapshot;
mod structures;

use std::process::ExitCode;

use latchwork_sync::model::main;

pub(super) fn run() -> ExitCode {
    let models = [
        biased::models(),
        epoch::models(),
        hazard::models(),
        snapshot::models(),
        structures::models(),
    ];
    main(&models.concat())
}
