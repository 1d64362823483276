//! Finds again what was answered, is settled and not collected, and stands on the ledger alone.
//!
//! A front end that lost its database, or came up with an older one, knows nothing of answers that the ledger
//! has settled. The request of each stands there with its charge, and what the charge is the price of follows
//! from the key that the provider shares with the querier. So its rows are made again, and everything else
//! goes on as if they had never been away: charges are collected, budgets count them, and the same request
//! gets the same answer.
//!
//! What was answered and never settled is not found: nobody but the querier has it.

use std::collections::BTreeSet;
use std::sync::Arc;

use tacit_circuits::quota::{Opening, SharedSecret};
use tacit_ledger::kernel::{Missing, StateView, codec};
use tacit_ledger::network::{Session, SessionId, read as state};

use crate::compute::compute;
use crate::evaluation::service::request_hash;
use crate::ports::{BatchPlace, Ledger, LedgerError, SettledBatch, read};
use crate::store::{Collected, KnownCharge, ServedBatch, Settlement, Store, StoreError};
use crate::wallet::{Agreed, Wallet, WalletError};

/// Why it could not be seen what a session owes.
#[derive(Debug, thiserror::Error)]
pub(super) enum RestoreError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Wallet(#[from] WalletError),
    /// No answer of this member's program is under such a charge.
    #[error("the charge of request {0} does not open by the agreed key")]
    NotAgreed(u64),
}

/// Makes rows again. Clones share what it is over.
#[derive(Clone)]
pub(super) struct Restorer {
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) wallet: Wallet,
    pub(super) store: Store,
}

/// A settled batch that is owed.
struct Owed {
    place: BatchPlace,
    charge_minor: u32,
    known: Option<KnownCharge>,
}

impl Restorer {
    /// Sees of all sessions with this member's lists that owe something that the disk knows what for.
    pub(super) async fn look(&self) -> Result<(), LedgerError> {
        let me = self.ledger.member_id();
        let owing = |view: &dyn StateView| -> Result<Vec<Session>, Missing> {
            let mut owing = Vec::new();
            for list in state::lists_of(view, me)? {
                let sessions = state::sessions_with(view, list.id)?.into_iter();
                owing.extend(sessions.filter(|session| session.owed_requests > 0));
            }
            Ok(owing)
        };
        for session in read(&*self.ledger, owing).await? {
            // One that cannot be restored holds up no other.
            if let Err(error) = self.complete(&session).await {
                tracing::warn!(%error, session = %session.id, "restoring.complete: trying again");
            }
        }
        Ok(())
    }

    /// Sees that the disk knows what a session owes, which is read of the state just now; says whether it does.
    /// It does not where the blocks are not read as far as the state, or further: whoever asks may ask again.
    pub(super) async fn complete(&self, session: &Session) -> Result<bool, RestoreError> {
        if session.owed_requests == 0 {
            return Ok(true);
        }
        let places = self.ledger.uncollected(session.id).await?;
        if places.len() as u64 != u64::from(session.owed_requests) {
            return Ok(false);
        }
        let known = self.store.charges(session.id).await?;
        let secret = self.wallet.secret(session.id, session.querier).await?;
        let mut owed = Vec::with_capacity(places.len());
        for place in places {
            let known = known.get(&place.sequence).copied();
            let charge_minor = match known {
                Some(known) => known.charge_minor,
                None => self.charge(session, &secret, place).await?,
            };
            owed.push(Owed {
                place,
                charge_minor,
                known,
            });
        }
        if !self.is_the_sum(session, &secret, &owed) {
            return Ok(false);
        }
        let standing: BTreeSet<u64> = owed.iter().map(|owed| owed.place.sequence).collect();
        // What is settled and not owed was collected, whether or not that was noted.
        let paid = known.iter().filter(|(sequence, known)| {
            known.is_open
                && session.settled.check(**sequence).is_err()
                && !standing.contains(sequence)
        });
        let paid = paid.map(|(sequence, _)| *sequence);
        self.store
            .note_collected(session.id, paid, Collected::Yes)
            .await?;
        self.restore(session.id, &owed).await?;
        Ok(true)
    }

    async fn restore(&self, session: SessionId, owed: &[Owed]) -> Result<(), RestoreError> {
        let mut restored = 0;
        for owed in owed {
            let sequence = owed.place.sequence;
            match owed.known {
                Some(known) if known.is_open => continue,
                Some(_) => {
                    let noted = self
                        .store
                        .note_collected(session, [sequence], Collected::No);
                    noted.await?;
                }
                None => {
                    // Read again rather than held: there may be many, of 200 kB each.
                    let settled = self.ledger.settled_batch(owed.place).await?;
                    let served = served(settled, owed.charge_minor);
                    match self.store.restore_served(&served, owed.place.height).await {
                        // It was answered again meanwhile.
                        Ok(()) | Err(StoreError::Conflict) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
            }
            restored += 1;
        }
        if restored > 0 {
            tracing::info!(%session, requests = restored, "restoring.restore: what they charge is owed again");
        }
        Ok(())
    }

    /// What a settled batch charges, in minor units.
    async fn charge(
        &self,
        session: &Session,
        secret: &SharedSecret,
        place: BatchPlace,
    ) -> Result<u32, RestoreError> {
        let settled = self.ledger.settled_batch(place).await?;
        let request = settled.batch.signed.request;
        let (chain_id, id, sequence) = (self.ledger.chain_id(), session.id, place.sequence);
        let agreed = Agreed::new(secret.clone(), chain_id, id, sequence);
        let price_minor = session.price_minor;
        let count = compute(move || agreed.count(&request)).await;
        // Price and number of calls were checked when it settled: the product fits.
        let charge = count.map(|count| count * price_minor);
        charge.ok_or(RestoreError::NotAgreed(sequence))
    }

    /// Whether these are the charges whose commitments the session's sum is of.
    fn is_the_sum(&self, session: &Session, secret: &SharedSecret, owed: &[Owed]) -> bool {
        let chain_id = self.ledger.chain_id();
        let opening = |owed: &Owed| {
            Agreed::new(secret.clone(), chain_id, session.id, owed.place.sequence)
                .opening(owed.charge_minor, session.price_minor)
        };
        let openings: Vec<Opening> = owed.iter().map(opening).collect();
        Opening::sum(&openings).is_some_and(|sum| sum.commitment() == session.owed)
    }
}

/// A batch that was served at the time of its block, or a moment before.
fn served(settled: SettledBatch, charge_minor: u32) -> ServedBatch {
    ServedBatch {
        request_hash: request_hash(&codec::encode(&settled.batch.signed)),
        charge_minor,
        settlement: Settlement::Final,
        created_ms: settled.time_ms,
        batch: settled.batch,
    }
}
