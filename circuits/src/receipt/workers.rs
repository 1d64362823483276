//! Threads for proofs and batches.

use std::num::NonZeroUsize;
use std::sync::LazyLock;

use rayon::{ThreadPool, ThreadPoolBuilder};

/// Stack of a thread. A task that waits for its parts takes up others meanwhile, and their frames
/// pile up on its stack: multi-scalar multiplications within parallel proofs can exceed the usual
/// 2 MiB. Memory is taken only as far as it is touched.
const STACK_BYTES: usize = 64 << 20;

/// Threads of their own; `None` where the system gives none, in which case work is done in place.
pub(super) fn threads(count: Option<NonZeroUsize>) -> Option<ThreadPool> {
    ThreadPoolBuilder::new()
        .num_threads(count.map_or(0, NonZeroUsize::get))
        .stack_size(STACK_BYTES)
        .thread_name(|index| format!("receipt-{index}"))
        .build()
        .ok()
}

/// Runs work on threads that all verifiers and provers share, one for each core.
pub(super) fn install<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    static SHARED: LazyLock<Option<ThreadPool>> = LazyLock::new(|| threads(None));
    match &*SHARED {
        Some(pool) => pool.install(work),
        None => work(),
    }
}
