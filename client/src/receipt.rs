//! A set of receipts as a file, and what it proves to whoever holds the genesis.
//!
//! The file holds the set and, with one finality certificate, the records of the ledger that it appeals to: the
//! publications, the root of the log, the voted key, the policy. Whoever verifies it asks the same questions of
//! these records that the ledger asks of its state, by the same code.

use borsh::{BorshDeserialize, BorshSerialize};
use tacit_finality::{Committee, Evidence, FinalityError};
use tacit_ledger::kernel::codec::Bytes;
use tacit_ledger::kernel::{ChainId, Genesis, MemberId, Missing, Reject};
use tacit_ledger::network::receipts::{ReceiptSet, examine};
use tacit_ledger::network::{List, read};

use crate::file::{FileFormat, FormatError};
use crate::proven::{ProvenRecords, first_missing};

/// Largest file: 128 proven records of at most 64 kB each would be more, but those that a set appeals to are a few
/// hundred bytes each; the rest is the certificate and the way to its validators.
pub const MAX_RECEIPT_FILE_BYTES: usize = 8 << 20;

const FORMAT: FileFormat = FileFormat {
    magic: *b"tacit receipts 1",
    max_bytes: MAX_RECEIPT_FILE_BYTES,
};

/// A set of receipts, with what it appeals to.
#[derive(Clone, Debug, PartialEq)]
pub struct ReceiptFile {
    /// The network.
    pub chain_id: ChainId,
    /// Whose calls the receipts are of.
    pub submitter: MemberId,
    /// The set.
    pub set: ReceiptSet,
    /// Values of the records, in one finalized state.
    pub evidence: Evidence,
}

/// Why bytes are no file of receipts.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptFileError {
    /// They are of no such file.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The proofs of the records do not decode.
    #[error(transparent)]
    Evidence(#[from] FinalityError),
}

/// Why a file of receipts is not to be relied on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotVerified {
    /// It is of another network than the genesis.
    #[error("the receipts are of network {0}, and the genesis is another's")]
    OtherNetwork(ChainId),
    /// The records are not proven to be final.
    #[error("the records are not proven: {0}")]
    NotFinal(#[from] FinalityError),
    /// The proofs are not of records.
    #[error("the file proves no records")]
    NoRecords,
    /// The set appeals to records that the file does not prove.
    #[error("the file does not prove the record {0}, to which the receipts appeal")]
    RecordMissing(String),
    /// The ledger would refuse the set in this state.
    #[error("the receipts do not hold: {0}")]
    Refused(Reject),
    /// Some proofs do not hold.
    #[error("the proof of receipt {} does not hold", places(.0))]
    Proofs(Vec<usize>),
}

/// What a file of receipts proves.
#[derive(Clone, Debug, PartialEq)]
pub struct Verified {
    /// Height of the state whose records are proven.
    pub height: u64,
    /// Its time, in milliseconds since 1970-01-01 UTC.
    pub time_ms: u64,
    /// The lists, in the order of the receipts.
    pub lists: Vec<List>,
}

#[derive(BorshSerialize, BorshDeserialize)]
struct Encoded {
    chain_id: ChainId,
    submitter: MemberId,
    set: ReceiptSet,
    evidence: Bytes<MAX_RECEIPT_FILE_BYTES>,
}

impl ReceiptFile {
    /// The bytes of the file: magic, chain, member, set, evidence.
    ///
    /// # Panics
    /// If the evidence is larger than [`MAX_RECEIPT_FILE_BYTES`], which the node's bound on proven records excludes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let evidence = Bytes::try_from(self.evidence.to_bytes()).expect("the records are few");
        let encoded = Encoded {
            chain_id: self.chain_id,
            submitter: self.submitter,
            set: self.set.clone(),
            evidence,
        };
        FORMAT.write(&encoded)
    }

    /// Reads bytes that came from anywhere.
    ///
    /// # Errors
    /// [`ReceiptFileError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ReceiptFileError> {
        let Encoded {
            chain_id,
            submitter,
            set,
            evidence,
        } = FORMAT.read(bytes)?;
        Ok(Self {
            chain_id,
            submitter,
            set,
            evidence: Evidence::from_bytes(&evidence)?,
        })
    }

    /// Whether the receipts hold in the state that the file proves, for a network that begins with `genesis` and the
    /// validators that it names.
    ///
    /// # Errors
    /// [`NotVerified`], the first that applies.
    pub fn verify(&self, genesis: &Genesis, committee: Committee) -> Result<Verified, NotVerified> {
        let chain_id = genesis.chain_id();
        if self.chain_id != chain_id {
            return Err(NotVerified::OtherNetwork(self.chain_id));
        }
        self.evidence.verify(chain_id.0, committee)?;
        let header = &self.evidence.block.header;
        let view = ProvenRecords::of(&self.evidence).ok_or(NotVerified::NoRecords)?;
        self.set.check().map_err(NotVerified::Refused)?;
        let height = header.height.get();
        let missing = |missing: Missing| NotVerified::RecordMissing(first_missing(missing));
        let examined = examine(&view, chain_id, height, self.submitter, &self.set)
            .map_err(missing)?
            .map_err(NotVerified::Refused)?;
        // The weights follow from all that is verified; the height only tells sets of one file apart.
        let seed = self.set.context.hash(chain_id, self.submitter).0;
        let culprits = examined.culprits(&seed);
        if !culprits.is_empty() {
            return Err(NotVerified::Proofs(culprits));
        }
        let receipts = self.set.receipts.iter();
        let lists = receipts
            .map(|receipt| read::list(&view, receipt.publication.list))
            .collect::<Result<Vec<Option<List>>, _>>()
            .map_err(missing)?;
        Ok(Verified {
            height,
            time_ms: header.time_ms,
            lists: lists.into_iter().flatten().collect(),
        })
    }
}

/// Places, counted from 1 as people do.
fn places(culprits: &[usize]) -> String {
    let numbers: Vec<_> = culprits
        .iter()
        .map(|place| (place + 1).to_string())
        .collect();
    numbers.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bytes_are_a_file_or_an_error_and_never_a_panic(bytes: Vec<u8>) {
            prop_assert!(ReceiptFile::from_bytes(&bytes).is_err());
            let begun = [FORMAT.magic.as_slice(), &bytes].concat();
            prop_assert!(ReceiptFile::from_bytes(&begun).is_err());
        }
    }

    #[test]
    fn a_file_that_is_too_large_is_not_read() {
        let mut bytes = FORMAT.magic.to_vec();
        bytes.resize(MAX_RECEIPT_FILE_BYTES + 1, 0);
        let refused = ReceiptFile::from_bytes(&bytes);
        let too_large = FormatError::TooLarge(MAX_RECEIPT_FILE_BYTES);
        assert_eq!(refused.unwrap_err().to_string(), too_large.to_string());
    }

    #[test]
    fn places_are_counted_as_people_do() {
        assert_eq!(
            NotVerified::Proofs(vec![0, 2]).to_string(),
            "the proof of receipt 1, 3 does not hold"
        );
    }
}
