//! Calls opened to an examiner, as a file that is checked without a node.
//!
//! Of each call the file holds what the asking member kept of it (the subject, the blinding factor, who asked
//! and why), the transaction that settled it with the proof of its finality, and the way of its answer to the
//! list's root. So an examiner sees that the customer who was asked about is the one that is shown, when and on
//! what ground it was done, and what the list said; and nothing of any other call, whose blinded points stand
//! on the ledger anyway.

mod fault;
mod proof;
mod unopened;

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};
use tacit_circuits::list::MembershipPath;
use tacit_finality::{Evidence, FinalityError};
use tacit_ledger::kernel::codec::{BoundedVec, Bytes, CodecError};
use tacit_ledger::kernel::envelope::MAX_ENVELOPE_BYTES;
use tacit_ledger::kernel::{ChainId, MemberId};
use tacit_ledger::network::SessionId;
use tacit_ledger::network::audit::{AuditContext, AuditRecord};
use tacit_ledger::network::request::MAX_CALLS;

use crate::file::{FileFormat, FormatError};

pub use fault::{BundleFault, CallFault};
pub use proof::{Proven, ProvenCall, Standing};
pub use unopened::{Erasure, Padding, UnopenedBatch, UnopenedCall};

/// Bytes of the hash that ends a bundle: it covers what no proof covers.
const DIGEST_BYTES: usize = 32;

/// Largest file. A batch takes at most its transaction and a certificate of a few kilobytes, a call less than
/// 2 kB.
pub const MAX_BUNDLE_BYTES: usize = 256 << 20;

const FORMAT: FileFormat = FileFormat {
    magic: *b"tacit audit v. 2",
    max_bytes: MAX_BUNDLE_BYTES,
};

/// Batches in one bundle: an examiner's question is about some customers, not about all.
pub const MAX_BATCHES: usize = 4_096;

/// Calls in one bundle, for the same reason.
pub const MAX_BUNDLE_CALLS: usize = 10_000;

/// Pieces of evidence for records: each proves one to 128, and a bundle appeals to two for each version asked.
const MAX_RECORD_EVIDENCE: usize = 1_024;

type Sealed = Bytes<MAX_BUNDLE_BYTES>;

/// A call of the bundle's member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AuditedCallName {
    /// Session.
    pub session: SessionId,
    /// Number of the request in it.
    pub sequence: u64,
    /// Place in the request.
    pub index: u32,
}

impl fmt::Display for AuditedCallName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.session, self.sequence, self.index)
    }
}

/// Opened calls, and calls that are proven and not opened.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditBundle {
    /// The network.
    pub chain_id: ChainId,
    /// Whose calls they are.
    pub member: MemberId,
    /// The calls, by the batches in which they were settled.
    pub batches: Vec<AuditedBatch>,
    /// Calls that are not opened, by the batches in which they were settled.
    pub unopened: Vec<UnopenedBatch>,
    /// Proofs of the records of lists and publications, in finalized states.
    pub records: Vec<Evidence>,
}

/// Opened calls of one batch.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditedBatch {
    /// The transaction that settled the batch.
    pub envelope: Vec<u8>,
    /// That it stands in a finalized block, and what it did there.
    pub finality: Evidence,
    /// Who asked, why, and on what basis.
    pub context: AuditContext,
    /// The version of the list that the answers are about.
    pub version: u32,
    /// The calls, in ascending order of their places.
    pub calls: Vec<AuditedCall>,
}

/// An opened call.
#[derive(Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AuditedCall {
    /// Place in the request, from 0.
    pub index: u32,
    /// Hides the record as long as it is not opened.
    pub nonce: [u8; 32],
    /// What the call was.
    pub record: AuditRecord,
    /// The leaf of the list's tree that decides about the subject, with its way to the root. None where the
    /// asking member keeps that version no more.
    pub answer: Option<MembershipPath>,
}

impl fmt::Debug for AuditedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditedCall")
            .field("index", &self.index)
            .finish_non_exhaustive()
    }
}

#[derive(BorshSerialize, BorshDeserialize)]
struct EncodedBatch {
    envelope: Bytes<MAX_ENVELOPE_BYTES>,
    finality: Sealed,
    context: AuditContext,
    version: u32,
    calls: BoundedVec<AuditedCall, MAX_CALLS>,
}

