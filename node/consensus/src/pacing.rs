//! When blocks are made, and which time they may carry.
//!
//! Consensus would make blocks as fast as it can. A leader instead waits until `min_interval` after
//! its parent, and, while no transaction waits, until `heartbeat` after it; a transaction that
//! arrives wakes it.
//!
//! A block's time is its leader's clock. It is strictly above the parent's, and at most
//! [`MAX_STEP_MS`] above it, so that no leader can push the ledger's clock far ahead. A network that
//! stood still for longer catches up in steps. A validator whose own clock is more than
//! [`MAX_DRIFT_MS`] behind a block's time waits with its vote: that its clock is behind says nothing
//! final about the block.

use crate::{
    block::Block,
    mempool::Pool,
    runtime::{Runtime, now_ms},
};
use commonware_consensus::{Application, Handoff, marshal::ancestry::Ancestry};
use commonware_cryptography::Digested;
use futures::future::{Either, select};
use std::{future::pending, pin::pin, time::Duration};
use tacit_finality::{Header, ProposalContext, Scheme};

/// The most by which a block's time may exceed its parent's, in milliseconds. The first block is
/// exempt, because a genesis is written some time before its network starts.
pub const MAX_STEP_MS: u64 = 60_000;

/// How far a block's time may be ahead of a validator's clock before the validator waits, in
/// milliseconds.
pub const MAX_DRIFT_MS: u64 = 500;

/// How often blocks are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pacing {
    /// The least time between two blocks.
    pub min_interval: Duration,
    /// The time between two blocks while no transaction waits.
    pub heartbeat: Duration,
}

/// The time that a block on `parent` carries, if its leader's clock shows `now_ms`.
pub(crate) fn block_time(parent: &Header, now_ms: u64) -> u64 {
    let earliest = parent.time_ms.saturating_add(1);
    if parent.height.is_zero() {
        return now_ms.max(earliest);
    }
    now_ms.clamp(earliest, parent.time_ms.saturating_add(MAX_STEP_MS))
}

/// Whether `child` may carry the time that it does.
pub(crate) fn time_is_valid(parent: &Header, child: &Header) -> bool {
    child.time_ms > parent.time_ms
        && (parent.height.is_zero() || child.time_ms - parent.time_ms <= MAX_STEP_MS)
}

/// Puts the waiting in front of an application, which then builds and checks without delay.
///
/// The state actor finalizes nothing while it builds, so waiting must not happen inside it.
#[derive(Clone)]
pub(crate) struct Paced<A> {
    inner: A,
    pool: Pool,
    pacing: Pacing,
}

impl<A> Paced<A> {
    pub(crate) fn new(inner: A, pool: Pool, pacing: Pacing) -> Self {
        Self {
            inner,
            pool,
            pacing,
        }
    }

    /// Waits until a block on a parent of `parent_ms` is due.
    async fn due<E: Runtime>(&self, runtime: &E, parent_ms: u64) {
        let since = now_ms(runtime).saturating_sub(parent_ms);
        let passed = Duration::from_millis(since);
        if let Some(wait) = self.pacing.min_interval.checked_sub(passed) {
            // A parent from the future must not stretch the wait.
            runtime.sleep(wait.min(self.pacing.min_interval)).await;
        }
        let since = now_ms(runtime).saturating_sub(parent_ms);
        let Some(wait) = self
            .pacing
            .heartbeat
            .checked_sub(Duration::from_millis(since))
        else {
            return;
        };
        let arrival = pin!(self.pool.arrival());
        let heartbeat = pin!(runtime.sleep(wait));
        match select(arrival, heartbeat).await {
            Either::Left(_) | Either::Right(_) => {}
        }
    }
}

