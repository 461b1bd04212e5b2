//! The models, their bounds and their twins.

use std::process::ExitCode;

use latchwork_batch_writer::checked::{Flaws, Sound};
use latchwork_sync::model::{Model, Scene, main};

use crate::flying::{
    close_in_flight, failed_flight, failed_flight_in_one_lane, failed_flight_of_three, one_lane,
    one_lane_of_three, panic_in_flight, two_lanes, two_lanes_of_three,
};
use crate::handing::{
    close_against_failure, close_against_submit, deadline_in_batches, deadline_of_two,
    deadline_one_by_one, failed_sync_in_batches, failed_sync_of_two, failed_sync_one_by_one,
    flush_against_submit, panic_of_three, panic_of_two, room_for_one, three_in_batches,
    three_one_by_one, two_twice,
};
use crate::tasks::{
    abandoned, another_waker, failed_sync_for_tasks, panic_for_tasks, room_for_a_task,
    task_and_submitter, task_twice, two_tasks, withdrawn,
};

macro_rules! twins {
    ($($name:ident: $flaw:ident in $scene:ident;)*) => {$(
        fn $name() -> String {
            struct Flawed;
            impl Flaws for Flawed {
                const $flaw: bool = true;
            }
            $scene::<Flawed>()
        }
    )*};
}

twins! {
    gateway: GATEWAY in three_one_by_one;
    wake_by_earlier_look: WAKE_BY_EARLIER_LOOK in three_one_by_one;
    park_blind: PARK_BLIND in three_one_by_one;
    touch_after: TOUCH_AFTER in two_twice;
    lifo: LIFO in close_against_submit;
    withdraw_blind: WITHDRAW_BLIND in deadline_of_two;
    claim_blind: CLAIM_BLIND in deadline_one_by_one;
    wake_before_gate: WAKE_BEFORE_GATE in failed_sync_of_two;
    no_drain: NO_DRAIN in failed_sync_of_two;
    poison_flag: POISON_FLAG in failed_sync_of_two;
    no_reason_fence: NO_REASON_FENCE in failed_sync_of_two;
    no_guard: NO_GUARD in panic_of_two;
    ok_on_unwind: OK_ON_UNWIND in panic_of_two;
    close_in_two_steps: CLOSE_IN_TWO_STEPS in close_against_submit;
    room_forgotten: ROOM_FORGOTTEN in room_for_one;
    room_forgotten_by_tasks: ROOM_FORGOTTEN in room_for_a_task;
    late_reset: LATE_RESET in task_twice;
    no_farewell: NO_FAREWELL in task_twice;
    enqueue_only: ENQUEUE_ONLY in task_twice;
    waker_in_place: WAKER_IN_PLACE in another_waker;
    waker_by_store: WAKER_BY_STORE in another_waker;
    waker_after_answer: WAKER_AFTER_ANSWER in another_waker;
    drop_frees: DROP_FREES in abandoned;
    withdraw_blind_by_task: WITHDRAW_BLIND in withdrawn;
    no_farewell_after_failure: NO_FAREWELL in failed_sync_for_tasks;
    launch_blind: LAUNCH_BLIND in one_lane;
    land_out_of_turn: LAND_OUT_OF_TURN in two_lanes;
    turn_in_flight: TURN_IN_FLIGHT in one_lane;
    fail_alone: FAIL_ALONE in failed_flight;
    queue_of_nobody: QUEUE_OF_NOBODY in failed_flight_of_three;
    flight_answers_before_gate: WAKE_BEFORE_GATE in failed_flight;
    no_guard_in_flight: NO_GUARD in panic_in_flight;
}

/// More schedules than shuttle can enumerate.
fn unbounded(name: &'static str, scene: Scene) -> Model {
    Model::new(name, scene).random_under_shuttle(20_000)
}

/// A model with its preemption bound: the least that kills its mutants and twins, and sees what
/// shuttle sees. Each that is more than 1 says which of these needs it.
fn model(name: &'static str, scene: Scene, bound: usize) -> Model {
    unbounded(name, scene).bound(bound)
}

pub(crate) fn run() -> ExitCode {
    let mut models = among_submitters();
    models.extend(with_tasks());
    models.extend(with_flights());
    main(&models)
}

