//! What a module sees while it executes.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::kernel::clock::Clock;
use crate::kernel::codec::{self, Bytes};
use crate::kernel::event::{Event, MAX_EVENT_BYTES};
use crate::kernel::genesis::ChainId;
use crate::kernel::module::ModuleId;
use crate::kernel::reject::Reject;
use crate::kernel::results::MAX_EVENTS;
use crate::kernel::state::{self, MAX_VALUE_BYTES, Missing, StateKey, StateView, Writes};

/// Why execution stopped: state has to be fetched, or the transaction is refused. Either way nothing
/// that it wrote stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Fetch, and call again.
    Missing(Missing),
    /// Refused.
    Reject(Reject),
}

impl From<Missing> for Stop {
    fn from(missing: Missing) -> Self {
        Self::Missing(missing)
    }
}

impl From<Reject> for Stop {
    fn from(reject: Reject) -> Self {
        Self::Reject(reject)
    }
}

impl Stop {
    /// Separates what has to be fetched from what was decided.
    pub fn checked<T>(result: Result<T, Stop>) -> Result<Result<T, Reject>, Missing> {
        match result {
            Ok(value) => Ok(Ok(value)),
            Err(Stop::Reject(reject)) => Ok(Err(reject)),
            Err(Stop::Missing(missing)) => Err(missing),
        }
    }
}

/// Refuses with `reject` unless `condition` holds.
pub fn require(condition: bool, reject: Reject) -> Result<(), Reject> {
    if condition { Ok(()) } else { Err(reject) }
}

/// State, clock and events of one step of a block: a transaction, due work, or the block's end.
///
/// Writes go to a layer of the step. The machine merges the layer into the block when the step is
/// applied and drops it otherwise.
pub struct Context<'a> {
    pub(crate) chain_id: ChainId,
    pub(crate) clock: Clock,
    pub(crate) module: ModuleId,
    base: &'a dyn StateView,
    block: Option<&'a Writes>,
    writes: Writes,
    events: Vec<Event>,
}

impl<'a> Context<'a> {
    /// A step of a block whose earlier steps wrote `block`.
    pub(crate) fn new(
        chain_id: ChainId,
        clock: Clock,
        base: &'a dyn StateView,
        block: &'a Writes,
    ) -> Self {
        Self {
            block: Some(block),
            ..Self::over(chain_id, clock, base)
        }
    }

    /// A step that nothing of its block precedes.
    pub(crate) fn over(chain_id: ChainId, clock: Clock, base: &'a dyn StateView) -> Self {
        let (module, writes, events) = (ModuleId::KERNEL, Writes::new(), Vec::new());
        Self {
            chain_id,
            clock,
            module,
            base,
            block: None,
            writes,
            events,
        }
    }

    pub(crate) fn into_effects(self) -> (Writes, Vec<Event>) {
        (self.writes, self.events)
    }

    /// Runs `part` for `module`: all that it writes and says, or nothing if records are missing.
    pub(crate) fn whole(
        &mut self,
        module: ModuleId,
        part: impl FnOnce(&mut Context<'_>) -> Result<(), Missing>,
    ) -> Result<(), Missing> {
        let mut step = Context {
            module,
            ..Context::over(self.chain_id, self.clock, &*self)
        };
        part(&mut step)?;
        let (writes, events) = step.into_effects();
        self.writes.extend(writes);
        self.events.extend(events);
        Ok(())
    }

    /// Tries `part`: all that it writes and says, or nothing and why it was refused.
    pub(crate) fn attempt(
        &mut self,
        part: impl FnOnce(&mut Context<'_>) -> Result<(), Stop>,
    ) -> Result<Result<(), Reject>, Missing> {
        let mut step = Context {
            module: self.module,
            ..Context::over(self.chain_id, self.clock, &*self)
        };
        let tried = Stop::checked(part(&mut step))?;
        if tried.is_ok() {
            let (writes, events) = step.into_effects();
            self.writes.extend(writes);
            self.events.extend(events);
        }
        Ok(tried)
    }

    /// The chain.
    pub fn chain_id(&self) -> ChainId {
        self.chain_id
    }

    /// Height, time and business date of this block.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Height of this block.
    pub fn height(&self) -> u64 {
        self.clock.height
    }

    /// Whether an earlier step of this block wrote the record.
    pub fn written_in_block(&self, key: &StateKey) -> bool {
        self.block.is_some_and(|block| block.contains_key(key))
    }

    /// Reads and decodes a record.
    pub fn read<T: BorshDeserialize>(&self, key: &StateKey) -> Result<Option<T>, Missing> {
        state::read(self, key)
    }

    /// Writes a record.
    pub fn put<T: BorshSerialize>(&mut self, key: StateKey, record: &T) {
        let bytes = codec::encode(record);
        debug_assert!(
            bytes.len() <= MAX_VALUE_BYTES,
            "the record under {key} is too large"
        );
        self.writes.insert(key, Some(bytes));
    }

    /// Removes a record.
    pub fn remove(&mut self, key: StateKey) {
        self.writes.insert(key, None);
    }

    /// Says that something happened. Kept only if the step is applied.
    ///
    /// # Panics
    /// If the event exceeds [`MAX_EVENT_BYTES`] or the step says more than [`MAX_EVENTS`]: both are
    /// bounded by the types of actions and events, so this is a fault of the module.
    pub fn emit<T: BorshSerialize>(&mut self, event: &T) {
        assert!(
            self.events.len() < MAX_EVENTS,
            "a step of module {} says too much",
            self.module
        );
        let body = Bytes::<MAX_EVENT_BYTES>::try_from(codec::encode(event))
            .unwrap_or_else(|error| panic!("an event of module {}: {error}", self.module));
        self.events.push(Event {
            module: self.module,
            body,
        });
    }
}

impl StateView for Context<'_> {
    fn get(&self, key: &StateKey) -> Result<Option<Vec<u8>>, Missing> {
        let in_block = || self.block.and_then(|block| block.get(key));
        match self.writes.get(key).or_else(in_block) {
            Some(written) => Ok(written.clone()),
            None => self.base.get(key),
        }
    }
}
