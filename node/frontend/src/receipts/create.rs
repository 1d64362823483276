//! From calls of this member to receipts.

use std::fmt;
use std::sync::Arc;

use rand_core::OsRng;
use tacit_circuits::curve::{Field, Point, decode_field};
use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::list::{IndexedTree, Presence, VersionId};
use tacit_circuits::oprf::{Blind, Entry};
use tacit_circuits::receipt::{
    CommitmentSecret, ContextHash, KeyId, Proof, ProveError, Prover, Purpose, SubjectCommitment,
    Violation, Witness, call_tag, commit, commit_entry,
};
use tacit_circuits::scope::{ListId, Scope};
use tacit_ledger::kernel::{Reject, decode};
use tacit_ledger::network::audit::AuditRecord;
use tacit_ledger::network::receipts::{Receipt, ReceiptContext, ReceiptSet};
use tacit_ledger::network::{Root, SessionId, read as state};
use tacit_sealing::ClassName;

use super::{NetworkLog, ProverError, ProverSlot, SharedLog};
use crate::compute::compute;
use crate::disputes::hit_context;
use crate::ports::{Ledger, LedgerError, read};
use crate::screening::{OwnAnswer, OwnRecords};
use crate::snapshots::{Copies, Obtainer, TreeUnreadable};
use crate::store::{AskedState, Store, StoreError};

/// A call of this member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallName {
    /// Its session.
    pub session: SessionId,
    /// The number of its request there.
    pub sequence: u64,
    /// Its place in the request, from 0.
    pub index: u32,
}

impl fmt::Display for CallName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.session, self.sequence, self.index)
    }
}

/// A call that stands on the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoggedCall {
    /// Which.
    pub name: CallName,
    /// Its leaf in the network's log.
    pub leaf: u64,
}

/// What receipts are made of beside calls.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The secret of the commitment that the object holds.
    pub secret: CommitmentSecret,
    /// What the receipts are for.
    pub context: ReceiptContext,
}

/// Why no receipts were made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// No calls, or more than a set holds.
    #[error(
        "a set has 1 to {} receipts",
        tacit_ledger::network::MAX_RECEIPTS_PER_SET
    )]
    Count,
    /// This member's records hold no such call.
    #[error("this node keeps no call {0}")]
    UnknownCall(CallName),
    /// What is kept of a call was erased in time.
    #[error("the records of call {0} were erased when their retention period was over; ask again")]
    Erased(CallName),
    /// The call has no answer here, or is not final.
    #[error("call {0} is not final yet")]
    NotFinal(CallName),
    /// Two calls of one list.
    #[error("two calls ask list {0}; a set has one receipt for each list")]
    SameList(ListId),
    /// The calls are about different subjects.
    #[error("the calls are not all about the same subject")]
    OtherSubject,
    /// The list has another key by now, or none.
    #[error("list {0} is not asked under the key of the call any more; ask it again")]
    EpochOver(ListId),
    /// No verified copy of the version in force is here.
    #[error("no copy of the version in force of list {0} is here yet")]
    NoCopy(ListId),
    /// The answer is yes.
    #[error(
        "list {0} lists the subject: the ledger takes only receipts that say clear; a hit is its owner's allegation, to be \
         reviewed or disputed"
    )]
    Listed(ListId),
    /// The log here does not reach to the call.
    #[error("the call's place in the network's log is not known here yet")]
    LogBehind,
    /// The call was logged before this node joined by a later state.
    #[error("call {0} was logged before this node's copy of the log begins; ask again")]
    BeforeLog(CallName),
    /// This node proves under another key than the network's.
    #[error(
        "the network verifies receipts under key {voted}, and this node's proving key is {here}; set \
         receipts.proving_key_file"
    )]
    OtherKey {
        /// The voted key.
        voted: KeyId,
        /// The one here.
        here: KeyId,
    },
    /// The records here do not show what they should.
    #[error("the records of call {0} do not show the call: {1}")]
    Broken(CallName, Violation),
    /// The answer is no.
    #[error("list {0} does not list the subject: there is nothing to dispute")]
    NotListed(ListId),
    /// A finished proof does not hold.
    #[error("{0}")]
    Prove(ProveError),
    /// The proving key.
    #[error(transparent)]
    Prover(#[from] ProverError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The copy of a list.
    #[error(transparent)]
    Copy(#[from] TreeUnreadable),
}

/// Makes receipts of this member's calls.
pub struct Receipts {
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) store: Store,
    pub(crate) copies: Copies,
    pub(crate) obtainer: Obtainer,
    pub(crate) log: SharedLog,
    pub(crate) prover: Arc<ProverSlot>,
}

/// A call with what only this member knows of it.
struct OwnCall {
    name: CallName,
    leaf: u64,
    scope: Scope,
    subject: Entry,
    record: AuditRecord,
    blind: Blind,
    blinded: Point,
    evaluated: Point,
    class: ClassName,
}

impl Receipts {
    /// The prover's slot, to have it ready before it is needed.
    pub fn prover(&self) -> &ProverSlot {
        &self.prover
    }

