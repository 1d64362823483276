//! The first state.

use borsh::{BorshDeserialize, BorshSerialize};
use std::collections::BTreeMap;
use std::fmt;

use crate::kernel::clock::{BusinessDate, Clock, MAX_UTC_OFFSET_MINUTES};
use crate::kernel::codec::{BoundedVec, Bytes, Text};
use crate::kernel::context::Context;
use crate::kernel::due;
use crate::kernel::hash::{self, Digest, label};
use crate::kernel::keys;
use crate::kernel::module::{ModuleId, Registry};
use crate::kernel::state::{StateKey, Writes};

/// Modules with a part in the genesis: the network and a dozen business ledgers, with room.
pub const MAX_SECTIONS: usize = 64;

/// Largest part of one module: all institutions of a full network with their addresses.
pub const MAX_SECTION_BYTES: usize = 256 * 1024;

/// Blocks between two changes of the validators, where nobody says otherwise: about an hour of idle
/// network, minutes under load. Each change adds about a kilobyte to what a verifier follows.
pub const DEFAULT_EPOCH_BLOCKS: u32 = 10_000;

/// Which chain. The hash of its genesis, so nothing signed for one chain is valid on another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct ChainId(pub [u8; 32]);

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChainId({self})")
    }
}

/// One module's part of the genesis.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Section {
    /// Module that reads it.
    pub module: ModuleId,
    /// Canonical encoding of the module's own genesis type.
    pub body: Bytes<MAX_SECTION_BYTES>,
}

/// What a network starts from. Every member holds the same bytes; their hash is the chain id.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Genesis {
    /// Name of the network, shown to people.
    pub name: Text<64>,
    /// Milliseconds since 1970-01-01 UTC; no block is older.
    pub time_ms: u64,
    /// Minutes by which the network's business day is ahead of UTC.
    pub utc_offset_minutes: i16,
    /// Blocks between two changes of the validators; at least one.
    pub epoch_blocks: u32,
    /// Parts of the modules, one each, in ascending order of module.
    pub sections: BoundedVec<Section, MAX_SECTIONS>,
}

/// Why a genesis cannot be started from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenesisError {
    /// The offset lies outside a day.
    #[error("the offset from UTC must be within {MAX_UTC_OFFSET_MINUTES} minutes, it is {0}")]
    UtcOffset(i16),
    /// The epochs of validators have no blocks.
    #[error("epoch_blocks must be at least one")]
    EpochBlocks,
    /// Sections out of order, or two of one module.
    #[error("the sections must stand in ascending order of module, one each")]
    SectionOrder,
    /// No module reads a section.
    #[error("this build has no module {0}, which the genesis configures")]
    ModuleUnknown(ModuleId),
    /// The section of a module is not there or does not decode.
    #[error("the section of module {0} is missing or does not decode")]
    SectionUnreadable(ModuleId),
    /// The section of a module contradicts itself.
    #[error("module {module}: {reason}")]
    Section {
        /// Module that refuses.
        module: ModuleId,
        /// Why.
        reason: String,
    },
    /// The machine was made for another chain.
    #[error("this genesis makes chain {found}, the machine was made for {expected}")]
    OtherChain {
        /// Chain of the machine.
        expected: ChainId,
        /// Chain of the genesis.
        found: ChainId,
    },
}

impl Genesis {
    /// The chain that starts from these bytes.
    pub fn chain_id(&self) -> ChainId {
        let Digest(bytes) = hash::hash_encoded(&label::CHAIN_ID, self);
        ChainId(bytes)
    }

    /// The part of `module`.
    pub fn section(&self, module: ModuleId) -> Option<&[u8]> {
        self.sections
            .iter()
            .find(|section| section.module == module)
            .map(|section| &*section.body)
    }
}

impl Genesis {
    /// The first state, for a machine of chain `expected` with these modules.
    pub(crate) fn write(
        &self,
        expected: ChainId,
        registry: &Registry,
    ) -> Result<Writes, GenesisError> {
        self.check(expected, registry)?;
        let business_date = BusinessDate::at(self.time_ms, self.utc_offset_minutes);
        let clock = Clock {
            height: 0,
            time_ms: self.time_ms,
            business_date,
        };
        // Nothing precedes the genesis: what it does not write itself is absent.
        let nothing = BTreeMap::<StateKey, Vec<u8>>::new();
        let mut context = Context::over(expected, clock, &nothing);
        context.put(keys::clock(), &clock);
        context.put(keys::utc_offset(), &self.utc_offset_minutes);
        due::start(&mut context);
        for module in registry.modules() {
            context.module = module.id();
            module.genesis(self, &mut context)?;
        }
        Ok(context.into_effects().0)
    }

    fn check(&self, expected: ChainId, registry: &Registry) -> Result<(), GenesisError> {
        let found = self.chain_id();
        if found != expected {
            return Err(GenesisError::OtherChain { expected, found });
        }
        if self.utc_offset_minutes.unsigned_abs() > MAX_UTC_OFFSET_MINUTES.unsigned_abs() {
            return Err(GenesisError::UtcOffset(self.utc_offset_minutes));
        }
        if self.epoch_blocks == 0 {
            return Err(GenesisError::EpochBlocks);
        }
        if !self.sections.is_sorted_by(|a, b| a.module < b.module) {
            return Err(GenesisError::SectionOrder);
        }
        match self
            .sections
            .iter()
            .find(|section| registry.module(section.module).is_none())
        {
            Some(section) => Err(GenesisError::ModuleUnknown(section.module)),
            None => Ok(()),
        }
    }
}