fn among_submitters() -> Vec<Model> {
    vec![
        // 2: `park_blind`.
        model("three_one_by_one", three_one_by_one::<Sound>, 2)
            .twin("gateway", gateway)
            .twin("wake_by_earlier_look", wake_by_earlier_look)
            .twin("park_blind", park_blind),
        model("three_in_batches", three_in_batches::<Sound>, 1),
        // 2: `touch_after`.
        model("two_twice", two_twice::<Sound>, 2).spurious(1).twin("touch_after", touch_after),
        // 2: the timer of `wait_turn` left out.
        model("deadline_of_two", deadline_of_two::<Sound>, 2)
            .spurious(1)
            .twin("withdraw_blind", withdraw_blind),
        model("deadline_one_by_one", deadline_one_by_one::<Sound>, 1)
            .twin("claim_blind", claim_blind),
        model("deadline_in_batches", deadline_in_batches::<Sound>, 1),
        // 2: `wake_before_gate`.
        model("failed_sync_of_two", failed_sync_of_two::<Sound>, 2)
            .twin("wake_before_gate", wake_before_gate)
            .twin("no_drain", no_drain)
            .twin("poison_flag", poison_flag)
            .twin("no_reason_fence", no_reason_fence),
        model("failed_sync_one_by_one", failed_sync_one_by_one::<Sound>, 1),
        model("failed_sync_in_batches", failed_sync_in_batches::<Sound>, 1),
        unbounded("panic_of_two", panic_of_two::<Sound>)
            .twin("no_guard", no_guard)
            .twin("ok_on_unwind", ok_on_unwind),
        model("panic_of_three", panic_of_three::<Sound>, 1),
        // 2: `lifo`.
        model("close_against_submit", close_against_submit::<Sound>, 2)
            .twin("lifo", lifo)
            .twin("close_in_two_steps", close_in_two_steps),
        unbounded("close_against_failure", close_against_failure::<Sound>),
        model("flush_against_submit", flush_against_submit::<Sound>, 1),
        model("room_for_one", room_for_one::<Sound>, 1).twin("room_forgotten", room_forgotten),
    ]
}

fn with_tasks() -> Vec<Model> {
    vec![
        model("task_twice", task_twice::<Sound>, 1)
            .twin("late_reset", late_reset)
            .twin("no_farewell", no_farewell)
            .twin("enqueue_only", enqueue_only),
        model("task_and_submitter", task_and_submitter::<Sound>, 1),
        model("two_tasks", two_tasks::<Sound>, 1),
        model("another_waker", another_waker::<Sound>, 1)
            .twin("waker_in_place", waker_in_place)
            .twin("waker_by_store", waker_by_store)
            .twin("waker_after_answer", waker_after_answer),
        // 2: the answer's exchange of a task without its Acquire.
        model("abandoned", abandoned::<Sound>, 2).twin("drop_frees", drop_frees),
        // 2: the exchange that takes a waker, without its Acquire.
        model("withdrawn", withdrawn::<Sound>, 2)
            .twin("withdraw_blind_by_task", withdraw_blind_by_task),
        model("room_for_a_task", room_for_a_task::<Sound>, 1)
            .twin("room_forgotten_by_tasks", room_forgotten_by_tasks),
        model("failed_sync_for_tasks", failed_sync_for_tasks::<Sound>, 1)
            .twin("no_farewell_after_failure", no_farewell_after_failure),
        model("panic_for_tasks", panic_for_tasks::<Sound>, 1),
    ]
}

fn with_flights() -> Vec<Model> {
    vec![
        // 2: the comparison with shuttle.
        model("one_lane", one_lane::<Sound>, 2)
            .twin("launch_blind", launch_blind)
            .twin("turn_in_flight", turn_in_flight),
        // 2: the comparison with shuttle.
        model("two_lanes", two_lanes::<Sound>, 2).twin("land_out_of_turn", land_out_of_turn),
        model("one_lane_of_three", one_lane_of_three::<Sound>, 1),
        model("two_lanes_of_three", two_lanes_of_three::<Sound>, 0),
        // 2: `flight_answers_before_gate`.
        model("failed_flight", failed_flight::<Sound>, 2)
            .twin("fail_alone", fail_alone)
            .twin("flight_answers_before_gate", flight_answers_before_gate),
        model("failed_flight_in_one_lane", failed_flight_in_one_lane::<Sound>, 1),
        model("failed_flight_of_three", failed_flight_of_three::<Sound>, 1)
            .twin("queue_of_nobody", queue_of_nobody),
        model("panic_in_flight", panic_in_flight::<Sound>, 1)
            .twin("no_guard_in_flight", no_guard_in_flight),
        // 2: the wake of `Flights::publish` left out.
        model("close_in_flight", close_in_flight::<Sound>, 2),
    ]
}