impl<E, A> Application<E> for Paced<A>
where
    E: Runtime,
    A: Application<E, Block = Block, Context = ProposalContext, SigningScheme = Scheme> + Sync,
{
    type SigningScheme = Scheme;
    type Context = ProposalContext;
    type Block = Block;
    type Input = A::Input;

    async fn prepare(
        &mut self,
        _context: (E, ProposalContext),
        _ancestry: impl Ancestry<Block>,
        _input: Self::Input,
    ) -> Handoff<Digested<Block>> {
        // Blocks are paced, so there is nothing to gain from building before the parent certifies.
        Handoff::Wait
    }

    async fn propose(
        &mut self,
        (runtime, context): (E, ProposalContext),
        ancestry: impl Ancestry<Block>,
        input: Self::Input,
    ) -> Option<Digested<Block>> {
        if let Some(parent) = ancestry.peek() {
            let parent_ms = parent.inner().header.time_ms;
            self.due(&runtime, parent_ms).await;
        }
        self.inner
            .propose((runtime, context), ancestry, input)
            .await
    }

    async fn verify(
        &mut self,
        (runtime, context): (E, ProposalContext),
        ancestry: impl Ancestry<Block>,
    ) -> bool {
        if let Some(block) = ancestry.peek() {
            let time_ms = block.inner().header.time_ms;
            let ahead = time_ms.saturating_sub(now_ms(&runtime).saturating_add(MAX_DRIFT_MS));
            // Beyond the largest step the block is invalid whatever the clock says, so there is no
            // reason to wait longer than that.
            runtime
                .sleep(Duration::from_millis(ahead.min(MAX_STEP_MS)))
                .await;
        }
        // While the node stops, the state actor may go before this does, and would be missed.
        let mut stopped = Box::pin(runtime.stopped());
        let verdict = {
            let verdict = pin!(self.inner.verify((runtime, context), ancestry));
            match select(&mut stopped, verdict).await {
                Either::Left(_) => None,
                Either::Right((verdict, _)) => Some(verdict),
            }
        };
        // The stop waits for whoever still holds its signal.
        drop(stopped);
        match verdict {
            Some(verdict) => verdict,
            None => pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use commonware_consensus::types::{Epoch, Height, Round, View};
    use commonware_cryptography::{Digest as _, Signer as _, ed25519};
    use commonware_storage::mmr::Location;
    use commonware_utils::non_empty_range;
    use tacit_finality::{Digest, StateCommitment};

    fn header(height: u64, time_ms: u64) -> Header {
        Header {
            context: ProposalContext {
                round: Round::new(Epoch::zero(), View::zero()),
                leader: ed25519::PrivateKey::from_seed(0).public_key(),
                parent: (View::zero(), Digest::EMPTY),
            },
            parent: Digest::EMPTY,
            height: Height::new(height),
            time_ms,
            body: Digest::EMPTY,
            state: StateCommitment {
                root: Digest::EMPTY,
                operations_root: Digest::EMPTY,
                operations: non_empty_range!(Location::new(0), Location::new(1)),
            },
            results_root: Digest::EMPTY,
            handover: None,
        }
    }

    #[test]
    fn time_always_advances_and_by_no_more_than_a_step() {
        let parent = header(5, 1_000_000);
        for now_ms in [0, 1_000_000, 1_000_500, u64::MAX] {
            let child = header(6, block_time(&parent, now_ms));
            assert!(time_is_valid(&parent, &child), "at {now_ms}");
        }
        assert_eq!(block_time(&parent, 1_000_500), 1_000_500);
        assert_eq!(block_time(&parent, u64::MAX), 1_000_000 + MAX_STEP_MS);
        assert!(!time_is_valid(&parent, &header(6, 1_000_000)));
        assert!(!time_is_valid(&parent, &header(6, 1_000_001 + MAX_STEP_MS)));
    }

    #[test]
    fn the_first_block_may_be_long_after_the_genesis() {
        let genesis = header(0, 1_000);
        let first = header(1, block_time(&genesis, 1_000_000_000));
        assert_eq!(first.time_ms, 1_000_000_000);
        assert!(time_is_valid(&genesis, &first));
    }
}
