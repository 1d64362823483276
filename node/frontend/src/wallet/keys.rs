//! Which key holds: the ledger says, and every key follows from the member's ledger key.
//!
//! So a change of key leaves nothing to be kept beside it. Whatever moment a process ends at, the next one finds the
//! registered key among the generations.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rand_core::OsRng;
use tacit_circuits::quota::QuotaKey;
use tacit_ledger::kernel::{Missing, StateView};
use tacit_ledger::network::quota::prove_key_change;
use tacit_ledger::network::{Event, Session, read as state};
use tokio::sync::broadcast::error::RecvError;

use super::{Wallet, WalletError};
use crate::compute::compute;
use crate::ports::{Applied, Ledger, read};

/// Generations that are looked through for the registered key. A change takes its sessions' windows to come about:
/// nobody gets so far.
const MAX_GENERATIONS: u32 = 4_096;

/// This member's keys up to the registered one, by generation.
pub(super) async fn registered(ledger: &dyn Ledger) -> Result<Vec<QuotaKey>, WalletError> {
    let me = ledger.member_id();
    let registered = read(ledger, |view| state::quota_key(view, me)).await?;
    let registered = registered.ok_or(WalletError::NoKey(me))?;
    let mut keys = Vec::new();
    for generation in 0..MAX_GENERATIONS {
        let key = ledger.quota_key(generation);
        let found = key.public() == registered;
        keys.push(key);
        if found {
            return Ok(keys);
        }
    }
    Err(WalletError::ForeignKey)
}

/// Sessions that keep a member from changing its key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyInUse {
    /// Its own that are open.
    pub own: Vec<Session>,
    /// Those with its lists.
    pub served: Vec<Session>,
}

/// No session is opened as long as this lives.
#[derive(Debug)]
pub struct NoSessions(Arc<AtomicBool>);

impl Drop for NoSessions {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Wallet {
    /// Opens no session from now on until what it answers with is dropped; `None` where somebody is at it.
    #[must_use]
    pub fn hold_sessions(&self) -> Option<NoSessions> {
        let held = self.0.held.swap(true, Ordering::AcqRel);
        (!held).then(|| NoSessions(self.0.held.clone()))
    }

    /// Whether no session is to be opened.
    pub(crate) fn holds_sessions(&self) -> bool {
        self.0.held.load(Ordering::Acquire)
    }

    /// What keeps this member from changing its key.
    ///
    /// # Errors
    /// [`WalletError`].
    pub async fn key_in_use(&self) -> Result<KeyInUse, WalletError> {
        let me = self.0.ledger.member_id();
        let in_use = |view: &dyn StateView| -> Result<KeyInUse, Missing> {
            let own = state::sessions_of(view, me)?;
            let mut served = Vec::new();
            for list in state::lists_of(view, me)? {
                served.extend(state::sessions_with(view, list.id)?);
            }
            Ok(KeyInUse { own, served })
        };
        Ok(read(&*self.0.ledger, in_use).await?)
    }

    /// Seals what this member has to its next key, once no session keeps it from that.
    ///
    /// # Errors
    /// [`WalletError`], among them the ledger's refusal while there are sessions.
    pub async fn change_key(&self) -> Result<Applied, WalletError> {
        let _turn = self.0.turn.lock().await;
        self.refresh_keys().await?;
        let me = self.0.ledger.member_id();
        let account = read(&*self.0.ledger, |view| state::account(view, me)).await?;
        let keys = self.0.opener.keys();
        let generation = u32::try_from(keys.len()).unwrap_or(u32::MAX);
        let (old, new) = (self.0.opener.key(), self.0.ledger.quota_key(generation));
        let chain_id = self.0.ledger.chain_id();
        let action =
            compute(move || prove_key_change(chain_id, me, &account, &old, &new, &mut OsRng)).await;
        let changed = self.0.ledger.submit(action).await;
        // Whether or not its outcome was seen: what the ledger says now, holds.
        let refreshed = self.refresh_keys().await;
        let changed = changed?;
        refreshed?;
        Ok(changed)
    }

    /// Goes on with the registered key.
    pub(super) async fn refresh_keys(&self) -> Result<(), WalletError> {
        let me = self.0.ledger.member_id();
        let registered_key = read(&*self.0.ledger, |view| state::quota_key(view, me)).await?;
        if registered_key == Some(self.0.opener.key().public()) {
            return Ok(());
        }
        let keys = registered(&*self.0.ledger).await?;
        tracing::info!(generation = keys.len() - 1, "wallet.key: another one holds");
        self.0.opener.replace(keys);
        Ok(())
    }

    /// Sees that the registered key is used, whoever changed it.
    pub(super) async fn follow_keys(self) {
        let me = self.0.ledger.member_id();
        let mut blocks = self.0.ledger.finalized();
        loop {
            let is_news = match blocks.recv().await {
                Ok(block) => block.events.iter().any(|event| {
                    matches!(event.event, Event::QuotaKeyChanged { member, .. } if member == me)
                }),
                Err(RecvError::Lagged(_)) => true,
                Err(RecvError::Closed) => return,
            };
            if is_news && let Err(error) = self.refresh_keys().await {
                tracing::warn!(%error, "wallet.key: the registered one could not be read");
            }
        }
    }
}
