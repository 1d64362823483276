//! Disputes: what the parties show each other, and to the panel.
//!
//! The ledger holds digests, deadlines and votes; what was listed about whom travels between the members
//! whom it concerns, over mutual TLS, and is proven to be what the digest stands for (`package`). A hit's
//! receipt goes here and nowhere else.

mod challenged;
mod package;
mod serve;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rand_core::{OsRng, RngCore};
use tacit_circuits::curve::encode_field;
use tacit_circuits::receipt::{CommitmentSecret, KeyId};
use tacit_circuits::scope::MemberId;
use tacit_ledger::kernel::Digest;
use tacit_ledger::network::{
    Action, Dispute, DisputeAnswer, DisputeId, DisputeReason, Event, Ruling, read as state,
};
use tacit_proto::peer as wire;
use tacit_proto::peer::peer_client::PeerClient;
use tokio::time::timeout;

use crate::peer::PeerError;
use crate::ports::{Applied, Ledger, LedgerError, Peers, read};
use crate::receipts::{CreateError, LoggedCall, Receipts};
use crate::retention::Retention;
use crate::store::{Store, StoreError};
use crate::wallet::{Wallet, WalletError};

pub(crate) use challenged::{Challenges, ChallengesError};
pub use package::{Challenge, Evidence, MAX_EVIDENCE_BYTES, NotThePackage};
pub(crate) use serve::PackageServer;

/// How long a party may take to hand out a package.
const FETCH_TIMEOUT: Duration = Duration::from_secs(20);

/// Why a step of a dispute was not taken.
#[derive(Debug, thiserror::Error)]
pub enum DisputeError {
    /// There is no such dispute.
    #[error("the ledger has no dispute {0}")]
    Unknown(DisputeId),
    /// This member has no part in it.
    #[error("only the challenger, the list's owner and the panel of dispute {0} are shown this")]
    NotForThisMember(DisputeId),
    /// The owner has given no evidence.
    #[error("the owner has given no evidence in dispute {0}")]
    NoEvidence(DisputeId),
    /// Its retention period is over.
    #[error("this member keeps its package of dispute {0} no more: its retention period is over")]
    NotKept(DisputeId),
    /// More than evidence may have.
    #[error("evidence has at most {MAX_EVIDENCE_BYTES} bytes")]
    TooLarge,
    /// What a party hands out is not what it said.
    #[error(transparent)]
    NotThePackage(#[from] NotThePackage),
    /// The receipt of the hit.
    #[error(transparent)]
    Receipt(#[from] CreateError),
    /// The party that has the package.
    #[error("the party that has it: {0}")]
    Peer(#[from] PeerError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The stake.
    #[error("the stake: {0}")]
    Stake(#[from] WalletError),
}

/// What a party shows.
pub enum Shown {
    /// Whom the dispute is about, and that the list names it.
    Challenge(Box<Challenge>),
    /// What the owner has to show for the entry.
    Evidence(Evidence),
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Challenge(_) => "Challenge(<redacted>)",
            Self::Evidence(_) => "Evidence(<redacted>)",
        })
    }
}

/// Takes part in disputes for this member.
pub struct Disputes {
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) wallet: Wallet,
    pub(crate) peers: Arc<dyn Peers>,
    pub(crate) store: Store,
    pub(crate) receipts: Arc<Receipts>,
    pub(crate) retention: Arc<Retention>,
}

impl Disputes {
    /// Disputes the entry behind a call whose answer was a hit: proves the hit, keeps the package and opens
    /// the dispute.
    ///
    /// # Errors
    /// [`DisputeError`].
    pub async fn open(
        &self,
        call: LoggedCall,
        reason: DisputeReason,
    ) -> Result<(DisputeId, Applied), DisputeError> {
        let secret = CommitmentSecret::random(&mut OsRng);
        let hit = self.receipts.hit(call, &secret).await?;
        let (publication, kind, commitment) = (hit.publication, hit.kind, hit.commitment);
        let challenge = Challenge {
            nonce: fresh_nonce(),
            kind,
            x: encode_field(&hit.x),
            secret: *secret.to_secret_bytes(),
            publication,
            key: hit.key,
            log_root: hit.log_root,
            proof: hit.proof,
        };
        let (digest, bytes) = challenge.sealed();
        let governed = read(&*self.ledger, state::parameters).await?;
        self.wallet
            .ensure_deposit(governed.dispute_stake_minor)
            .await?;
        // Kept before it is said: a digest without its package loses the dispute.
        // It is about whom the call was about, and is kept as long as if that had been asked today.
        let (period, keep_months) = self.retention.period_in(&hit.class);
        self.store
            .keep_package((&period, keep_months), digest, &bytes)
            .await?;
        let action = Action::OpenDispute {
            publication,
            commitment,
            kind,
            package: digest,
            reason,
        };
        let applied = self.ledger.submit(action).await?;
        let opened = applied.events.iter().find_map(|event| match event {
            Event::DisputeOpened { dispute, .. } => Some(*dispute),
            _ => None,
        });
        Ok((opened.unwrap_or(DisputeId(0)), applied))
    }

