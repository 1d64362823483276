//! What a member has in one finalized state.

use borsh::{BorshDeserialize, BorshSerialize};
use tacit_circuits::quota::transfer::Role;
use tacit_circuits::quota::{Account, Ciphertext, OWNER, QuotaPublicKey};
use tacit_finality::Evidence;
use tacit_ledger::kernel::codec::{self, BoundedVec, Bytes, CodecError};
use tacit_ledger::kernel::{MemberId, Missing, StateKey};
use tacit_ledger::network::{Deposit, Session, SessionId, keys, read};

use super::amounts::{Amounts, Sealed};
use super::error::{StatementError, StatementFileError};
use super::{MAX_SESSIONS, MAX_STATEMENT_BYTES};
use crate::file::FormatError;
use crate::proven::{ProvenRecords, first_missing};

/// A member's records of one finalized state, proven.
#[derive(Clone, Debug, PartialEq)]
pub struct ProvenBalance {
    /// The sessions whose escrows are among them.
    pub sessions: Vec<SessionId>,
    /// The proof of the [`records`].
    pub evidence: Evidence,
}

/// What a member has at a height, in minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    /// Height of the state; 0 is before the first block.
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

/// The records that a balance is read from.
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

/// The records as they are proven.
pub(super) struct Records {
    key: QuotaPublicKey,
    account: Account,
    deposit: Deposit,
    sessions: Vec<(Session, Ciphertext<3>)>,
}

#[derive(BorshSerialize, BorshDeserialize)]
pub(super) struct Encoded {
    sessions: BoundedVec<SessionId, MAX_SESSIONS>,
    evidence: Bytes<MAX_STATEMENT_BYTES>,
}

impl ProvenBalance {
    /// Its bytes, to be kept.
    ///
    /// # Panics
    /// If it shows more than [`MAX_SESSIONS`], or more than is proven at once.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::encode(&self.encoded().expect("the records are few"))
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// [`StatementFileError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StatementFileError> {
        Self::decoded(codec::decode(bytes).map_err(FormatError::from)?)
    }

    pub(super) fn height(&self) -> u64 {
        self.evidence.block.header.height.get()
    }

    /// The records of a member, of evidence that holds.
    pub(super) fn records(&self, member: MemberId) -> Result<Records, StatementError> {
        let missing = |missing: Missing| StatementError::RecordMissing(first_missing(missing));
        let absent = |key: StateKey| StatementError::RecordMissing(key.to_string());
        let view = ProvenRecords::of(&self.evidence).unwrap_or_default();
        let mut sessions = Vec::with_capacity(self.sessions.len());
        for id in &self.sessions {
            let session = read::session(&view, *id).map_err(missing)?;
            let session = session.ok_or_else(|| absent(keys::session(*id)))?;
            if session.querier != member {
                return Err(StatementError::OtherSession(*id));
            }
            let escrow = read::escrow(&view, *id).map_err(missing)?;
            sessions.push((session, escrow));
        }
        let key = read::quota_key(&view, member).map_err(missing)?;
        Ok(Records {
            key: key.ok_or_else(|| absent(keys::quota_key(member)))?,
            account: read::account(&view, member).map_err(missing)?,
            deposit: read::deposit(&view, member).map_err(missing)?,
            sessions,
        })
    }

    pub(super) fn encoded(&self) -> Result<Encoded, CodecError> {
        Ok(Encoded {
            sessions: BoundedVec::try_from(self.sessions.clone())?,
            evidence: Bytes::try_from(self.evidence.to_bytes())?,
        })
    }

    pub(super) fn decoded(encoded: Encoded) -> Result<Self, StatementFileError> {
        Ok(Self {
            sessions: encoded.sessions.into_vec(),
            evidence: Evidence::from_bytes(&encoded.evidence)?,
        })
    }
}

impl Records {
    /// What is sealed, in the order of the proofs.
    pub(super) fn sealed(&self) -> impl Iterator<Item = Sealed> {
        let own = [
            ("what is available", self.account.available.select([OWNER])),
            ("what waits", self.account.pending.select([OWNER])),
        ];
        let own = own.map(|(what, amount)| Sealed::new(what, amount, Some(self.key)));
        let escrow = move |(session, escrow): &(Session, Ciphertext<3>)| {
            let what = format!("the escrow of session {}", session.id);
            Sealed::new(
                what,
                escrow.select([Role::Querier as usize]),
                Some(self.key),
            )
        };
        own.into_iter().chain(self.sessions.iter().map(escrow))
    }

    /// The balance, whose amounts are the next ones.
    pub(super) fn open(
        &self,
        proven: &ProvenBalance,
        amounts: &mut Amounts<'_>,
    ) -> Result<Balance, StatementError> {
        let mut values = self
            .sealed()
            .map(|sealed| amounts.next(&sealed))
            .collect::<Result<Vec<_>, _>>()?
            .into_iter();
        let mut next = || values.next().unwrap_or_default();
        let header = &proven.evidence.block.header;
        Ok(Balance {
            height: header.height.get(),
            time_ms: header.time_ms,
            available_minor: next(),
            waiting_minor: next().saturating_add(self.account.granted_minor),
            deposit: self.deposit,
            escrows: proven.sessions.iter().map(|id| (*id, next())).collect(),
        })
    }
}
