//! Block headers, finality certificates, and the proofs that hang from them.
//!
//! Whoever runs no node can still check what the network decided. A [`Header`] commits to the state
//! after its block, to the outcome and events of each of its transactions, and, at the end of an
//! epoch, to the validators of the next one. A [`FinalizedHeader`] carries the certificate that a
//! quorum of validators signed over it. From the chain's id and its genesis committee,
//! [`Committees`] follows the hand-overs from epoch to epoch and [`Evidence`] proves one claim: the
//! value of a state key, the outcome of a transaction, or an event.
//!
//! Everything here is synchronous, reads bytes, and opens no file and no socket.
//!
//! # Trust
//!
//! A verifier trusts that fewer than a third of each epoch's validators sign two conflicting blocks
//! of one height. It trusts no node that hands it a proof.
//!
//! # Source
//!
//! Certificates are those of simplex consensus (Chan and Pass, *Simplex Consensus: A Simple and Fast
//! Consensus Protocol*, 2023) with explicit ed25519 signatures. State proofs are those of the QMDB
//! design (Zhang et al., *QMDB: Quick Merkle Database*, 2025) in its `current` variant.

mod certificate;
mod committee;
mod error;
mod evidence;
mod header;
mod result;
#[cfg(feature = "testing")]
pub mod testing;
mod value;

pub use certificate::{Committees, FinalizedHeader, MAX_DESCENDANTS, namespace};
pub use committee::{Committee, MAX_VALIDATORS};
pub use error::FinalityError;
pub use evidence::{Claim, Evidence, MAX_HANDOVERS, MAX_PROVEN_VALUES};
pub use header::{ChainId, Header, StateCommitment};
pub use result::{MAX_RESULT_BYTES, ResultClaim};
pub use tacit_ledger::kernel::state::MAX_VALUE_BYTES;
pub use value::{StateOperation, StateProof, ValueProof, key_digest};

/// The hash of blocks, state and results: BLAKE3, 32 bytes.
pub type Hash = commonware_cryptography::Blake3;
/// A BLAKE3 digest.
pub type Digest = commonware_cryptography::blake3::Digest;
/// A validator's consensus key, which also names it on the peer-to-peer network.
pub type ConsensusKey = commonware_cryptography::ed25519::PublicKey;
/// The signing scheme of votes: explicit ed25519 signatures, with the signers' indices.
pub type Scheme = commonware_consensus::simplex::scheme::ed25519::Scheme;
/// Where in the protocol a block was proposed: epoch, view, leader, parent.
pub type ProposalContext = commonware_consensus::simplex::types::Context<Digest, ConsensusKey>;
/// A quorum's signatures over a proposal, after which it cannot be undone.
pub type Finalization = commonware_consensus::simplex::types::Finalization<Scheme, Digest>;
