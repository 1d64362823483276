//! A world in which receipts can be made: real lists, real calls in the log, real proofs under the
//! development key.

use std::sync::LazyLock;

use tacit_circuits::curve::{Field, Point};
use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::list::{IndexedTree, SizeClass};
use tacit_circuits::log::{LogTree, log_leaves};
use tacit_circuits::oprf::{BlindState, Entry, Input, blind, finalize, tag_batch};
use tacit_circuits::receipt::{
    CacheDigest, CommitmentSecret, ContextHash, KeyId, Proof, Prover, ProvingKey,
    Purpose as Proven, SubjectCommitment, Witness, commit, development_keys,
};
use tacit_circuits::scope::{ListId, Scope, TagEpoch};
use tacit_ledger::kernel::due::MAX_DUE_HEIGHTS_PER_BLOCK;
use tacit_ledger::kernel::{Bytes, Digest, MemberId, Registry, codec};
use tacit_ledger::network::parameters::CategoryId;
use tacit_ledger::network::receipts::{ObjectId, Purpose, Receipt};
use tacit_ledger::network::request::Call;
use tacit_ledger::network::{
    Action, Change, PolicyId, PolicyTerms, PolicyVersion, PublicationId, ReceiptContext,
    ReceiptSet, Root, SessionId,
};

use super::cache;
use super::{
    Chain, EPOCH, FOURTH, LIST, OWNER, QUERIER, START_MS, THIRD, answer, attest, bounded, category,
    genesis, list_key, opening, rng, signer, text, version,
};
use crate::receipts::consumer::{LOANS, Loans, OTHER_LOANS};

/// The lists of the world's policy, of three owners, in its category.
pub(crate) const LISTS: [ListId; 3] = [LIST, ListId(2), ListId(3)];
/// The querier's own list, in that category.
pub(crate) const OWN_LIST: ListId = ListId(4);
/// A list in another category.
pub(crate) const ELSEWHERE: ListId = ListId(5);
/// A list of that category which holds no phone numbers.
pub(crate) const OF_CARDS: ListId = ListId(6);

/// A category that the policy does not name.
pub(crate) const OTHER_CATEGORY: CategoryId = CategoryId(2);
pub(crate) const POLICY: PolicyId = PolicyId(1);
pub(crate) const FIRST_VERSION: PolicyVersion = PolicyVersion(1);
pub(crate) const PURPOSE: &str = "credit-origination";
pub(crate) const OBJECT: ObjectId = ObjectId([0x0b; 32]);
/// How far ahead the sets of the tests expire: more heights than a block works off.
pub(crate) const LIFETIME: u64 = MAX_DUE_HEIGHTS_PER_BLOCK as u64 + 16;

const OWNERS: [MemberId; 3] = [OWNER, THIRD, FOURTH];

/// A prover with the development key, and the verifying key's bytes.
static KEYS: LazyLock<(Prover, Vec<u8>)> = LazyLock::new(|| {
    let kept = cache::kept("key", || {
        let (bytes, digest) = development_keys().to_cache();
        [&digest.0[..], &bytes].concat()
    });
    let (digest, bytes) = kept.split_first_chunk().expect("a digest");
    let key = ProvingKey::from_cache(bytes, &CacheDigest(*digest)).expect("as it was written");
    let verifying = key.verifying_key().to_bytes().to_vec();
    (Prover::new(key), verifying)
});

/// The world, and a set that it accepts.
pub(crate) static WORLD: LazyLock<World> = LazyLock::new(World::new);

/// Someone who is asked about.
#[derive(Clone, Copy)]
pub(crate) enum Subject {
    /// On no list.
    Clear,
    /// On the first list.
    Listed,
}

impl Subject {
    fn x(self) -> Field {
        Field::from(match self {
            Self::Clear => 1_001_u32,
            Self::Listed => 1_002,
        })
    }
}

