//! Disclosures: calls that this member opens to supervisors.
//!
//! The ledger holds who has to open what until when, and the digest of what was sent. The bundle itself goes
//! from the member's node to the supervisor's, over mutual TLS.

mod package;
mod serve;

use std::sync::Arc;
use std::time::Duration;

use tacit_circuits::scope::MemberId;
use tacit_ledger::kernel::Digest;
use tacit_ledger::network::{
    Action, Disclosure, DisclosureId, DisclosureStatus, SessionId, read as state,
};
use tacit_proto::peer as wire;
use tacit_proto::peer::peer_client::PeerClient;
use tokio::time::timeout;

use crate::peer::PeerError;
use crate::ports::{Applied, Ledger, LedgerError, Peers, read};
use crate::retention::{Period, Retention};
use crate::store::{Store, StoreError};

pub use package::{BundlePart, MAX_PACKAGES};
pub(crate) use serve::DisclosureServer;

/// Largest answer, all its bundles together: some dozens of opened calls, each with its whole transaction of a
/// thousand calls.
pub const MAX_BUNDLE_BYTES: usize = 32 << 20;

/// How long a member may take to hand a bundle out.
const FETCH_TIMEOUT: Duration = Duration::from_secs(60);

/// What stands beside the bundles in a message: the manifest, and a nonce and lengths for each package.
pub(crate) const FRAMING_BYTES: usize = 1_024 + 96 * MAX_PACKAGES;

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

/// What can be shown of an answer.
pub struct Disclosed {
    /// Whose calls they are.
    pub member: MemberId,
    /// Bundles of opened calls, those whose retention period is not over.
    pub bundles: Vec<Vec<u8>>,
    /// How many others there were.
    pub erased: u32,
}

impl std::fmt::Debug for Disclosed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Disclosed")
            .field("member", &self.member)
            .field("erased", &self.erased)
            .finish_non_exhaustive()
    }
}

impl Disclosed {
    /// Opens what a member hands out for an answer with this digest.
    fn opened(
        member: MemberId,
        digest: Digest,
        answer: &wire::Disclosure,
    ) -> Result<Self, DisclosureError> {
        let named = package::packages_of(digest, &answer.manifest)?;
        if named.len() != answer.packages.len() {
            return Err(DisclosureError::NotTheBundle);
        }
        let mut bundles = Vec::with_capacity(named.len());
        for (digest, package) in named.into_iter().zip(&answer.packages) {
            if !package.is_empty() {
                bundles.push(package::opened(digest, package)?);
            }
        }
        let erased = answer.packages.len() - bundles.len();
        Ok(Self {
            member,
            bundles,
            erased: u32::try_from(erased).unwrap_or(u32::MAX),
        })
    }
}

/// Discloses for this member.
pub struct Disclosures {
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) retention: Arc<Retention>,
    pub(crate) store: Store,
}

impl Disclosures {
    /// The retention period of the calls of one of this member's requests; `None` where nothing is kept of them.
    ///
    /// # Errors
    /// [`DisclosureError::Store`].
    pub async fn period_of(
        &self,
        session: SessionId,
        sequence: u64,
    ) -> Result<Option<Period>, DisclosureError> {
        Ok(self.store.period_of_request(session, sequence).await?)
    }

    /// Keeps bundles for the supervisors, each for as long as the calls in it, and says on the ledger that they are
    /// there.
    ///
    /// # Errors
    /// [`DisclosureError`].
    pub async fn answer(
        &self,
        disclosure: DisclosureId,
        parts: Vec<BundlePart>,
    ) -> Result<Applied, DisclosureError> {
        let bytes: usize = parts.iter().map(|part| part.bundle.len()).sum();
        if bytes > MAX_BUNDLE_BYTES || parts.len() > MAX_PACKAGES {
            return Err(DisclosureError::TooLarge);
        }
        // Kept before it is said: a digest without its bundle discloses nothing.
        let mut packages = Vec::with_capacity(parts.len());
        for BundlePart { period, bundle } in parts {
            let (digest, package) = package::packed(bundle);
            let (period, keep_months) = match period {
                Some(period) => {
                    let months = self.retention.months_of(&period);
                    (period, months)
                }
                // No call is opened in it.
                None => self.retention.period_of(None),
            };
            self.store
                .keep_package((&period, keep_months), digest, &package)
                .await?;
            packages.push(digest);
        }
        let (bundle, manifest) = package::named(packages)?;
        self.store.keep_manifest(bundle, &manifest).await?;
        let action = Action::AnswerDisclosure { disclosure, bundle };
        Ok(self.ledger.submit(action).await?)
    }

    /// What this member disclosed, as far as it is kept.
    ///
    /// # Errors
    /// [`DisclosureError`].
    pub async fn show(&self, id: DisclosureId) -> Result<Disclosed, DisclosureError> {
        let (disclosure, digest) = answered(&*self.ledger, id).await?;
        if disclosure.member != self.ledger.member_id() {
            return Err(DisclosureError::NotForThisParty(id));
        }
        let answer = serve::kept(&self.store, digest).await?;
        let answer = answer.ok_or(StoreError::Damaged("bundle of a disclosure"))?;
        Disclosed::opened(disclosure.member, digest, &answer)
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
) -> Result<Disclosed, DisclosureError> {
    let (disclosure, digest) = answered(ledger, id).await?;
    if !is_for(&disclosure, ledger.member_id()) {
        return Err(DisclosureError::NotForThisParty(id));
    }
    let channel = peers.channel(disclosure.member).await;
    let channel = channel.map_err(PeerError::from)?;
    let most = MAX_BUNDLE_BYTES + FRAMING_BYTES;
    let mut client = PeerClient::new(channel).max_decoding_message_size(most);
    let request = wire::FetchDisclosureRequest { disclosure: id.0 };
    let timeout_ms = FETCH_TIMEOUT.as_millis() as u64;
    let answer = timeout(FETCH_TIMEOUT, client.fetch_disclosure(request)).await;
    let answer = answer.map_err(|_| PeerError::TimedOut { timeout_ms })?;
    let answer = answer.map_err(PeerError::from)?.into_inner();
    Disclosed::opened(disclosure.member, digest, &answer)
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
    fn what_is_handed_out_is_what_the_manifest_names_or_left_out() {
        let (first, package) = package::packed(b"first".to_vec());
        let (second, other) = package::packed(b"second".to_vec());
        let (digest, manifest) = package::named(vec![first, second]).expect("it fits");
        let opened = |packages: [&[u8]; 2]| {
            let answer = wire::Disclosure {
                manifest: manifest.clone(),
                packages: packages.map(<[u8]>::to_vec).to_vec(),
            };
            Disclosed::opened(MemberId(2), digest, &answer)
        };
        let whole = opened([&package, &other]).expect("both");
        assert_eq!((whole.bundles.len(), whole.erased), (2, 0));
        let rest = opened([&[], &other]).expect("the rest");
        assert_eq!((rest.bundles, rest.erased), (vec![b"second".to_vec()], 1));
        assert!(opened([&other, &package]).is_err(), "exchanged");
        let answer = wire::Disclosure {
            manifest,
            packages: vec![package],
        };
        assert!(Disclosed::opened(MemberId(2), digest, &answer).is_err());
    }
}
