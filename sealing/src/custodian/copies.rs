//! Copies for the custodian, as files.
//!
//! | bytes | what |
//! |---|---|
//! | 16 | `tacit copies v 1` (ASCII) |
//! | 32, 4 | chain id, member |
//! | 4 + n, 4 | class with its length before it, number of the month |
//! | 4 | number of copies |
//! | 16, 4 + n each | session and sequence, the sealed copy with its length before it |
//! | 32 | BLAKE3 of all that stands before |
//!
//! A copy is sealed to the custodian's key of the period. What is in it is the version of the list that the
//! answers are about (4 bytes), then the records of the request in their padded form.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};
use rand_core::CryptoRngCore;
use tacit_circuits::scope::{ListVersion, MemberId};
use tacit_ledger::kernel::ChainId;
use tacit_ledger::kernel::codec::{self, BoundedVec, Bytes, CodecError, Text};
use tacit_ledger::network::SessionId;
use tacit_ledger::network::request::MAX_CALLS;
use zeroize::Zeroizing;

use crate::hpke::{Content, HPKE_OVERHEAD_BYTES, PrivateKey, PublicKey, SealError, open, seal};
use crate::period::{MAX_CLASS_BYTES, Month, Period};
use crate::records::{BatchName, OwnRecords, RecordsError, padded_bytes};

/// The first bytes of a file; the digit is the format's version.
const MAGIC: [u8; 16] = *b"tacit copies v 1";

/// Bytes of the hash that ends a file: a file that was cut short is told from one that was tampered with.
const DIGEST_BYTES: usize = 32;

/// Bytes of the version before the records.
const VERSION_BYTES: usize = 4;

/// Largest copy: of a full request.
const MAX_COPY_BYTES: usize = VERSION_BYTES + padded_bytes(MAX_CALLS) + HPKE_OVERHEAD_BYTES;

/// Copies in one file: a node writes a file for what has come in since the last one, and another for the rest.
const MAX_COPIES: usize = 1_024;

/// Largest file: all its copies of full requests, and what stands around them.
pub const MAX_COPIES_BYTES: usize = MAX_COPIES * (MAX_COPY_BYTES + 20) + 1_024;

/// Why bytes are no copies, or a copy does not open.
#[derive(Debug, thiserror::Error)]
pub enum CopiesError {
    /// They begin otherwise.
    #[error("it is of another format, or of another version of it")]
    Magic,
    /// They are not those that were written.
    #[error("it is not as it was written: cut short, or altered")]
    Altered,
    /// They do not decode.
    #[error(transparent)]
    Malformed(#[from] CodecError),
    /// Class or month is none.
    #[error("its period is none")]
    Period,
    /// A copy does not open.
    #[error("the copy of request {session}/{sequence}: {source}")]
    Sealed {
        /// Its session.
        session: SessionId,
        /// Its number in the session.
        sequence: u64,
        /// Why.
        source: SealError,
    },
    /// A copy holds something else.
    #[error("the copy of request {session}/{sequence}: {source}")]
    Records {
        /// Its session.
        session: SessionId,
        /// Its number in the session.
        sequence: u64,
        /// Why.
        source: RecordsError,
    },
}

/// Seals what a member keeps of a request, in its padded form, to the custodian's key of the period.
///
/// # Errors
/// [`SealError::BadKey`]
pub fn seal_copy(
    period: &Period,
    key: &PublicKey,
    batch: &BatchName,
    version: ListVersion,
    padded: &[u8],
    rng: &mut impl CryptoRngCore,
) -> Result<Vec<u8>, SealError> {
    let mut plain = Zeroizing::new(Vec::with_capacity(VERSION_BYTES + padded.len()));
    plain.extend_from_slice(&version.0.to_le_bytes());
    plain.extend_from_slice(padded);
    let associated = batch.associated();
    seal(
        Content::CustodianCopy,
        period,
        key,
        &associated,
        &plain,
        rng,
    )
}

/// A sealed copy.
#[derive(Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Copy {
    /// The session.
    pub session: SessionId,
    /// Number of the request in it.
    pub sequence: u64,
    sealed: Bytes<MAX_COPY_BYTES>,
}

impl Copy {
    /// Of a request.
    ///
    /// # Errors
    /// [`CodecError`] where it is longer than a copy can be.
    pub fn new(session: SessionId, sequence: u64, sealed: Vec<u8>) -> Result<Self, CodecError> {
        Ok(Self {
            session,
            sequence,
            sealed: sealed.try_into()?,
        })
    }
}

impl fmt::Debug for Copy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Copy({}/{})", self.session, self.sequence)
    }
}

/// Copies of one period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copies {
    /// The network.
    pub chain_id: ChainId,
    /// Whose requests they are of.
    pub member: MemberId,
    /// The period to whose key they are sealed.
    pub period: Period,
    /// The copies.
    pub copies: Vec<Copy>,
}

#[derive(BorshSerialize, BorshDeserialize)]
struct Encoded {
    chain_id: ChainId,
    member: MemberId,
    class: Text<MAX_CLASS_BYTES>,
    month: u32,
    copies: BoundedVec<Copy, MAX_COPIES>,
}

impl Copies {
    /// Copies that one file may hold.
    pub const MAX: usize = MAX_COPIES;

