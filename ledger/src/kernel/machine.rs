//! Executes blocks.
//!
//! A driver takes a [`BlockRun`] from [`Machine::begin`], calls [`open`](BlockRun::open),
//! [`apply`](BlockRun::apply) for each transaction in order, and [`close`](BlockRun::close). Each call
//! either takes effect or answers [`Missing`] and has none: the driver fetches the keys, hands them over
//! with [`supply`](BlockRun::supply), and makes the same call again. The order in which records are
//! supplied, and how many rounds it takes, change nothing.

use rayon::prelude::*;
use std::borrow::Borrow;
use std::sync::Arc;

use crate::kernel::clock::{self, Clock};
use crate::kernel::codec::{self, BoundedVec};
use crate::kernel::context::{Context, Stop, require};
use crate::kernel::due;
use crate::kernel::envelope::{Envelope, TxId};
use crate::kernel::event::Event;
use crate::kernel::genesis::{ChainId, Genesis, GenesisError};
use crate::kernel::keys;
use crate::kernel::module::Registry;
use crate::kernel::party::{self, Party};
use crate::kernel::reject::Reject;
use crate::kernel::results::{BlockResult, MAX_EVENTS, Outcome, TxResult};
use crate::kernel::signatures;
use crate::kernel::state::{Checked, Missing, StateKey, StateView, Supplied, Writes};

/// What a block brings to its execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockContext {
    /// Chain to which the block belongs.
    pub chain_id: ChainId,
    /// Height: the genesis has 0, its first block 1.
    pub height: u64,
    /// Milliseconds since 1970-01-01 UTC, as the leader says and the validators tolerate.
    pub time_ms: u64,
}

/// The state machine of one chain.
#[derive(Clone, Debug)]
pub struct Machine {
    chain_id: ChainId,
    registry: Arc<Registry>,
}

/// What a block did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// Changes of the state.
    pub writes: Writes,
    /// Leaves of the results tree: the block itself, then its transactions in order.
    pub results: Vec<BlockResult>,
}

impl Execution {
    /// Outcomes of the transactions, in order.
    pub fn outcomes(&self) -> impl Iterator<Item = (TxId, Outcome)> {
        self.results.iter().filter_map(|result| match result {
            BlockResult::Tx(tx) => Some((tx.tx_id, tx.outcome)),
            BlockResult::Block { .. } => None,
        })
    }

    /// All events of the block: of due work and of the block's end first, then of the transactions in
    /// order.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.results.iter().flat_map(BlockResult::events)
    }
}

impl Machine {
    /// The machine of a chain, with the modules that the chain has.
    pub fn new(chain_id: ChainId, registry: Registry) -> Self {
        Self {
            chain_id,
            registry: Arc::new(registry),
        }
    }

    /// The chain.
    pub fn chain_id(&self) -> ChainId {
        self.chain_id
    }

    /// The chain's modules.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The first state: height 0.
    pub fn genesis(&self, genesis: &Genesis) -> Result<Writes, GenesisError> {
        genesis.write(self.chain_id, &self.registry)
    }

    /// Checks what needs no state: form, chain, signatures, and the proofs that actions carry. On all
    /// cores; signatures in batches.
    ///
    /// Every validator runs it on every transaction of a proposed block, and a block that holds one
    /// that fails is invalid: execution relies on it.
    pub fn check_stateless<E>(&self, envelopes: &[E]) -> Vec<Result<(), Reject>>
    where
        E: Borrow<Envelope> + Sync,
    {
        let signed = signatures::verify_all(envelopes);
        envelopes
            .par_iter()
            .zip(signed)
            .map(|(envelope, signed)| {
                let envelope = envelope.borrow();
                require(envelope.chain_id == self.chain_id, Reject::WRONG_CHAIN)?;
                let module = self
                    .registry
                    .module(envelope.module)
                    .ok_or(Reject::MODULE_UNKNOWN)?;
                require(signed, Reject::SIGNATURE_INVALID)?;
                module.check_stateless(envelope)
            })
            .collect()
    }

    /// Whether the transaction's sender may have it in a block at `height`. A mempool asks this of the
    /// latest state; [`Reject::SEQUENCE_TOO_HIGH`] means that it may wait.
    pub fn admit(&self, view: &dyn StateView, height: u64, envelope: &Envelope) -> Checked<()> {
        Stop::checked(authorize(view, height, envelope).map(|_| ()))
    }

    /// Starts the execution of a block.
    ///
    /// # Panics
    /// If the block belongs to another chain.
    pub fn begin(&self, block: BlockContext) -> BlockRun {
        assert_eq!(block.chain_id, self.chain_id, "a block of another chain");
        BlockRun {
            machine: self.clone(),
            block,
            base: Supplied::new(),
            writes: Writes::new(),
            clock: None,
            block_events: Vec::new(),
            results: Vec::new(),
        }
    }
}

/// The sender, if its transaction may stand in a block at `height`.
fn authorize(view: &dyn StateView, height: u64, envelope: &Envelope) -> Result<Party, Stop> {
    let sender = party::party(view, envelope.sender)?.ok_or(Reject::SENDER_UNKNOWN)?;
    require(
        sender.ledger_key == envelope.sender_key,
        Reject::SENDER_KEY_MISMATCH,
    )?;
    require(sender.is_active(), Reject::SENDER_LEFT)?;
    require(envelope.expiry_height >= height, Reject::EXPIRED)?;
    let next = party::next_sequence(view, envelope.sender)?;
    require(envelope.sequence >= next, Reject::SEQUENCE_TOO_LOW)?;
    require(envelope.sequence == next, Reject::SEQUENCE_TOO_HIGH)?;
    Ok(sender)
}

