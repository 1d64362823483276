//! The shipped state machine over a map, making blocks of real transactions.

use std::collections::BTreeMap;

use ed25519_zebra::SigningKey;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use tacit_circuits::curve::{Field, Point};
use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::list::{SizeClass, VersionId};
use tacit_circuits::oprf::{Input, KeyContext, KeyProof, ListKey, blind, evaluate};
use tacit_circuits::quota::{Ciphertext, Opening as AmountOpening};
use tacit_circuits::scope::{ListId, ListVersion, MemberId, TagEpoch};
use tacit_ledger::kernel::envelope::ledger_key;
use tacit_ledger::kernel::party::Name;
use tacit_ledger::kernel::{
    BlockContext, BlockResult, BlockRun, Digest, Envelope, Genesis, Machine, Missing, Outcome,
    Registry, Role, StateKey, Text, hash,
};
use tacit_ledger::network::parameters::CategoryId;
use tacit_ledger::network::quota::prove_key;
use tacit_ledger::network::request::Call;
use tacit_ledger::network::{
    Action, AlarmReason, CallBatch, Candidate, Category, ConsensusKey, Event, GenesisMember,
    NetworkGenesis, Parameters, Profile, Request, Root, SessionId, SpkiHash, read,
};
use tacit_readmodel::{Block, BlockHeader};

use super::quota::{charged, quota_key};

pub const PRICE_MINOR: u32 = 100;
pub const REWARD_MINOR: u32 = 40;
pub const START_MS: u64 = 1_780_000_000_000;
/// Milliseconds between two blocks.
pub const STEP_MS: u64 = 100;

const CATEGORY: CategoryId = CategoryId(1);
pub(super) const EPOCH: TagEpoch = TagEpoch(0);

/// Four members and an observer, numbered from 1.
pub struct Chain {
    pub genesis: Genesis,
    pub machine: Machine,
    pub state: BTreeMap<StateKey, Vec<u8>>,
    pub(super) keys: Vec<SigningKey>,
    /// What the sessions' requests charge above one call's price each and nobody collected.
    pub(super) owed: BTreeMap<SessionId, Vec<AmountOpening>>,
    pub(super) rng: ChaCha20Rng,
    pub(super) height: u64,
    hash: Digest,
}

/// A block as a node hands it over.
#[derive(Clone)]
pub struct Finalized {
    pub header: BlockHeader,
    pub envelopes: Vec<Vec<u8>>,
    pub results: Vec<BlockResult>,
}

/// A session of the tests.
#[derive(Clone, Copy)]
pub struct Opened {
    pub id: SessionId,
    pub querier: MemberId,
}

/// A list of the tests.
pub struct TestList {
    pub id: ListId,
    pub owner: MemberId,
    pub key: ListKey,
}

impl Finalized {
    pub fn block(&self) -> Block<'_> {
        Block {
            header: self.header.clone(),
            envelopes: self.envelopes.iter().map(Vec::as_slice).collect(),
            results: &self.results,
        }
    }

    /// The network's events of all results.
    pub fn events(&self) -> Vec<Event> {
        let events = self.results.iter().flat_map(BlockResult::events);
        events
            .map(|event| {
                Event::read(event)
                    .expect("of the network")
                    .expect("decodes")
            })
            .collect()
    }
}

