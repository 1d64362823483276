//! Collects what other members' sessions owe for what was answered.
//!
//! A batch that settles adds its charge to what its session owes; the ledger knows the sum's commitment and
//! nobody but the two parties its opening. Collecting takes a proof about the whole sum, so it is done when a
//! session has been quiet for a while, and not for each batch.

use std::sync::Arc;
use std::time::Duration;

use tacit_circuits::quota::Opening;
use tacit_ledger::kernel::Reject;
use tacit_ledger::network::{Session, SessionId, read as state};
use tokio::time::sleep;

use super::restoring::Restorer;
use super::unsettled::Book;
use crate::clock::now_ms;
use crate::ports::{Ledger, LedgerError, read};
use crate::store::{Collected, Store, StoreError, UncollectedBatch};
use crate::tasks::Tasks;
use crate::wallet::{Agreed, Wallet, WalletError};

/// How often it is looked for sessions that owe something.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// For how long nothing of a session must have been answered before its charges are collected, in
/// milliseconds. Batches are posted as soon as nobody asks; a bulk screening goes on without a pause.
const QUIET_MS: u64 = 2_000;

/// Between two looks at whether sessions owe something of which the disk knows nothing: that is so after the disk
/// was lost, and while the blocks of that time are read. Far shorter than the window for collecting.
const RESTORE_INTERVAL: Duration = Duration::from_secs(30);

/// Why charges could not be collected.
#[derive(Debug, thiserror::Error)]
enum CollectError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Wallet(#[from] WalletError),
}

/// Collects charges.
pub(super) struct Collector {
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) wallet: Wallet,
    pub(super) store: Store,
    pub(super) book: Book,
    pub(super) restorer: Restorer,
}

impl Collector {
    /// Collects for as long as the front end runs.
    pub(super) fn start(self, tasks: &Tasks) {
        let restorer = self.restorer.clone();
        tasks.spawn(async move {
            loop {
                if let Err(error) = restorer.look().await {
                    tracing::warn!(%error, "restoring.look: trying again");
                }
                sleep(RESTORE_INTERVAL).await;
            }
        });
        tasks.spawn(async move {
            loop {
                if let Err(error) = self.look().await {
                    tracing::warn!(%error, "collecting.look: trying again");
                }
                sleep(LOOK_INTERVAL).await;
            }
        });
    }

    async fn look(&self) -> Result<(), StoreError> {
        let quiet_since = now_ms().saturating_sub(QUIET_MS);
        for session in self.store.uncollected_sessions(quiet_since).await? {
            // One that cannot be collected holds up no other.
            if let Err(error) = self.collect(session).await {
                tracing::warn!(%error, %session, "collecting.collect: trying again");
            }
        }
        Ok(())
    }

    async fn collect(&self, id: SessionId) -> Result<(), CollectError> {
        let served = self.store.uncollected(id).await?;
        let session = read(&*self.ledger, |view| state::session(view, id)).await?;
        let Some(session) = session else {
            return self.ended(id, &served).await;
        };
        let settled: Vec<&UncollectedBatch> = served
            .iter()
            .filter(|batch| is_settled(&session, batch))
            .collect();
        if session.owed_requests == 0 {
            // What a former transaction collected, and was not noted.
            return self.note(id, &settled, Collected::Yes).await;
        }
        let agreed = self.wallet.secret(id, session.querier).await?;
        let chain_id = self.ledger.chain_id();
        let open = |batch: &&UncollectedBatch| {
            Agreed::new(agreed.clone(), chain_id, id, batch.sequence)
                .opening(batch.charge_minor, session.price_minor)
        };
        let owes = |batches: &[&UncollectedBatch]| {
            let openings: Vec<Opening> = batches.iter().map(open).collect();
            let sum = Opening::sum(&openings)?;
            let fits = batches.len() as u64 == u64::from(session.owed_requests)
                && sum.commitment() == session.owed;
            fits.then_some(sum)
        };
        let fresh: Vec<&UncollectedBatch> = settled
            .iter()
            .copied()
            .filter(|batch| !batch.sent)
            .collect();
        // A transaction whose outcome was not seen collected what it was sent for, or it did not.
        let (batches, owed) = match (owes(&settled), owes(&fresh)) {
            (Some(owed), _) => (settled, owed),
            (None, Some(owed)) => {
                let sent: Vec<&UncollectedBatch> =
                    served.iter().filter(|batch| batch.sent).collect();
                self.note(id, &sent, Collected::Yes).await?;
                (fresh, owed)
            }
            // A batch settled between the two reads, or the database is an older one: then rows are restored.
            (None, None) => {
                tracing::warn!(
                    session = %id, owed = session.owed_requests, known = settled.len(),
                    "collecting.sum: what the session owes is not what was answered here"
                );
                return Ok(());
            }
        };
        self.note(id, &batches, Collected::Sent).await?;
        let is_over = self.ledger.height() > session.deadline_height;
        let closes = is_over && !self.book.holds_any(id) && batches.len() == served.len();
        match self.wallet.collect(session, owed, closes).await {
            Ok(_) => self.note(id, &batches, Collected::Yes).await,
            Err(error) => {
                if !error.is_unavailable() {
                    self.note(id, &batches, Collected::No).await?;
                }
                Err(error.into())
            }
        }
    }

    /// A session ended: what it still owed is not to be had any more.
    async fn ended(&self, id: SessionId, served: &[UncollectedBatch]) -> Result<(), CollectError> {
        let (sent, lapsed): (Vec<_>, Vec<_>) = served.iter().partition(|batch| batch.sent);
        if !lapsed.is_empty() {
            let requests = lapsed.len();
            tracing::warn!(session = %id, requests, "collecting.ended: their charges were not collected in time");
        }
        self.note(id, &sent, Collected::Yes).await?;
        self.note(id, &lapsed, Collected::Never).await
    }

    async fn note(
        &self,
        id: SessionId,
        batches: &[&UncollectedBatch],
        collected: Collected,
    ) -> Result<(), CollectError> {
        let sequences = batches.iter().map(|batch| batch.sequence);
        let noted = self.store.note_collected(id, sequences, collected).await;
        Ok(noted?)
    }
}

/// Whether the ledger has settled a batch, noted here or not.
fn is_settled(session: &Session, batch: &UncollectedBatch) -> bool {
    batch.is_final || session.settled.check(batch.sequence) == Err(Reject::SEQUENCE_SETTLED)
}