/// A block being executed.
#[derive(Debug)]
pub struct BlockRun {
    machine: Machine,
    block: BlockContext,
    base: Supplied,
    writes: Writes,
    clock: Option<Clock>,
    block_events: Vec<Event>,
    results: Vec<BlockResult>,
}

impl BlockRun {
    /// Hands over a record of the parent's state, or its absence.
    pub fn supply(&mut self, key: StateKey, value: Option<Vec<u8>>) {
        self.base.supply(key, value);
    }

    /// Keys that a transaction will read and that nobody has supplied yet, as far as its bytes tell.
    pub fn prefetch(&self, envelope: &Envelope) -> Vec<StateKey> {
        let mut wanted = vec![
            keys::party(envelope.sender),
            keys::sequence(envelope.sender),
        ];
        if let Some(module) = self.machine.registry.module(envelope.module) {
            wanted.extend(module.prefetch(envelope));
        }
        wanted.retain(|key| !self.base.knows(key) && !self.writes.contains_key(key));
        wanted
    }

    /// Advances the clock and does the work that is due.
    ///
    /// # Panics
    /// If the block is open already.
    pub fn open(&mut self) -> Result<(), Missing> {
        assert!(self.clock.is_none(), "a block is opened once");
        let before = Context::new(
            self.machine.chain_id,
            Clock::default(),
            &self.base,
            &self.writes,
        );
        let parent = clock::clock(&before)?.unwrap_or_default();
        let offset = clock::utc_offset_minutes(&before)?;
        let clock = parent.next(self.block.height, self.block.time_ms, offset);
        let mut context = Context::new(self.machine.chain_id, clock, &self.base, &self.writes);
        context.put(keys::clock(), &clock);
        due::run(&mut context, &self.machine.registry)?;
        let (writes, events) = context.into_effects();
        self.writes.extend(writes);
        self.block_events = events;
        self.clock = Some(clock);
        Ok(())
    }

    /// Executes a transaction that passed [`Machine::check_stateless`], whatever may be said against its
    /// place in the block.
    ///
    /// # Panics
    /// If the block is not open.
    pub fn apply(&mut self, envelope: &Envelope) -> Result<Outcome, Missing> {
        let id = envelope.tx_id();
        Ok(match self.include(id, envelope)? {
            Ok(outcome) => outcome,
            Err(reject) => self.record(id, Outcome::Rejected(reject), Vec::new()),
        })
    }

    /// Executes a transaction that passed [`Machine::check_stateless`] and has this id, if it may be the
    /// next one of the block. One that may not changes nothing: it is left out by whoever composes the
    /// block, and makes the block invalid for whoever checks it.
    ///
    /// # Panics
    /// If the block is not open.
    pub fn include(&mut self, id: TxId, envelope: &Envelope) -> Checked<Outcome> {
        debug_assert_eq!(id, envelope.tx_id(), "another transaction's id");
        let clock = self
            .clock
            .expect("a block is opened before its transactions");
        let mut context = Context::new(self.machine.chain_id, clock, &self.base, &self.writes);
        let sender = match Stop::checked(authorize(&context, clock.height, envelope))? {
            Ok(sender) => sender,
            Err(reject) => return Ok(Err(reject)),
        };
        // Spent in the block's own layer once the outcome is known: a refused action keeps it too.
        let spent = codec::encode(&(envelope.sequence + 1));
        let module = self.machine.registry.module(envelope.module);
        context.module = envelope.module;
        let executed = match module {
            Some(module) => module.execute(&mut context, &sender, envelope),
            None => Err(Stop::Reject(Reject::MODULE_UNKNOWN)),
        };
        let (outcome, writes, events) = match Stop::checked(executed)? {
            Ok(()) => {
                let (writes, events) = context.into_effects();
                (Outcome::Applied, writes, events)
            }
            Err(reject) => (Outcome::Rejected(reject), Writes::new(), Vec::new()),
        };
        self.writes.extend(writes);
        self.writes
            .insert(keys::sequence(envelope.sender), Some(spent));
        Ok(Ok(self.record(id, outcome, events)))
    }

    /// Ends the block. After it has answered, the run is spent.
    ///
    /// # Panics
    /// If the block is not open.
    pub fn close(&mut self) -> Result<Execution, Missing> {
        let clock = self.clock.expect("a block is opened before it is closed");
        let mut context = Context::new(self.machine.chain_id, clock, &self.base, &self.writes);
        for module in self.machine.registry.modules() {
            context.module = module.id();
            module.end_block(&mut context)?;
        }
        let (writes, events) = context.into_effects();
        self.writes.extend(writes);
        self.block_events.extend(events);
        self.clock = None;
        let block = BlockResult::Block {
            height: clock.height,
            events: bounded(std::mem::take(&mut self.block_events)),
        };
        let results = std::iter::once(block)
            .chain(std::mem::take(&mut self.results))
            .collect();
        Ok(Execution {
            writes: std::mem::take(&mut self.writes),
            results,
        })
    }

    fn record(&mut self, tx_id: TxId, outcome: Outcome, events: Vec<Event>) -> Outcome {
        self.results.push(BlockResult::Tx(TxResult {
            tx_id,
            outcome,
            events: bounded(events),
        }));
        outcome
    }
}

/// Each step of a block says at most [`MAX_EVENTS`]; the block's own two steps may together say more,
/// and then keep the first.
fn bounded(mut events: Vec<Event>) -> BoundedVec<Event, MAX_EVENTS> {
    events.truncate(MAX_EVENTS);
    BoundedVec::try_from(events).unwrap_or_default()
}
