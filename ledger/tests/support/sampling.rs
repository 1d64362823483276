//! Rounds of the beacon, and a full list whose owner can prove where its entries come from.

use std::sync::LazyLock;

use tacit_circuits::curve::{Field, Point};
use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::list::{IndexedTree, SizeClass, Tag};
use tacit_circuits::log::{LogTree, log_leaves};
use tacit_circuits::oprf::{BlindState, Entry, blind_entries, evaluate, tag_batch};
use tacit_circuits::receipt::{ContextHash, KeyId, Purpose as Proven, Witness};
use tacit_circuits::scope::Scope;
use tacit_ledger::kernel::{Digest, MemberId, Outcome};
use tacit_ledger::network::record::{Attempt, Beacon, BeaconOutput, BeaconValue};
use tacit_ledger::network::samples::{
    SampleCalls, SampleProof, SampleProofs, drawn_slots, sample_context,
};
use tacit_ledger::network::{
    Action, NetworkGenesis, Publication, PublicationId, PublicationStatus, Root, Sampling, read,
};

use super::{
    Chain, EPOCH, FOURTH, LIST, OWNER, QUERIER, THIRD, attest, bounded, create_list, first,
    list_key, prove, receipt_key_id, rng, secret, set_receipt_key,
};

/// Who validates in the tests.
pub(crate) const VALIDATORS: [MemberId; 4] = [OWNER, QUERIER, THIRD, FOURTH];
/// Blocks for commitments, and then for values.
pub(crate) const BEACON_WINDOW: u64 = 3;
pub(crate) const BEACON_PENALTY: u64 = 900;
/// Blocks for proofs.
pub(crate) const SAMPLE_WINDOW: u64 = 8;
/// Entries that are drawn of a version.
pub(crate) const SAMPLED: u8 = 2;

/// The terms of a network that draws entries.
pub(crate) fn sampling(network: &mut NetworkGenesis) {
    let parameters = &mut network.parameters;
    parameters.sampled_entries = SAMPLED;
    parameters.beacon_window_blocks = BEACON_WINDOW;
    parameters.beacon_penalty_minor = BEACON_PENALTY;
    parameters.sample_window_blocks = SAMPLE_WINDOW;
}

/// A validator's value in the tests.
pub(crate) fn beacon_value(member: MemberId) -> BeaconValue {
    [member.0 as u8; 32]
}

pub(crate) fn beacon_reveal(attempt: Attempt, member: MemberId) -> Action {
    Action::BeaconReveal {
        attempt,
        value: beacon_value(member),
    }
}

impl Chain {
    /// A chain that draws entries: with a key for receipts, and a list of [`OWNER`] without a version.
    pub(crate) fn that_samples() -> Self {
        let mut chain = Self::with(sampling);
        chain.carry(set_receipt_key()).expect("carried");
        chain.must(OWNER, create_list());
        chain.register_epoch(OWNER, LIST, EPOCH).expect("a new key");
        chain
    }

    pub(crate) fn beacon(&self) -> Beacon {
        read::beacon(&self.state).expect("a map")
    }

    /// The attempt that is open.
    pub(crate) fn attempt(&self) -> Attempt {
        self.beacon().open.expect("a round is open").attempt
    }

    pub(crate) fn beacon_commit(&self, attempt: Attempt, member: MemberId) -> Action {
        let chain_id = self.machine.chain_id();
        Action::BeaconCommit {
            attempt,
            commitment: attempt.commitment(chain_id, member, &beacon_value(member)),
        }
    }

    /// A block in which these validators do the same for the open attempt.
    fn together(&mut self, who: &[MemberId], action: impl Fn(&Self, MemberId) -> Action) {
        let envelopes: Vec<_> = who
            .iter()
            .map(|member| self.envelope(*member, &action(self, *member)))
            .collect();
        let outcomes = self.block(&envelopes);
        assert!(
            outcomes.iter().all(|outcome| *outcome == Outcome::Applied),
            "{outcomes:?}"
        );
    }

    pub(crate) fn commit_together(&mut self, who: &[MemberId]) {
        let attempt = self.attempt();
        self.together(who, |chain, member| chain.beacon_commit(attempt, member));
    }

