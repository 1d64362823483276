//! Evidence of a network that exists only in a test, for the tests of those who verify evidence.
//!
//! The validators' private keys are known to everybody.

use crate::{
    ChainId, Claim, Committee, Digest, Evidence, Finalization, FinalizedHeader, Header,
    ProposalContext, ResultClaim, Scheme, StateCommitment, namespace,
};
use commonware_codec::Encode as _;
use commonware_consensus::{
    simplex::types::{Finalize, Proposal},
    types::{Epoch, Height, Round, View},
};
use commonware_cryptography::{Digest as _, Digestible as _, Signer as _, ed25519};
use commonware_parallel::Sequential;
use commonware_storage::mmr::Location;
use commonware_utils::{non_empty, non_empty_range};
use tacit_ledger::kernel::{BlockResult, results};

/// Height of the block that is proven.
pub const HEIGHT: u64 = 5;

/// Time of the block that is proven, in milliseconds since the Unix epoch.
pub const TIME_MS: u64 = 1_700_000_000_000;

fn validator(seed: u64) -> ed25519::PrivateKey {
    ed25519::PrivateKey::from_seed(seed)
}

/// The consensus key of the validator with this seed.
pub fn validator_key(seed: u64) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(&validator(seed).public_key().encode());
    bytes
}

/// Evidence that result `index` of `results` stands in a block, or of the block alone, signed by the validators with
/// these seeds, who are all that the chain has.
///
/// # Panics
///
/// If there is no such result, or no seed.
pub fn evidence(
    chain_id: &ChainId,
    seeds: &[u64],
    results: &[BlockResult],
    index: Option<u32>,
) -> Evidence {
    let keys: Vec<_> = seeds.iter().copied().map(validator).collect();
    let committee = Committee::new(keys.iter().map(|key| key.public_key()).collect())
        .expect("the seeds are distinct");
    let round = Round::new(Epoch::new(0), View::new(HEIGHT));
    let header = Header {
        context: ProposalContext {
            round,
            leader: keys[0].public_key(),
            parent: (View::new(HEIGHT - 1), Digest::EMPTY),
        },
        parent: Digest::EMPTY,
        height: Height::new(HEIGHT),
        time_ms: TIME_MS,
        body: Digest::EMPTY,
        state: StateCommitment {
            root: Digest::EMPTY,
            operations_root: Digest::EMPTY,
            operations: non_empty_range!(Location::new(0), Location::new(1)),
        },
        results_root: results::root(results).0.into(),
        handover: None,
    };
    let schemes: Vec<_> = keys
        .into_iter()
        .map(|key| {
            let keys = committee.keys().clone();
            Scheme::signer(&namespace(chain_id), keys, key).expect("a validator signs")
        })
        .collect();
    let proposal = Proposal::new(round, header.context.parent.0, header.digest());
    let votes: Vec<_> = schemes
        .iter()
        .map(|scheme| Finalize::sign(scheme, proposal.clone()).expect("a validator signs"))
        .collect();
    let finalization: Finalization =
        Finalization::from_finalizes(&schemes[0], non_empty![@votes.iter()], &Sequential)
            .expect("all of them are a quorum");
    let claim = match index {
        None => Claim::Block,
        Some(index) => Claim::Result(Box::new(ResultClaim {
            result: results[index as usize].clone(),
            proof: results::prove(results, index).expect("there is such a result"),
        })),
    };
    Evidence {
        handovers: Vec::new(),
        block: FinalizedHeader {
            header,
            descendants: Vec::new(),
            finalization,
        },
        claim,
    }
}
