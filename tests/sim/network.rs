//! The genesis of simulated networks.

use commonware_cryptography::{Signer as _, ed25519};
use tacit_consensus::{engine::Ledger, toy::*};
use tacit_finality::Committee;

pub fn genesis(keys: &[ed25519::PrivateKey], validators: usize) -> Ledger {
    let machine = Machine;
    Ledger {
        chain_id: ChainId([7; 32]),
        genesis_writes: machine.genesis(),
        machine,
        genesis_time_ms: 0,
        genesis_committee: Committee::new(
            keys[..validators].iter().map(|k| k.public_key()).collect(),
        )
        .unwrap(),
    }
}
