//! Calls opened to an examiner, as a file that is checked without a node.
//!
//! Of each call the file holds what the asking member kept of it (the subject, the blinding factor, who asked
//! and why), the transaction that settled it with the proof of its finality, and the way of its answer to the
//! list's root. So an examiner sees that the customer who was asked about is the one that is shown, when and on
//! what ground it was done, and what the list said; and nothing of any other call, whose blinded points stand
//! on the ledger anyway.

mod unopened;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};
use tacit_circuits::curve::{Point, decode_field};
use tacit_circuits::list::{MembershipPath, Presence, VersionId};
use tacit_circuits::oprf::{Blind, Entry};
use tacit_circuits::receipt::call_tag;
use tacit_finality::{Claim, Committee, Evidence, FinalityError};
use tacit_ledger::kernel::codec::{self, BoundedVec, Bytes, CodecError};
use tacit_ledger::kernel::envelope::MAX_ENVELOPE_BYTES;
use tacit_ledger::kernel::{
    BlockResult, BusinessDate, ChainId, Envelope, Genesis, MemberId, Missing, Outcome, Reject,
    StateKey, StateView,
};
use tacit_ledger::network::audit::{AuditContext, AuditRecord};
use tacit_ledger::network::request::MAX_CALLS;
use tacit_ledger::network::{
    Action, CallBatch, Event, List, Publication, PublicationStatus, SessionId, read,
};

pub use unopened::{Erasure, UnopenedBatch, UnopenedCall};

/// The first bytes of a bundle; the digit is the format's version.
const MAGIC: [u8; 16] = *b"tacit audit v. 2";

/// Bytes of the hash that ends a bundle: it covers what no proof covers.
const DIGEST_BYTES: usize = 32;

/// Largest file. A batch takes at most its transaction and a certificate of a few kilobytes, a call less than
/// 2 kB.
pub const MAX_BUNDLE_BYTES: usize = 256 << 20;

/// Batches in one bundle: an examiner's question is about some customers, not about all.
pub const MAX_BATCHES: usize = 4_096;

/// Calls in one bundle, for the same reason.
pub const MAX_BUNDLE_CALLS: usize = 10_000;

/// Pieces of evidence for records: each proves one to 128, and a bundle appeals to two for each version asked.
const MAX_RECORD_EVIDENCE: usize = 1_024;

type Sealed = Bytes<MAX_BUNDLE_BYTES>;

/// A call of the bundle's member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AuditedCallName {
    /// Session.
    pub session: SessionId,
    /// Number of the request in it.
    pub sequence: u64,
    /// Place in the request.
    pub index: u32,
}

impl fmt::Display for AuditedCallName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.session, self.sequence, self.index)
    }
}

/// Opened calls, and calls that are proven and not opened.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditBundle {
    /// The network.
    pub chain_id: ChainId,
    /// Whose calls they are.
    pub member: MemberId,
    /// The calls, by the batches in which they were settled.
    pub batches: Vec<AuditedBatch>,
    /// Calls that are not opened, by the batches in which they were settled.
    pub unopened: Vec<UnopenedBatch>,
    /// Proofs of the records of lists and publications, in finalized states.
    pub records: Vec<Evidence>,
}

/// Opened calls of one batch.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditedBatch {
    /// The transaction that settled the batch.
    pub envelope: Vec<u8>,
    /// That it stands in a finalized block, and what it did there.
    pub finality: Evidence,
    /// Who asked, why, and on what basis.
    pub context: AuditContext,
    /// The version of the list that the answers are about.
    pub version: u32,
    /// The calls, in ascending order of their places.
    pub calls: Vec<AuditedCall>,
}

/// An opened call.
#[derive(Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AuditedCall {
    /// Place in the request, from 0.
    pub index: u32,
    /// Hides the record as long as it is not opened.
    pub nonce: [u8; 32],
    /// What the call was.
    pub record: AuditRecord,
    /// The leaf of the list's tree that decides about the subject, with its way to the root. None where the
    /// asking member keeps that version no more.
    pub answer: Option<MembershipPath>,
}

impl fmt::Debug for AuditedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditedCall")
            .field("index", &self.index)
            .finish_non_exhaustive()
    }
}

#[derive(BorshSerialize, BorshDeserialize)]
struct EncodedBatch {
    envelope: Bytes<MAX_ENVELOPE_BYTES>,
    finality: Sealed,
    context: AuditContext,
    version: u32,
    calls: BoundedVec<AuditedCall, MAX_CALLS>,
}

