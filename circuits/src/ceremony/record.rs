//! The record of a step, as it is stored.

use borsh::{BorshDeserialize, BorshSerialize};

use super::error::RecordError;
use super::points::COMPRESSED_BYTES;
use super::proof::Knowledge;
use super::{MAX_RECORD_BYTES, Phase};

const MAGIC: [u8; 16] = *b"tacit cerrecrd 1";
const HEAD_CONTEXT: &str = "tacit v1 ceremony record";

/// A step: sixteen bytes `tacit cerrecrd 1`, then these fields in borsh.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Record {
    pub(super) phase: Phase,
    /// The ceremony's identity in the first record, in others the head of the transcript before this one.
    pub(super) previous: [u8; 32],
    /// The digest of the state that it makes.
    pub(super) state: [u8; 32],
    /// τ, α and β, or δ, in G1 after it, compressed.
    pub(super) elements: Vec<[u8; COMPRESSED_BYTES]>,
    pub(super) body: Body,
}

#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) enum Body {
    /// A member's.
    Contribution {
        /// The member's number in the header.
        member: u16,
        proof: Knowledge,
    },
    /// The beacon's, which ends the phase.
    Closing {
        beacon: Vec<u8>,
        /// Members that are left out, by rising number.
        skipped: Vec<u16>,
        /// The digest of what the phase is for: the specialised state, or the keys.
        result: [u8; 32],
    },
}

impl Record {
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        let body = bytes.strip_prefix(&MAGIC).ok_or(RecordError::Format)?;
        if bytes.len() > MAX_RECORD_BYTES {
            return Err(RecordError::Format);
        }
        Self::try_from_slice(body).map_err(|_| RecordError::Format)
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        // Writing into memory does not fail.
        let _ = self.serialize(&mut bytes);
        bytes
    }

    /// The head of the transcript after it.
    pub(super) fn head(bytes: &[u8]) -> [u8; 32] {
        blake3::derive_key(HEAD_CONTEXT, bytes)
    }
}
