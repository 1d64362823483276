//! Sampled entries: how a list's owner shows that the tags of its list come from its key.
//!
//! Whoever rebuilds a version sees that its tree is in order, and nothing of where its tags come from: an
//! owner could publish noise that never hits. So the beacon draws entries of each version, and the owner
//! proves with the circuit of receipts ([`tacit_circuits::receipt`]) that their tags were made with the
//! registered key. It first logs calls of its own to its own list about these entries
//! ([`SampleCalls`]), then proves about them under a root of the log that holds them ([`SampleProofs`]).

use borsh::{BorshDeserialize, BorshSerialize};
use tacit_circuits::curve::{Field, Point, WirePoint};
use tacit_circuits::list::SizeClass;
use tacit_circuits::log::log_leaves;
use tacit_circuits::oprf::{DleqProof, EvaluationContext, PublicKey, verify};
use tacit_circuits::receipt::{Claim, ContextHash, KeyId, Proof, Statement, SubjectCommitment};
use tacit_circuits::scope::{MemberId, Scope};

use crate::kernel::codec::BoundedVec;
use crate::kernel::context::require;
use crate::kernel::hash::{self, Digest, label};
use crate::kernel::{ChainId, Reject};
use crate::network::record::{BeaconOutput, MAX_SAMPLED_ENTRIES, Publication, PublicationId, Root};

/// The session under which an owner's own calls are proven to be evaluated: sessions are numbered from 1.
const NO_SESSION: u64 = 0;

/// The owner's own calls about the drawn entries of a version: they cost nothing and enter the log with
/// the owner as querier, which no other call to its list does.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SampleCalls {
    /// Version.
    pub publication: PublicationId,
    /// `K`; execution refuses any but the registered one.
    pub key: WirePoint,
    /// `B = r·H` of each drawn entry, in the order of drawing.
    pub blinded: BoundedVec<WirePoint, MAX_SAMPLED_ENTRIES>,
    /// `Z = k·B`, one for each.
    pub evaluated: BoundedVec<WirePoint, MAX_SAMPLED_ENTRIES>,
    /// Shows that all `Z` come from `K`.
    pub proof: DleqProof,
}

impl SampleCalls {
    /// What the evaluations of a version's drawn entries are bound to.
    pub fn evaluation_context(chain_id: ChainId, publication: PublicationId) -> EvaluationContext {
        EvaluationContext {
            chain_id: chain_id.0,
            session: NO_SESSION,
            sequence: publication.version.0.into(),
            list: publication.list,
            tag_epoch: publication.tag_epoch,
        }
    }

    /// Checks all that needs no state.
    ///
    /// # Errors
    /// In this order: [`Reject::EMPTY`], [`Reject::COUNT_MISMATCH`], [`Reject::POINT_INVALID`],
    /// [`Reject::EVALUATION_PROOF_INVALID`].
    pub fn check(&self, chain_id: ChainId) -> Result<(), Reject> {
        require(!self.blinded.is_empty(), Reject::EMPTY)?;
        let paired = self.blinded.len() == self.evaluated.len();
        require(paired, Reject::COUNT_MISMATCH)?;
        let key = PublicKey::from_wire(&self.key).map_err(|_| Reject::POINT_INVALID)?;
        let (blinded, evaluated) = self.points()?;
        let context = Self::evaluation_context(chain_id, self.publication);
        verify(&key, &context, &blinded, &evaluated, &self.proof)
            .map_err(|_| Reject::EVALUATION_PROOF_INVALID)
    }

    /// The leaves that the calls are in the network's log, in their order.
    ///
    /// # Errors
    /// [`Reject::POINT_INVALID`].
    pub fn leaves(&self, owner: MemberId) -> Result<Vec<Field>, Reject> {
        let scope = Scope {
            list: self.publication.list,
            tag_epoch: self.publication.tag_epoch,
            querier: owner,
        };
        let (blinded, evaluated) = self.points()?;
        Ok(log_leaves(&scope, &blinded, &evaluated))
    }

    fn points(&self) -> Result<(Vec<Point>, Vec<Point>), Reject> {
        let decode =
            |points: &[WirePoint]| Point::decode_batch(points).map_err(|_| Reject::POINT_INVALID);
        Ok((decode(&self.blinded)?, decode(&self.evaluated)?))
    }
}

/// The proofs about the drawn entries of a version.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SampleProofs {
    /// Version.
    pub publication: PublicationId,
    /// The verifying key of the proofs.
    pub key: KeyId,
    /// A root of the log under which the owner's calls stand.
    pub log_root: Root,
    /// One for each drawn entry, in the order of drawing.
    pub proofs: BoundedVec<SampleProof, MAX_SAMPLED_ENTRIES>,
}

/// That one entry comes from the list's key.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SampleProof {
    /// Hides the entry; nobody opens it.
    pub commitment: SubjectCommitment,
    /// The proof.
    pub proof: Proof,
}

impl SampleProofs {
    /// Checks all that needs no state.
    ///
    /// # Errors
    /// In this order: [`Reject::EMPTY`], [`Reject::RECEIPT_ENCODING_INVALID`].
    pub fn check(&self) -> Result<(), Reject> {
        require(!self.proofs.is_empty(), Reject::EMPTY)?;
        let canonical = self.proofs.iter().all(|item| item.proof.check().is_ok());
        require(canonical, Reject::RECEIPT_ENCODING_INVALID)
    }

    /// What is proven: the drawn slots of this version hold entries that its owner made with the key.
    ///
    /// # Errors
    /// [`Reject::VALUE_OUT_OF_RANGE`] where a root is not canonical, which no root of the ledger is.
    pub(crate) fn claims(
        &self,
        publication: &Publication,
        slots: &[u32],
        context: ContextHash,
    ) -> Result<Vec<(Statement, Proof)>, Reject> {
        let canonical = |root: &Root| root.field().map_err(|_| Reject::VALUE_OUT_OF_RANGE);
        let (log_root, list_root) = (canonical(&self.log_root)?, canonical(&publication.root)?);
        let claims = self.proofs.iter().zip(slots).map(|(item, slot)| {
            let statement = Statement {
                commitment: item.commitment,
                claim: Claim::SampledEntry { slot: *slot },
                list: publication.id.list,
                tag_epoch: publication.id.tag_epoch,
                querier: publication.owner,
                log_root,
                list_root,
                context,
            };
            (statement, item.proof)
        });
        Ok(claims.collect())
    }
}

/// What the proofs about a version's drawn entries are bound to: the version, by the digest that
/// attestations name, and the verifying key.
pub fn sample_context(chain_id: ChainId, publication: &Digest, key: KeyId) -> ContextHash {
    let fields = (chain_id, publication, key);
    ContextHash(hash::hash_encoded(&label::SAMPLE_CONTEXT, &fields).0)
}

/// The slots that an output draws of a version, in the order of drawing. A version fills its class, so
/// that the slots from 1 to the class's capacity hold its entries, padding among them.
pub fn drawn_slots(
    drawn: &BeaconOutput,
    publication: &Digest,
    entries: u8,
    size_class: SizeClass,
) -> Vec<u32> {
    drawn.draw(publication, entries.into(), size_class.capacity())
}