    pub(crate) fn reveal_together(&mut self, who: &[MemberId]) {
        let attempt = self.attempt();
        self.together(who, |_, member| beacon_reveal(attempt, member));
    }

    /// Goes through the open round with all validators.
    pub(crate) fn draw(&mut self) -> BeaconOutput {
        let round = self.attempt().round;
        self.commit_together(&VALIDATORS);
        self.reveal_together(&VALIDATORS);
        let drawn = read::beacon_output(&self.state, round).expect("a map");
        drawn.expect("all revealed")
    }

    pub(crate) fn standing(&self, id: PublicationId) -> Publication {
        let publication = read::publication(&self.state, id).expect("a map");
        publication.expect("published")
    }

    pub(crate) fn status(&self, id: PublicationId) -> PublicationStatus {
        self.standing(id).status
    }

    pub(crate) fn sampling(&self, id: PublicationId) -> Sampling {
        self.standing(id).sampling.expect("entries are drawn")
    }
}

/// A full list of [`OWNER`]: what its owner knows of it.
pub(crate) struct FullList {
    /// Entries with their tags, in the order of their slots, from 1 on.
    entries: Vec<(Tag, Entry)>,
    pub(crate) tree: IndexedTree,
}

impl FullList {
    /// Phone numbers and padding, with tags of which `spoil` may change some.
    pub(crate) fn with(spoil: impl FnOnce(&mut [Tag])) -> Self {
        let phones =
            (1..=900_u32).map(|x| Entry::identifier(IdentifierType::Phone, Field::from(x)));
        let mut draw = rng(30);
        let padding = (901..=1024).map(|_| Entry::padding(&mut draw));
        let entries: Vec<Entry> = phones.chain(padding).collect();
        let key = list_key(LIST, EPOCH);
        let mut tags = tag_batch(&key, &entries, LIST, EPOCH, &|_| ()).expect("tags");
        spoil(&mut tags);
        let mut entries: Vec<_> = tags.iter().copied().zip(entries).collect();
        entries.sort_unstable_by_key(|(tag, _)| *tag);
        let tree = IndexedTree::build(first(), tags).expect("a tree");
        Self { entries, tree }
    }

    pub(crate) fn publish(&self) -> Action {
        Action::Publish {
            publication: first(),
            root: self.tree.root().into(),
            size_class: SizeClass::new(0).expect("the smallest"),
            evidence_root: Root([0; 32]),
        }
    }

    /// The entry in a slot, with its tag.
    pub(crate) fn at(&self, slot: u32) -> (Tag, Entry) {
        self.entries[slot as usize - 1]
    }
}

/// The list of the tests.
pub(crate) static FULL: LazyLock<FullList> = LazyLock::new(|| FullList::with(|_| ()));

/// A chain on which a version of [`FULL`] is active, its entries are drawn, and the owner's calls about
/// them are logged.
#[derive(Clone)]
pub(crate) struct Sampled {
    pub(crate) chain: Chain,
    /// The slots that were drawn.
    pub(crate) slots: Vec<u32>,
    pub(crate) digest: Digest,
    pub(crate) log: LogTree,
    states: Vec<BlindState>,
    evaluated: Vec<Point>,
}

/// The owner's calls about the entries in these slots, and what it needs to prove about them.
pub(crate) fn sample_calls(
    chain: &Chain,
    list: &FullList,
    slots: &[u32],
) -> (SampleCalls, Vec<BlindState>, Vec<Point>, Vec<Field>) {
    let entries: Vec<Entry> = slots.iter().map(|slot| list.at(*slot).1).collect();
    let key = list_key(LIST, EPOCH);
    let (states, blinded) = blind_entries(&entries, LIST, EPOCH, &mut rng(31)).expect("points");
    let context = SampleCalls::evaluation_context(chain.machine.chain_id(), first());
    let (evaluated, proof) = evaluate(&key, &context, &blinded, &mut rng(32)).expect("a batch");
    let wire = |points: &[Point]| bounded(points.iter().map(Point::encode).collect());
    let calls = SampleCalls {
        publication: first(),
        key: key.public().to_wire(),
        blinded: wire(&blinded),
        evaluated: wire(&evaluated),
        proof,
    };
    let scope = Scope {
        list: LIST,
        tag_epoch: EPOCH,
        querier: OWNER,
    };
    let leaves = log_leaves(&scope, &blinded, &evaluated);
    (calls, states, evaluated, leaves)
}

