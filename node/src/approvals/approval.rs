//! One approval: how it stands, and what may be done with it.

use tacit_database::{ColumnError, OpenError};
use zeroize::Zeroizing;

/// Label under which the key of the rows' codes is derived from the node's store key.
const KEY_LABEL: &str = "tacit v1 node approvals key";

/// Label under which the key of the requests' digests is derived from it.
const REQUEST_LABEL: &str = "tacit v1 node approval request key";

/// How long an approval can be decided and used: somebody who is back the next day still finds it.
pub(super) const LIFETIME_MS: u64 = 24 * 3_600 * 1_000;

/// Why an approval cannot be asked for, decided or used.
#[derive(Debug, thiserror::Error)]
pub enum ApprovalError {
    /// The database cannot be opened.
    #[error("the approvals cannot be opened: {0}")]
    Open(#[from] OpenError),
    /// The database refused.
    #[error("the approvals cannot be read or written: {0}")]
    Database(#[from] sqlx::Error),
    /// A stored value is not what it should be.
    #[error("the approvals are damaged: {0}")]
    Damaged(#[from] ColumnError),
    /// A row is not the one that the node wrote.
    #[error("approval {0} was altered on the disk")]
    Altered(u64),
    /// There is none.
    #[error("there is no approval {0}")]
    Unknown(u64),
    /// Nobody decides on what he asked for himself.
    #[error("approval {0} was asked for by {1}, who cannot decide on it")]
    OwnRequest(u64, String),
    /// Somebody else asked.
    #[error("approval {0} was asked for by {1}; only {1} can use it")]
    OfAnother(u64, String),
    /// It does not stand as it would have to.
    #[error("approval {0} {1}")]
    State(u64, State),
    /// It is for something else.
    #[error("approval {0} is for something else: what was approved is {1}")]
    ForOther(u64, String),
    /// Too many wait.
    #[error("{0} approvals wait already")]
    TooMany(u64),
}

/// What an approval is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A history that goes into a file.
    HistoryExport,
    /// A bundle for an examiner.
    AuditBundle,
    /// A screening of more rows than its operator may ask about alone.
    BulkScreening,
}

impl Kind {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HistoryExport => "history-export",
            Self::AuditBundle => "audit-bundle",
            Self::BulkScreening => "bulk-screening",
        }
    }
}

/// What the second person said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing yet.
    Waiting,
    /// Yes.
    Granted,
    /// No.
    Refused,
}

/// How an approval stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nobody has decided.
    Waiting,
    /// It can be used.
    Granted,
    /// It cannot.
    Refused,
    /// It was used.
    Used,
    /// Nobody decided or used it in time.
    Expired,
}

impl std::fmt::Display for State {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Waiting => "waits for a decision",
            Self::Granted => "is granted already",
            Self::Refused => "was refused",
            Self::Used => "was used",
            Self::Expired => "has expired",
        })
    }
}

/// An approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Its number.
    pub id: u64,
    /// Name of what it is for.
    pub kind: String,
    /// Binds it to exactly what will run.
    pub digest: [u8; 32],
    /// What it is for, in words.
    pub what: String,
    /// Who asked.
    pub asked_by: String,
    /// When.
    pub asked_ms: u64,
    /// Until when it can be decided and used.
    pub expires_ms: u64,
    /// What the second person said.
    pub decision: Decision,
    /// Who decided; empty while nobody has.
    pub decided_by: String,
    /// When; 0 while nobody has.
    pub decided_ms: u64,
    /// When it was used; 0 while it was not.
    pub used_ms: u64,
}

impl Approval {
    /// How it stands now.
    pub fn state(&self, now_ms: u64) -> State {
        match self.decision {
            _ if self.used_ms > 0 => State::Used,
            Decision::Refused => State::Refused,
            _ if now_ms >= self.expires_ms => State::Expired,
            Decision::Waiting => State::Waiting,
            Decision::Granted => State::Granted,
        }
    }

    /// Decides on it.
    ///
    /// # Errors
    /// [`ApprovalError::OwnRequest`], [`ApprovalError::State`].
    pub fn decide(&mut self, by: &str, granted: bool, now_ms: u64) -> Result<(), ApprovalError> {
        if self.asked_by == by {
            return Err(ApprovalError::OwnRequest(self.id, by.into()));
        }
        match self.state(now_ms) {
            State::Waiting => {}
            other => return Err(ApprovalError::State(self.id, other)),
        }
        self.decision = if granted {
            Decision::Granted
        } else {
            Decision::Refused
        };
        self.decided_by = by.into();
        self.decided_ms = now_ms;
        Ok(())
    }

    /// Uses it, once, for exactly what it was granted for.
    ///
    /// # Errors
    /// [`ApprovalError::OfAnother`], [`ApprovalError::ForOther`], [`ApprovalError::State`].
    pub fn spend(
        &mut self,
        by: &str,
        kind: Kind,
        digest: &[u8; 32],
        now_ms: u64,
    ) -> Result<(), ApprovalError> {
        if self.asked_by != by {
            return Err(ApprovalError::OfAnother(self.id, self.asked_by.clone()));
        }
        if self.kind != kind.name() || self.digest != *digest {
            let what = format!("{} of {}", self.kind, self.what);
            return Err(ApprovalError::ForOther(self.id, what));
        }
        match self.state(now_ms) {
            State::Granted => {}
            other => return Err(ApprovalError::State(self.id, other)),
        }
        self.used_ms = now_ms;
        Ok(())
    }
}

/// The keys of the approvals.
pub(super) struct ApprovalKeys {
    rows: Zeroizing<[u8; 32]>,
    requests: Zeroizing<[u8; 32]>,
}

impl std::fmt::Debug for ApprovalKeys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("ApprovalKeys(<redacted>)")
    }
}