    /// The file.
    ///
    /// # Errors
    /// [`CodecError`] where there are more than [`Copies::MAX`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, CodecError> {
        let encoded = Encoded {
            chain_id: self.chain_id,
            member: self.member,
            class: Text::new(self.period.class.as_str())?,
            month: self.period.month.number(),
            copies: self.copies.clone().try_into()?,
        };
        let mut bytes = [MAGIC.as_slice(), &codec::encode(&encoded)].concat();
        let digest = *blake3::hash(&bytes).as_bytes();
        bytes.extend_from_slice(&digest);
        Ok(bytes)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`CopiesError`]
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CopiesError> {
        if !bytes.starts_with(&MAGIC) {
            return Err(CopiesError::Magic);
        }
        let body = bytes.len().checked_sub(DIGEST_BYTES);
        let body = body.filter(|body| *body >= MAGIC.len());
        let (body, digest) = bytes.split_at(body.ok_or(CopiesError::Altered)?);
        if blake3::hash(body).as_bytes() != digest {
            return Err(CopiesError::Altered);
        }
        let encoded: Encoded = codec::decode(&body[MAGIC.len()..])?;
        let class = encoded.class.as_str().parse();
        let month = Month::numbered(encoded.month);
        let (Ok(class), Some(month)) = (class, month) else {
            return Err(CopiesError::Period);
        };
        Ok(Self {
            chain_id: encoded.chain_id,
            member: encoded.member,
            period: Period { class, month },
            copies: encoded.copies.into_vec(),
        })
    }

    /// Opens one of its copies.
    ///
    /// # Errors
    /// [`CopiesError::Sealed`] or [`CopiesError::Records`].
    pub fn open(
        &self,
        copy: &Copy,
        key: &PrivateKey,
    ) -> Result<(ListVersion, OwnRecords), CopiesError> {
        let (session, sequence) = (copy.session, copy.sequence);
        let batch = BatchName {
            chain_id: self.chain_id,
            session,
            sequence,
        };
        let (content, associated) = (Content::CustodianCopy, batch.associated());
        let plain = open(content, &self.period, key, &associated, &copy.sealed);
        let plain = plain.map_err(|source| CopiesError::Sealed {
            session,
            sequence,
            source,
        })?;
        let no_records = |source| CopiesError::Records {
            session,
            sequence,
            source,
        };
        let (version, records) = plain
            .split_first_chunk::<VERSION_BYTES>()
            .ok_or(no_records(RecordsError))?;
        let records = OwnRecords::from_padded(records).map_err(no_records)?;
        Ok((ListVersion(u32::from_le_bytes(*version)), records))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::OsRng;
    use tacit_circuits::identifier::IdentifierType;
    use tacit_ledger::network::audit::{AuditContext, AuditRecord};

    fn file() -> (Copies, PrivateKey, OwnRecords) {
        let key = PrivateKey::random(&mut OsRng);
        let period = Period {
            class: "standard".parse().unwrap(),
            month: "2026-11".parse().unwrap(),
        };
        let context = AuditContext {
            purpose: "credit-origination".into(),
            lawful_basis: "consent".into(),
            ..AuditContext::default()
        };
        let record = AuditRecord {
            kind: IdentifierType::Phone,
            x: [1; 32],
            blind: [2; 32],
            context: context.digest(),
        };
        let records = OwnRecords {
            context,
            calls: vec![(4, [3; 32], record)],
        };
        let batch = BatchName {
            chain_id: ChainId([7; 32]),
            session: SessionId(12),
            sequence: 3,
        };
        let (public, padded) = (key.public(), records.to_padded().unwrap());
        let sealed = seal_copy(
            &period,
            &public,
            &batch,
            ListVersion(5),
            &padded,
            &mut OsRng,
        );
        let copy = Copy::new(batch.session, batch.sequence, sealed.unwrap()).unwrap();
        let copies = Copies {
            chain_id: batch.chain_id,
            member: MemberId(2),
            period,
            copies: vec![copy],
        };
        (copies, key, records)
    }

    #[test]
    fn a_copy_opens_with_the_custodians_key_of_its_period_and_as_what_it_is() {
        let (copies, key, records) = file();
        let read = Copies::from_bytes(&copies.to_bytes().unwrap()).unwrap();
        assert_eq!(read, copies);
        let opened = read.open(&read.copies[0], &key);
        assert_eq!(opened.unwrap(), (ListVersion(5), records));
        let other = PrivateKey::random(&mut OsRng);
        assert!(read.open(&read.copies[0], &other).is_err());
        // Passed off as a copy of another request, or of another network.
        let mut renamed = read.clone();
        renamed.copies[0].sequence += 1;
        assert!(renamed.open(&renamed.copies[0], &key).is_err());
        let mut moved = read.clone();
        moved.chain_id = ChainId([8; 32]);
        assert!(moved.open(&moved.copies[0], &key).is_err());
        assert!(!format!("{read:?}").contains("sealed"));
    }

    #[test]
    fn a_file_that_was_cut_or_altered_is_refused() {
        let bytes = file().0.to_bytes().unwrap();
        for place in (0..bytes.len()).step_by(7) {
            let mut altered = bytes.clone();
            altered[place] ^= 1;
            assert!(Copies::from_bytes(&altered).is_err(), "byte {place}");
            assert!(
                Copies::from_bytes(&bytes[..place]).is_err(),
                "{place} bytes"
            );
        }
    }
}