#[derive(BorshSerialize, BorshDeserialize)]
struct Encoded {
    chain_id: ChainId,
    member: MemberId,
    batches: BoundedVec<EncodedBatch, MAX_BATCHES>,
    unopened: BoundedVec<unopened::Encoded, MAX_BATCHES>,
    records: BoundedVec<Sealed, MAX_RECORD_EVIDENCE>,
}

/// Why bytes are no bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// They begin otherwise.
    #[error("it is of another format, or of another version of it")]
    Magic,
    /// They are too many.
    #[error("it is larger than {MAX_BUNDLE_BYTES} bytes")]
    TooLarge,
    /// They do not decode.
    #[error(transparent)]
    Malformed(#[from] CodecError),
    /// A proof of finality does not decode.
    #[error(transparent)]
    Evidence(#[from] FinalityError),
    /// A retention period is none.
    #[error("the retention period of erased calls is none")]
    Period,
    /// More calls than a bundle holds.
    #[error("a bundle holds at most {MAX_BUNDLE_CALLS} calls")]
    TooMany,
}

/// What is wrong with one call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallFault {
    /// The request has no call in this place.
    #[error("the request holds no such call")]
    NoSuchCall,
    /// The circumstances are not those that were hashed.
    #[error(
        "operator, role, purpose, basis, case or approver are not those under which it was asked"
    )]
    Circumstances,
    /// The record or nonce is not what was hashed.
    #[error("the record is not the one whose hash stands on the ledger")]
    Record,
    /// A record that hashes right and holds no canonical values.
    #[error("the record holds no identifier and no blinding factor")]
    Malformed,
    /// The blinded point is of another subject.
    #[error("the point on the ledger does not hide the subject of the record")]
    OtherSubject,
    /// The leaf does not decide, or not under this root.
    #[error(
        "the leaf of the list does not decide about the subject, or does not lead to the list's root"
    )]
    Answer,
}

/// Why a bundle is not to be relied on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleFault {
    /// It is of another network than the genesis.
    #[error("the bundle is of network {0}, and the genesis is another's")]
    OtherNetwork(ChainId),
    /// A batch's transaction is not proven to be final.
    #[error("batch {place}: its finality is not proven: {source}")]
    NotFinal {
        /// Which batch, from 1.
        place: usize,
        /// What is wrong.
        source: FinalityError,
    },
    /// The proof is of something else.
    #[error("batch {0}: the certificate proves something else than this transaction")]
    OtherTransaction(usize),
    /// The transaction is no batch of calls of this member, or was refused.
    #[error("batch {0}: the transaction settles no calls of this member")]
    NoCalls(usize),
    /// What the batch holds does not verify.
    #[error("batch {place}: the calls do not verify: {reject}")]
    Batch {
        /// Which batch, from 1.
        place: usize,
        /// What is wrong.
        reject: Reject,
    },
    /// A call.
    #[error("call {call}: {fault}")]
    Call {
        /// Which.
        call: AuditedCallName,
        /// What is wrong.
        fault: CallFault,
    },
    /// A call twice, or calls in disorder.
    #[error("the calls of batch {0} do not ascend, each once")]
    Disorder(usize),
    /// The records were destroyed before their time, or are said to be older than their calls.
    #[error(
        "batch {0}: its records were destroyed before the time was over for which they were to be kept"
    )]
    ErasedEarly(usize),
    /// The records are not proven to be final.
    #[error("the records of the lists are not proven: {0}")]
    Records(FinalityError),
    /// The bundle appeals to a record that it does not prove.
    #[error("the bundle does not prove the record {0}")]
    RecordMissing(String),
    /// The version was published after the call.
    #[error("call {0}: the version that it is said to be about was published later")]
    VersionTooNew(AuditedCallName),
    /// Something that no proof covers was altered.
    #[error("bytes were altered that no proof covers: the bundle is not as it was written")]
    Altered,
}

/// What the ledger says of the version that a call is about, at the height of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It was in force, or about to be.
    InForce,
    /// Another version had taken its place so many blocks before the call was logged.
    SupersededBefore(u64),
    /// It was taken off later, for this reason.
    TakenOff(&'static str),
}

/// A call as the bundle proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenCall {
    /// Its name.
    pub name: AuditedCallName,
    /// Height of the block that logged it.
    pub height: u64,
    /// That block's time, in milliseconds since 1970-01-01 UTC.
    pub time_ms: u64,
    /// The list that was asked.
    pub list: List,
    /// The version that the answer is about.
    pub version: VersionId,
    /// How that version stood.
    pub standing: Standing,
    /// Who asked, why, and on what basis.
    pub context: AuditContext,
    /// The subject.
    pub subject: AuditRecord,
    /// What the list said; None where the bundle has no way to the list's root.
    pub answer: Option<Presence>,
}

