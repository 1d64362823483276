//! What the probes say of a running node.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use tacit_consensus::LedgerHandle;
use tacit_frontend::Frontend;

use crate::telemetry::Health;

/// Age of the newest block, by this machine's clock, from which on the ledger counts as standing still. An idle
/// network makes several blocks a second; two silent leaders in a row cost it a few seconds.
const MAX_BLOCK_AGE_MS: u64 = 15_000;

/// Blocks by which the SQL rows may be behind: some seconds of a busy network.
const MAX_ROWS_BEHIND_BLOCKS: u64 = 200;

/// The health of a node, from its start on.
pub(super) struct NodeHealth {
    handle: LedgerHandle,
    serving: OnceLock<Serving>,
}

struct Serving {
    frontend: Option<Arc<Frontend>>,
    rows: Arc<AtomicU64>,
}

impl NodeHealth {
    pub(super) fn new(handle: LedgerHandle) -> Arc<Self> {
        Arc::new(Self {
            handle,
            serving: OnceLock::new(),
        })
    }

    /// Everything has started. `rows` is the height that the read model has reached.
    pub(super) fn serving(&self, frontend: Option<Arc<Frontend>>, rows: Arc<AtomicU64>) {
        // Told once.
        let _ = self.serving.set(Serving { frontend, rows });
    }
}

impl Health for NodeHealth {
    fn not_ready(&self) -> Option<String> {
        let Some(serving) = self.serving.get() else {
            return Some("starting".into());
        };
        let tip = self.handle.tip().borrow().clone();
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let now_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        let age_ms = now_ms.saturating_sub(tip.time_ms);
        if tip.height.is_zero() || age_ms > MAX_BLOCK_AGE_MS {
            return Some(format!("the newest block is {} s old", age_ms / 1_000));
        }
        let behind = tip
            .height
            .get()
            .saturating_sub(serving.rows.load(Ordering::Relaxed));
        if behind > MAX_ROWS_BEHIND_BLOCKS {
            return Some(format!("the read model is {behind} blocks behind"));
        }
        None
    }

    fn measure(&self) {
        metrics::gauge!("tacit_ledger_height").set(self.handle.height() as f64);
        let Some(serving) = self.serving.get() else {
            return;
        };
        let rows = serving.rows.load(Ordering::Relaxed);
        metrics::gauge!("tacit_read_model_height").set(rows as f64);
        if let Some(frontend) = &serving.frontend {
            metrics::gauge!("tacit_calls_waiting").set(frontend.served_waiting() as f64);
            metrics::gauge!("tacit_lists_current").set(frontend.lists_current() as f64);
        }
    }
}
