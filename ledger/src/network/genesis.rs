//! The first members, categories and parameters.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::kernel::codec::{self, BoundedVec, Bytes, CodecError, Text};
use crate::kernel::genesis::{DEFAULT_EPOCH_BLOCKS, Genesis, Section};
use crate::kernel::module::ModuleId;
use crate::kernel::party::MAX_PARTIES;
use crate::network::parameters::{Category, MAX_CATEGORIES, Parameters};
use crate::network::record::Candidate;

/// A party of the first hour.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct GenesisMember {
    /// Who it is.
    pub candidate: Candidate,
    /// Whether it validates. Observers do not.
    pub validator: bool,
}

/// The risk network's part of the genesis.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct NetworkGenesis {
    /// Parameters.
    pub parameters: Parameters,
    /// Categories, in ascending order of their numbers.
    pub categories: BoundedVec<Category, MAX_CATEGORIES>,
    /// Parties: the first gets number 1.
    pub members: BoundedVec<GenesisMember, MAX_PARTIES>,
}

impl NetworkGenesis {
    /// A genesis with the risk network alone.
    pub fn into_genesis(
        self,
        name: &str,
        time_ms: u64,
        utc_offset_minutes: i16,
    ) -> Result<Genesis, CodecError> {
        let body = Bytes::try_from(codec::encode(&self))?;
        let section = Section {
            module: ModuleId::NETWORK,
            body,
        };
        let sections = BoundedVec::try_from(vec![section])?;
        let epoch_blocks = DEFAULT_EPOCH_BLOCKS;
        let name = Text::new(name)?;
        Ok(Genesis {
            name,
            time_ms,
            utc_offset_minutes,
            epoch_blocks,
            sections,
        })
    }
}
