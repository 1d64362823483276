//! From facts to the statement that a proof shows.

use tacit_circuits::curve::FieldError;
use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::list::Presence;
use tacit_circuits::receipt::{Claim, ContextHash, Statement, SubjectCommitment};
use tacit_circuits::scope::MemberId;

use crate::network::record::{PublicationId, Root};

/// All that a receipt says, from wherever the facts come: a ledger's state, or records that somebody
/// holds with proofs of their finality.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Hides the identifier.
    pub commitment: SubjectCommitment,
    /// Its type.
    pub kind: IdentifierType,
    /// What the receipt is made for.
    pub context: ContextHash,
    /// Who asked.
    pub querier: MemberId,
    /// What was asked.
    pub publication: PublicationId,
    /// The root that the ledger has for the publication.
    pub list_root: Root,
    /// A root that the log had.
    pub log_root: Root,
}

impl Answer {
    /// The statement that the subject was not listed.
    ///
    /// # Errors
    /// [`FieldError`] where a root is not canonical, which no root of the ledger is.
    pub fn statement(&self) -> Result<Statement, FieldError> {
        Ok(Statement {
            commitment: self.commitment,
            claim: Claim::Answer {
                kind: self.kind,
                presence: Presence::NotListed,
            },
            list: self.publication.list,
            tag_epoch: self.publication.tag_epoch,
            querier: self.querier,
            log_root: self.log_root.field()?,
            list_root: self.list_root.field()?,
            context: self.context,
        })
    }
}
