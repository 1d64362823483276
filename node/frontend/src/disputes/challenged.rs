//! Which entries of this member's lists are disputed, so that one that comes off says why.
//!
//! An owner learns the entry from the challenger's package, as soon as the dispute is opened. An entry that
//! leaves a list while it is disputed, or after the dispute went against the owner, is marked as corrected in the
//! version's delta; one whose dispute was dismissed is an entry like all others.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use tacit_circuits::oprf::ENTRY_BYTES;
use tacit_circuits::scope::ListId;
use tacit_ledger::network::{Dispute, DisputeId, DisputeStatus, Event, read as state};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, timeout, timeout_at};

use super::package::Challenge;
use super::{DisputeError, fetch_package};
use crate::ports::{Ledger, LedgerError, Peers, read};
use crate::store::{Store, StoreError};

/// How often challengers are asked for what they have not shown yet.
const LOOK_INTERVAL: Duration = Duration::from_secs(30);

/// Challengers that are asked at a time.
const AT_A_TIME: usize = 16;

/// How long a publication waits for challengers that have not shown what they dispute.
const LEARN_TIME: Duration = Duration::from_secs(30);

/// Why it is not known which entries are disputed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChallengesError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// The disputed entries of this member's lists. Clones share them.
#[derive(Clone)]
pub(crate) struct Challenges {
    ledger: Arc<dyn Ledger>,
    peers: Arc<dyn Peers>,
    store: Store,
    /// Disputes of which it was said that the challenger does not show its package.
    said: Arc<Mutex<HashSet<DisputeId>>>,
}

impl Challenges {
    pub(crate) fn new(ledger: Arc<dyn Ledger>, peers: Arc<dyn Peers>, store: Store) -> Self {
        Self {
            ledger,
            peers,
            store,
            said: Arc::default(),
        }
    }

    /// Learns what is disputed as disputes are opened: later a challenger may not be there.
    pub(crate) async fn run(self) {
        let me = self.ledger.member_id();
        let mut blocks = self.ledger.finalized();
        loop {
            if let Err(error) = self.learn_all().await {
                tracing::warn!(%error, "disputes.challenged: trying again");
            }
            let again = Instant::now() + LOOK_INTERVAL;
            let opened =
                |event: &Event| matches!(event, Event::DisputeOpened { owner, .. } if *owner == me);
            loop {
                match timeout_at(again, blocks.recv()).await {
                    Ok(Ok(block)) if block.events.iter().any(|e| opened(&e.event)) => break,
                    Ok(Ok(_)) => {}
                    Ok(Err(RecvError::Lagged(_))) | Err(_) => break,
                    Ok(Err(RecvError::Closed)) => return,
                }
            }
        }
    }

    async fn learn_all(&self) -> Result<(), ChallengesError> {
        let me = self.ledger.member_id();
        for list in read(&*self.ledger, |view| state::lists_of(view, me)).await? {
            self.learn(list.id).await?;
        }
        Ok(())
    }

    /// Asks for the packages of a list's open disputes that are not known yet.
    async fn learn(&self, list: ListId) -> Result<(), ChallengesError> {
        let open = read(&*self.ledger, |view| state::disputes_about(view, list)).await?;
        if open.is_empty() {
            return Ok(());
        }
        let known: HashSet<DisputeId> = self
            .store
            .challenges(list)
            .await?
            .into_iter()
            .map(|(dispute, _)| dispute)
            .collect();
        let unknown: Vec<&Dispute> = open
            .iter()
            .filter(|dispute| !known.contains(&dispute.id))
            .collect();
        for some in unknown.chunks(AT_A_TIME) {
            let asked: Vec<_> = some.iter().map(|dispute| self.entry_of(dispute)).collect();
            let entries = join_all(asked).await;
            for (dispute, entry) in some.iter().zip(entries) {
                match entry {
                    Ok(entry) => self.store.keep_challenge(dispute.id, list, &entry).await?,
                    Err(error) => self.say(dispute.id, &error),
                }
            }
        }
        Ok(())
    }

    /// The entry that a dispute is about. It opens the commitment: that is all that has to be known of it here.
    async fn entry_of(&self, dispute: &Dispute) -> Result<[u8; ENTRY_BYTES], DisputeError> {
        let bytes = fetch_package(&*self.peers, dispute.id, dispute.challenger, false).await?;
        let challenge = Challenge::opened(dispute.package, &bytes)?;
        Ok(challenge.subject(dispute)?.to_secret_bytes())
    }

    fn say(&self, dispute: DisputeId, error: &DisputeError) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.insert(dispute) {
            tracing::warn!(%dispute, %error, "disputes.challenged: its entry is not known here; trying again");
        }
    }

    /// Entries of a list that are disputed or were found wrong, among those that are on it now.
    pub(crate) async fn of(
        &self,
        list: ListId,
        listed: &HashSet<[u8; ENTRY_BYTES]>,
    ) -> Result<HashSet<[u8; ENTRY_BYTES]>, ChallengesError> {
        match timeout(LEARN_TIME, self.learn(list)).await {
            Ok(learnt) => learnt?,
            // Nobody keeps an owner from publishing by not showing a package.
            Err(_) => tracing::warn!(%list, "disputes.challenged: not all challengers answer"),
        }
        let known = self.store.challenges(list).await?;
        let disputes = read(&*self.ledger, |view| {
            state::disputes_numbered(view, known.iter().map(|(id, _)| *id))
        })
        .await?;
        let (mut entries, mut over) = (HashSet::new(), Vec::new());
        for ((id, entry), dispute) in known.into_iter().zip(disputes) {
            let counts = dispute.as_ref().is_some_and(counts_against);
            let closed = dispute
                .as_ref()
                .is_none_or(|dispute| matches!(dispute.status, DisputeStatus::Closed { .. }));
            if counts && listed.contains(&entry) {
                entries.insert(entry);
            } else if closed {
                over.push(id);
            }
        }
        self.store.drop_challenges(&over).await?;
        Ok(entries)
    }
}

/// Whether an entry that leaves now leaves because of the dispute.
fn counts_against(dispute: &Dispute) -> bool {
    match dispute.status {
        DisputeStatus::Drawing
        | DisputeStatus::Answering { .. }
        | DisputeStatus::Ruling { .. }
        | DisputeStatus::Correcting { .. } => true,
        DisputeStatus::Closed { outcome, .. } => outcome.wants_correction(),
    }
}
