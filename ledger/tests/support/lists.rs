//! Lists, keys, publications.

use std::sync::LazyLock;

use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::list::{ListFraud, MembershipPath, SizeClass};
use tacit_circuits::oprf::{KeyContext, KeyProof, ListKey};
use tacit_circuits::scope::{ListId, ListVersion, TagEpoch};
use tacit_ledger::kernel::{MemberId, Reject, codec};
use tacit_ledger::network::{Action, Event, PublicationId, Root};

use super::{CATEGORY, Chain, FOURTH, OWNER, QUERIER, THIRD, bounded, rng, text};

/// The first list of a chain.
pub(crate) const LIST: ListId = ListId(1);
pub(crate) const EPOCH: TagEpoch = TagEpoch(0);

/// The list key of an epoch in the tests.
pub(crate) fn list_key(list: ListId, tag_epoch: TagEpoch) -> ListKey {
    let seed = u64::from(list.0) << 32 | u64::from(tag_epoch.0);
    ListKey::generate(&mut rng(seed))
}

pub(crate) fn version(list: ListId, tag_epoch: TagEpoch, version: u32) -> PublicationId {
    PublicationId {
        list,
        tag_epoch,
        version: ListVersion(version),
    }
}

/// The first publication of the first list.
pub(crate) fn first() -> PublicationId {
    version(LIST, EPOCH, 0)
}

pub(crate) fn create_list() -> Action {
    Action::CreateList {
        category: CATEGORY,
        name: text("accounts"),
        accepts: bounded(vec![IdentifierType::Phone, IdentifierType::Iban]),
    }
}

pub(crate) fn publish(publication: PublicationId) -> Action {
    Action::Publish {
        publication,
        root: root(),
        size_class: SizeClass::new(0).expect("the smallest"),
        evidence_root: Root([0; 32]),
    }
}

pub(crate) fn attest(publication: PublicationId) -> Action {
    let digest = [1; 32];
    Action::Attest {
        publication,
        digest,
    }
}

/// A path whose leaf is `[low, next)` in `slot`, among empty siblings.
fn path(low: u128, next: u128, slot: u64) -> MembershipPath {
    let siblings = [0_u8; 14 * 3 * 32];
    let mut bytes = codec::encode(&(low, next, slot));
    bytes.extend_from_slice(&siblings);
    codec::decode(&bytes).expect("a path")
}

fn disorder() -> MembershipPath {
    path(7, 7, 0)
}

/// The root that the publications of the tests have: of a tree with a leaf that is out of order.
pub(crate) fn root() -> Root {
    disorder().root().into()
}

/// Proves that.
pub(crate) fn fraud_proof(publication: PublicationId) -> Action {
    let fraud = ListFraud::Disorder(Box::new(disorder()));
    Action::FraudProof {
        publication,
        root: root(),
        fraud,
    }
}

/// Proves nothing: the leaf is in order.
pub(crate) fn no_fraud(publication: PublicationId) -> Action {
    let honest = path(7, 8, 0);
    Action::FraudProof {
        publication,
        root: honest.root().into(),
        fraud: ListFraud::Disorder(Box::new(honest)),
    }
}

/// A fraud proof about another tree than the publication's.
pub(crate) fn fraud_elsewhere(publication: PublicationId) -> Action {
    let other = path(9, 9, 0);
    Action::FraudProof {
        publication,
        root: other.root().into(),
        fraud: ListFraud::Disorder(Box::new(other)),
    }
}

impl Chain {
    /// Registers `key` for an epoch, with a proof made by `owner` for that epoch.
    pub(crate) fn register_key(
        &self,
        owner: MemberId,
        list: ListId,
        tag_epoch: TagEpoch,
        key: &ListKey,
    ) -> Action {
        let context = KeyContext {
            chain_id: self.machine.chain_id().0,
            member: owner,
            list,
            tag_epoch,
        };
        Action::RegisterTagEpoch {
            list,
            tag_epoch,
            key: key.public().to_wire(),
            proof: KeyProof::prove(key, &context, &mut rng(1)),
        }
    }

    pub(crate) fn register_epoch(
        &mut self,
        owner: MemberId,
        list: ListId,
        tag_epoch: TagEpoch,
    ) -> Result<Vec<Event>, Reject> {
        let key = list_key(list, tag_epoch);
        let action = self.register_key(owner, list, tag_epoch, &key);
        self.act(owner, action)
    }

    /// Publishes a version as soon as its owner has made up for what penalties took of its deposit.
    pub(crate) fn must_publish(&mut self, owner: MemberId, publication: PublicationId) {
        self.fill_deposit(owner);
        self.must(owner, publish(publication));
    }

    /// Publishes a version and has two members outside the owner's group attest it.
    pub(crate) fn activate(&mut self, owner: MemberId, publication: PublicationId) {
        self.must_publish(owner, publication);
        let outside = [QUERIER, THIRD, FOURTH, OWNER];
        for attester in outside.into_iter().filter(|id| *id != owner).take(2) {
            self.must(attester, attest(publication));
        }
    }

    /// A chain with one list of [`OWNER`] and a registered key.
    pub(crate) fn with_epoch() -> Self {
        let mut chain = Self::new();
        chain.must(OWNER, create_list());
        chain.register_epoch(OWNER, LIST, EPOCH).expect("a new key");
        chain
    }

    /// A chain with one active list of [`OWNER`].
    pub(crate) fn with_list() -> Self {
        static LISTED: LazyLock<Chain> = LazyLock::new(|| {
            let mut chain = Chain::new();
            chain.prepare_list();
            chain
        });
        LISTED.clone()
    }

    /// Makes the chain's first list, of [`OWNER`], and activates its first version.
    pub(crate) fn prepare_list(&mut self) {
        self.must(OWNER, create_list());
        self.register_epoch(OWNER, LIST, EPOCH).expect("a new key");
        self.activate(OWNER, first());
    }
}
