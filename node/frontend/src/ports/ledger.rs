//! The ledger as the front end sees it.

use std::sync::Arc;

use async_trait::async_trait;
use tacit_circuits::quota::{QuotaKey, QuotaPublicKey};
use tacit_circuits::scope::MemberId;
use tacit_ledger::kernel::{
    ChainId, LedgerKey, Missing, Reject, Signature, StateKey, StateView, Supplied, TxId,
};
use tacit_ledger::network::{Action, CallBatch, Event, SessionId};
use tokio::sync::broadcast;

/// Rounds of fetching before a read is given up. Reads follow a handful of references, each of which
/// costs one round; a read that needs more than this does not end.
pub(super) const MAX_READ_ROUNDS: usize = 64;

/// What became of an action that stands in a finalized block.
#[derive(Clone, Debug)]
pub struct Applied {
    /// Height of its block.
    pub height: u64,
    /// Its transaction.
    pub tx_id: TxId,
    /// What it did, in order.
    pub events: Vec<Event>,
}

/// A finalized block, as far as the risk network is concerned.
#[derive(Clone, Debug)]
pub struct FinalizedBlock {
    /// Its height.
    pub height: u64,
    /// Its time, in milliseconds since 1970-01-01 UTC.
    pub time_ms: u64,
    /// Its events in order.
    pub events: Vec<FinalizedEvent>,
}

/// An event, with the transaction whose it is.
#[derive(Clone, Debug)]
pub struct FinalizedEvent {
    /// `None` for what the block did by itself.
    pub tx_id: Option<TxId>,
    /// The event.
    pub event: Event,
}

/// Where a batch of calls stands in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchPlace {
    /// Height of its block.
    pub height: u64,
    /// Place of its transaction among the results of the block.
    pub leaf: u64,
    /// Number of its request in the session.
    pub sequence: u64,
}

/// A batch of calls as it stands in the chain.
#[derive(Clone, Debug)]
pub struct SettledBatch {
    /// Request, evaluations and proof.
    pub batch: CallBatch,
    /// Time of its block, in milliseconds since 1970-01-01 UTC.
    pub time_ms: u64,
}

/// Why the ledger did not do as asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LedgerError {
    /// The rules of the network refuse the action. It stands in a block and changed nothing.
    #[error("the network refuses it: {0}")]
    Rejected(Reject),
    /// The node did not take the transaction in, or it did not become final in time. It may still become
    /// final: whoever asks again must find out first.
    #[error("the ledger does not answer: {0}")]
    Unavailable(String),
    /// A read did not end within its rounds of fetching: a fault of this program.
    #[error("a read of the ledger's state did not end")]
    ReadDidNotEnd,
}

impl LedgerError {
    /// Whether the same action may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Rejected(reject) => reject.transient(),
            Self::Unavailable(_) => true,
            Self::ReadDidNotEnd => false,
        }
    }
}

/// The latest finalized state, and a way to act on it as this member.
#[async_trait]
pub trait Ledger: Send + Sync + 'static {
    /// The chain.
    fn chain_id(&self) -> ChainId;

    /// The member whose node this is.
    fn member_id(&self) -> MemberId;

    /// The member's registered key.
    fn ledger_key(&self) -> LedgerKey;

    /// The key of a generation to which the member's amounts of quota are sealed. The first is 0; which one holds,
    /// the ledger says.
    fn quota_key(&self, generation: u32) -> QuotaKey;

    /// Signs with the member's key.
    fn sign(&self, message: &[u8]) -> Signature;

    /// Height of the last finalized block that was executed.
    fn height(&self) -> u64;

    /// Records as of the last executed block, in the order of the keys.
    async fn get_many(&self, keys: &[StateKey]) -> Result<Vec<Option<Vec<u8>>>, LedgerError>;

    /// Signs an action as this member, submits it and waits until it is final.
    ///
    /// Several may be under way at once. The implementation numbers them.
    async fn submit(&self, action: Action) -> Result<Applied, LedgerError>;

    /// The batches of a session that settled after its charges were last collected, in the order of the log, as
    /// far as this node has read its blocks: it may be behind the state, and whoever asks compares.
    async fn uncollected(&self, session: SessionId) -> Result<Vec<BatchPlace>, LedgerError>;

    /// The batch at a place. Unavailable where its block was pruned.
    async fn settled_batch(&self, place: BatchPlace) -> Result<SettledBatch, LedgerError>;

    /// The keys to which a member's amounts of quota were sealed before its present one, as far as this node has
    /// read its blocks.
    async fn former_quota_keys(&self, member: MemberId)
    -> Result<Vec<QuotaPublicKey>, LedgerError>;

    /// Blocks from now on. A receiver that falls behind loses the oldest; whoever listens must be able to
    /// find out from state what it missed.
    fn finalized(&self) -> broadcast::Receiver<Arc<FinalizedBlock>>;
}

/// Answers a question about state: calls `question`, fetches what it says is missing, and calls it again.
pub async fn read<T>(
    ledger: &dyn Ledger,
    question: impl Fn(&dyn StateView) -> Result<T, Missing>,
) -> Result<T, LedgerError> {
    let mut known = Supplied::new();
    for _ in 0..MAX_READ_ROUNDS {
        let keys = match question(&known) {
            Ok(answer) => return Ok(answer),
            Err(missing) => missing.into_keys(),
        };
        let values = ledger.get_many(&keys).await?;
        for (key, value) in keys.into_iter().zip(values) {
            known.supply(key, value);
        }
    }
    Err(LedgerError::ReadDidNotEnd)
}
