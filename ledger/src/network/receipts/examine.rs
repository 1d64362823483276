//! Whether a set of receipts holds by a state.
//!
//! Execution asks in two steps, with its own checks between them, and verifies at last; whoever relies
//! on a set outside the ledger calls [`examine`] over records that it trusts. Cheap checks come first
//! and proofs last.

use std::collections::BTreeSet;
use std::sync::Arc;

use tacit_circuits::receipt::{Proof, Statement, Verifier};

use crate::kernel::context::require;
use crate::kernel::party::{Party, Role, party};
use crate::kernel::state::{self, StateView};
use crate::kernel::{ChainId, Checked, MemberId, Reject, Stop, keys as kernel_keys};
use crate::network::parameters::Category;
use crate::network::receipts::{Answer, Receipt, ReceiptSet, verifier};
use crate::network::record::{
    EpochRecord, EpochStatus, List, Policy, Publication, PublicationStatus, ReceiptKey,
};
use crate::network::{keys, read};

/// What a set says, with the key under which it says it: all but the proofs was found to hold.
pub struct Examined {
    claims: Vec<(Statement, Proof)>,
    verifier: Arc<Verifier>,
}

impl Examined {
    /// Whether all proofs hold. `seed` enters the weights of the batch, beside all that is verified.
    pub fn holds(&self, seed: &[u8; 32]) -> bool {
        self.verifier.holds(&self.claims, seed)
    }

    /// Which receipts, by their places in the set, do not hold.
    pub fn culprits(&self, seed: &[u8; 32]) -> Vec<usize> {
        match self.verifier.verify_batch(&self.claims, seed) {
            Ok(()) => Vec::new(),
            Err(error) => error.culprits,
        }
    }
}

/// Everything about a set of `submitter` at `height` but its proofs, which
/// [`Examined::holds`] decides.
///
/// Whether the ledger would take the set also depends on the [`ReceiptSet::check`] of its form, and on
/// what it has taken before.
///
/// # Errors
/// The first that applies of [`Reject::SENDER_UNKNOWN`], [`Reject::NOT_A_MEMBER`],
/// [`Reject::MEMBER_UNKNOWN`], [`Reject::MEMBER_LEFT`], [`Reject::RECEIPT_KEY_UNSET`],
/// [`Reject::RECEIPT_KEY_MISMATCH`], [`Reject::POLICY_UNKNOWN`], [`Reject::POLICY_VERSION_UNKNOWN`],
/// [`Reject::TYPE_NOT_IN_POLICY`], [`Reject::RECEIPTS_EXPIRED`]; then for each receipt
/// [`Reject::LIST_UNKNOWN`], [`Reject::LIST_PAUSED`], [`Reject::EPOCH_UNKNOWN`], [`Reject::EPOCH_REVOKED`],
/// [`Reject::PUBLICATION_UNKNOWN`], [`Reject::PUBLICATION_FRAUDULENT`], [`Reject::OWN_GROUP`],
/// [`Reject::PUBLICATION_UNPROVEN`], [`Reject::CATEGORY_NOT_IN_POLICY`], [`Reject::TYPE_NOT_ON_LIST`], [`Reject::PUBLICATION_NOT_ACTIVE`],
/// [`Reject::PUBLICATION_TOO_OLD`], [`Reject::LOG_ROOT_UNKNOWN`], [`Reject::PUBLICATION_SUSPENDED`]; then [`Reject::TOO_FEW_MEMBERS`].
pub fn examine(
    view: &dyn StateView,
    chain_id: ChainId,
    height: u64,
    submitter: MemberId,
    set: &ReceiptSet,
) -> Checked<Examined> {
    let examined = || {
        let submitter = party(view, submitter)?.ok_or(Reject::SENDER_UNKNOWN)?;
        parties(view, &submitter, set)?;
        let terms = terms(view, height, set)?;
        claims(view, chain_id, height, &submitter, set, &terms)
    };
    Stop::checked(examined())
}

