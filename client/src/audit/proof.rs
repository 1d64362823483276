//! What a bundle proves, and how it is checked.

use std::collections::BTreeSet;

use tacit_circuits::curve::{Point, decode_field};
use tacit_circuits::list::{Presence, VersionId};
use tacit_circuits::oprf::{Blind, Entry};
use tacit_circuits::receipt::call_tag;
use tacit_finality::{Claim, Committee, Evidence, FinalityError};
use tacit_ledger::kernel::{BlockResult, BusinessDate, Envelope, Genesis, Missing, Outcome};
use tacit_ledger::network::audit::{AuditContext, AuditRecord};
use tacit_ledger::network::{Action, CallBatch, Event, List, Publication, PublicationStatus, read};

use super::fault::{BundleFault, CallFault};
use super::{AuditBundle, AuditedBatch, AuditedCall, AuditedCallName, UnopenedCall};
use crate::proven::{ProvenRecords, first_missing};

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

    fn proven_records(&self, committee: Option<&Committee>) -> Result<ProvenRecords, BundleFault> {
        let mut records = ProvenRecords::default();
        for evidence in &self.records {
            self.check_finality(evidence, committee)
                .map_err(BundleFault::Records)?;
            records.add(evidence);
        }
        Ok(records)
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
pub(super) struct Settled {
    pub(super) calls: CallBatch,
    pub(super) height: u64,
    pub(super) time_ms: u64,
    /// Leaf of the first call in the network's log.
    pub(super) first_leaf: u64,
    pub(super) business_date: BusinessDate,
}

/// A list and a publication, as they are proven.
fn proven_version(
    records: &ProvenRecords,
    id: VersionId,
) -> Result<(List, Publication), BundleFault> {
    let missing = |missing: Missing| BundleFault::RecordMissing(first_missing(missing));
    let list = read::list(records, id.list).map_err(missing)?;
    let publication = read::publication(records, id).map_err(missing)?;
    let found = list.zip(publication);
    found.ok_or_else(|| BundleFault::RecordMissing(id.to_string()))
}

impl AuditedBatch {
    fn open(
        &self,
        place: usize,
        settled: &Settled,
        records: &ProvenRecords,
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
        let (list, publication) = proven_version(records, version)?;
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