/// What a bundle proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// Calls that it opens.
    pub opened: Vec<ProvenCall>,
    /// Calls that it does not open.
    pub unopened: Vec<UnopenedCall>,
}

impl AuditBundle {
    /// The bytes of the file: magic, chain, member, opened and unopened batches, evidence, and a hash over all
    /// of it.
    ///
    /// # Errors
    /// [`BundleError::TooMany`], [`BundleError::TooLarge`] or [`BundleError::Malformed`] where a part exceeds
    /// its bound.
    pub fn to_bytes(&self) -> Result<Vec<u8>, BundleError> {
        if self.calls() > MAX_BUNDLE_CALLS {
            return Err(BundleError::TooMany);
        }
        let batch = |batch: &AuditedBatch| -> Result<EncodedBatch, BundleError> {
            Ok(EncodedBatch {
                envelope: Bytes::try_from(batch.envelope.clone())?,
                finality: Bytes::try_from(batch.finality.to_bytes())?,
                context: batch.context.clone(),
                version: batch.version,
                calls: BoundedVec::try_from(batch.calls.clone())?,
            })
        };
        let batches: Vec<_> = self.batches.iter().map(batch).collect::<Result<_, _>>()?;
        let unopened = self.unopened.iter().map(unopened::Encoded::of);
        let unopened: Vec<_> = unopened.collect::<Result<_, _>>()?;
        let records = self
            .records
            .iter()
            .map(|record| Bytes::try_from(record.to_bytes()));
        let encoded = Encoded {
            chain_id: self.chain_id,
            member: self.member,
            batches: BoundedVec::try_from(batches)?,
            unopened: BoundedVec::try_from(unopened)?,
            records: BoundedVec::try_from(records.collect::<Result<Vec<_>, _>>()?)?,
        };
        let mut bytes = [MAGIC.as_slice(), &codec::encode(&encoded)].concat();
        let digest = *blake3::hash(&bytes).as_bytes();
        bytes.extend_from_slice(&digest);
        if bytes.len() > MAX_BUNDLE_BYTES {
            return Err(BundleError::TooLarge);
        }
        Ok(bytes)
    }