    /// Makes the receipts of calls about one subject, one for each list, under the newest root of the log
    /// and the version in force of each list. `progress` hears how many are proven.
    ///
    /// # Errors
    /// [`CreateError`].
    pub async fn create(
        &self,
        calls: &[LoggedCall],
        subject: Subject,
        progress: impl Fn(usize) + Send + Sync + 'static,
    ) -> Result<ReceiptSet, CreateError> {
        let most = tacit_ledger::network::MAX_RECEIPTS_PER_SET;
        if calls.is_empty() || calls.len() > most {
            return Err(CreateError::Count);
        }
        let mut own = Vec::with_capacity(calls.len());
        for call in calls {
            own.push(self.own_call(*call).await?);
        }
        own.sort_by_key(|call| call.scope.list);
        if let Some(pair) = own
            .windows(2)
            .find(|pair| pair[0].scope.list == pair[1].scope.list)
        {
            return Err(CreateError::SameList(pair[0].scope.list));
        }
        let about = |call: &OwnCall| (call.record.kind, call.record.x);
        if own.iter().any(|call| about(call) != about(&own[0])) {
            return Err(CreateError::OtherSubject);
        }
        let prover = self.prover.get().await?;
        let (voted, here) = (subject.context.key, prover.verifier().key_id());
        if voted != here {
            return Err(CreateError::OtherKey { voted, here });
        }
        let log = self.log.load_full().ok_or(CreateError::LogBehind)?;
        let (log_length, log_root) = log.head();
        let context = subject
            .context
            .hash(self.ledger.chain_id(), self.ledger.member_id());
        let mut versions = Vec::with_capacity(own.len());
        let mut witnesses = Vec::with_capacity(own.len());
        for call in &own {
            let (version, tree) = self.tree(call).await?;
            let at = At {
                log: &log,
                log_length,
                log_root,
                context,
                wanted: Presence::NotListed,
            };
            witnesses.push(at.witness(call, &tree, &subject.secret)?);
            versions.push(version);
        }
        let proofs = prove(prover, witnesses, progress).await;
        let mut receipts = Vec::with_capacity(own.len());
        for ((call, version), proven) in own.iter().zip(versions).zip(proofs) {
            let (_, proof) = proven.map_err(|error| broken(call.name, error))?;
            receipts.push(Receipt {
                publication: version,
                log_root: log_root.into(),
                proof,
            });
        }
        let OwnCall { record, .. } = &own[0];
        let x = decode_field(&record.x).map_err(|_| StoreError::Damaged("audit record"))?;
        Ok(ReceiptSet {
            commitment: commit(record.kind, x, &subject.secret),
            kind: record.kind,
            context: subject.context,
            receipts: receipts.try_into().map_err(|_| CreateError::Count)?,
        })
    }

    /// Proves of a call whose answer was a hit that the list's version in force names its subject. The receipt
    /// is for a dispute and for nothing else: it says of somebody that it is listed.
    ///
    /// # Errors
    /// [`CreateError`].
    pub(crate) async fn hit(
        &self,
        call: LoggedCall,
        secret: &CommitmentSecret,
    ) -> Result<Hit, CreateError> {
        let own = self.own_call(call).await?;
        let voted = read(&*self.ledger, state::receipt_key).await?;
        let voted = voted
            .ok_or(LedgerError::Rejected(Reject::RECEIPT_KEY_UNSET))?
            .id;
        let prover = self.prover.get().await?;
        let here = prover.verifier().key_id();
        if voted != here {
            return Err(CreateError::OtherKey { voted, here });
        }
        let log = self.log.load_full().ok_or(CreateError::LogBehind)?;
        let (log_length, log_root) = log.head();
        let (publication, tree) = self.tree(&own).await?;
        let commitment = commit_entry(&own.subject, secret);
        let (chain_id, me) = (self.ledger.chain_id(), self.ledger.member_id());
        let at = At {
            log: &log,
            log_length,
            log_root,
            context: hit_context(chain_id, me, publication, commitment, voted),
            wanted: Presence::Listed,
        };
        let witness = at.witness(&own, &tree, secret)?;
        let proven = prove(prover, vec![witness], |_| ()).await.pop();
        let (_, proof) = proven
            .ok_or(CreateError::Count)?
            .map_err(|error| broken(own.name, error))?;
        Ok(Hit {
            publication,
            kind: own.record.kind,
            x: decode_field(&own.record.x).map_err(|_| StoreError::Damaged("audit record"))?,
            commitment,
            key: voted,
            log_root: log_root.into(),
            proof,
            class: own.class,
        })
    }

