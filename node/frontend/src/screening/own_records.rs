//! What a member keeps of its requests, as it is sealed into the database.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};
use rand_core::{OsRng, RngCore};
use tacit_circuits::curve::WirePoint;
use tacit_circuits::oprf::DleqProof;
use tacit_ledger::kernel::BoundedVec;
use tacit_ledger::network::request::MAX_CALLS;
pub use tacit_sealing::OwnRecords;

/// The answer to one request, as it is sealed into the database.
#[derive(Clone, BorshSerialize, BorshDeserialize)]
pub struct OwnAnswer {
    /// What the provider evaluated.
    pub evaluated: BoundedVec<WirePoint, MAX_CALLS>,
    /// That it did so with its registered key.
    pub proof: DleqProof,
    /// Per call, whether it was a hit. `None` where the answer came after a restart: then the proof was
    /// verified, and nobody was told the answer.
    pub hits: Option<Vec<bool>>,
}

impl fmt::Debug for OwnAnswer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("OwnAnswer(<redacted>)")
    }
}

pub(super) fn fresh_nonce() -> [u8; 32] {
    let mut nonce = [0; 32];
    OsRng.fill_bytes(&mut nonce);
    nonce
}

#[cfg(test)]
mod tests {
    use super::*;
    use tacit_circuits::identifier::IdentifierType;
    use tacit_ledger::network::audit::{AuditContext, AuditRecord};

    #[test]
    fn what_is_kept_of_a_call_prints_none_of_it() {
        let context = AuditContext {
            operator: "teller 7".to_owned(),
            ..Default::default()
        };
        let record = AuditRecord {
            kind: IdentifierType::Phone,
            x: [81; 32],
            blind: [82; 32],
            context: context.digest(),
        };
        let records = OwnRecords {
            context,
            calls: vec![(1, [83; 32], record)],
        };
        assert_eq!(format!("{records:?}"), "OwnRecords(<redacted>)");
        let answer = crate::screening::RowAnswer {
            row: 5,
            index: 0,
            answer: crate::screening::Answer::Hit,
        };
        let printed = format!("{answer:?}");
        assert!(
            printed.contains("row: 5") && !printed.contains("Hit"),
            "{printed}"
        );
    }
}
