//! The front end's ledger, over the consensus driver.
//!
//! [`MemberLedger`] signs as this member, numbers what it signs, and waits for finality.
//! [`Follower`] reads finalized blocks in order and tells whoever waits or listens.

mod calls;
mod follower;
mod submission;

use std::sync::Arc;

use async_trait::async_trait;
use ed25519_zebra::SigningKey;
use tacit_circuits::quota::{QuotaKey, QuotaPublicKey};
use tacit_circuits::scope::MemberId;
use tacit_consensus::LedgerHandle;
use tacit_frontend::ports::{
    Applied, BatchPlace, FinalizedBlock, Ledger, LedgerError, SettledBatch,
};
use tacit_ledger::kernel::envelope::ledger_key;
use tacit_ledger::kernel::{ChainId, LedgerKey, Signature, StateKey};
use tacit_ledger::network::{Action, SessionId};
use tacit_readmodel::ReadModel;
use tokio::sync::broadcast;

use crate::keys::quota_key;
pub use follower::Follower;
use submission::Submitter;

/// Blocks that a listener may fall behind before it loses the oldest: half a minute of them.
const MAX_LISTENER_LAG_BLOCKS: usize = 600;

/// The ledger as this member uses it.
pub struct MemberLedger {
    handle: LedgerHandle,
    member: MemberId,
    key: SigningKey,
    submitter: Submitter,
    rows: Option<ReadModel>,
    finalized: broadcast::Sender<Arc<FinalizedBlock>>,
}

impl MemberLedger {
    /// The ledger behind `handle`, used by `member` with its key, and the follower that must be run
    /// for any submission to be answered. Former calls are found by `rows`, and without them not.
    pub fn new(
        handle: LedgerHandle,
        member: MemberId,
        key: SigningKey,
        rows: Option<ReadModel>,
    ) -> (Arc<Self>, Follower) {
        let (finalized, _) = broadcast::channel(MAX_LISTENER_LAG_BLOCKS);
        let submitter = Submitter::new(handle.clone(), member, key);
        let follower = Follower::new(
            handle.clone(),
            member,
            submitter.pending().clone(),
            finalized.clone(),
        );
        (
            Arc::new(Self {
                handle,
                member,
                key,
                submitter,
                rows,
                finalized,
            }),
            follower,
        )
    }

    /// The consensus driver.
    pub fn handle(&self) -> &LedgerHandle {
        &self.handle
    }
}

#[async_trait]
impl Ledger for MemberLedger {
    fn chain_id(&self) -> ChainId {
        self.handle.chain_id()
    }

    fn member_id(&self) -> MemberId {
        self.member
    }

    fn ledger_key(&self) -> LedgerKey {
        ledger_key(&self.key)
    }

    fn quota_key(&self, generation: u32) -> QuotaKey {
        quota_key(&self.key.into(), generation)
    }

    fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.key.sign(message).into())
    }

    fn height(&self) -> u64 {
        self.handle.height()
    }

    async fn get_many(&self, keys: &[StateKey]) -> Result<Vec<Option<Vec<u8>>>, LedgerError> {
        match self.handle.get_many(keys.to_vec()).await {
            Ok((_, values)) => Ok(values),
            Err(error) => Err(LedgerError::Unavailable(error.to_string())),
        }
    }

    async fn submit(&self, action: Action) -> Result<Applied, LedgerError> {
        self.submitter.submit(&action).await
    }

    async fn uncollected(&self, session: SessionId) -> Result<Vec<BatchPlace>, LedgerError> {
        calls::uncollected(self.rows.as_ref(), session).await
    }

    async fn settled_batch(&self, place: BatchPlace) -> Result<SettledBatch, LedgerError> {
        calls::settled_batch(&self.handle, place).await
    }

    async fn former_quota_keys(
        &self,
        member: MemberId,
    ) -> Result<Vec<QuotaPublicKey>, LedgerError> {
        calls::former_quota_keys(self.rows.as_ref(), member).await
    }

    fn finalized(&self) -> broadcast::Receiver<Arc<FinalizedBlock>> {
        self.finalized.subscribe()
    }
}
