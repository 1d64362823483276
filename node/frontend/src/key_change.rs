//! Changes the key to which this member's quota is sealed.
//!
//! An escrow stays sealed to the keys that it was opened under, so the ledger changes the key of nobody who has a
//! session open, its own or with its lists. Until there is none: no session is opened, own ones are closed and end
//! when their window has passed; as a provider nothing is answered, what is owed is collected, and the sessions are
//! ended. Another member may open one between the last look and the change; then it goes round again.
//!
//! What is on its way counts: an answer that is not settled yet, a charge whose collection was not seen.

use std::time::Duration;

use futures::future::join_all;
use tacit_ledger::kernel::Reject;
use tacit_ledger::network::{Action, Session, SessionId};
use tokio::time::sleep;

use crate::frontend::Frontend;
use crate::ports::{Applied, LedgerError};
use crate::wallet::{KeyInUse, WalletError};

/// Between two looks at what keeps the key.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

impl Frontend {
    /// Changes the key, as soon as no session keeps it; `waiting` is told what does. Given up by dropping it: then
    /// the key is changed or it is not, as the ledger says, and this member goes on with the one that holds.
    ///
    /// # Errors
    /// [`WalletError`]; [`WalletError::KeyChanging`] where somebody is at it.
    pub async fn change_quota_key(
        &self,
        waiting: impl Fn(&KeyInUse) + Send,
    ) -> Result<Applied, WalletError> {
        let _held = self
            .wallet
            .hold_sessions()
            .ok_or(WalletError::KeyChanging)?;
        loop {
            self.sessions.retire_all().await;
            let in_use = self.wallet.key_in_use().await?;
            let mut paid = Vec::new();
            for session in &in_use.served {
                if self.is_paid(session).await? {
                    paid.push(session.id);
                }
            }
            let closes = join_all(paid.iter().map(|session| self.close(*session)));
            if in_use.own.is_empty() && paid.len() == in_use.served.len() {
                // At once behind the ends of the sessions, so that others hardly come between with new ones.
                let (closed, changed) = tokio::join!(closes, self.wallet.change_key());
                match changed {
                    Err(WalletError::Ledger(LedgerError::Rejected(Reject::QUOTA_KEY_IN_USE))) => {}
                    changed => return changed,
                }
                closed.into_iter().collect::<Result<(), _>>()?;
            } else {
                closes.await.into_iter().collect::<Result<(), _>>()?;
                let height = self.ledger.height();
                let open = in_use.own.iter().filter(|own| own.deadline_height > height);
                for session in open {
                    self.close(session.id).await?;
                }
            }
            waiting(&in_use);
            sleep(LOOK_INTERVAL).await;
        }
    }

    /// Whether a session with this member's list owes nothing, neither settled nor answered and on its way.
    async fn is_paid(&self, session: &Session) -> Result<bool, WalletError> {
        if session.owed_requests > 0 || self.log.book().holds_any(session.id) {
            return Ok(false);
        }
        let uncollected = self.store.uncollected(session.id).await;
        let uncollected =
            uncollected.map_err(|error| LedgerError::Unavailable(error.to_string()))?;
        Ok(uncollected.is_empty())
    }

    async fn close(&self, session: SessionId) -> Result<(), WalletError> {
        match self.ledger.submit(Action::CloseSession { session }).await {
            // What is refused is closed already, or over, or owes something that is collected first.
            Ok(_) | Err(LedgerError::Rejected(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
