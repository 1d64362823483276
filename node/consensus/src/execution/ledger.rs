//! The ledger's state machine, as one chain runs it.

use crate::network::Peer;
use crate::toy::{self as kernel, ChainId, Machine, Missing, StateView, Writes};
use tacit_finality::{Committee, FinalityError};

/// The state machine, what the genesis writes, and what consensus reads from state.
#[derive(Debug)]
pub struct Ledger {
    pub chain_id: ChainId,
    pub machine: Machine,
    pub genesis_writes: Writes,
    pub genesis_time_ms: u64,
    pub genesis_committee: Committee,
}

impl Ledger {
    /// The validators that `view` names for the next epoch.
    pub(crate) fn committee(
        &self,
        _view: &dyn StateView,
    ) -> Result<Result<Committee, FinalityError>, Missing> {
        Ok(Ok(self.genesis_committee.clone()))
    }

    /// The nodes of the network that `view` names.
    pub(crate) fn peers(&self, _view: &dyn StateView) -> Result<Vec<Peer>, Missing> {
        Ok(Vec::new())
    }
}

pub(crate) fn results_root(results: &[kernel::BlockResult]) -> [u8; 32] {
    kernel::results_root(results).0
}