/// What the querier keeps of its two calls to one list.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) tree: IndexedTree,
    states: Vec<BlindState>,
    evaluated: Vec<Point>,
    tags: Vec<tacit_circuits::list::Tag>,
    first_leaf: u64,
}

pub(crate) struct World {
    pub(crate) chain: Chain,
    /// The leaves of its calls, and the tree that they make.
    pub(crate) leaves: Vec<Field>,
    pub(crate) log: LogTree,
    pub(crate) asked: Vec<Asked>,
    /// Clear on all three lists, for the loan that stands for [`OBJECT`].
    pub(crate) set: ReceiptSet,
}

pub(crate) fn terms() -> PolicyTerms {
    PolicyTerms {
        categories: bounded(vec![CategoryId(1)]),
        min_members: 3,
        kinds: bounded(vec![IdentifierType::Phone, IdentifierType::Card]),
        max_age_blocks: 2,
    }
}

pub(crate) fn put_policy(name: &str, terms: PolicyTerms) -> Action {
    Action::PutPolicy {
        name: text(name),
        terms,
    }
}

pub(crate) fn submit(set: ReceiptSet) -> Action {
    Action::SubmitReceipts(Box::new(set))
}

pub(crate) fn secret() -> CommitmentSecret {
    CommitmentSecret::random(&mut rng(70))
}

pub(crate) fn commitment(subject: Subject) -> SubjectCommitment {
    commit(IdentifierType::Phone, subject.x(), &secret())
}

/// The name of the development key.
pub(crate) fn receipt_key_id() -> KeyId {
    KEYS.0.verifier().key_id()
}

/// The vote for the development key.
pub(crate) fn set_receipt_key() -> Change {
    Change::SetReceiptKey {
        verifying_key: Bytes::try_from(KEYS.1.clone()).expect("a key fits"),
        transcript: Digest([0x77; 32]),
    }
}

/// Publishes a version whose tree is `tree` and has two members outside the owner's group attest it.
pub(crate) fn activate_tree(
    chain: &mut Chain,
    owner: MemberId,
    publication: PublicationId,
    root: Root,
) {
    let publish = Action::Publish {
        publication,
        root,
        size_class: SizeClass::new(0).expect("the smallest"),
        evidence_root: Root([0; 32]),
    };
    chain.must(owner, publish);
    let outside = [QUERIER, THIRD, FOURTH, OWNER];
    for attester in outside.into_iter().filter(|id| *id != owner).take(2) {
        chain.must(attester, attest(publication));
    }
}

/// Makes a list with the entries `xs` and activates its first version.
fn make_list(
    chain: &mut Chain,
    owner: MemberId,
    list: ListId,
    category: CategoryId,
    accepts: &[IdentifierType],
    xs: &[Field],
) -> IndexedTree {
    let create = Action::CreateList {
        category,
        name: text("accounts"),
        accepts: bounded(accepts.to_vec()),
    };
    chain.must(owner, create);
    chain.register_epoch(owner, list, EPOCH).expect("a new key");
    let tree = tree(list, EPOCH, 0, xs);
    activate_tree(chain, owner, version(list, EPOCH, 0), tree.root().into());
    tree
}

/// The tree of a version with these phone numbers.
pub(crate) fn tree(list: ListId, tag_epoch: TagEpoch, number: u32, xs: &[Field]) -> IndexedTree {
    let entries: Vec<_> = xs
        .iter()
        .map(|x| Entry::identifier(IdentifierType::Phone, *x))
        .collect();
    let key = list_key(list, tag_epoch);
    let tags = tag_batch(&key, &entries, list, tag_epoch, &|_| ()).expect("tags");
    IndexedTree::build(version(list, tag_epoch, number), tags).expect("a tree")
}

