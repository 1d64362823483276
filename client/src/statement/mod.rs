//! A member's statement of its quota as a file, and what it proves to whoever holds the genesis.
//!
//! Balances stand sealed on the ledger. The statement holds the records as they stand in one finalized state, with
//! a finality certificate, and for each sealed amount a proof of what it holds. It is made for one reader, whose
//! name the proofs are bound to.
//!
//! A statement of a period holds the balance at its beginning as well, or begins with the network, and each result
//! of a block in between that moved the member's quota, proven, with the proofs of its amounts.
//!
//! # What the movements prove
//! Each happened and is of its amount. That none is left out follows from the sums: account, deposit and stakes at
//! the beginning and all that moved are what there is at the end, and so is each escrow that both ends show. What
//! cancels can be left out together: roll-overs, which move nothing, or a whole session of which all returned.
//!
//! | file | content |
//! |---|---|
//! | `balance` | what a member has in one finalized state |
//! | `period` | what moved, and whether it leads from one balance to another |
//! | `amounts` | sealed amounts, and the proofs of what they hold |
//! | `error` | what can be wrong |

mod amounts;
mod balance;
mod error;
mod period;

use borsh::{BorshDeserialize, BorshSerialize};
use rand_core::{CryptoRng, RngCore};
use tacit_circuits::quota::{Ciphertext, Disclosure, QuotaKey};
use tacit_finality::{Committee, Evidence};
use tacit_ledger::kernel::codec::{BoundedVec, Bytes};
use tacit_ledger::kernel::hash::{Label, hash_encoded};
use tacit_ledger::kernel::{ChainId, Genesis, MemberId, Text};
use tacit_ledger::network::Deposit;
use tacit_ledger::network::movement::{MovementKind, of_genesis};

use crate::file::FileFormat;
use amounts::{Amounts, disclose};
use period::ShownResult;

pub use amounts::Sealed;
pub use balance::{Balance, ProvenBalance, records};
pub use error::{MakeError, StatementError, StatementFileError};
pub use period::ShownMovement;

/// Largest file: as many results as it holds, of a few kilobytes each.
pub const MAX_STATEMENT_BYTES: usize = 32 << 20;

/// Open sessions that one balance shows: two records each, and what is proven at once is bounded.
pub const MAX_SESSIONS: usize = 48;

/// Results of blocks that one statement shows. Each takes a certificate, of some kilobytes, and a reader some
/// milliseconds; a longer time takes several statements.
pub const MAX_RESULTS: usize = 4_096;

/// Amounts that one statement opens: a transaction may open several sessions.
const MAX_AMOUNTS: usize = 4 * MAX_RESULTS;

/// Longest name of a reader, in bytes.
const MAX_READER_BYTES: usize = 256;

const FORMAT: FileFormat = FileFormat {
    magic: *b"tacit statement2",
    max_bytes: MAX_STATEMENT_BYTES,
};

/// To what the proofs of a statement are bound.
static CONTEXT: Label = Label::new("tacit v1 quota statement");

/// For whom a statement is made.
pub type Reader = Text<MAX_READER_BYTES>;

/// What a statement is about, proven and not opened.
#[derive(Clone, Debug, PartialEq)]
pub struct Proven {
    /// The network.
    pub chain_id: ChainId,
    /// Whose quota it is.
    pub member: MemberId,
    /// What moved; None where only the balance is stated.
    pub period: Option<ProvenPeriod>,
    /// The balance, at the end of the period if there is one.
    pub closing: ProvenBalance,
}

/// What moved between two balances, proven and not opened.
#[derive(Clone, Debug, PartialEq)]
pub struct ProvenPeriod {
    /// The balance at the beginning; None where that is the genesis.
    pub opening: Option<ProvenBalance>,
    /// The results of blocks that moved anything of the member's, in the order of the chain.
    pub results: Vec<Evidence>,
}

/// A member's statement.
#[derive(Clone, Debug, PartialEq)]
pub struct QuotaStatement {
    /// What it is about.
    pub proven: Proven,
    /// For whom it was made.
    pub reader: Reader,
    /// In the order of the amounts: the opening balance, the movements, the closing balance.
    disclosures: Vec<Disclosure>,
}

/// What a statement shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stated {
    /// The balance, at the end of the period if there is one.
    pub closing: Balance,
    /// The period.
    pub period: Option<StatedPeriod>,
}

