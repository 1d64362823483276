//! Makes the genesis of a network from its founders' cards.

use std::path::{Path, PathBuf};

use tacit_ledger::kernel::codec::{self, CodecError};
use tacit_ledger::kernel::party::Name;
use tacit_ledger::kernel::{ChainId, Genesis};
use tacit_ledger::network::parameters::CategoryId;
use tacit_ledger::network::{Category, GenesisMember, NetworkGenesis, Parameters};

use tacit_client::card::{Card, CardError};

/// The largest genesis that is read: what the ledger allows in all of a genesis' sections is less.
const MAX_GENESIS_BYTES: u64 = 32 << 20;

/// China Standard Time, in which the business day of a new network begins at midnight.
const UTC_OFFSET_MINUTES: i16 = 8 * 60;

/// Why a genesis cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub enum GenesisFileError {
    /// A founder's card is not usable.
    #[error(transparent)]
    Card(#[from] CardError),
    /// The whole is larger than the ledger allows.
    #[error("the genesis does not fit the ledger's bounds: {0}")]
    TooLarge(#[from] CodecError),
    /// The file cannot be read or written.
    #[error("cannot use {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is no genesis.
    #[error("{path} is not a genesis: {reason}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// The categories of the white paper, with the price list that a new network begins with.
///
/// The daily cap is a security control, not a tariff: a member that asks one list 250,000 times on
/// each of the 90 days of a tag epoch sees 0.23 % of the 10^10 numbers of a national mobile range.
fn categories() -> Result<Vec<Category>, CodecError> {
    let category = |id, name: &str, grace_blocks| {
        Ok::<_, CodecError>(Category {
            id: CategoryId(id),
            name: Name::new(name)?,
            price_minor: 1_000,
            reward_minor: 100,
            daily_cap_calls: 250_000,
            grace_blocks,
            fresh_days: 30,
            retired: false,
            surcharges: Default::default(),
        })
    };
    Ok(vec![
        category(1, "transaction-fraud", 0)?,
        category(2, "high-risk-account", 0)?,
        category(3, "marketing-abuse", 36_000)?,
    ])
}

/// The genesis of a network with these founders, who are numbered from 1 in this order.
///
/// # Errors
/// [`GenesisFileError::Card`] for the first card that the ledger would refuse.
pub fn make(name: &str, time_ms: u64, founders: &[Card]) -> Result<Genesis, GenesisFileError> {
    let members = founders
        .iter()
        .map(|card| {
            Ok(GenesisMember {
                candidate: card.candidate()?,
                validator: card.validator,
            })
        })
        .collect::<Result<Vec<_>, CardError>>()?;
    let validators = founders.iter().filter(|card| card.validator).count();
    let network = NetworkGenesis {
        parameters: Parameters {
            // A trial network may have fewer than four; it then tolerates no fault.
            min_validators: u32::try_from(validators.min(4)).unwrap_or(4),
            ..Parameters::default()
        },
        categories: categories()?.try_into()?,
        members: members.try_into()?,
    };
    Ok(network.into_genesis(name, time_ms, UTC_OFFSET_MINUTES)?)
}

/// Writes a genesis in the ledger's canonical encoding, and says which chain it makes.
///
/// # Errors
/// [`GenesisFileError::File`].
pub fn write(genesis: &Genesis, path: &Path) -> Result<ChainId, GenesisFileError> {
    std::fs::write(path, codec::encode(genesis)).map_err(|source| GenesisFileError::File {
        path: path.into(),
        source,
    })?;
    Ok(genesis.chain_id())
}

/// Reads a genesis.
///
/// # Errors
/// [`GenesisFileError`].
pub fn read(path: &Path) -> Result<Genesis, GenesisFileError> {
    let file = |source| GenesisFileError::File {
        path: path.into(),
        source,
    };
    let invalid = |reason: String| GenesisFileError::Invalid {
        path: path.into(),
        reason,
    };
    if std::fs::metadata(path).map_err(file)?.len() > MAX_GENESIS_BYTES {
        return Err(invalid(format!(
            "it is larger than {MAX_GENESIS_BYTES} bytes"
        )));
    }
    codec::decode(&std::fs::read(path).map_err(file)?).map_err(|error| invalid(error.to_string()))
}