#[derive(BorshSerialize, BorshDeserialize)]
struct Encoded {
    chain_id: ChainId,
    member: MemberId,
    batches: BoundedVec<EncodedBatch, MAX_BATCHES>,
    unopened: BoundedVec<unopened::Encoded, MAX_BATCHES>,
    records: BoundedVec<Sealed, MAX_RECORD_EVIDENCE>,
}

/// Why bytes are no bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// They are of no such file.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// A part exceeds its bound, or does not decode.
    #[error(transparent)]
    Malformed(#[from] CodecError),
    /// A proof of finality does not decode.
    #[error(transparent)]
    Evidence(#[from] FinalityError),
    /// A retention period is none.
    #[error("the retention period of erased calls is none")]
    Period,
    /// More calls than a bundle holds.
    #[error("a bundle holds at most {MAX_BUNDLE_CALLS} calls")]
    TooMany,
}

impl AuditBundle {
    /// The bytes of the file: magic, chain, member, opened and unopened batches, evidence, and a hash over all
    /// of it.
    ///
    /// # Errors
    /// [`BundleError::TooMany`], [`BundleError::Format`] or [`BundleError::Malformed`] where a part exceeds
    /// its bound.
    pub fn to_bytes(&self) -> Result<Vec<u8>, BundleError> {
        if self.calls() > MAX_BUNDLE_CALLS {
            return Err(BundleError::TooMany);
        }
        let batch = |batch: &AuditedBatch| -> Result<EncodedBatch, BundleError> {
            Ok(EncodedBatch {
                envelope: Bytes::try_from(batch.envelope.clone())?,
                finality: Bytes::try_from(batch.finality.to_bytes())?,
                context: batch.context.clone(),
                version: batch.version,
                calls: BoundedVec::try_from(batch.calls.clone())?,
            })
        };
        let batches: Vec<_> = self.batches.iter().map(batch).collect::<Result<_, _>>()?;
        let unopened = self.unopened.iter().map(unopened::Encoded::of);
        let unopened: Vec<_> = unopened.collect::<Result<_, _>>()?;
        let records = self
            .records
            .iter()
            .map(|record| Bytes::try_from(record.to_bytes()));
        let encoded = Encoded {
            chain_id: self.chain_id,
            member: self.member,
            batches: BoundedVec::try_from(batches)?,
            unopened: BoundedVec::try_from(unopened)?,
            records: BoundedVec::try_from(records.collect::<Result<Vec<_>, _>>()?)?,
        };
        let mut bytes = FORMAT.write(&encoded);
        let digest = *blake3::hash(&bytes).as_bytes();
        bytes.extend_from_slice(&digest);
        FORMAT.check_size(&bytes)?;
        Ok(bytes)
    }

    /// Reads bytes that came from anywhere. Says as well whether they are those that were written; a bundle
    /// that is not is verified all the same, to name what was altered.
    ///
    /// # Errors
    /// [`BundleError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<(Self, bool), BundleError> {
        FORMAT.check_size(bytes)?;
        let body = bytes.len().checked_sub(DIGEST_BYTES);
        let (body, digest) = bytes.split_at(body.ok_or(FormatError::Magic)?);
        let whole = blake3::hash(body).as_bytes() == digest;
        let Encoded {
            chain_id,
            member,
            batches,
            unopened,
            records,
        } = FORMAT.read(body)?;
        let batch = |batch: EncodedBatch| -> Result<AuditedBatch, BundleError> {
            Ok(AuditedBatch {
                envelope: batch.envelope.to_vec(),
                finality: Evidence::from_bytes(&batch.finality)?,
                context: batch.context,
                version: batch.version,
                calls: batch.calls.into_vec(),
            })
        };
        let batches = batches.into_vec().into_iter().map(batch);
        let unopened = unopened.into_vec().into_iter();
        let unopened = unopened.map(unopened::Encoded::read);
        let records = records.iter().map(|record| Evidence::from_bytes(record));
        let bundle = Self {
            chain_id,
            member,
            batches: batches.collect::<Result<_, _>>()?,
            unopened: unopened.collect::<Result<_, _>>()?,
            records: records.collect::<Result<_, _>>()?,
        };
        if bundle.calls() > MAX_BUNDLE_CALLS {
            return Err(BundleError::TooMany);
        }
        Ok((bundle, whole))
    }

    fn calls(&self) -> usize {
        let opened = self.batches.iter().map(|batch| batch.calls.len());
        let unopened = self.unopened.iter().map(|batch| batch.places.len());
        opened.chain(unopened).sum()
    }
}
