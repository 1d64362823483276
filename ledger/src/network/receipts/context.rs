//! What receipts are made for.

use std::fmt;

use borsh::io::{Error, ErrorKind, Read};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::Serialize;
use tacit_circuits::receipt::{ContextHash, KeyId};
use tacit_circuits::scope::MemberId;

use crate::kernel::codec::Text;
use crate::kernel::hash::{self, label};
use crate::kernel::party::key_bytes;
use crate::kernel::{ChainId, ModuleId};
use crate::network::record::{PolicyId, PolicyVersion};

/// Longest code of a purpose, in bytes.
pub const MAX_PURPOSE_BYTES: usize = 48;

key_bytes! {
    /// Name of the object that receipts are made for, such as a loan application: of the business ledger's
    /// own making, unique there.
    ObjectId
}

/// Code of the purpose for which receipts may be relied on, such as `credit-origination`: lower-case
/// Latin letters, digits and hyphens, a letter first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, Serialize)]
pub struct Purpose(Text<MAX_PURPOSE_BYTES>);

/// The text is no code of a purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a purpose has 1 to {MAX_PURPOSE_BYTES} lower-case letters, digits and hyphens, a letter first"
)]
pub struct PurposeError;

impl Purpose {
    /// Checks and wraps a code.
    pub fn new(code: &str) -> Result<Self, PurposeError> {
        Text::new(code).map_err(|_| PurposeError).and_then(Self::of)
    }

    fn of(text: Text<MAX_PURPOSE_BYTES>) -> Result<Self, PurposeError> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let code = text.as_str();
        let letter_first = code.starts_with(|first: char| first.is_ascii_lowercase());
        if letter_first && code.bytes().all(plain) {
            Ok(Self(text))
        } else {
            Err(PurposeError)
        }
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl BorshDeserialize for Purpose {
    fn deserialize_reader<R: Read>(reader: &mut R) -> Result<Self, Error> {
        Self::of(Text::deserialize_reader(reader)?)
            .map_err(|error| Error::new(ErrorKind::InvalidData, error))
    }
}

/// What a set of receipts is made for: where, by whom and until when it may be relied on. Its proofs are
/// bound to [`hash`](Self::hash) and hold for no other context.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ReceiptContext {
    /// The business ledger that relies on it.
    pub module: ModuleId,
    /// The object there.
    pub object: ObjectId,
    /// The party that relies on it.
    pub verifier: MemberId,
    /// The policy that it satisfies.
    pub policy: PolicyId,
    /// The policy's version.
    pub policy_version: PolicyVersion,
    /// What for.
    pub purpose: Purpose,
    /// First height at which it can no longer be relied on.
    pub expiry_height: u64,
    /// The verifying key of the proofs.
    pub key: KeyId,
}

impl ReceiptContext {
    /// What the proofs are bound to: BLAKE3 under a label of its own over the encodings of chain, module,
    /// object, submitter, policy, policy version, verifier, purpose, expiry height and key, in this order.
    pub fn hash(&self, chain_id: ChainId, submitter: MemberId) -> ContextHash {
        let fields = (
            chain_id,
            self.module,
            self.object,
            submitter,
            (self.policy, self.policy_version),
            self.verifier,
            &self.purpose,
            self.expiry_height,
            self.key,
        );
        ContextHash(hash::hash_encoded(&label::RECEIPT_CONTEXT, &fields).0)
    }
}