/// What a set as a whole appeals to.
pub(crate) struct Terms {
    key: ReceiptKey,
    policy: Policy,
}

/// Refuses a set for who submits it and who is to rely on it.
pub(crate) fn parties(
    view: &dyn StateView,
    submitter: &Party,
    set: &ReceiptSet,
) -> Result<(), Stop> {
    require(submitter.role == Role::Member, Reject::NOT_A_MEMBER)?;
    let relies = party(view, set.context.verifier)?.ok_or(Reject::MEMBER_UNKNOWN)?;
    Ok(require(relies.is_active(), Reject::MEMBER_LEFT)?)
}

/// Refuses a set for what it says as a whole.
pub(crate) fn terms(view: &dyn StateView, height: u64, set: &ReceiptSet) -> Result<Terms, Stop> {
    let context = &set.context;
    let key = read::receipt_key(view)?.ok_or(Reject::RECEIPT_KEY_UNSET)?;
    require(key.id == context.key, Reject::RECEIPT_KEY_MISMATCH)?;
    let latest = read::latest_policy_version(view, context.policy)?;
    require(latest.is_some(), Reject::POLICY_UNKNOWN)?;
    let policy = read::policy(view, context.policy, context.policy_version)?
        .ok_or(Reject::POLICY_VERSION_UNKNOWN)?;
    let accepted = policy.terms.kinds.contains(&set.kind);
    require(accepted, Reject::TYPE_NOT_IN_POLICY)?;
    require(height < context.expiry_height, Reject::RECEIPTS_EXPIRED)?;
    Ok(Terms { key, policy })
}

/// The statements of a set, each of which its list, its version and the log allow, from enough members.
pub(crate) fn claims(
    view: &dyn StateView,
    chain_id: ChainId,
    height: u64,
    submitter: &Party,
    set: &ReceiptSet,
    terms: &Terms,
) -> Result<Examined, Stop> {
    let records = Records::read(view, set)?;
    let context = set.context.hash(chain_id, submitter.id);
    let mut owners = BTreeSet::new();
    let mut claims = Vec::with_capacity(set.receipts.len());
    for (receipt, found) in set.receipts.iter().zip(records.0) {
        let (list, publication) = found.usable(height, submitter, set, &terms.policy)?;
        owners.insert(list.owner);
        let answer = Answer {
            commitment: set.commitment,
            kind: set.kind,
            context,
            querier: submitter.id,
            publication: receipt.publication,
            list_root: publication.root,
            log_root: receipt.log_root,
        };
        // Recorded roots are canonical.
        let statement = answer.statement().map_err(|_| Reject::LOG_ROOT_UNKNOWN)?;
        claims.push((statement, receipt.proof));
    }
    let enough = owners.len() >= terms.policy.terms.min_members as usize;
    require(enough, Reject::TOO_FEW_MEMBERS)?;
    let verifier = verifier::of(&terms.key);
    Ok(Examined { claims, verifier })
}

/// What the state holds about each receipt of a set, read in two rounds however many there are.
struct Records(Vec<Found>);

struct Found {
    list: Option<(List, Party, Category)>,
    epoch: Option<EpochRecord>,
    publication: Option<Publication>,
    log_root_height: Option<u64>,
}

