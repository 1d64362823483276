//! What is taken on trust by whoever verifies without a node: the genesis of the network, and nothing else.

use std::path::Path;

use tacit_finality::{Committee, FinalityError};
use tacit_ledger::kernel::{Genesis, ModuleId, codec};
use tacit_ledger::network::NetworkGenesis;

use crate::error::ClientError;

/// The largest genesis that is read: what the ledger allows in all of a genesis' sections is less.
const MAX_GENESIS_BYTES: u64 = 32 << 20;

/// Reads a file that is not larger than that.
///
/// # Errors
/// [`ClientError::File`] or [`ClientError::Invalid`].
pub fn read_file(path: &Path, max_bytes: u64) -> Result<Vec<u8>, ClientError> {
    let file = |source| ClientError::File {
        path: path.into(),
        source,
    };
    if std::fs::metadata(path).map_err(file)?.len() > max_bytes {
        return Err(ClientError::Invalid {
            path: path.into(),
            reason: format!("is larger than {max_bytes} bytes"),
        });
    }
    std::fs::read(path).map_err(file)
}

/// Reads a genesis, and the first validators that it names.
///
/// # Errors
/// [`ClientError::File`] or [`ClientError::Invalid`].
pub fn read_genesis(path: &Path) -> Result<(Genesis, Committee), ClientError> {
    let genesis = read_file(path, MAX_GENESIS_BYTES)?;
    let not_genesis = |reason: String| ClientError::Invalid {
        path: path.into(),
        reason: format!("is not a genesis: {reason}"),
    };
    let genesis: Genesis =
        codec::decode(&genesis).map_err(|error| not_genesis(error.to_string()))?;
    let committee = committee(&genesis).map_err(not_genesis)?;
    Ok((genesis, committee))
}

fn committee(genesis: &Genesis) -> Result<Committee, String> {
    let section = genesis.section(ModuleId::NETWORK);
    let section = section.ok_or("it has no part of the network")?;
    let network: NetworkGenesis = codec::decode(section).map_err(|error| error.to_string())?;
    let validators = network.members.iter().filter(|member| member.validator);
    let keys = validators.map(|member| member.candidate.profile.consensus_key.0);
    Committee::from_key_bytes(keys).map_err(|error: FinalityError| error.to_string())
}
