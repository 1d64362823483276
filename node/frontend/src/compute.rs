//! Arithmetic away from the threads that serve connections.

use tokio::sync::oneshot;

/// Runs `work` on the pool of threads for arithmetic and waits for it without blocking a thread.
///
/// # Panics
/// If `work` panics.
pub(crate) async fn compute<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = oneshot::channel();
    rayon::spawn(move || {
        // Whoever asked may have been cancelled; then nobody wants the result.
        let _ = done.send(work());
    });
    result.await.expect("the arithmetic did not panic")
}
