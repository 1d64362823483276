//! What the escrows of others' sessions still pay for.
//!
//! A provider that answers beyond the escrow is not paid for it, and could then not collect what it is owed
//! either: the sum of all charges is collected, or nothing. So it is counted here, from what the escrow held
//! when its session was first met, and from what was charged since.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tacit_circuits::quota::transfer::Role;
use tacit_ledger::network::{Session, SessionId, read as state};

use super::restoring::{RestoreError, Restorer};
use crate::ports::{LedgerError, read};
use crate::store::StoreError;
use crate::wallet::WalletError;

/// Sessions that are remembered before those that are over are looked for.
const MANY_SESSIONS: usize = 1_024;

/// Why a budget could not be told.
#[derive(Debug, thiserror::Error)]
pub(super) enum BudgetError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Wallet(#[from] WalletError),
}

#[derive(Debug)]
struct Budget {
    left_minor: u64,
    deadline_height: u64,
}

/// The budgets of the sessions that were met. Clones share them.
#[derive(Clone)]
pub(super) struct Budgets(Arc<Inner>);

struct Inner {
    restorer: Restorer,
    sessions: Mutex<HashMap<SessionId, Budget>>,
    /// One session is met at a time.
    meeting: tokio::sync::Mutex<()>,
}

impl Budgets {
    pub(super) fn new(restorer: Restorer) -> Self {
        Self(Arc::new(Inner {
            restorer,
            sessions: Mutex::default(),
            meeting: tokio::sync::Mutex::default(),
        }))
    }

    /// Takes a charge out of a session's budget; `None` where the rest does not cover it. What is taken
    /// returns when it is dropped, unless it is [kept](Taken::keep).
    pub(super) async fn take(
        &self,
        session: &Session,
        charge_minor: u32,
    ) -> Result<Option<Taken>, BudgetError> {
        if !self.lock().contains_key(&session.id) {
            self.meet(session).await?;
        }
        let mut sessions = self.lock();
        let left = sessions.get_mut(&session.id);
        let rest = left.as_ref().and_then(|budget| {
            let charge = u64::from(charge_minor);
            budget.left_minor.checked_sub(charge)
        });
        let (Some(budget), Some(rest)) = (left, rest) else {
            return Ok(None);
        };
        budget.left_minor = rest;
        Ok(Some(Taken {
            budgets: self.clone(),
            session: session.id,
            charge_minor,
            keep: false,
        }))
    }

    /// Finds what a session's escrow still pays for, before the first request of it is answered here.
    async fn meet(&self, session: &Session) -> Result<(), BudgetError> {
        let _one_at_a_time = self.0.meeting.lock().await;
        if self.lock().contains_key(&session.id) {
            return Ok(());
        }
        let Restorer {
            ledger,
            wallet,
            store,
        } = &self.0.restorer;
        let is_known = match self.0.restorer.complete(session).await {
            Ok(is_known) => is_known,
            Err(RestoreError::Store(error)) => return Err(error.into()),
            Err(error) => {
                tracing::warn!(%error, session = %session.id, "budgets.meet: what it owes is not known");
                false
            }
        };
        // In this order: what is collected in between is then missing twice, and never counted twice.
        let mut charged_minor = store.uncollected_minor(session.id).await?;
        if !is_known {
            // At most what all its calls would charge.
            let all_minor = u64::from(session.price_minor) * u64::from(session.calls);
            charged_minor = charged_minor.max(all_minor);
        }
        let escrow = read(&**ledger, |view| state::escrow(view, session.id)).await?;
        let place = Role::Provider as usize;
        let escrow_minor = wallet.open(&escrow, place).await?;
        let height = ledger.height();
        let mut sessions = self.lock();
        if sessions.len() >= MANY_SESSIONS {
            sessions.retain(|_, budget| budget.deadline_height >= height);
        }
        sessions.insert(
            session.id,
            Budget {
                left_minor: escrow_minor.saturating_sub(charged_minor),
                deadline_height: session.deadline_height,
            },
        );
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Budget>> {
        self.0
            .sessions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Budgets {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Budgets(<redacted>)")
    }
}

/// A charge that was taken out of a budget.
pub(super) struct Taken {
    budgets: Budgets,
    session: SessionId,
    charge_minor: u32,
    keep: bool,
}

impl Taken {
    /// It is charged, whatever happens next.
    pub(super) fn keep(mut self) {
        self.keep = true;
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if self.keep {
            return;
        }
        if let Some(budget) = self.budgets.lock().get_mut(&self.session) {
            budget.left_minor += u64::from(self.charge_minor);
        }
    }
}
