//! The ledger's state machine, as one chain runs it.

use crate::network::Peer;
use std::{collections::BTreeMap, num::NonZeroU64};
use tacit_finality::{Committee, FinalityError};
use tacit_ledger::{
    kernel::{
        BlockResult, ChainId, Genesis, GenesisError, Machine, Missing, Registry, StateKey,
        StateView, Writes, results,
    },
    network::read,
};
use thiserror::Error;
use tracing::warn;

/// The state machine of a chain, and what its genesis writes.
#[derive(Clone, Debug)]
pub struct Ledger {
    pub(crate) chain_id: ChainId,
    pub(crate) machine: Machine,
    pub(crate) genesis_writes: Writes,
    pub(crate) genesis_time_ms: u64,
    pub(crate) genesis_committee: Committee,
    pub(crate) genesis_peers: Vec<Peer>,
    pub(crate) epoch_blocks: NonZeroU64,
}

/// Why a chain cannot start from a genesis.
#[derive(Debug, Error)]
pub enum LedgerStartError {
    /// The ledger refuses it.
    #[error("the genesis: {0}")]
    Genesis(#[from] GenesisError),
    /// It names no usable validators.
    #[error("the genesis's validators: {0}")]
    Validators(#[from] FinalityError),
    /// Its epochs have no block.
    #[error("the genesis says that an epoch has no block; it must have at least one")]
    NoEpoch,
}

impl Ledger {
    /// The chain that starts from `genesis`, with these business modules.
    ///
    /// # Errors
    ///
    /// [`LedgerStartError`] if no chain can.
    pub fn new(genesis: &Genesis, registry: Registry) -> Result<Self, LedgerStartError> {
        let chain_id = genesis.chain_id();
        let machine = Machine::new(chain_id, registry);
        let genesis_writes = machine.genesis(genesis)?;
        let state: BTreeMap<StateKey, Vec<u8>> = genesis_writes
            .iter()
            .filter_map(|(key, value)| Some((key.clone(), value.clone()?)))
            .collect();
        let whole = "a whole state misses nothing";
        Ok(Self {
            chain_id,
            machine,
            genesis_time_ms: genesis.time_ms,
            genesis_committee: committee(&state).expect(whole)?,
            genesis_peers: peers(&state).expect(whole),
            genesis_writes,
            epoch_blocks: NonZeroU64::new(u64::from(genesis.epoch_blocks))
                .ok_or(LedgerStartError::NoEpoch)?,
        })
    }

    /// The chain's id: the hash of its genesis.
    pub fn chain_id(&self) -> ChainId {
        self.chain_id
    }

    /// The validators of the first epoch, from which verifiers start.
    pub fn genesis_committee(&self) -> &Committee {
        &self.genesis_committee
    }

    /// The nodes that the genesis names.
    pub fn genesis_peers(&self) -> &[Peer] {
        &self.genesis_peers
    }
}

/// The validators that `view` names for the next epoch.
pub(crate) fn committee(view: &dyn StateView) -> Result<Result<Committee, FinalityError>, Missing> {
    let validators = read::validators(view)?;
    let keys = validators.iter().map(|validator| validator.consensus_key.0);
    Ok(Committee::from_key_bytes(keys))
}

/// The nodes of the network that `view` names: those of all parties that belong to it now.
pub(crate) fn peers(view: &dyn StateView) -> Result<Vec<Peer>, Missing> {
    let members = read::members(view)?;
    let active = members.into_iter().filter(|member| member.is_active());
    Ok(active
        .filter_map(|member| {
            let key = &member.profile.consensus_key.0;
            let peer = Peer::new(key, member.profile.p2p_address.as_str(), member.validator);
            if peer.is_none() {
                warn!(member = %member.id, "a member's consensus key is no ed25519 key");
            }
            peer
        })
        .collect())
}

/// The root over a block's results.
pub(crate) fn results_root(block_results: &[BlockResult]) -> tacit_finality::Digest {
    results::root(block_results).0.into()
}
