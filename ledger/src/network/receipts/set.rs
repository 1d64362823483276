//! What travels: the receipts of one subject for one context.

use borsh::{BorshDeserialize, BorshSerialize};
use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::receipt::{Proof, SubjectCommitment};

use crate::kernel::Reject;
use crate::kernel::codec::BoundedVec;
use crate::kernel::context::require;
use crate::network::receipts::ReceiptContext;
use crate::network::record::{MAX_RECEIPTS_PER_SET, PublicationId, Root};

/// That the subject of a [`ReceiptSet`] was clear on one list.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Receipt {
    /// List, tag epoch and version.
    pub publication: PublicationId,
    /// A root of the network's log under which the call stands.
    pub log_root: Root,
    /// The proof. Anyone can make another one of the same statement from it: it names nothing.
    pub proof: Proof,
}

/// The receipts of one subject for one context. Member, chain and answer are not in it: they are the
/// sender's, the envelope's, and always "not listed".
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ReceiptSet {
    /// Hides the identifier. Who relies on the set has it from someone other than the submitter, who
    /// checked its opening.
    pub commitment: SubjectCommitment,
    /// Type of the identifier.
    pub kind: IdentifierType,
    /// What the set is made for.
    pub context: ReceiptContext,
    /// The receipts, in ascending order of their lists, one for each.
    pub receipts: BoundedVec<Receipt, MAX_RECEIPTS_PER_SET>,
}

impl ReceiptSet {
    /// The publications on which the subject is said to be clear.
    pub(crate) fn publications(&self) -> BoundedVec<PublicationId, MAX_RECEIPTS_PER_SET> {
        let ids = self.receipts.iter().map(|receipt| receipt.publication);
        BoundedVec::try_from(ids.collect::<Vec<_>>()).expect("as many as receipts")
    }

    /// Refuses a set that is not well formed; needs no state.
    ///
    /// # Errors
    /// The first that applies of [`Reject::EMPTY`], [`Reject::DUPLICATE`],
    /// [`Reject::RECEIPT_ENCODING_INVALID`].
    pub fn check(&self) -> Result<(), Reject> {
        require(!self.receipts.is_empty(), Reject::EMPTY)?;
        let ascending = self
            .receipts
            .is_sorted_by(|a, b| a.publication.list < b.publication.list);
        require(ascending, Reject::DUPLICATE)?;
        let canonical = self
            .receipts
            .iter()
            .all(|receipt| receipt.proof.check().is_ok());
        require(canonical, Reject::RECEIPT_ENCODING_INVALID)
    }
}
