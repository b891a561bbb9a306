//! A clock that follows tokio's paused time, survives restarts of the runtime, and can be made to jump.

use helios_contract::{Clock, Timestamp};
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// 2026-01-01T00:00:00Z, where every scenario starts.
const START: Timestamp = Timestamp(1_767_225_600_000_000);

/// Wall time for scenarios.
#[derive(Debug)]
pub struct ScenarioClock(Mutex<State>);

#[derive(Debug, Clone, Copy)]
struct State {
    base: Timestamp,
    origin: Option<Instant>,
}

impl ScenarioClock {
    pub fn new() -> ScenarioClock {
        ScenarioClock(Mutex::new(State { base: START, origin: None }))
    }

    /// A new runtime begins: its time counts from here on. Call inside it.
    pub fn attach(&self) {
        self.0.lock().unwrap().origin = Some(Instant::now());
    }

    /// The runtime is about to end: keep what its time has come to. Call inside it.
    pub fn detach(&self) {
        let now = self.now();
        *self.0.lock().unwrap() = State { base: now, origin: None };
    }

    /// Wall time jumps, timers do not notice.
    pub fn jump(&self, forward: bool, by: Duration) {
        let mut state = self.0.lock().unwrap();
        state.base = if forward { state.base.plus(by) } else { state.base.minus(by) };
    }
}

impl Clock for ScenarioClock {
    fn now(&self) -> Timestamp {
        let state = *self.0.lock().unwrap();
        state.origin.map_or(state.base, |origin| state.base.plus(origin.elapsed()))
    }
}