/// What a statement shows of a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatedPeriod {
    /// The balance at the beginning.
    pub opening: Balance,
    /// What moved, in the order of the chain. It leads from the one balance to the other.
    pub movements: Vec<ShownMovement>,
    /// Sessions of which it cannot be told whether all charges are shown, as an end of theirs is not.
    pub sessions_untold: usize,
}

impl Proven {
    /// What is sealed of it, in the order of the proofs: what is to be opened to make a statement of it.
    ///
    /// # Errors
    /// [`StatementError`] where something is not what it should be.
    pub fn sealed(&self) -> Result<Vec<Sealed>, StatementError> {
        let mut all = Vec::new();
        if let Some(period) = &self.period {
            if let Some(opening) = &period.opening {
                all.extend(opening.records(self.member)?.sealed());
            }
            for result in period.results(self.member) {
                all.extend(result?.sealed().filter_map(|(_, sealed)| sealed));
            }
        }
        all.extend(self.closing.records(self.member)?.sealed());
        Ok(all)
    }

    /// Makes a statement for a reader; `open` opens what is sealed, and says with which key.
    ///
    /// # Errors
    /// [`MakeError`].
    pub fn disclose<R: RngCore + CryptoRng>(
        mut self,
        reader: Reader,
        open: impl Fn(&Ciphertext<1>) -> Option<(QuotaKey, u64)>,
        rng: &mut R,
    ) -> Result<QuotaStatement, MakeError> {
        let context = context(self.chain_id, self.member, &reader);
        let disclosures = disclose(context, &self.sealed()?, open, rng)?;
        // The closing balance has the way to all validators of before.
        let period = self.period.iter_mut();
        period
            .flat_map(|period| &mut period.results)
            .for_each(|result| result.handovers.clear());
        Ok(QuotaStatement {
            proven: self,
            reader,
            disclosures,
        })
    }
}

impl ProvenPeriod {
    fn results(
        &self,
        member: MemberId,
    ) -> impl Iterator<Item = Result<ShownResult, StatementError>> {
        let numbered = (1..).zip(&self.results);
        numbered.map(move |(place, result)| {
            ShownResult::of(result, member).ok_or(StatementError::NoMovement(place))
        })
    }

    /// What moved, whose amounts are the next ones.
    fn movements(
        &self,
        member: MemberId,
        heights: (u64, u64),
        amounts: &mut Amounts<'_>,
    ) -> Result<Vec<ShownMovement>, StatementError> {
        let (mut after, mut movements) = ((heights.0, u32::MAX), Vec::new());
        for (place, result) in (1..).zip(self.results(member)) {
            let result = result?;
            let at = (result.height, result.leaf);
            if at <= after || result.height > heights.1 {
                return Err(StatementError::Disorder(place));
            }
            after = at;
            for (moved, sealed) in result.sealed() {
                let hidden = sealed.map(|sealed| amounts.next(&sealed));
                let hidden_minor = hidden.transpose()?.unwrap_or(0);
                movements.push(ShownMovement {
                    height: result.height,
                    time_ms: result.time_ms,
                    tx_id: result.tx_id,
                    kind: moved.kind,
                    amount_minor: moved.amount_minor.saturating_add(hidden_minor),
                    counterparty: moved.counterparty,
                    session: moved.session,
                });
            }
        }
        Ok(movements)
    }
}

#[derive(BorshSerialize, BorshDeserialize)]
struct Encoded {
    chain_id: ChainId,
    member: MemberId,
    reader: Reader,
    period: Option<EncodedPeriod>,
    closing: balance::Encoded,
    disclosures: BoundedVec<[u8; Disclosure::BYTES], MAX_AMOUNTS>,
}

#[derive(BorshSerialize, BorshDeserialize)]
struct EncodedPeriod {
    opening: Option<balance::Encoded>,
    results: BoundedVec<Bytes<MAX_STATEMENT_BYTES>, MAX_RESULTS>,
}

