//! What travels between the parties of a dispute. A digest of each stands on the ledger; a nonce in it hides
//! the rest from whoever could guess it.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};
use tacit_circuits::curve::decode_field;
use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::list::Presence;
use tacit_circuits::oprf::Entry;
use tacit_circuits::receipt::{
    Claim, CommitmentSecret, KeyId, Proof, Statement, Verifier, VerifyingKey, commit,
};
use tacit_ledger::kernel::hash::Label;
use tacit_ledger::kernel::{ChainId, Digest, codec};
use tacit_ledger::network::{Dispute, PublicationId, ReceiptKey, Root};

use super::{digest_of, hit_context};

/// Largest evidence: a scanned contract or a few letters.
pub const MAX_EVIDENCE_BYTES: usize = 4 << 20;

static CHALLENGE_LABEL: Label = Label::new("tacit v1 dispute challenge");
static EVIDENCE_LABEL: Label = Label::new("tacit v1 dispute evidence");
pub(super) static CONTEXT_LABEL: Label = Label::new("tacit v1 dispute receipt context");

/// Why bytes are not to be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotThePackage {
    /// They are others than the digest on the ledger stands for.
    #[error("what the party hands out is not what its digest on the ledger stands for")]
    Digest,
    /// They do not decode.
    #[error("what the party hands out is of no known form")]
    Malformed,
    /// They are about another subject than the dispute's commitment.
    #[error("the challenge opens another commitment than the dispute's")]
    OtherSubject,
    /// They do not show that the list named the subject.
    #[error("the challenge does not prove that the list names its subject")]
    Unproven,
}

/// Whom a dispute is about, and the receipt of the hit.
#[derive(Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Challenge {
    /// Hides the rest under the digest.
    pub nonce: [u8; 32],
    /// Type of the identifier.
    pub kind: IdentifierType,
    /// Its field form, canonical, little-endian.
    pub x: [u8; 32],
    /// Opens the dispute's commitment.
    pub secret: [u8; 32],
    /// The version that names it.
    pub publication: PublicationId,
    /// The verifying key of the proof.
    pub key: KeyId,
    /// A root of the log under which the challenger's call stands.
    pub log_root: Root,
    /// That the version names the subject of the commitment, as the challenger asked its owner.
    pub proof: Proof,
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Challenge(<redacted>)")
    }
}

impl Challenge {
    pub(super) fn sealed(&self) -> (Digest, Vec<u8>) {
        let bytes = codec::encode(self);
        (digest_of(&CHALLENGE_LABEL, &bytes), bytes)
    }

    pub(crate) fn opened(digest: Digest, bytes: &[u8]) -> Result<Self, NotThePackage> {
        if digest_of(&CHALLENGE_LABEL, bytes) != digest {
            return Err(NotThePackage::Digest);
        }
        codec::decode(bytes).map_err(|_| NotThePackage::Malformed)
    }

    /// Whom the dispute is about: who opens its commitment. Whether the list names it is not said by this.
    pub(crate) fn subject(&self, dispute: &Dispute) -> Result<Entry, NotThePackage> {
        let x = decode_field(&self.x).map_err(|_| NotThePackage::Malformed)?;
        let secret = CommitmentSecret::from_secret_bytes(&self.secret)
            .map_err(|_| NotThePackage::Malformed)?;
        let same = self.kind == dispute.kind
            && self.publication == dispute.publication
            && commit(self.kind, x, &secret) == dispute.commitment;
        if !same {
            return Err(NotThePackage::OtherSubject);
        }
        Ok(Entry::identifier(self.kind, x))
    }

    /// Whether it opens the dispute's commitment and proves the hit, under a key that the members voted. That
    /// the log had the root is for the caller to know.
    pub(super) fn check(
        &self,
        chain_id: ChainId,
        dispute: &Dispute,
        list_root: Root,
        key: &ReceiptKey,
    ) -> Result<(), NotThePackage> {
        self.subject(dispute)?;
        let unproven = |_| NotThePackage::Unproven;
        let (challenger, id) = (dispute.challenger, dispute.publication);
        let statement = Statement {
            commitment: dispute.commitment,
            claim: Claim::Answer {
                kind: self.kind,
                presence: Presence::Listed,
            },
            list: id.list,
            tag_epoch: id.tag_epoch,
            querier: challenger,
            log_root: self.log_root.field().map_err(unproven)?,
            list_root: list_root.field().map_err(unproven)?,
            context: hit_context(chain_id, challenger, id, dispute.commitment, self.key),
        };
        if key.id != self.key {
            return Err(NotThePackage::Unproven);
        }
        let verifying =
            VerifyingKey::from_bytes(&key.verifying_key).map_err(|_| NotThePackage::Unproven)?;
        let verified = Verifier::new(&verifying).verify(&statement, &self.proof);
        verified.map_err(|_| NotThePackage::Unproven)
    }
}

/// What an owner has to show for an entry, of whatever form.
#[derive(Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Evidence {
    /// Hides the rest under the digest.
    pub nonce: [u8; 32],
    /// The file.
    pub content: Vec<u8>,
}

impl fmt::Debug for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Evidence(<redacted>)")
    }
}

impl Evidence {
    pub(super) fn sealed(&self) -> (Digest, Vec<u8>) {
        let bytes = codec::encode(self);
        (digest_of(&EVIDENCE_LABEL, &bytes), bytes)
    }

    pub(super) fn opened(digest: Digest, bytes: &[u8]) -> Result<Self, NotThePackage> {
        if digest_of(&EVIDENCE_LABEL, bytes) != digest {
            return Err(NotThePackage::Digest);
        }
        codec::decode(bytes).map_err(|_| NotThePackage::Malformed)
    }
}