pub(crate) fn log_samples(calls: SampleCalls) -> Action {
    Action::LogSamples(Box::new(calls))
}

pub(crate) fn prove_samples(proofs: SampleProofs) -> Action {
    Action::ProveSamples(Box::new(proofs))
}

/// A chain on which a version of a list is published and attested, and its entries are drawn.
pub(crate) fn drawn(list: &FullList) -> (Chain, Vec<u32>, Digest) {
    let mut chain = Chain::that_samples();
    chain.must(OWNER, list.publish());
    chain.must(QUERIER, attest(first()));
    chain.must(THIRD, attest(first()));
    let output = chain.draw();
    let publication = chain.standing(first());
    let key = list_key(LIST, EPOCH).public().to_wire();
    let digest = publication.digest(chain.machine.chain_id(), &key);
    let slots = drawn_slots(&output, &digest, SAMPLED, publication.size_class);
    (chain, slots, digest)
}

impl Sampled {
    pub(crate) fn of(list: &FullList) -> Self {
        let (mut chain, slots, digest) = drawn(list);
        let (calls, states, evaluated, leaves) = sample_calls(&chain, list, &slots);
        chain.must(OWNER, log_samples(calls));
        Self {
            chain,
            slots,
            digest,
            log: LogTree::new(leaves).expect("there is room"),
            states,
            evaluated,
        }
    }

    /// What the proofs are bound to.
    pub(crate) fn context(&self) -> ContextHash {
        sample_context(
            self.chain.machine.chain_id(),
            &self.digest,
            receipt_key_id(),
        )
    }

    /// What the owner knows about the `place`-th drawn entry, to be changed.
    pub(crate) fn witness(&self, list: &FullList, place: usize) -> Witness {
        let (tag, subject) = list.at(self.slots[place]);
        Witness {
            subject,
            secret: secret(),
            blind: self.states[place].blind().clone(),
            blinded: *self.states[place].blinded(),
            evaluated: self.evaluated[place],
            scope: Scope {
                list: LIST,
                tag_epoch: EPOCH,
                querier: OWNER,
            },
            log_root: self.log.root(),
            log_path: self.log.path(place as u64).expect("it is in the log"),
            list_root: list.tree.root(),
            list_path: list.tree.path(tag),
            context: self.context(),
            purpose: Proven::SampledEntry,
        }
    }

    pub(crate) fn proofs_of(&self, witnesses: &[Witness]) -> SampleProofs {
        let proofs = witnesses.iter().map(|witness| SampleProof {
            commitment: witness.check().expect("it holds").commitment,
            proof: prove(witness),
        });
        SampleProofs {
            publication: first(),
            key: receipt_key_id(),
            log_root: self.log.root().into(),
            proofs: bounded(proofs.collect()),
        }
    }

    /// The proofs that the ledger wants.
    pub(crate) fn proofs(&self) -> SampleProofs {
        let places = 0..self.slots.len();
        let witnesses: Vec<_> = places.map(|place| self.witness(&FULL, place)).collect();
        self.proofs_of(&witnesses)
    }
}

impl Sampled {
    /// Puts other calls in the place of the logged ones.
    pub(crate) fn replace_calls(&mut self, states: Vec<BlindState>, evaluated: Vec<Point>) {
        (self.states, self.evaluated) = (states, evaluated);
    }
}

/// The chain of the tests before its proofs.
pub(crate) static SAMPLED_WORLD: LazyLock<Sampled> = LazyLock::new(|| Sampled::of(&FULL));

/// Its proofs.
pub(crate) static SAMPLE_PROOFS: LazyLock<SampleProofs> = LazyLock::new(|| SAMPLED_WORLD.proofs());

/// A key that was never voted.
pub(crate) const OTHER_KEY: KeyId = KeyId([0x99; 32]);
