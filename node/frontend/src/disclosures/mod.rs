//! Disclosures: calls that this member opens to supervisors.
//!
//! The ledger holds who has to open what until when, and the digest of what was sent. The bundle itself goes
//! from the member's node to the supervisor's, over mutual TLS.

mod serve;

use std::sync::Arc;
use std::time::Duration;

use borsh::{BorshDeserialize, BorshSerialize};
use rand_core::{OsRng, RngCore};
use tacit_circuits::scope::MemberId;
use tacit_ledger::kernel::hash::{self, Label};
use tacit_ledger::kernel::{Digest, codec};
use tacit_ledger::network::{Action, Disclosure, DisclosureId, DisclosureStatus, read as state};
use tacit_proto::peer as wire;
use tacit_proto::peer::peer_client::PeerClient;
use tokio::time::timeout;

use crate::peer::PeerError;
use crate::ports::{Applied, Ledger, LedgerError, Peers, read};
use crate::retention::Retention;
use crate::store::{Store, StoreError};

pub(crate) use serve::DisclosureServer;

/// Largest bundle: some dozens of opened calls, each with its whole transaction of a thousand calls.
pub const MAX_BUNDLE_BYTES: usize = 32 << 20;

/// How long a member may take to hand a bundle out.
const FETCH_TIMEOUT: Duration = Duration::from_secs(60);

static BUNDLE_LABEL: Label = Label::new("tacit v1 disclosure bundle");

/// Why nothing is disclosed.
#[derive(Debug, thiserror::Error)]
pub enum DisclosureError {
    /// There is no such demand.
    #[error("the ledger has no demand {0}")]
    Unknown(DisclosureId),
    /// It is not answered.
    #[error("demand {0} is not answered")]
    NotAnswered(DisclosureId),
    /// It is about another member, and for other supervisors.
    #[error("only the member and the supervisors of demand {0} are shown this")]
    NotForThisParty(DisclosureId),
    /// More than a bundle may have.
    #[error("a bundle has at most {MAX_BUNDLE_BYTES} bytes; open fewer calls")]
    TooLarge,
    /// What the member hands out is not what it said.
    #[error("what the member hands out is not what its digest on the ledger stands for")]
    NotTheBundle,
    /// The member that has it.
    #[error("the member that has it: {0}")]
    Peer(#[from] PeerError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// What travels. The nonce hides the rest under its digest.
#[derive(BorshSerialize, BorshDeserialize)]
struct Package {
    nonce: [u8; 32],
    bundle: Vec<u8>,
}

fn digest_of(package: &[u8]) -> Digest {
    hash::hash(&BUNDLE_LABEL, package)
}

fn opened(digest: Digest, package: &[u8]) -> Result<Vec<u8>, DisclosureError> {
    if digest_of(package) != digest {
        return Err(DisclosureError::NotTheBundle);
    }
    let package: Package = codec::decode(package).map_err(|_| DisclosureError::NotTheBundle)?;
    Ok(package.bundle)
}

/// Discloses for this member.
pub struct Disclosures {
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) retention: Arc<Retention>,
    pub(crate) store: Store,
}

impl Disclosures {
    /// Keeps a bundle for the supervisors, and says on the ledger that it is there.
    ///
    /// # Errors
    /// [`DisclosureError`].
    pub async fn answer(
        &self,
        disclosure: DisclosureId,
        bundle: Vec<u8>,
    ) -> Result<Applied, DisclosureError> {
        if bundle.len() > MAX_BUNDLE_BYTES {
            return Err(DisclosureError::TooLarge);
        }
        let mut nonce = [0; 32];
        OsRng.fill_bytes(&mut nonce);
        let package = codec::encode(&Package { nonce, bundle });
        let bundle = digest_of(&package);
        // Kept before it is said: a digest without its bundle discloses nothing.
        let (period, keep_months) = self.retention.period_of(None);
        self.store
            .keep_package((&period, keep_months), bundle, &package)
            .await?;
        let action = Action::AnswerDisclosure { disclosure, bundle };
        Ok(self.ledger.submit(action).await?)
    }

