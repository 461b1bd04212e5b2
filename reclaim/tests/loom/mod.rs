mod epoch;
mod probe;

use std::process::ExitCode;

use latchwork_sync::model::main;

pub(super) fn run() -> ExitCode {
    main(&epoch::models())
}