    /// What this member's records hold of a call.
    async fn own_call(&self, call: LoggedCall) -> Result<OwnCall, CreateError> {
        let LoggedCall { name, leaf } = call;
        let unknown = || CreateError::UnknownCall(name);
        let asked = self.store.asked(name.session, name.sequence).await?;
        let Some(asked) = asked else {
            let erased = self.store.erased(name.session, name.sequence).await?;
            return Err(erased.map_or_else(unknown, |_| CreateError::Erased(name)));
        };
        let damaged = |what| move |_| StoreError::Damaged(what);
        let records = OwnRecords::from_padded(&asked.records);
        let records = records.map_err(|_| StoreError::Damaged("audit record"))?;
        let answer = asked
            .answer
            .as_ref()
            .filter(|_| asked.state == AskedState::Final);
        let answer = answer.ok_or(CreateError::NotFinal(name))?;
        let answer: OwnAnswer = decode(answer).map_err(|_| StoreError::Damaged("answer"))?;
        let place = usize::try_from(name.index).map_err(|_| unknown())?;
        let request = &asked.signed.request;
        let (_, _, record) = records.calls.get(place).ok_or_else(unknown)?;
        let sent = request.calls.get(place).ok_or_else(unknown)?;
        let evaluated = answer.evaluated.get(place).ok_or_else(unknown)?;
        let x = decode_field(&record.x).map_err(|_| StoreError::Damaged("audit record"))?;
        Ok(OwnCall {
            name,
            leaf,
            scope: Scope {
                list: request.list,
                tag_epoch: request.tag_epoch,
                querier: request.querier,
            },
            subject: Entry::identifier(record.kind, x),
            blind: Blind::from_secret_bytes(&record.blind)
                .map_err(|_| StoreError::Damaged("audit record"))?,
            record: record.clone(),
            blinded: Point::decode(&sent.blinded).map_err(damaged("request"))?,
            evaluated: Point::decode(evaluated).map_err(damaged("answer"))?,
            class: asked.period.class,
        })
    }

    /// The version of the call's list that is in force, and its tree.
    async fn tree(&self, call: &OwnCall) -> Result<(VersionId, Arc<IndexedTree>), CreateError> {
        let list = call.scope.list;
        let active = read(&*self.ledger, |view| state::active_publication(view, list)).await?;
        let over = || CreateError::EpochOver(list);
        let active = active.ok_or_else(over)?.id;
        if active.tag_epoch != call.scope.tag_epoch {
            return Err(over());
        }
        let held = self.copies.in_force(list).filter(|copy| copy.id == active);
        if held.is_none() {
            return Err(CreateError::NoCopy(list));
        }
        Ok((active, self.obtainer.tree(active).await?))
    }
}

/// That a list names the subject of a commitment.
pub(crate) struct Hit {
    pub(crate) publication: VersionId,
    pub(crate) kind: IdentifierType,
    pub(crate) x: Field,
    pub(crate) commitment: SubjectCommitment,
    pub(crate) key: KeyId,
    pub(crate) log_root: Root,
    pub(crate) proof: Proof,
    /// The retention class of the call.
    pub(crate) class: ClassName,
}

/// What all receipts of a set share.
struct At<'a> {
    log: &'a NetworkLog,
    log_length: u64,
    log_root: Field,
    context: ContextHash,
    /// What can be said of the call: hits go to disputes alone.
    wanted: Presence,
}

impl At<'_> {
    fn witness(
        &self,
        call: &OwnCall,
        tree: &IndexedTree,
        secret: &CommitmentSecret,
    ) -> Result<Witness, CreateError> {
        if call.leaf >= self.log_length {
            return Err(CreateError::LogBehind);
        }
        let log_path = self.log.path(self.log_length, call.leaf);
        let log_path = log_path.ok_or(CreateError::BeforeLog(call.name))?;
        // That Z is k·B was proven to the ledger before the call was logged.
        let tag = call_tag(&call.subject, &call.blind, &call.evaluated)
            .map_err(|_| StoreError::Damaged("answer"))?;
        let list = call.scope.list;
        match (tree.presence(tag), self.wanted) {
            (Presence::Listed, Presence::NotListed) => return Err(CreateError::Listed(list)),
            (Presence::NotListed, Presence::Listed) => return Err(CreateError::NotListed(list)),
            _ => {}
        }
        Ok(Witness {
            subject: call.subject,
            secret: secret.clone(),
            blind: call.blind.clone(),
            blinded: call.blinded,
            evaluated: call.evaluated,
            scope: call.scope,
            log_root: self.log_root,
            log_path,
            list_root: tree.root(),
            list_path: tree.path(tag),
            context: self.context,
            purpose: Purpose::Answer,
        })
    }
}

fn broken(call: CallName, error: ProveError) -> CreateError {
    match error {
        ProveError::Violation(violation) => CreateError::Broken(call, violation),
        error => CreateError::Prove(error),
    }
}

type Proven = Result<
    (
        tacit_circuits::receipt::Statement,
        tacit_circuits::receipt::Proof,
    ),
    ProveError,
>;

async fn prove(
    prover: Arc<Prover>,
    witnesses: Vec<Witness>,
    progress: impl Fn(usize) + Send + Sync + 'static,
) -> Vec<Proven> {
    compute(move || prover.prove_many(&witnesses, &mut OsRng, &progress)).await
}