    /// What this member disclosed.
    ///
    /// # Errors
    /// [`DisclosureError`].
    pub async fn show(&self, id: DisclosureId) -> Result<Vec<u8>, DisclosureError> {
        let (disclosure, digest) = answered(&*self.ledger, id).await?;
        if disclosure.member != self.ledger.member_id() {
            return Err(DisclosureError::NotForThisParty(id));
        }
        let package = self.store.package(digest).await?;
        let package = package.ok_or(StoreError::Damaged("bundle of a disclosure"))?;
        opened(digest, &package)
    }
}

/// Fetches, for a supervisor, what a member disclosed, and compares it with the ledger.
///
/// # Errors
/// [`DisclosureError`].
pub async fn fetch(
    ledger: &dyn Ledger,
    peers: &dyn Peers,
    id: DisclosureId,
) -> Result<Vec<u8>, DisclosureError> {
    let (disclosure, digest) = answered(ledger, id).await?;
    if !is_for(&disclosure, ledger.member_id()) {
        return Err(DisclosureError::NotForThisParty(id));
    }
    let channel = peers.channel(disclosure.member).await;
    let channel = channel.map_err(PeerError::from)?;
    let most = MAX_BUNDLE_BYTES + 1_024;
    let mut client = PeerClient::new(channel).max_decoding_message_size(most);
    let request = wire::FetchDisclosureRequest { disclosure: id.0 };
    let timeout_ms = FETCH_TIMEOUT.as_millis() as u64;
    let answer = timeout(FETCH_TIMEOUT, client.fetch_disclosure(request)).await;
    let answer = answer.map_err(|_| PeerError::TimedOut { timeout_ms })?;
    let package = answer.map_err(PeerError::from)?.into_inner().package;
    opened(digest, &package)
}

/// Whether a supervisor is to see a bundle: the one that demanded it, and any where calls were drawn. That it
/// supervises is for the caller to know.
fn is_for(disclosure: &Disclosure, supervisor: MemberId) -> bool {
    let by = disclosure.cause.supervisor();
    by.is_none_or(|by| by == supervisor)
}

async fn answered(
    ledger: &dyn Ledger,
    id: DisclosureId,
) -> Result<(Disclosure, Digest), DisclosureError> {
    let found = read(ledger, |view| state::disclosure(view, id)).await?;
    let disclosure = found.ok_or(DisclosureError::Unknown(id))?;
    let DisclosureStatus::Answered { bundle, .. } = disclosure.status else {
        return Err(DisclosureError::NotAnswered(id));
    };
    Ok((disclosure, bundle))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tacit_ledger::kernel::BusinessDate;
    use tacit_ledger::network::{DisclosureCause, DisclosureReason, DisclosureScope};

    fn demand(cause: DisclosureCause) -> Disclosure {
        Disclosure {
            id: DisclosureId(1),
            member: MemberId(2),
            cause,
            opened_height: 3,
            until: BusinessDate(4),
            status: DisclosureStatus::Open,
        }
    }

    #[test]
    fn a_demand_is_answered_to_who_made_it_and_drawn_calls_to_all() {
        let date = BusinessDate(1);
        let demanded = demand(DisclosureCause::Demanded {
            by: MemberId(6),
            reason: DisclosureReason::Complaint,
            scope: DisclosureScope::Period {
                from: date,
                until: date,
            },
        });
        assert!(is_for(&demanded, MemberId(6)));
        assert!(!is_for(&demanded, MemberId(7)));
        let drawn = demand(DisclosureCause::Drawn {
            date,
            calls: Default::default(),
        });
        assert!(is_for(&drawn, MemberId(6)) && is_for(&drawn, MemberId(7)));
    }

    #[test]
    fn another_package_than_the_digest_stands_for_is_not_opened() {
        let package = codec::encode(&Package {
            nonce: [7; 32],
            bundle: b"calls".to_vec(),
        });
        let digest = digest_of(&package);
        assert_eq!(opened(digest, &package).expect("it is"), b"calls");
        for at in 0..package.len() {
            let mut other = package.clone();
            other[at] ^= 1;
            assert!(opened(digest, &other).is_err(), "byte {at}");
        }
        let cut = &package[..package.len() - 1];
        assert!(opened(digest_of(cut), cut).is_err());
    }
}