impl Chain {
    pub fn new(name: &str) -> Self {
        let keys: Vec<_> = (1..=5)
            .map(|number| SigningKey::from([number; 32]))
            .collect();
        let category = Category {
            id: CATEGORY,
            name: text("high-risk accounts"),
            price_minor: PRICE_MINOR,
            reward_minor: REWARD_MINOR,
            daily_cap_calls: 1_000_000,
            grace_blocks: 10,
            fresh_days: 0,
            retired: false,
            surcharges: Default::default(),
        };
        let members: Vec<_> = (1..)
            .zip(&keys)
            .map(|(number, key)| first(number, key))
            .collect();
        let genesis = NetworkGenesis {
            parameters: Parameters::default(),
            categories: vec![category].try_into().expect("fits"),
            members: members.try_into().expect("fits"),
        };
        let genesis = genesis
            .into_genesis(name, START_MS, 480)
            .expect("a genesis");
        let machine = Machine::new(genesis.chain_id(), Registry::network());
        let writes = machine.genesis(&genesis).expect("a first state");
        let state = writes
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)))
            .collect();
        let rng = ChaCha20Rng::seed_from_u64(7);
        Self {
            genesis,
            machine,
            state,
            keys,
            owed: BTreeMap::new(),
            rng,
            height: 0,
            hash: Digest::default(),
        }
    }

    /// A block of these actions.
    pub fn block(&mut self, actions: Vec<(MemberId, Action)>) -> Finalized {
        self.height += 1;
        let chain_id = self.machine.chain_id();
        let time_ms = START_MS + self.height * STEP_MS;
        let mut sequences = BTreeMap::new();
        let envelopes: Vec<_> = actions
            .into_iter()
            .map(|(sender, action)| {
                let next = sequences
                    .entry(sender)
                    .or_insert_with(|| read::next_sequence(&self.state, sender).expect("a map"));
                let unsigned = action.unsigned(chain_id, sender, *next, self.height + 10);
                *next += 1;
                unsigned.sign(&self.keys[sender.0 as usize - 1])
            })
            .collect();
        for checked in self.machine.check_stateless(&envelopes) {
            checked.expect("passes what needs no state");
        }
        let mut run = self.machine.begin(BlockContext {
            chain_id,
            height: self.height,
            time_ms,
        });
        complete(&self.state, &mut run, BlockRun::open);
        for envelope in &envelopes {
            complete(&self.state, &mut run, |run| run.apply(envelope));
        }
        let execution = complete(&self.state, &mut run, BlockRun::close);
        for (key, value) in execution.writes {
            match value {
                Some(value) => self.state.insert(key, value),
                None => self.state.remove(&key),
            };
        }
        for (envelope, result) in envelopes.iter().zip(&execution.results[1..]) {
            self.keep_account(envelope, result);
        }
        let envelopes: Vec<_> = envelopes
            .iter()
            .map(|envelope| envelope.to_bytes())
            .collect();
        self.sealed(envelopes, execution.results)
    }

    fn keep_account(&mut self, envelope: &Envelope, result: &BlockResult) {
        let applied = |result: &BlockResult| match result {
            BlockResult::Tx(tx) => tx.outcome == Outcome::Applied,
            BlockResult::Block { .. } => false,
        };
        if !applied(result) {
            return;
        }
        match Action::of(envelope) {
            Some(Ok(Action::CallBatch(batch))) => {
                let request = &batch.signed.request;
                let owed = self.owed.entry(request.session).or_default();
                owed.push(charged(request));
            }
            Some(Ok(Action::CollectCharges { session, .. })) => {
                self.owed.remove(&session);
            }
            _ => {}
        }
    }

    /// A block with results of the test's own making.
    pub fn invented(&mut self, envelopes: Vec<Vec<u8>>, results: Vec<BlockResult>) -> Finalized {
        self.height += 1;
        self.sealed(envelopes, results)
    }

    fn sealed(&mut self, envelopes: Vec<Vec<u8>>, results: Vec<BlockResult>) -> Finalized {
        let height = self.height;
        let parent = self.hash;
        self.hash = hash::hash_encoded(&LABEL, &(parent, height));
        let header = BlockHeader {
            height,
            time_ms: START_MS + height * STEP_MS,
            epoch: 3,
            view: height + 5,
            leader: ConsensusKey([1; 32]),
            hash: self.hash,
            parent,
            body: Digest([2; 32]),
            state_root: Digest([3; 32]),
            results_root: Digest([4; 32]),
        };
        Finalized {
            header,
            envelopes,
            results,
        }
    }

    /// Blocks after which a list of this owner is active.
    pub fn list(&mut self, owner: MemberId) -> (TestList, Vec<Finalized>) {
        let create = Action::CreateList {
            category: CATEGORY,
            name: text("accounts"),
            accepts: vec![IdentifierType::Phone].try_into().expect("fits"),
        };
        let created = self.block(vec![(owner, create)]);
        let list = created.events().into_iter().find_map(|event| match event {
            Event::ListCreated { list, .. } => Some(list),
            _ => None,
        });
        let list = list.expect("created");
        let key = ListKey::generate(&mut self.rng);
        let chain_id = self.machine.chain_id().0;
        let context = KeyContext {
            chain_id,
            member: owner,
            list,
            tag_epoch: EPOCH,
        };
        let register = Action::RegisterTagEpoch {
            list,
            tag_epoch: EPOCH,
            key: key.public().to_wire(),
            proof: KeyProof::prove(&key, &context, &mut self.rng),
        };
        let publication = version(list);
        let publish = Action::Publish {
            publication,
            root: Root::from(Field::from(5)),
            size_class: SizeClass::fitting(10).expect("small"),
            evidence_root: Root::from(Field::from(6)),
        };
        let attest = |by| {
            (
                MemberId(by),
                Action::Attest {
                    publication,
                    digest: [by as u8; 32],
                },
            )
        };
        let others = (1..=4)
            .filter(|by| *by != owner.0)
            .take(2)
            .map(attest)
            .collect();
        let published = self.block(vec![(owner, register), (owner, publish)]);
        let active = self.block(others);
        (
            TestList {
                id: list,
                owner,
                key,
            },
            vec![created, published, active],
        )
    }

    /// The transaction with which a list's owner settles a request; call `i` of request `sequence` has
    /// the audit hash [`audit`].
    pub fn calls(
        &mut self,
        opened: Opened,
        list: &TestList,
        sequence: u64,
        count: usize,
    ) -> (MemberId, Action) {
        let inputs: Vec<_> = (0..count)
            .map(|call| Input {
                kind: IdentifierType::Phone,
                x: Field::from(call as u64 + 1),
                list: list.id,
                tag_epoch: EPOCH,
            })
            .collect();
        let (_, blinded) = blind(&inputs, &mut self.rng).expect("blinds");
        let calls: Vec<_> = (0..)
            .zip(&blinded)
            .map(|(index, point)| Call {
                blinded: point.encode(),
                audit: audit(opened.id, sequence, index),
            })
            .collect();
        let mut request = Request {
            chain_id: self.machine.chain_id(),
            session: opened.id,
            sequence,
            querier: opened.querier,
            provider: list.owner,
            list: list.id,
            tag_epoch: EPOCH,
            key: list.key.public().to_wire(),
            price_minor: PRICE_MINOR,
            charge: Ciphertext::<0>::zero().commitment,
            calls: calls.try_into().expect("fits"),
        };
        request.charge = charged(&request).commitment();
        let context = request.evaluation_context();
        let (evaluated, proof) =
            evaluate(&list.key, &context, &blinded, &mut self.rng).expect("evaluates");
        let signed = request.sign(&self.keys[opened.querier.0 as usize - 1]);
        let evaluated = Point::encode_batch(&evaluated).try_into().expect("fits");
        (
            list.owner,
            Action::CallBatch(Box::new(CallBatch {
                signed,
                evaluated,
                proof,
            })),
        )
    }
}

