//! What a member keeps of a request, at a size that its number of calls alone determines.
//!
//! | bytes | what |
//! |---|---|
//! | 2 | length of the circumstances |
//! | 1,560 | the circumstances, then zeros |
//! | 4 | number of calls, at most 1,000 |
//! | 138 each | number of the row (8), nonce (32), record (98) |
//!
//! Numbers are little-endian. The number of calls stands on the ledger; nothing else shows in the length.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};
use tacit_ledger::kernel::{ChainId, codec};
use tacit_ledger::network::audit::{AuditContext, AuditRecord, MAX_CONTEXT_TEXT_BYTES};
use tacit_ledger::network::request::MAX_CALLS;
use tacit_ledger::network::{Request, SessionId};
use zeroize::Zeroizing;

/// Six texts, each with its length before it.
const CONTEXT_BYTES: usize = 6 * (4 + MAX_CONTEXT_TEXT_BYTES);

/// Number of the row, nonce, record.
const CALL_BYTES: usize = 8 + 32 + 98;

/// Why bytes are no records of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the records of a request do not decode")]
pub struct RecordsError;

/// The request to which sealed values belong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct BatchName {
    /// The network.
    pub chain_id: ChainId,
    /// The session.
    pub session: SessionId,
    /// Number of the request in it.
    pub sequence: u64,
}

impl BatchName {
    /// Of a request.
    pub fn of(request: &Request) -> Self {
        Self {
            chain_id: request.chain_id,
            session: request.session,
            sequence: request.sequence,
        }
    }

    /// The associated data of what is sealed for it: chain id (32), session (8), sequence (8), little-endian.
    pub fn associated(&self) -> Vec<u8> {
        codec::encode(self)
    }
}

/// What a member keeps of one request: why it was made, and about whom each of its calls was.
#[derive(Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct OwnRecords {
    /// Who asked, and why.
    pub context: AuditContext,
    /// Per call: the caller's number of its row, the nonce, the record.
    pub calls: Vec<(u64, [u8; 32], AuditRecord)>,
}

impl fmt::Debug for OwnRecords {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("OwnRecords(<redacted>)")
    }
}

/// Bytes of the records of so many calls.
pub const fn padded_bytes(calls: usize) -> usize {
    2 + CONTEXT_BYTES + 4 + calls * CALL_BYTES
}

impl OwnRecords {
    /// The padded form. `None` where the context's texts or the calls are more than a request may have.
    pub fn to_padded(&self) -> Option<Zeroizing<Vec<u8>>> {
        let context = Zeroizing::new(codec::encode(&self.context));
        let length = u16::try_from(context.len()).ok()?;
        if context.len() > CONTEXT_BYTES || self.calls.len() > MAX_CALLS {
            return None;
        }
        // At its full size from the start, so that no part of it is left behind where it grew.
        let mut bytes = Zeroizing::new(Vec::with_capacity(padded_bytes(self.calls.len())));
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&context);
        bytes.resize(2 + CONTEXT_BYTES, 0);
        bytes.extend_from_slice(&u32::try_from(self.calls.len()).ok()?.to_le_bytes());
        for call in &self.calls {
            bytes.extend_from_slice(&Zeroizing::new(codec::encode(call)));
        }
        Some(bytes)
    }

    /// Why a request was made, from its padded form; its calls are not looked at.
    ///
    /// # Errors
    /// [`RecordsError`]
    pub fn context_of(bytes: &[u8]) -> Result<AuditContext, RecordsError> {
        split_context(bytes).map(|(context, _)| context)
    }

    /// Reads the padded form.
    ///
    /// # Errors
    /// [`RecordsError`]
    pub fn from_padded(bytes: &[u8]) -> Result<Self, RecordsError> {
        let (context, rest) = split_context(bytes)?;
        let (count, calls) = rest.split_first_chunk::<4>().ok_or(RecordsError)?;
        let count = usize::try_from(u32::from_le_bytes(*count)).map_err(|_| RecordsError)?;
        if count > MAX_CALLS || calls.len() != count * CALL_BYTES {
            return Err(RecordsError);
        }
        let calls = calls.chunks_exact(CALL_BYTES).map(codec::decode);
        Ok(Self {
            context,
            calls: calls.collect::<Result<_, _>>().map_err(|_| RecordsError)?,
        })
    }
}

/// The context of a padded form, and what follows it.
fn split_context(bytes: &[u8]) -> Result<(AuditContext, &[u8]), RecordsError> {
    let (length, rest) = bytes.split_first_chunk::<2>().ok_or(RecordsError)?;
    let (context, rest) = rest.split_at_checked(CONTEXT_BYTES).ok_or(RecordsError)?;
    let length = usize::from(u16::from_le_bytes(*length));
    let (context, padding) = context.split_at_checked(length).ok_or(RecordsError)?;
    if padding.iter().any(|byte| *byte != 0) {
        return Err(RecordsError);
    }
    let context = codec::decode(context).map_err(|_| RecordsError)?;
    Ok((context, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tacit_circuits::identifier::IdentifierType;

    fn records(calls: usize, operator: &str) -> OwnRecords {
        let context = AuditContext {
            operator: operator.into(),
            purpose: "credit-origination".into(),
            lawful_basis: "consent".into(),
            ..Default::default()
        };
        let record = |number: usize| {
            let record = AuditRecord {
                kind: IdentifierType::Phone,
                x: [number as u8; 32],
                blind: [2; 32],
                context: context.digest(),
            };
            (number as u64, [3; 32], record)
        };
        OwnRecords {
            calls: (0..calls).map(record).collect(),
            context,
        }
    }

    #[test]
    fn the_length_tells_the_number_of_calls_and_nothing_else() {
        for calls in [0, 1, 7, MAX_CALLS] {
            for operator in ["", "teller 7", &"o".repeat(256)] {
                let records = records(calls, operator);
                let bytes = records.to_padded().unwrap();
                assert_eq!(bytes.len(), padded_bytes(calls));
                assert_eq!(OwnRecords::from_padded(&bytes), Ok(records));
            }
        }
        assert!(records(MAX_CALLS + 1, "").to_padded().is_none());
        let mut long = records(1, "");
        long.context.case_reference = "c".repeat(2_000);
        assert!(long.to_padded().is_none());
        assert_eq!(
            format!("{:?}", records(1, "teller 7")),
            "OwnRecords(<redacted>)"
        );
    }

    #[test]
    fn a_padding_that_holds_something_is_refused() {
        let mut bytes = records(2, "teller 7").to_padded().unwrap();
        bytes[2 + CONTEXT_BYTES - 1] = 1;
        assert_eq!(OwnRecords::from_padded(&bytes), Err(RecordsError));
    }

    proptest! {
        #[test]
        fn bytes_from_anywhere_are_refused_or_read_back_as_they_were(
            place in 0..padded_bytes(2), value: u8, cut in 0..padded_bytes(2),
        ) {
            let whole = records(2, "teller 7").to_padded().unwrap();
            let mut altered = whole.to_vec();
            altered[place] = value;
            if let Ok(read) = OwnRecords::from_padded(&altered) {
                let again = read.to_padded().unwrap();
                prop_assert_eq!(again.as_slice(), altered.as_slice());
            }
            prop_assert_eq!(OwnRecords::from_padded(&whole[..cut]), Err(RecordsError));
        }
    }
}
