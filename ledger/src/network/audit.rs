//! What the hash `a` of a call commits to: who asked about whom, and why.
//!
//! The ledger holds the hash alone. Record, nonce and circumstances stay with the asking member, which opens
//! them to an examiner (*Audit record* in `docs/protocol.md`).

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};
use tacit_circuits::identifier::IdentifierType;

use crate::kernel::hash::{Digest, hash_encoded, label};

/// Longest text of a context, in bytes: a case reference or a person's name, not a document.
pub const MAX_CONTEXT_TEXT_BYTES: usize = 256;

/// Why a screening may not begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContextError {
    /// Purpose and lawful basis are mandatory.
    #[error("the {0} of the screening is missing")]
    Missing(&'static str),
    /// A text is too long.
    #[error("the {0} of the screening is longer than {MAX_CONTEXT_TEXT_BYTES} bytes")]
    TooLong(&'static str),
}

/// Who asks, why, and on what basis. Stays in this member's own records.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AuditContext {
    /// The institution's own name for the person or system that asks.
    pub operator: String,
    /// The role in which it asks.
    pub role: String,
    /// Governed code of the purpose. Mandatory.
    pub purpose: String,
    /// Governed code of the lawful basis. Mandatory.
    pub lawful_basis: String,
    /// Case or consent reference.
    pub case_reference: String,
    /// The second pair of eyes, where the rules demand one.
    pub approver: String,
}

impl AuditContext {
    /// Whether a screening may begin under it.
    pub fn check(&self) -> Result<(), ContextError> {
        let texts = [
            ("operator", &self.operator, false),
            ("role", &self.role, false),
            ("purpose", &self.purpose, true),
            ("lawful basis", &self.lawful_basis, true),
            ("case reference", &self.case_reference, false),
            ("approver", &self.approver, false),
        ];
        for (name, text, mandatory) in texts {
            if mandatory && text.trim().is_empty() {
                return Err(ContextError::Missing(name));
            }
            if text.len() > MAX_CONTEXT_TEXT_BYTES {
                return Err(ContextError::TooLong(name));
            }
        }
        Ok(())
    }

    /// Its hash, which enters the record of each call.
    pub fn digest(&self) -> Digest {
        hash_encoded(&label::AUDIT_CONTEXT, self)
    }
}

/// What a call was: enough to show later that `B = r·H(x)`, and why it was made. Of a fixed size, so that
/// nothing shows in its sealed form.
#[derive(Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AuditRecord {
    /// The identifier's type.
    pub kind: IdentifierType,
    /// The identifier's field form, canonical little-endian.
    pub x: [u8; 32],
    /// The blinding factor `r`, canonical little-endian.
    pub blind: [u8; 32],
    /// Hash of the [`AuditContext`].
    pub context: Digest,
}

impl AuditRecord {
    /// `a = hash(nonce, record)`: what stands on the ledger. The nonce hides the record from whoever could
    /// guess it, and erasing both leaves nothing.
    pub fn commitment(&self, nonce: &[u8; 32]) -> Digest {
        hash_encoded(&label::AUDIT_RECORD, &(nonce, self))
    }
}

impl fmt::Debug for AuditRecord {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("AuditRecord(<redacted>)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commitment_binds_every_field_and_the_nonce() {
        let record = AuditRecord {
            kind: IdentifierType::Phone,
            x: [1; 32],
            blind: [2; 32],
            context: AuditContext::default().digest(),
        };
        let nonce = [3; 32];
        let a = record.commitment(&nonce);
        assert_eq!(a, record.clone().commitment(&nonce));
        let others = [
            AuditRecord {
                kind: IdentifierType::Card,
                ..record.clone()
            },
            AuditRecord {
                x: [9; 32],
                ..record.clone()
            },
            AuditRecord {
                blind: [9; 32],
                ..record.clone()
            },
            AuditRecord {
                context: Digest([9; 32]),
                ..record.clone()
            },
        ];
        assert!(others.iter().all(|other| other.commitment(&nonce) != a));
        assert_ne!(record.commitment(&[4; 32]), a);
        assert_eq!(format!("{record:?}"), "AuditRecord(<redacted>)");
    }

    #[test]
    fn purpose_and_lawful_basis_are_mandatory() {
        let context = AuditContext {
            purpose: "credit-origination".into(),
            ..Default::default()
        };
        assert_eq!(context.check(), Err(ContextError::Missing("lawful basis")));
        let context = AuditContext {
            lawful_basis: "consent".into(),
            ..context
        };
        assert_eq!(context.check(), Ok(()));
        let context = AuditContext {
            operator: "o".repeat(300),
            ..context
        };
        assert_eq!(context.check(), Err(ContextError::TooLong("operator")));
    }
}
