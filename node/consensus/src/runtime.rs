//! What the ledger driver asks of a runtime.
//!
//! Everything in this crate but [`spawn`](crate::spawn()) runs on any runtime with these traits: on
//! operating-system threads in production, and on a deterministic scheduler with a simulated network
//! and disk in tests.

use commonware_runtime::{Clock, Metrics, Spawner, Storage};
use rand_core_0_10::CryptoRng;
use std::{
    future::pending,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A runtime: tasks, time, files, metrics and randomness.
pub trait Runtime: Spawner + Clock + Storage + Metrics + CryptoRng {}

impl<E: Spawner + Clock + Storage + Metrics + CryptoRng> Runtime for E {}

/// Milliseconds since the Unix epoch on the local clock; 0 before it.
pub(crate) fn now_ms(clock: &impl Clock) -> u64 {
    millis(clock.current())
}

fn millis(time: SystemTime) -> u64 {
    let elapsed = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

/// Runs `work` on a thread where it may compute for long, and waits for it.
///
/// If the runtime stops meanwhile, this never resolves: its caller is being dropped as well, and
/// there is no answer that would be right to act on.
pub(crate) async fn compute<E, T>(
    runtime: &E,
    label: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> T
where
    E: Spawner,
    T: Send + 'static,
{
    let task = runtime
        .child(label)
        .shared(true)
        .spawn(move |_| async move { work() });
    match task.await {
        Ok(result) => result,
        Err(_) => pending().await,
    }
}
