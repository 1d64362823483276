//! Reads finalized blocks in order, answers this member's submissions and tells listeners.

use std::sync::Arc;

use tacit_circuits::scope::MemberId;
use tacit_consensus::{FinalizedBlock as Block, LedgerError, LedgerHandle};
use tacit_frontend::ports::{FinalizedBlock, FinalizedEvent};
use tacit_ledger::kernel::{self, BlockResult, Envelope};
use tacit_ledger::network::Event;
use tokio::sync::broadcast;

use super::submission::{Fate, Pending};

/// Follows the chain from where it stands when this is made: whatever is submitted later becomes final later.
pub struct Follower {
    handle: LedgerHandle,
    from: u64,
    member: MemberId,
    pending: Pending,
    finalized: broadcast::Sender<Arc<FinalizedBlock>>,
}

impl Follower {
    pub(super) fn new(
        handle: LedgerHandle,
        member: MemberId,
        pending: Pending,
        finalized: broadcast::Sender<Arc<FinalizedBlock>>,
    ) -> Self {
        Self {
            from: handle.height() + 1,
            handle,
            member,
            pending,
            finalized,
        }
    }

    /// Runs until the node stops.
    pub async fn run(self) {
        let mut from = self.from;
        loop {
            let mut blocks = self.handle.finalized(from);
            loop {
                match blocks.next().await {
                    Ok(block) => self.tell(&block),
                    Err(LedgerError::Pruned { oldest, .. }) => {
                        // State sync jumped over the blocks in between. Listeners find out from
                        // state what they missed; submissions of before cannot be pending.
                        from = oldest.max(blocks.height() + 1);
                        break;
                    }
                    Err(error) => {
                        tracing::info!(%error, "ledger.follow ends");
                        return;
                    }
                }
            }
        }
    }

    fn tell(&self, block: &Block) {
        let height = block.header.height.get();
        let mut events = Vec::new();
        // Leaf 0 of the results is the block's own; transaction i has leaf i + 1.
        let mut envelopes = block.envelopes.iter();
        for result in &block.results {
            match result {
                BlockResult::Block { events: own, .. } => {
                    events.extend(
                        network_events(own).map(|event| FinalizedEvent { tx_id: None, event }),
                    );
                }
                BlockResult::Tx(tx) => {
                    let own: Vec<Event> = network_events(&tx.events).collect();
                    let envelope = envelopes.next().map(|bytes| Envelope::from_bytes(bytes));
                    if let Some(Ok(envelope)) = envelope
                        && envelope.sender == self.member
                    {
                        let fate = Fate::Final {
                            height,
                            outcome: tx.outcome,
                            events: own.clone(),
                        };
                        self.pending.finalized(envelope.sequence, tx.tx_id, fate);
                    }
                    events.extend(own.into_iter().map(|event| FinalizedEvent {
                        tx_id: Some(tx.tx_id),
                        event,
                    }));
                }
            }
        }
        self.pending.passed(height);
        let block = FinalizedBlock {
            height,
            time_ms: block.header.time_ms,
            events,
        };
        // Nobody listens before the front end has started.
        let _ = self.finalized.send(Arc::new(block));
    }
}

/// The risk network's events among those of all modules. What this build cannot read was written by
/// a ledger that it does not run, which the consensus driver would have refused.
fn network_events(events: &[kernel::Event]) -> impl Iterator<Item = Event> {
    events.iter().filter_map(|event| Event::read(event)?.ok())
}