impl ApprovalKeys {
    pub(super) fn derive(store_key: &[u8; 32]) -> Self {
        let derived = |label| Zeroizing::new(blake3::derive_key(label, store_key));
        Self {
            rows: derived(KEY_LABEL),
            requests: derived(REQUEST_LABEL),
        }
    }

    /// What binds an approval to a request: its encoding, without the approval itself. Under a key, since a request
    /// holds what can be guessed: a case, or digests of identifiers.
    pub(super) fn binding(&self, kind: Kind, request: &[u8]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.requests);
        // No kind's number is the beginning of another's.
        hasher.update(&[kind as u8]);
        hasher.update(request);
        hasher.finalize().into()
    }

    /// The code of a row: over every field, each of a fixed length or with its length before it.
    pub(super) fn code(&self, approval: &Approval) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.rows);
        for number in [
            approval.id,
            approval.asked_ms,
            approval.expires_ms,
            approval.decision as u64,
            approval.decided_ms,
            approval.used_ms,
        ] {
            hasher.update(&number.to_be_bytes());
        }
        hasher.update(&approval.digest);
        for text in [
            &approval.kind,
            &approval.what,
            &approval.asked_by,
            &approval.decided_by,
        ] {
            hasher.update(&(text.len() as u64).to_be_bytes());
            hasher.update(text.as_bytes());
        }
        hasher.finalize()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> ApprovalKeys {
        ApprovalKeys::derive(&[1; 32])
    }

    fn asked() -> Approval {
        Approval {
            id: 7,
            kind: Kind::HistoryExport.name().into(),
            digest: keys().binding(Kind::HistoryExport, b"everything"),
            what: "everything".into(),
            asked_by: "alice".into(),
            asked_ms: 1_000,
            expires_ms: 2_000,
            decision: Decision::Waiting,
            decided_by: String::new(),
            decided_ms: 0,
            used_ms: 0,
        }
    }

    #[test]
    fn nobody_decides_on_what_he_asked_for_and_nobody_else_uses_it() {
        let digest = asked().digest;
        let mut approval = asked();
        let own = approval.decide("alice", true, 1_100);
        assert!(matches!(own, Err(ApprovalError::OwnRequest(7, _))));
        let early = approval.spend("alice", Kind::HistoryExport, &digest, 1_100);
        assert!(matches!(
            early,
            Err(ApprovalError::State(7, State::Waiting))
        ));
        approval.decide("bob", true, 1_100).unwrap();
        let again = approval.decide("carol", false, 1_200);
        assert!(matches!(
            again,
            Err(ApprovalError::State(7, State::Granted))
        ));
        let other = approval.spend("bob", Kind::HistoryExport, &digest, 1_200);
        assert!(matches!(other, Err(ApprovalError::OfAnother(7, _))));
        approval
            .spend("alice", Kind::HistoryExport, &digest, 1_200)
            .unwrap();
        let twice = approval.spend("alice", Kind::HistoryExport, &digest, 1_300);
        assert!(matches!(twice, Err(ApprovalError::State(7, State::Used))));
    }

    #[test]
    fn what_was_approved_is_what_runs() {
        let mut approval = asked();
        approval.decide("bob", true, 1_100).unwrap();
        let digest = approval.digest;
        let more = keys().binding(Kind::HistoryExport, b"everything and more");
        for (kind, digest) in [(Kind::HistoryExport, more), (Kind::AuditBundle, digest)] {
            let spent = approval.spend("alice", kind, &digest, 1_200);
            assert!(matches!(spent, Err(ApprovalError::ForOther(7, _))));
        }
        let of_kind = |kind| keys().binding(kind, b"everything");
        assert_ne!(of_kind(Kind::AuditBundle), of_kind(Kind::HistoryExport));
        let elsewhere = ApprovalKeys::derive(&[2; 32]);
        assert_ne!(
            elsewhere.binding(Kind::HistoryExport, b"everything"),
            of_kind(Kind::HistoryExport),
            "whoever lacks the key finds no request by its digest"
        );
    }

    #[test]
    fn what_is_refused_or_late_cannot_be_used() {
        let digest = asked().digest;
        let mut refused = asked();
        refused.decide("bob", false, 1_100).unwrap();
        let spent = refused.spend("alice", Kind::HistoryExport, &digest, 1_200);
        assert!(matches!(
            spent,
            Err(ApprovalError::State(7, State::Refused))
        ));
        let mut late = asked();
        let decided = late.decide("bob", true, 2_000);
        assert!(matches!(
            decided,
            Err(ApprovalError::State(7, State::Expired))
        ));
        late.decide("bob", true, 1_999).unwrap();
        let spent = late.spend("alice", Kind::HistoryExport, &digest, 2_000);
        assert!(matches!(
            spent,
            Err(ApprovalError::State(7, State::Expired))
        ));
    }

    #[test]
    fn the_code_covers_every_field() {
        let key = keys();
        let code = key.code(&asked());
        let changes: [fn(&mut Approval); 11] = [
            |one| one.id = 8,
            |one| one.kind = "audit-bundle".into(),
            |one| one.digest = [0; 32],
            |one| one.what.clear(),
            |one| one.asked_by = "bob".into(),
            |one| one.asked_ms = 0,
            |one| one.expires_ms = 3_000,
            |one| one.decision = Decision::Granted,
            |one| one.decided_by = "bob".into(),
            |one| one.decided_ms = 1,
            |one| one.used_ms = 1,
        ];
        for change in changes {
            let mut changed = asked();
            change(&mut changed);
            assert_ne!(key.code(&changed), code);
        }
        assert_ne!(ApprovalKeys::derive(&[2; 32]).code(&asked()), code);
    }
}