impl QuotaStatement {
    /// The bytes of the file.
    ///
    /// # Errors
    /// [`MakeError::TooLarge`] or [`MakeError::TooLong`] where it holds more than a statement does.
    pub fn to_bytes(&self) -> Result<Vec<u8>, MakeError> {
        let disclosures = self.disclosures.iter().map(|disclosure| {
            let bytes = disclosure.to_bytes();
            bytes.try_into().expect("a disclosure has its length")
        });
        let period = |period: &ProvenPeriod| -> Result<_, MakeError> {
            let results = period
                .results
                .iter()
                .map(|result| result.to_bytes().try_into());
            let opening = period.opening.as_ref().map(ProvenBalance::encoded);
            Ok(EncodedPeriod {
                opening: opening.transpose()?,
                results: results.collect::<Result<Vec<_>, _>>()?.try_into()?,
            })
        };
        let proven = &self.proven;
        let bytes = FORMAT.write(&Encoded {
            chain_id: proven.chain_id,
            member: proven.member,
            reader: self.reader.clone(),
            period: proven.period.as_ref().map(period).transpose()?,
            closing: proven.closing.encoded()?,
            disclosures: disclosures.collect::<Vec<_>>().try_into()?,
        });
        FORMAT.check_size(&bytes).map_err(MakeError::TooLong)?;
        Ok(bytes)
    }

    /// Reads bytes that came from anywhere.
    ///
    /// # Errors
    /// [`StatementFileError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StatementFileError> {
        let encoded: Encoded = FORMAT.read(bytes)?;
        let disclosures = encoded.disclosures.iter();
        let disclosures = disclosures.map(|bytes| Disclosure::from_bytes(bytes));
        let period = |period: EncodedPeriod| -> Result<_, StatementFileError> {
            let results = period
                .results
                .iter()
                .map(|bytes| Evidence::from_bytes(bytes));
            Ok(ProvenPeriod {
                opening: period.opening.map(ProvenBalance::decoded).transpose()?,
                results: results.collect::<Result<_, _>>()?,
            })
        };
        Ok(Self {
            disclosures: disclosures
                .collect::<Result<_, _>>()
                .map_err(StatementFileError::Disclosure)?,
            proven: Proven {
                chain_id: encoded.chain_id,
                member: encoded.member,
                period: encoded.period.map(period).transpose()?,
                closing: ProvenBalance::decoded(encoded.closing)?,
            },
            reader: encoded.reader,
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
        let (chain_id, member) = (genesis.chain_id(), self.proven.member);
        if self.proven.chain_id != chain_id {
            return Err(StatementError::OtherNetwork(self.proven.chain_id));
        }
        let closing = &self.proven.closing;
        closing.evidence.verify(chain_id.0, committee.clone())?;
        let records = closing.records(member)?;
        let context = context(chain_id, member, &self.reader);
        let mut amounts = Amounts::new(context, &self.disclosures);
        let Some(period) = &self.proven.period else {
            let closing = records.open(closing, &mut amounts)?;
            amounts.end()?;
            return Ok(Stated {
                closing,
                period: None,
            });
        };
        let opening = match &period.opening {
            None => of_beginning(genesis, member),
            Some(opening) => {
                opening.evidence.verify(chain_id.0, committee.clone())?;
                opening.records(member)?.open(opening, &mut amounts)?
            }
        };
        let proven = closing
            .evidence
            .verify_before(&period.results, chain_id.0, committee);
        proven.map_err(|(place, source)| StatementError::ResultNotFinal {
            place: place + 1,
            source,
        })?;
        let heights = (opening.height, closing.height());
        if heights.0 >= heights.1 {
            return Err(StatementError::Backwards);
        }
        let movements = period.movements(member, heights, &mut amounts)?;
        let closing = records.open(closing, &mut amounts)?;
        amounts.end()?;
        let sessions_untold = period::lead(&opening, &movements, &closing)?;
        Ok(Stated {
            closing,
            period: Some(StatedPeriod {
                opening,
                movements,
                sessions_untold,
            }),
        })
    }
}

/// What a member has after the genesis: nothing where it joined later.
fn of_beginning(genesis: &Genesis, member: MemberId) -> Balance {
    let mut balance = Balance {
        height: 0,
        time_ms: genesis.time_ms,
        available_minor: 0,
        waiting_minor: 0,
        deposit: Deposit::default(),
        escrows: Vec::new(),
    };
    let given = of_genesis(genesis).into_iter();
    for moved in given.filter(|moved| moved.member == member) {
        match moved.kind {
            MovementKind::Deposit => {
                balance.deposit.free_minor += moved.amount_minor;
                balance.waiting_minor = balance.waiting_minor.saturating_sub(moved.amount_minor);
            }
            _ => balance.waiting_minor += moved.amount_minor,
        }
    }
    balance
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