/// Asks a list about both subjects, and settles the calls.
fn ask(chain: &mut Chain, leaves: &mut Vec<Field>, number: usize, tree: IndexedTree) -> Asked {
    let (list, owner) = (LISTS[number], OWNERS[number]);
    let mut session = opening(chain.height + super::MAX_SESSION);
    session.list = list;
    chain.open(QUERIER, &[session]);
    let inputs = [Subject::Clear, Subject::Listed].map(|subject| Input {
        kind: IdentifierType::Phone,
        x: subject.x(),
        list,
        tag_epoch: EPOCH,
    });
    let mut draw = rng(80 + number as u64);
    let (states, blinded) = blind(&inputs, &mut draw).expect("points");
    let mut request = chain.request(0, blinded.len());
    request.session = SessionId(number as u64 + 1);
    request.provider = owner;
    request.list = list;
    request.key = list_key(list, EPOCH).public().to_wire();
    let calls = blinded.iter().map(|point| Call {
        blinded: point.encode(),
        audit: Digest([3; 32]),
    });
    request.calls = bounded(calls.collect());
    let context = request.evaluation_context();
    let batch = answer(request.sign(&signer(QUERIER)), list, EPOCH);
    let evaluated = Point::decode_batch(&batch.evaluated).expect("points");
    let key = list_key(list, EPOCH).public();
    let tags = finalize(&states, &key, &context, &evaluated, &batch.proof).expect("an answer");
    chain.must(owner, Action::CallBatch(Box::new(batch)));
    let scope = Scope {
        list,
        tag_epoch: EPOCH,
        querier: QUERIER,
    };
    let first_leaf = leaves.len() as u64;
    leaves.extend(log_leaves(&scope, &blinded, &evaluated));
    Asked {
        tree,
        states,
        evaluated,
        tags,
        first_leaf,
    }
}

impl World {
    fn new() -> Self {
        let mut network = genesis();
        network.categories = bounded(vec![category(1), category(2)]);
        let first = network.into_genesis("test", START_MS, 0).expect("fits");
        let registry = Registry::network()
            .with(Loans(LOANS))
            .with(Loans(OTHER_LOANS));
        let mut chain = Chain::of_modules(&first, registry);
        let clear = [501_u32, 502, 503].map(Field::from);
        let (phone, card) = (IdentifierType::Phone, IdentifierType::Card);
        let both = [phone, card];
        let trees: Vec<_> = (0..LISTS.len())
            .map(|number| {
                let listed = [Subject::Listed.x()];
                let all = [&clear[..], &listed[..]].concat();
                let xs = if number == 0 { &all[..] } else { &clear[..] };
                let (owner, list) = (OWNERS[number], LISTS[number]);
                make_list(&mut chain, owner, list, CategoryId(1), &both, xs)
            })
            .collect();
        make_list(&mut chain, QUERIER, OWN_LIST, CategoryId(1), &both, &clear);
        make_list(&mut chain, THIRD, ELSEWHERE, OTHER_CATEGORY, &both, &clear);
        make_list(&mut chain, FOURTH, OF_CARDS, CategoryId(1), &[card], &clear);
        let mut leaves = Vec::new();
        let asked: Vec<_> = trees
            .into_iter()
            .enumerate()
            .map(|(number, tree)| ask(&mut chain, &mut leaves, number, tree))
            .collect();
        chain.carry(set_receipt_key()).expect("carried");
        chain.must(FOURTH, put_policy("lending", terms()));
        let mut world = Self {
            set: ReceiptSet {
                commitment: commitment(Subject::Clear),
                kind: phone,
                context: context(&chain),
                receipts: bounded(Vec::new()),
            },
            chain,
            log: LogTree::new(leaves.clone()).expect("there is room"),
            leaves,
            asked,
        };
        let hash = world.hash(&world.set.context);
        world.set.receipts = bounded((0..3).map(|n| world.receipt(n, hash)).collect());
        world
    }

    /// What the proofs of the querier's sets with this context are bound to.
    pub(crate) fn hash(&self, context: &ReceiptContext) -> ContextHash {
        context.hash(self.chain.machine.chain_id(), QUERIER)
    }

