//! The trait of a business ledger, and the registry through which the machine reaches it.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

use crate::kernel::context::{Context, Stop};
use crate::kernel::envelope::Envelope;
use crate::kernel::genesis::{Genesis, GenesisError};
use crate::kernel::party::Party;
use crate::kernel::reject::{KERNEL_REJECTS, Reject, RejectInfo};
use crate::kernel::state::{Missing, StateKey, Table};
use crate::network::RiskNetwork;

/// Number of a module: permanent, first part of its state keys and of its events.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    Serialize,
)]
pub struct ModuleId(pub u16);

impl ModuleId {
    /// The kernel, which executes no transactions.
    pub const KERNEL: Self = Self(0);
    /// The risk network.
    pub const NETWORK: Self = Self(1);

    /// The business ledgers by name. Numbers are permanent, so that receipts can be made for a ledger before a
    /// network carries it.
    pub const BUSINESSES: [(Self, &str); 9] = [
        (Self(2), "abs"),
        (Self(3), "insurance"),
        (Self(4), "supply-chain"),
        (Self(5), "otc"),
        (Self(6), "custody"),
        (Self(7), "commodity"),
        (Self(8), "trade-finance"),
        (Self(9), "syndicated-loan"),
        (Self(10), "equity"),
    ];

    /// The business ledger with this name, or with this number.
    pub fn named(name: &str) -> Option<Self> {
        let named = Self::BUSINESSES.iter().find(|(_, known)| *known == name);
        let numbered = || name.parse().ok().map(Self).filter(|id| *id != Self::KERNEL);
        named.map(|(id, _)| *id).or_else(numbered)
    }
}

impl fmt::Display for ModuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A business ledger: its own actions, records and events over the kernel's.
///
/// # Invariants
/// - Each method is a function of its arguments: no clock, no randomness, no order of hash maps.
/// - State keys come from the module's own tables.
/// - Loops are bounded by a named `MAX_…`.
pub trait Module: Send + Sync {
    /// Its permanent number.
    fn id(&self) -> ModuleId;

    /// Its name, for people.
    fn name(&self) -> &'static str;

    /// All its tables.
    fn tables(&self) -> &'static [Table];

    /// All its refusals.
    fn rejects(&self) -> &'static [RejectInfo];

    /// Writes the module's first records.
    fn genesis(&self, genesis: &Genesis, context: &mut Context<'_>) -> Result<(), GenesisError>;

    /// Checks of an action that need no state: form, bounds, proofs. Called from many threads at once.
    fn check_stateless(&self, envelope: &Envelope) -> Result<(), Reject>;

    /// Keys that the action will read, as far as it can be told from its bytes, to be fetched at once.
    /// A key too few costs a round of fetching, a key too many a read; neither changes the result.
    fn prefetch(&self, envelope: &Envelope) -> Vec<StateKey>;

    /// Executes an action that passed [`check_stateless`](Self::check_stateless) and whose sender the
    /// kernel has authorised.
    fn execute(
        &self,
        context: &mut Context<'_>,
        sender: &Party,
        envelope: &Envelope,
    ) -> Result<(), Stop>;

    /// Does a piece of work that the module put off with
    /// [`Context::due_at`](crate::kernel::Context::due_at) or
    /// [`Context::due_on`](crate::kernel::Context::due_on). It cannot be refused.
    fn due(&self, context: &mut Context<'_>, work: &[u8]) -> Result<(), Missing>;

    /// Runs once after a block's transactions.
    fn end_block(&self, context: &mut Context<'_>) -> Result<(), Missing> {
        let _ = context;
        Ok(())
    }
}

/// The modules of a chain. Every machine of one chain has the same.
pub struct Registry(BTreeMap<ModuleId, Box<dyn Module>>);

impl Registry {
    /// The risk network alone.
    pub fn network() -> Self {
        Self(BTreeMap::new()).with(RiskNetwork)
    }

    /// Adds a module.
    ///
    /// # Panics
    /// If the number is the kernel's or taken: the registry is written in code, not read.
    #[must_use]
    pub fn with(mut self, module: impl Module + 'static) -> Self {
        let id = module.id();
        assert!(id != ModuleId::KERNEL, "module 0 is the kernel");
        let before = self.0.insert(id, Box::new(module));
        assert!(before.is_none(), "two modules have the number {id}");
        self
    }

    /// The module with this number.
    pub fn module(&self, id: ModuleId) -> Option<&dyn Module> {
        self.0.get(&id).map(Box::as_ref)
    }

    /// All modules in ascending order of their numbers.
    pub fn modules(&self) -> impl Iterator<Item = &dyn Module> {
        self.0.values().map(Box::as_ref)
    }

    /// What a refusal means.
    pub fn describe(&self, reject: Reject) -> Option<&'static RejectInfo> {
        let tables = self.modules().map(|module| module.rejects());
        let mut infos = KERNEL_REJECTS.iter().chain(tables.flatten());
        infos.find(|info| info.reject == reject)
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.modules().map(|module| module.name()))
            .finish()
    }
}