    /// Answers a dispute about a list of this member's with what shows that the entry is right.
    ///
    /// # Errors
    /// [`DisputeError`].
    pub async fn give_evidence(
        &self,
        dispute: DisputeId,
        content: Vec<u8>,
    ) -> Result<Applied, DisputeError> {
        if content.len() > MAX_EVIDENCE_BYTES {
            return Err(DisputeError::TooLarge);
        }
        let evidence = Evidence {
            nonce: fresh_nonce(),
            content,
        };
        let (package, bytes) = evidence.sealed();
        let (period, keep_months) = self.retention.period_of(None);
        self.store
            .keep_package((&period, keep_months), package, &bytes)
            .await?;
        let answer = DisputeAnswer::Evidence { package };
        let action = Action::AnswerDispute { dispute, answer };
        Ok(self.ledger.submit(action).await?)
    }

    /// Takes the entry off: a version without it has to follow.
    ///
    /// # Errors
    /// [`DisputeError`].
    pub async fn withdraw(&self, dispute: DisputeId) -> Result<Applied, DisputeError> {
        let answer = DisputeAnswer::Withdrawal;
        let action = Action::AnswerDispute { dispute, answer };
        Ok(self.ledger.submit(action).await?)
    }

    /// Rules as a member of the panel.
    ///
    /// # Errors
    /// [`DisputeError`].
    pub async fn rule(&self, dispute: DisputeId, ruling: Ruling) -> Result<Applied, DisputeError> {
        let action = Action::RuleDispute { dispute, ruling };
        Ok(self.ledger.submit(action).await?)
    }

    /// What a party has to show: this member's own, or fetched from it and compared with the ledger.
    ///
    /// # Errors
    /// [`DisputeError`].
    pub async fn show(&self, id: DisputeId, evidence: bool) -> Result<Shown, DisputeError> {
        let dispute = read(&*self.ledger, |view| state::dispute(view, id)).await?;
        let dispute = dispute.ok_or(DisputeError::Unknown(id))?;
        let (holder, digest) = if evidence {
            let digest = dispute.evidence.ok_or(DisputeError::NoEvidence(id))?;
            (dispute.owner, digest)
        } else {
            (dispute.challenger, dispute.package)
        };
        let me = self.ledger.member_id();
        if me != holder && !serve::is_for(&dispute, me, evidence) {
            return Err(DisputeError::NotForThisMember(id));
        }
        let bytes = match self.store.package(digest).await? {
            Some(bytes) => bytes.to_vec(),
            None if me == holder => return Err(DisputeError::NotKept(id)),
            None => fetch_package(&*self.peers, id, holder, evidence).await?,
        };
        if evidence {
            return Ok(Shown::Evidence(Evidence::opened(digest, &bytes)?));
        }
        let challenge = Challenge::opened(digest, &bytes)?;
        self.check(&dispute, &challenge).await?;
        Ok(Shown::Challenge(Box::new(challenge)))
    }

    /// Whether a challenge shows what the dispute says.
    async fn check(&self, dispute: &Dispute, challenge: &Challenge) -> Result<(), DisputeError> {
        let (root, key, log_root) = read(&*self.ledger, |view| {
            let publication = state::publication(view, dispute.publication)?;
            let key = state::receipt_key(view)?;
            let recorded = state::log_root(view, &challenge.log_root)?;
            Ok((publication.map(|found| found.root), key, recorded))
        })
        .await?;
        let (Some(root), Some(key), Some(_)) = (root, key, log_root) else {
            return Err(NotThePackage::Unproven.into());
        };
        let chain_id = self.ledger.chain_id();
        Ok(challenge.check(chain_id, dispute, root, &key)?)
    }
}

/// Fetches what a party has to show. What it is remains to be seen.
async fn fetch_package(
    peers: &dyn Peers,
    dispute: DisputeId,
    holder: MemberId,
    evidence: bool,
) -> Result<Vec<u8>, DisputeError> {
    let channel = peers.channel(holder).await.map_err(PeerError::from)?;
    let most = MAX_EVIDENCE_BYTES + 1_024;
    let mut client = PeerClient::new(channel).max_decoding_message_size(most);
    let request = wire::FetchDisputePackageRequest {
        dispute: dispute.0,
        evidence,
    };
    let timeout_ms = FETCH_TIMEOUT.as_millis() as u64;
    let answer = timeout(FETCH_TIMEOUT, client.fetch_dispute_package(request)).await;
    let answer = answer.map_err(|_| PeerError::TimedOut { timeout_ms })?;
    Ok(answer.map_err(PeerError::from)?.into_inner().package)
}

/// What the receipt of a hit is made for: this challenger's dispute of this version, about this commitment.
pub(crate) fn hit_context(
    chain_id: tacit_ledger::kernel::ChainId,
    challenger: MemberId,
    publication: tacit_ledger::network::PublicationId,
    commitment: tacit_circuits::receipt::SubjectCommitment,
    key: KeyId,
) -> tacit_circuits::receipt::ContextHash {
    let fields = (chain_id, challenger, publication, commitment, key);
    let digest = tacit_ledger::kernel::hash::hash_encoded(&package::CONTEXT_LABEL, &fields);
    tacit_circuits::receipt::ContextHash(digest.0)
}

fn fresh_nonce() -> [u8; 32] {
    let mut nonce = [0; 32];
    OsRng.fill_bytes(&mut nonce);
    nonce
}

/// A package's digest, over its label and its bytes; the nonce in it hides the rest.
fn digest_of(label: &tacit_ledger::kernel::hash::Label, bytes: &[u8]) -> Digest {
    tacit_ledger::kernel::hash::hash(label, bytes)
}