impl Records {
    fn read(view: &dyn StateView, set: &ReceiptSet) -> Result<Self, Stop> {
        let keys_of = |key: fn(&Receipt) -> state::StateKey| -> Vec<_> {
            set.receipts.iter().map(key).collect()
        };
        let lists = state::read_all::<List>(
            view,
            &keys_of(|receipt| keys::list(receipt.publication.list)),
        );
        let epochs = state::read_all::<EpochRecord>(
            view,
            &keys_of(|receipt| {
                keys::epoch(receipt.publication.list, receipt.publication.tag_epoch)
            }),
        );
        let publications = state::read_all::<Publication>(
            view,
            &keys_of(|receipt| keys::publication(receipt.publication)),
        );
        let roots =
            state::read_all::<u64>(view, &keys_of(|receipt| keys::log_root(&receipt.log_root)));
        let ((lists, epochs), (publications, roots)) =
            read::both(read::both(lists, epochs), read::both(publications, roots))?;
        let categories = read::categories(view)?;
        let owners: Vec<_> = lists
            .iter()
            .flatten()
            .map(|list| kernel_keys::party(list.owner))
            .collect();
        state::read_all::<Party>(view, &owners)?;

        let others = epochs.into_iter().zip(publications).zip(roots);
        lists
            .into_iter()
            .zip(others)
            .map(|(list, ((epoch, publication), log_root_height))| {
                let list = match list {
                    Some(list) => {
                        let owner = party(view, list.owner)?.ok_or(Reject::MEMBER_UNKNOWN)?;
                        let category = categories
                            .iter()
                            .find(|category| category.id == list.category)
                            .ok_or(Reject::CATEGORY_UNKNOWN)?;
                        Some((list, owner, category.clone()))
                    }
                    None => None,
                };
                Ok(Found {
                    list,
                    epoch,
                    publication,
                    log_root_height,
                })
            })
            .collect::<Result<_, Stop>>()
            .map(Self)
    }
}

impl Found {
    /// The list and publication of a receipt, if it may be used for this policy now.
    fn usable(
        self,
        height: u64,
        submitter: &Party,
        set: &ReceiptSet,
        policy: &Policy,
    ) -> Result<(List, Publication), Reject> {
        let (list, owner, category) = self.list.ok_or(Reject::LIST_UNKNOWN)?;
        require(!list.is_paused(), Reject::LIST_PAUSED)?;
        let epoch = self.epoch.ok_or(Reject::EPOCH_UNKNOWN)?;
        let revoked = matches!(epoch.status, EpochStatus::Revoked { .. });
        require(!revoked, Reject::EPOCH_REVOKED)?;
        let publication = self.publication.ok_or(Reject::PUBLICATION_UNKNOWN)?;
        let fraudulent = matches!(publication.status, PublicationStatus::Fraudulent { .. });
        require(!fraudulent, Reject::PUBLICATION_FRAUDULENT)?;
        // What a group says of itself is no second opinion.
        require(owner.group != submitter.group, Reject::OWN_GROUP)?;
        let unproven = matches!(publication.status, PublicationStatus::Unproven { .. });
        require(!unproven, Reject::PUBLICATION_UNPROVEN)?;
        let counts = policy.terms.categories.contains(&list.category);
        require(counts, Reject::CATEGORY_NOT_IN_POLICY)?;
        let holds = list.accepts.contains(&set.kind);
        require(holds, Reject::TYPE_NOT_ON_LIST)?;
        require_recent(height, &publication, &category, policy)?;
        require(self.log_root_height.is_some(), Reject::LOG_ROOT_UNKNOWN)?;
        let suspended = matches!(publication.status, PublicationStatus::Suspended { .. });
        require(!suspended, Reject::PUBLICATION_SUSPENDED)?;
        Ok((list, publication))
    }
}

/// Refuses a version that is neither active nor was until recently, by the stricter one of what the
/// members govern for the category and what the policy asks.
fn require_recent(
    height: u64,
    publication: &Publication,
    category: &Category,
    policy: &Policy,
) -> Result<(), Reject> {
    match publication.status {
        PublicationStatus::Active { .. } => Ok(()),
        PublicationStatus::Superseded { height: since } => {
            let most = category.grace_blocks.min(policy.terms.max_age_blocks);
            let age = height.saturating_sub(since);
            require(age <= most.into(), Reject::PUBLICATION_TOO_OLD)
        }
        PublicationStatus::Pending => Err(Reject::PUBLICATION_NOT_ACTIVE),
        PublicationStatus::Fraudulent { .. } => Err(Reject::PUBLICATION_FRAUDULENT),
        PublicationStatus::Unproven { .. } => Err(Reject::PUBLICATION_UNPROVEN),
        // Refused later, in the order of the numbers.
        PublicationStatus::Suspended { .. } => Ok(()),
    }
}
