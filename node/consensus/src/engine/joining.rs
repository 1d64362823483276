//! From where a joining node starts, and what it does when it gets no further.
//!
//! A node joins from the state of a recent finalized block, its *floor*. Peers prune: a floor that was
//! recent when it was chosen may be gone before its state has been downloaded, and then nobody can serve
//! what is still missing. So the floor is chosen afresh each time a node starts that has no whole state
//! yet, and a download that stands still while the network goes on ends the node, which then starts from
//! a newer one.

use crate::{
    block::Block,
    epochs::{HandoverMailbox, Marshal},
    execution::{Core, sync::Downloads},
    runtime::Runtime,
};
use commonware_consensus::marshal::standard::Standard;
use commonware_glue::stateful;
use std::{future::pending, sync::Arc, time::Duration};
use tacit_finality::{Finalization, Scheme};
use tracing::{error, info};

/// How a node remembers that it is joining.
pub(super) type SyncPlan<E> = stateful::SyncPlan<E, Scheme, Standard<Block>>;

/// How long a download may stand still before the node looks for a newer floor: thirty times what a
/// peer may take to answer, so that each of many peers has been asked.
const STANDSTILL: Duration = Duration::from_secs(60);

/// Chooses the floor of a node that has no whole state. One whose earlier start chose a floor and did
/// not get as far as a state chooses again, because its peers may have pruned that one.
pub(super) async fn choose_floor<E: Runtime>(
    plan: SyncPlan<E>,
    wanted: bool,
    handovers: &HandoverMailbox,
) -> SyncPlan<E> {
    if !plan.should_sync(wanted) {
        return plan;
    }
    info!("this node has no state; looking for a recent block to join from");
    match handovers.find_floor().await {
        Some(floor) => plan.set_floor(floor).await,
        None => plan,
    }
}

/// Watches the download of the state of `floor`.
pub(super) struct Watch {
    pub(super) floor: Option<Finalization>,
    pub(super) core: Arc<Core>,
    pub(super) marshal: Marshal,
    pub(super) handovers: HandoverMailbox,
    pub(super) downloads: Downloads,
}

impl Watch {
    /// Resolves when the download has stood still while the network went on, and never if it ends.
    pub(super) async fn stalled<E: Runtime>(self, runtime: E) {
        let Some(floor) = &self.floor else {
            return pending().await;
        };
        let mut before = self.progress().await;
        loop {
            runtime.sleep(STANDSTILL).await;
            if self.core.is_ready() {
                return pending().await;
            }
            let now = self.progress().await;
            if now != before {
                before = now;
                continue;
            }
            // Who reaches nobody waits here, and who stands at the newest block goes on waiting.
            let newest = self.handovers.find_floor().await;
            if newest.is_some_and(|newest| newest.round() > floor.round()) {
                error!(
                    floor = ?floor.round(),
                    "the download of the state stands still, perhaps because peers have pruned what it \\
                     began from; the node ends, and joins from a newer block when it is started again"
                );
                return;
            }
        }
    }

    /// How many answers came, and how far finalized blocks did.
    async fn progress(&self) -> (u64, Option<u64>) {
        let processed = self.marshal.get_processed().await;
        let height = processed.map(|processed| processed.height().get());
        (self.downloads.count(), height)
    }
}
