//! Signed transactions.
//!
//! The signature covers `label || chain id || sender || … || action`, all but itself, under Ed25519 with
//! the validity rules of ZIP 215, which every implementation decides alike and which allow batches. The
//! sender's key travels with the envelope, so that a signature is checked without state; execution
//! compares the key with the registered one.

use borsh::{BorshDeserialize, BorshSerialize};
use ed25519_zebra::SigningKey;
use std::fmt;
use tacit_circuits::scope::MemberId;

use crate::kernel::codec::{self, Bytes, CodecError};
use crate::kernel::genesis::ChainId;
use crate::kernel::hash::{self, Digest, label};
use crate::kernel::module::ModuleId;
use crate::kernel::party::LedgerKey;

/// Largest action: a batch of 1,000 calls takes 160 bytes a call (two points and a hash) and less than
/// 1 kB besides.
pub const MAX_ACTION_BYTES: usize = 192 * 1024;

/// Largest encoded envelope: an action and what surrounds it.
pub const MAX_ENVELOPE_BYTES: usize = MAX_ACTION_BYTES + 256;

/// An Ed25519 signature.
#[derive(Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Signature(pub [u8; 64]);

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({})", hex::encode(self.0))
    }
}

/// Name of a transaction: the hash of all its bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct TxId(pub Digest);

impl fmt::Display for TxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for TxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TxId({self})")
    }
}

/// A signed transaction.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Envelope {
    /// Chain for which it is signed.
    pub chain_id: ChainId,
    /// Party that signs.
    pub sender: MemberId,
    /// The sender's key; execution refuses any but the registered one.
    pub sender_key: LedgerKey,
    /// The sender's transactions are numbered from 0 without gaps.
    pub sequence: u64,
    /// Last height at which it may stand in a block.
    pub expiry_height: u64,
    /// Module that executes the action.
    pub module: ModuleId,
    /// Canonical encoding of the module's action.
    pub action: Bytes<MAX_ACTION_BYTES>,
    /// The sender's signature over all of the above.
    pub signature: Signature,
}

/// What an envelope says, before it is signed.
#[derive(Clone, Debug)]
pub struct Unsigned {
    /// As in [`Envelope`].
    pub chain_id: ChainId,
    /// As in [`Envelope`].
    pub sender: MemberId,
    /// As in [`Envelope`].
    pub sequence: u64,
    /// As in [`Envelope`].
    pub expiry_height: u64,
    /// As in [`Envelope`].
    pub module: ModuleId,
    /// As in [`Envelope`].
    pub action: Bytes<MAX_ACTION_BYTES>,
}

impl Unsigned {
    /// Signs with a key that the caller holds.
    pub fn sign(self, key: &SigningKey) -> Envelope {
        let sender_key = ledger_key(key);
        self.sign_with(sender_key, |message| Signature(key.sign(message).into()))
    }

    /// Signs through `sign`, for keys that somebody else holds (an HSM, a front end's ledger port).
    pub fn sign_with(
        self,
        sender_key: LedgerKey,
        sign: impl FnOnce(&[u8]) -> Signature,
    ) -> Envelope {
        let mut envelope = Envelope {
            chain_id: self.chain_id,
            sender: self.sender,
            sender_key,
            sequence: self.sequence,
            expiry_height: self.expiry_height,
            module: self.module,
            action: self.action,
            signature: Signature([0; 64]),
        };
        envelope.signature = sign(&envelope.signed_bytes());
        envelope
    }
}

impl Envelope {
    /// The transaction's name.
    pub fn tx_id(&self) -> TxId {
        TxId(hash::hash_encoded(&label::TX_ID, self))
    }

    /// Canonical bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Reads canonical bytes from outside.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CodecError> {
        if bytes.len() > MAX_ENVELOPE_BYTES {
            return Err(CodecError::TooLong {
                length: bytes.len(),
                max: MAX_ENVELOPE_BYTES,
            });
        }
        codec::decode(bytes)
    }

    /// What the signature covers: the label's digest of all fields but the signature itself.
    ///
    /// A digest, and not the bytes, so that a key in hardware signs 32 bytes and a batch of calls is
    /// hashed once.
    pub fn signed_bytes(&self) -> [u8; 32] {
        let fields = (
            &self.chain_id,
            &self.sender,
            &self.sender_key,
            &self.sequence,
            &self.expiry_height,
            &self.module,
            &self.action,
        );
        hash::hash_encoded(&label::ENVELOPE, &fields).0
    }
}

/// Public half of a signing key.
pub fn ledger_key(key: &SigningKey) -> LedgerKey {
    LedgerKey(ed25519_zebra::VerificationKeyBytes::from(key).into())
}