    /// Reads bytes that came from anywhere. Says as well whether they are those that were written; a bundle
    /// that is not is verified all the same, to name what was altered.
    ///
    /// # Errors
    /// [`BundleError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<(Self, bool), BundleError> {
        if bytes.len() > MAX_BUNDLE_BYTES {
            return Err(BundleError::TooLarge);
        }
        let body = bytes.len().checked_sub(DIGEST_BYTES);
        let (body, digest) = bytes.split_at(body.ok_or(BundleError::Magic)?);
        let whole = blake3::hash(body).as_bytes() == digest;
        let encoded = body.strip_prefix(&MAGIC).ok_or(BundleError::Magic)?;
        let Encoded {
            chain_id,
            member,
            batches,
            unopened,
            records,
        } = codec::decode(encoded)?;
        let batch = |batch: EncodedBatch| -> Result<AuditedBatch, BundleError> {
            Ok(AuditedBatch {
                envelope: batch.envelope.to_vec(),
                finality: Evidence::from_bytes(&batch.finality)?,
                context: batch.context,
                version: batch.version,
                calls: batch.calls.into_vec(),
            })
        };
        let batches = batches.into_vec().into_iter().map(batch);
        let unopened = unopened.into_vec().into_iter();
        let unopened = unopened.map(unopened::Encoded::read);
        let records = records.iter().map(|record| Evidence::from_bytes(record));
        let bundle = Self {
            chain_id,
            member,
            batches: batches.collect::<Result<_, _>>()?,
            unopened: unopened.collect::<Result<_, _>>()?,
            records: records.collect::<Result<_, _>>()?,
        };
        if bundle.calls() > MAX_BUNDLE_CALLS {
            return Err(BundleError::TooMany);
        }
        Ok((bundle, whole))
    }

    fn calls(&self) -> usize {
        let opened = self.batches.iter().map(|batch| batch.calls.len());
        let unopened = self.unopened.iter().map(|batch| batch.places.len());
        opened.chain(unopened).sum()
    }

    /// Checks all of it for whoever holds the genesis.
    ///
    /// # Errors
    /// [`BundleFault`], the first in the order of the file.
    pub fn verify(&self, genesis: &Genesis, committee: Committee) -> Result<Proven, BundleFault> {
        let chain_id = genesis.chain_id();
        if self.chain_id != chain_id {
            return Err(BundleFault::OtherNetwork(self.chain_id));
        }
        self.prove(Some(&committee))
    }

    /// Recomputes what [`verify`](Self::verify) does, and takes the word of the node that wrote the bundle for
    /// what is final on the ledger: for the people of the institution whose node it is.
    ///
    /// # Errors
    /// [`BundleFault`], the first in the order of the file.
    pub fn recompute(&self) -> Result<Proven, BundleFault> {
        self.prove(None)
    }

    fn prove(&self, committee: Option<&Committee>) -> Result<Proven, BundleFault> {
        let records = self.proven_records(committee)?;
        let mut opened = Vec::new();
        for (place, batch) in (1..).zip(&self.batches) {
            let settled = self.settled(place, (&batch.envelope, &batch.finality), committee)?;
            batch.open(place, &settled, &records, &mut opened)?;
        }
        let mut unopened = Vec::new();
        for (place, batch) in (self.batches.len() + 1..).zip(&self.unopened) {
            let settled = self.settled(place, (&batch.envelope, &batch.finality), committee)?;
            unopened.extend(batch.prove(place, &settled)?);
        }
        let names = opened.iter().map(|call| call.name);
        let names: BTreeSet<_> = names.chain(unopened.iter().map(|call| call.name)).collect();
        if names.len() < opened.len() + unopened.len() {
            return Err(BundleFault::Disorder(
                self.batches.len() + self.unopened.len(),
            ));
        }
        Ok(Proven { opened, unopened })
    }

    fn proven_records(&self, committee: Option<&Committee>) -> Result<Records, BundleFault> {
        let mut records = BTreeMap::new();
        for evidence in &self.records {
            self.check_finality(evidence, committee)
                .map_err(BundleFault::Records)?;
            let values = match &evidence.claim {
                Claim::Values(values) => values.as_slice(),
                Claim::Value(value) => std::slice::from_ref(&**value),
                Claim::Block | Claim::Result(_) => &[],
            };
            for value in values {
                records.insert(value.key.to_vec(), value.value.to_vec());
            }
        }
        Ok(Records(records))
    }

    /// With no committee the node's word is taken.
    fn check_finality(
        &self,
        evidence: &Evidence,
        committee: Option<&Committee>,
    ) -> Result<(), FinalityError> {
        committee.map_or(Ok(()), |committee| {
            evidence.verify(self.chain_id.0, committee.clone())
        })
    }

    /// The batch of calls that a transaction is proven to have settled.
    fn settled(
        &self,
        place: usize,
        (envelope, finality): (&[u8], &Evidence),
        committee: Option<&Committee>,
    ) -> Result<Settled, BundleFault> {
        let not_final = |source| BundleFault::NotFinal { place, source };
        self.check_finality(finality, committee)
            .map_err(not_final)?;
        let envelope =
            Envelope::from_bytes(envelope).map_err(|_| BundleFault::OtherTransaction(place))?;
        let result = match &finality.claim {
            Claim::Result(claim) => match &claim.result {
                BlockResult::Tx(result) if result.tx_id == envelope.tx_id() => result,
                _ => return Err(BundleFault::OtherTransaction(place)),
            },
            _ => return Err(BundleFault::OtherTransaction(place)),
        };
        let calls = match Action::of(&envelope) {
            Some(Ok(Action::CallBatch(calls))) if result.outcome == Outcome::Applied => calls,
            _ => return Err(BundleFault::NoCalls(place)),
        };
        let request = &calls.signed.request;
        let logged = |event: &tacit_ledger::kernel::Event| match Event::read(event) {
            Some(Ok(Event::CallsLogged {
                session,
                sequence,
                first_leaf,
                business_date,
                ..
            })) if (session, sequence) == (request.session, request.sequence) => {
                Some((first_leaf, business_date))
            }
            _ => None,
        };
        let logged = result.events.iter().find_map(logged);
        let logged = logged.filter(|_| request.querier == self.member);
        let (first_leaf, business_date) = logged.ok_or(BundleFault::NoCalls(place))?;
        calls
            .check(self.chain_id)
            .map_err(|reject| BundleFault::Batch { place, reject })?;
        let header = &finality.block.header;
        Ok(Settled {
            calls: *calls,
            height: header.height.get(),
            time_ms: header.time_ms,
            first_leaf,
            business_date,
        })
    }
}

/// Calls that the ledger took, which compares the key that answered with the registered one.
struct Settled {
    calls: CallBatch,
    height: u64,
    time_ms: u64,
    /// Leaf of the first call in the network's log.
    first_leaf: u64,
    business_date: BusinessDate,
}

