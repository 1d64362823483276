//! A member's statement of its quota as a file, and what it proves to whoever holds the genesis.
//!
//! Balances stand sealed on the ledger. The statement holds the records as they stand in one finalized state, with
//! a finality certificate, and for each sealed amount a proof of what it holds. It is made for one reader, whose
//! name the proofs are bound to.

use borsh::{BorshDeserialize, BorshSerialize};
use rand_core::{CryptoRng, RngCore};
use tacit_circuits::quota::transfer::Role;
use tacit_circuits::quota::{
    Account, Ciphertext, Disclosure, EncodingError, NotTheValue, OWNER, QuotaKey, QuotaPublicKey,
};
use tacit_finality::{Committee, Evidence, FinalityError};
use tacit_ledger::kernel::codec::{BoundedVec, Bytes};
use tacit_ledger::kernel::hash::{Label, hash_encoded};
use tacit_ledger::kernel::{ChainId, Genesis, MemberId, Missing, StateKey, Text};
use tacit_ledger::network::{Deposit, Session, SessionId, keys, read};

use crate::file::{FileFormat, FormatError};
use crate::proven::{ProvenRecords, first_missing};

/// Largest file: some hundred records of at most 300 bytes, each proven with two kilobytes, and the certificate.
pub const MAX_STATEMENT_BYTES: usize = 4 << 20;

const FORMAT: FileFormat = FileFormat {
    magic: *b"tacit statement1",
    max_bytes: MAX_STATEMENT_BYTES,
};

/// Open sessions that one statement shows: two records each, and what is proven at once is bounded.
pub const MAX_SESSIONS: usize = 48;

/// Longest name of a reader, in bytes.
const MAX_READER_BYTES: usize = 256;

/// To what the proofs of a statement are bound.
static CONTEXT: Label = Label::new("tacit v1 quota statement");

/// For whom a statement is made.
pub type Reader = Text<MAX_READER_BYTES>;

/// A member's statement.
#[derive(Clone, Debug, PartialEq)]
pub struct QuotaStatement {
    /// The network.
    pub chain_id: ChainId,
    /// Whose quota it is.
    pub member: MemberId,
    /// For whom it was made.
    pub reader: Reader,
    /// What is available, what waits, then the escrow of each session.
    disclosures: Vec<Disclosure>,
    sessions: Vec<SessionId>,
    evidence: Evidence,
}