static LABEL: hash::Label = hash::Label::new("tests of the read model");

/// The audit hash of a call.
pub fn audit(session: SessionId, sequence: u64, index: u64) -> Digest {
    hash::hash_encoded(&LABEL, &(session, sequence, index))
}

/// The publication of a list.
pub fn version(list: ListId) -> VersionId {
    VersionId {
        list,
        tag_epoch: EPOCH,
        version: ListVersion(0),
    }
}

/// A complaint about a list.
pub fn alarm(list: ListId) -> Action {
    Action::RaiseAlarm {
        publication: version(list),
        reason: AlarmReason::RootMismatch,
    }
}

fn complete<T>(
    state: &BTreeMap<StateKey, Vec<u8>>,
    run: &mut BlockRun,
    step: impl Fn(&mut BlockRun) -> Result<T, Missing>,
) -> T {
    loop {
        match step(run) {
            Ok(done) => return done,
            Err(missing) => {
                for key in missing.into_keys() {
                    let value = state.get(&key).cloned();
                    run.supply(key, value);
                }
            }
        }
    }
}

fn first(number: u8, key: &SigningKey) -> GenesisMember {
    let role = if number == 5 {
        Role::Observer
    } else {
        Role::Member
    };
    let quota_key = quota_key(MemberId(number.into()));
    let mut rng = ChaCha20Rng::seed_from_u64(number.into());
    GenesisMember {
        candidate: Candidate {
            name: text(&format!("Bank {number}")),
            group: text(&format!("Group {number}")),
            role,
            ledger_key: ledger_key(key),
            quota_key: quota_key.public(),
            quota_key_proof: prove_key(&quota_key, &ledger_key(key), &mut rng),
            profile: Profile {
                consensus_key: ConsensusKey([number; 32]),
                tls_spki_hash: SpkiHash([number; 32]),
                front_end_address: Text::new(format!("127.0.0.1:{}", 7_000 + u16::from(number)))
                    .expect("fits"),
                p2p_address: Text::new(format!("127.0.0.1:{}", 8_000 + u16::from(number)))
                    .expect("fits"),
            },
        },
        validator: role == Role::Member,
    }
}

fn text(text: &str) -> Name {
    Text::new(text).expect("a name")
}