/// The proven records. What is not among them is missing: its absence is not proven.
struct Records(BTreeMap<Vec<u8>, Vec<u8>>);

impl StateView for Records {
    fn get(&self, key: &StateKey) -> Result<Option<Vec<u8>>, Missing> {
        let value = self.0.get(key.as_bytes()).cloned();
        value.map(Some).ok_or_else(|| Missing::one(key.clone()))
    }
}

impl Records {
    fn version(&self, id: VersionId) -> Result<(List, Publication), BundleFault> {
        let missing = |missing: Missing| {
            let first = missing.into_keys().into_iter().next();
            BundleFault::RecordMissing(first.map(|key| key.to_string()).unwrap_or_default())
        };
        let list = read::list(self, id.list).map_err(missing)?;
        let publication = read::publication(self, id).map_err(missing)?;
        let found = list.zip(publication);
        found.ok_or_else(|| BundleFault::RecordMissing(id.to_string()))
    }
}

impl AuditedBatch {
    fn open(
        &self,
        place: usize,
        settled: &Settled,
        records: &Records,
        proven: &mut Vec<ProvenCall>,
    ) -> Result<(), BundleFault> {
        let ascending = self.calls.is_sorted_by(|a, b| a.index < b.index);
        if self.calls.is_empty() || !ascending {
            return Err(BundleFault::Disorder(place));
        }
        let request = &settled.calls.signed.request;
        let version = VersionId {
            list: request.list,
            tag_epoch: request.tag_epoch,
            version: self.version.into(),
        };
        let (list, publication) = records.version(version)?;
        let circumstances = self.context.digest();
        for call in &self.calls {
            let name = AuditedCallName {
                session: request.session,
                sequence: request.sequence,
                index: call.index,
            };
            if publication.published_height > settled.height {
                return Err(BundleFault::VersionTooNew(name));
            }
            let answer = if call.record.context == circumstances {
                call.open(&settled.calls, &publication)
            } else {
                Err(CallFault::Circumstances)
            };
            let answer = answer.map_err(|fault| BundleFault::Call { call: name, fault })?;
            proven.push(ProvenCall {
                name,
                height: settled.height,
                time_ms: settled.time_ms,
                list: list.clone(),
                version,
                standing: standing(&publication, settled.height),
                context: self.context.clone(),
                subject: call.record.clone(),
                answer,
            });
        }
        Ok(())
    }
}

fn standing(publication: &Publication, height: u64) -> Standing {
    match publication.status {
        PublicationStatus::Superseded { height: until } if until < height => {
            Standing::SupersededBefore(height - until)
        }
        PublicationStatus::Fraudulent { .. } => Standing::TakenOff("proven fraudulent"),
        PublicationStatus::Unproven { .. } => Standing::TakenOff("not proven to come from its key"),
        PublicationStatus::Suspended { .. } => Standing::TakenOff("not corrected after a dispute"),
        PublicationStatus::Pending
        | PublicationStatus::Active { .. }
        | PublicationStatus::Superseded { .. } => Standing::InForce,
    }
}

impl AuditedCall {
    fn open(
        &self,
        calls: &CallBatch,
        publication: &Publication,
    ) -> Result<Option<Presence>, CallFault> {
        let request = &calls.signed.request;
        let place = self.index as usize;
        let sent = request.calls.get(place).ok_or(CallFault::NoSuchCall)?;
        let answered = calls.evaluated.get(place).ok_or(CallFault::NoSuchCall)?;
        if self.record.commitment(&self.nonce) != sent.audit {
            return Err(CallFault::Record);
        }
        let x = decode_field(&self.record.x).map_err(|_| CallFault::Malformed)?;
        let blind =
            Blind::from_secret_bytes(&self.record.blind).map_err(|_| CallFault::Malformed)?;
        let subject = Entry::identifier(self.record.kind, x);
        // Both points were decoded when the batch was checked.
        let decode = |wire| Point::decode(wire).map_err(|_| CallFault::Malformed);
        let (blinded, evaluated) = (decode(&sent.blinded)?, decode(answered)?);
        if !blind.hides(&subject, request.list, request.tag_epoch, &blinded) {
            return Err(CallFault::OtherSubject);
        }
        let Some(path) = &self.answer else {
            return Ok(None);
        };
        let tag = call_tag(&subject, &blind, &evaluated).map_err(|_| CallFault::Answer)?;
        let root = publication.root.field().map_err(|_| CallFault::Answer)?;
        let presence = path.verify(&root, tag).map_err(|_| CallFault::Answer)?;
        Ok(Some(presence))
    }
}