/// Why bytes are no statement.
#[derive(Debug, thiserror::Error)]
pub enum StatementFileError {
    /// They are of no such file.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// A proof of an amount does not decode.
    #[error("a proof of an amount does not decode: {0}")]
    Disclosure(EncodingError),
    /// The proofs of the records do not decode.
    #[error(transparent)]
    Evidence(#[from] FinalityError),
}

/// Why a statement is not to be relied on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// It is of another network than the genesis.
    #[error("the statement is of network {0}, and the genesis is another's")]
    OtherNetwork(ChainId),
    /// The records are not proven to be final.
    #[error("the records are not proven: {0}")]
    NotFinal(#[from] FinalityError),
    /// A record is missing.
    #[error("the file does not prove the record {0}")]
    RecordMissing(String),
    /// There is not one proof for each amount.
    #[error("the file has {0} proofs of amounts, and another number of amounts")]
    WrongCount(usize),
    /// A proof is of another amount, key, reader or network.
    #[error("the proof of {0} is of something else")]
    OtherAmount(&'static str),
    /// A proof does not hold.
    #[error("the proof of {0} does not hold")]
    WrongProof(&'static str),
    /// A session is another member's.
    #[error("session {0} is not one that the member opened")]
    OtherSession(SessionId),
}

/// Why a statement cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// The records are not those of the member.
    #[error(transparent)]
    Records(#[from] StatementError),
    /// The key does not open them.
    #[error(transparent)]
    NotTheValue(#[from] NotTheValue),
}

/// What a statement shows, in minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stated {
    /// Height of the state.
    pub height: u64,
    /// Its time, in milliseconds since 1970-01-01 UTC.
    pub time_ms: u64,
    /// What is available.
    pub available_minor: u64,
    /// What waits to be rolled over.
    pub waiting_minor: u64,
    /// The deposit.
    pub deposit: Deposit,
    /// What stands in the escrow of open sessions. There may be others, which it does not show.
    pub escrows: Vec<(SessionId, u64)>,
}

/// The records that a statement is about.
#[must_use]
pub fn records(member: MemberId, sessions: &[SessionId]) -> Vec<StateKey> {
    let own = [
        keys::quota_key(member),
        keys::account(member),
        keys::deposit(member),
    ];
    let of_sessions = sessions
        .iter()
        .flat_map(|session| [keys::session(*session), keys::escrow(*session)]);
    own.into_iter().chain(of_sessions).collect()
}

/// What is sealed in proven records: what is to be opened to make a statement of them.
///
/// # Errors
/// [`MakeError::Records`].
pub fn sealed(
    evidence: &Evidence,
    member: MemberId,
    sessions: &[SessionId],
) -> Result<Vec<Ciphertext<1>>, MakeError> {
    let records = Records::read(evidence, member, sessions)?;
    let sealed = records.sealed().into_iter();
    Ok(sealed.map(|(_, ciphertext)| ciphertext).collect())
}

/// The records as they are proven.
struct Records {
    key: QuotaPublicKey,
    account: Account,
    deposit: Deposit,
    sessions: Vec<(Session, Ciphertext<3>)>,
}

impl Records {
    fn read(
        evidence: &Evidence,
        member: MemberId,
        sessions: &[SessionId],
    ) -> Result<Self, StatementError> {
        let missing = |missing: Missing| StatementError::RecordMissing(first_missing(missing));
        let absent = |key: StateKey| StatementError::RecordMissing(key.to_string());
        let view = ProvenRecords::of(evidence).unwrap_or_default();
        let mut found = Vec::with_capacity(sessions.len());
        for id in sessions {
            let session = read::session(&view, *id).map_err(missing)?;
            let session = session.ok_or_else(|| absent(keys::session(*id)))?;
            if session.querier != member {
                return Err(StatementError::OtherSession(*id));
            }
            let escrow = read::escrow(&view, *id).map_err(missing)?;
            found.push((session, escrow));
        }
        let key = read::quota_key(&view, member).map_err(missing)?;
        Ok(Self {
            key: key.ok_or_else(|| absent(keys::quota_key(member)))?,
            account: read::account(&view, member).map_err(missing)?,
            deposit: read::deposit(&view, member).map_err(missing)?,
            sessions: found,
        })
    }

    /// What is sealed, in the order of the proofs.
    fn sealed(&self) -> Vec<(&'static str, Ciphertext<1>)> {
        let own = [
            ("what is available", self.account.available.select([OWNER])),
            ("what waits", self.account.pending.select([OWNER])),
        ];
        let escrow = |(_, escrow): &(Session, Ciphertext<3>)| {
            ("an escrow", escrow.select([Role::Querier as usize]))
        };
        own.into_iter()
            .chain(self.sessions.iter().map(escrow))
            .collect()
    }
}

#[derive(BorshSerialize, BorshDeserialize)]
struct Encoded {
    chain_id: ChainId,
    member: MemberId,
    reader: Reader,
    sessions: BoundedVec<SessionId, MAX_SESSIONS>,
    disclosures: BoundedVec<[u8; Disclosure::BYTES], { MAX_SESSIONS + 2 }>,
    evidence: Bytes<MAX_STATEMENT_BYTES>,
}

impl QuotaStatement {
    /// Makes a statement from proven records, which `open` opens with `key`: at most [`MAX_SESSIONS`] sessions.
    ///
    /// # Errors
    /// [`MakeError`].
    pub fn make<R: RngCore + CryptoRng>(
        (chain_id, member): (ChainId, MemberId),
        sessions: Vec<SessionId>,
        reader: Reader,
        evidence: Evidence,
        key: &QuotaKey,
        open: impl Fn(&Ciphertext<1>) -> Option<u64>,
        rng: &mut R,
    ) -> Result<Self, MakeError> {
        let records = Records::read(&evidence, member, &sessions)?;
        let context = context(chain_id, member, &reader);
        let disclosures = records
            .sealed()
            .iter()
            .map(|(_, sealed)| {
                let value_minor = open(sealed).ok_or(NotTheValue)?;
                Disclosure::prove(context, key, sealed, value_minor, rng)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            chain_id,
            member,
            reader,
            disclosures,
            sessions,
            evidence,
        })
    }

    /// The bytes of the file.
    ///
    /// # Panics
    /// If it was made with more sessions than a statement shows.
    pub fn to_bytes(&self) -> Vec<u8> {
        let disclosures = self.disclosures.iter().map(|disclosure| {
            let bytes = disclosure.to_bytes();
            bytes.try_into().expect("a disclosure has its length")
        });
        let encoded = Encoded {
            chain_id: self.chain_id,
            member: self.member,
            reader: self.reader.clone(),
            sessions: BoundedVec::try_from(self.sessions.clone()).expect("few sessions"),
            disclosures: BoundedVec::try_from(disclosures.collect::<Vec<_>>())
                .expect("one for each amount"),
            evidence: Bytes::try_from(self.evidence.to_bytes()).expect("the records are few"),
        };
        FORMAT.write(&encoded)
    }

    /// Reads bytes that came from anywhere.
    ///
    /// # Errors
    /// [`StatementFileError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StatementFileError> {
        let Encoded {
            chain_id,
            member,
            reader,
            sessions,
            disclosures,
            evidence,
        } = FORMAT.read(bytes)?;
        let disclosures = disclosures
            .iter()
            .map(|bytes| Disclosure::from_bytes(bytes))
            .collect::<Result<_, _>>()
            .map_err(StatementFileError::Disclosure)?;
        Ok(Self {
            chain_id,
            member,
            reader,
            disclosures,
            sessions: sessions.into_vec(),
            evidence: Evidence::from_bytes(&evidence)?,
        })
    }

    /// What the statement shows, for a network that begins with `genesis` and the validators that it names.
    ///
    /// # Errors
    /// [`StatementError`], the first that applies.
    pub fn verify(
        &self,
        genesis: &Genesis,
        committee: Committee,
    ) -> Result<Stated, StatementError> {
        let chain_id = genesis.chain_id();
        if self.chain_id != chain_id {
            return Err(StatementError::OtherNetwork(self.chain_id));
        }
        self.evidence.verify(chain_id.0, committee)?;
        let records = Records::read(&self.evidence, self.member, &self.sessions)?;
        let sealed = records.sealed();
        if sealed.len() != self.disclosures.len() {
            return Err(StatementError::WrongCount(self.disclosures.len()));
        }
        let context = context(chain_id, self.member, &self.reader);
        for ((what, sealed), disclosure) in sealed.iter().zip(&self.disclosures) {
            let about = (disclosure.context, disclosure.key, disclosure.ciphertext);
            if about != (context, records.key, *sealed) {
                return Err(StatementError::OtherAmount(what));
            }
            disclosure
                .verify()
                .map_err(|_| StatementError::WrongProof(what))?;
        }
        let mut values = self.disclosures.iter().map(|shown| shown.value_minor);
        let mut next = || values.next().unwrap_or_default();
        let (available_minor, pending_minor) = (next(), next());
        let header = &self.evidence.block.header;
        Ok(Stated {
            height: header.height.get(),
            time_ms: header.time_ms,
            available_minor,
            waiting_minor: pending_minor + records.account.granted_minor,
            deposit: records.deposit,
            escrows: self.sessions.iter().map(|id| (*id, next())).collect(),
        })
    }
}

fn context(chain_id: ChainId, member: MemberId, reader: &Reader) -> [u8; 32] {
    hash_encoded(&CONTEXT, &(chain_id, member, reader)).0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bytes_are_a_statement_or_an_error_and_never_a_panic(bytes: Vec<u8>) {
            prop_assert!(QuotaStatement::from_bytes(&bytes).is_err());
            let begun = [FORMAT.magic.as_slice(), &bytes].concat();
            prop_assert!(QuotaStatement::from_bytes(&begun).is_err());
        }
    }
}