    /// What the querier knows about its call to a list, to be changed.
    pub(crate) fn witness(&self, number: usize, subject: Subject, hash: ContextHash) -> Witness {
        let asked = &self.asked[number];
        let place = subject as usize;
        Witness {
            subject: Entry::identifier(IdentifierType::Phone, subject.x()),
            secret: secret(),
            blind: asked.states[place].blind().clone(),
            blinded: *asked.states[place].blinded(),
            evaluated: asked.evaluated[place],
            scope: Scope {
                list: LISTS[number],
                tag_epoch: EPOCH,
                querier: QUERIER,
            },
            log_root: self.log.root(),
            log_path: self
                .log
                .path(asked.first_leaf + place as u64)
                .expect("it is in the log"),
            list_root: asked.tree.root(),
            list_path: asked.tree.path(asked.tags[place]),
            context: hash,
            purpose: Proven::Answer,
        }
    }

    /// The way of the call about a subject to the root of another state of the log.
    pub(crate) fn move_to(&self, log: &LogTree, number: usize, subject: Subject, w: &mut Witness) {
        let leaf = self.asked[number].first_leaf + subject as u64;
        w.log_root = log.root();
        w.log_path = log.path(leaf).expect("it is in that log");
    }

    /// That the clear subject is clear on a list.
    pub(crate) fn receipt(&self, number: usize, hash: ContextHash) -> Receipt {
        Receipt {
            publication: version(LISTS[number], EPOCH, 0),
            log_root: self.log.root().into(),
            proof: prove(&self.witness(number, Subject::Clear, hash)),
        }
    }

    /// The accepted set with something changed that its proofs do not follow.
    pub(crate) fn changed(&self, change: impl FnOnce(&mut ReceiptSet)) -> ReceiptSet {
        let mut set = self.set.clone();
        change(&mut set);
        set
    }

    /// The accepted set with one of its receipts changed.
    pub(crate) fn changed_receipt(
        &self,
        place: usize,
        change: impl FnOnce(&mut Receipt),
    ) -> ReceiptSet {
        self.changed(|set| change(&mut set.receipts.as_mut_slice()[place]))
    }

    /// The set for another context, proven afresh.
    pub(crate) fn set_for(&self, context: ReceiptContext) -> ReceiptSet {
        let hash = self.hash(&context);
        ReceiptSet {
            context,
            receipts: bounded((0..3).map(|number| self.receipt(number, hash)).collect()),
            ..self.set.clone()
        }
    }
}

/// The vote for a key that is not the development key: of the same points in another order.
pub(crate) fn set_other_receipt_key() -> Change {
    let mut bytes = KEYS.1.clone();
    let last_two = bytes.len() - 96;
    bytes[last_two..].rotate_left(48);
    Change::SetReceiptKey {
        verifying_key: Bytes::try_from(bytes).expect("a key fits"),
        transcript: Digest([0x78; 32]),
    }
}

/// What the sets of the world are made for, from the chain's height on.
pub(crate) fn context(chain: &Chain) -> ReceiptContext {
    ReceiptContext {
        module: LOANS,
        object: OBJECT,
        verifier: FOURTH,
        policy: POLICY,
        policy_version: FIRST_VERSION,
        purpose: Purpose::new(PURPOSE).expect("a code"),
        expiry_height: chain.height + LIFETIME,
        key: receipt_key_id(),
    }
}

/// A proof. The same witness gives the same one, so that a run of the tests makes each once.
pub(crate) fn prove(witness: &Witness) -> Proof {
    let statement = witness.check().expect("it holds");
    let name = blake3::hash(&codec::encode(&statement)).to_hex();
    let kept = cache::kept(&format!("proof-{name}"), || {
        let (_, proof) = KEYS.0.prove(witness, &mut rng(90)).expect("it holds");
        proof.0.to_vec()
    });
    Proof(kept.try_into().expect("192 bytes"))
}
