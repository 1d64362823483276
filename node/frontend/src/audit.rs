//! Opens calls of this member: what it kept of them, and the way of each answer to the list's root.

use tacit_circuits::curve::{Point, decode_field};
use tacit_circuits::list::{MembershipPath, VersionId};
use tacit_circuits::oprf::{Blind, Entry};
use tacit_circuits::receipt::call_tag;
use tacit_circuits::scope::ListVersion;
use tacit_ledger::network::audit::{AuditContext, AuditRecord};

use crate::screening::{OwnAnswer, OwnRecords};
use crate::snapshots::Obtainer;
use crate::store::{AskedBatch, ErasedBatch, StoreError};

/// What there is of calls of one request.
#[derive(Debug)]
pub enum Opening {
    /// They are kept.
    Opened(OpenedCalls),
    /// Their retention period is over.
    Erased(ErasedBatch),
}

/// Opened calls of one request.
#[derive(Debug)]
pub struct OpenedCalls {
    /// Who asked, why, and on what basis.
    pub context: AuditContext,
    /// The version that the answers are about.
    pub version: ListVersion,
    /// The calls that were asked for and are there, in ascending order of their places.
    pub calls: Vec<OpenedCall>,
}

/// An opened call. Prints nothing of whom it is about.
pub struct OpenedCall {
    /// Its place in the request.
    pub place: u32,
    /// Hides the record as long as it is not opened.
    pub nonce: [u8; 32],
    /// What it was.
    pub record: AuditRecord,
    /// The leaf that decides about the subject, with its way to the root; None where that version is not kept
    /// here.
    pub answer: Option<MembershipPath>,
}

impl std::fmt::Debug for OpenedCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenedCall")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

/// Opens calls of a request; `None` where it has no answer.
pub(crate) async fn open(
    obtainer: &Obtainer,
    asked: &AskedBatch,
    records: OwnRecords,
    answer: Option<OwnAnswer>,
    places: &[u32],
) -> Result<Option<OpenedCalls>, StoreError> {
    let Some((answer, version)) = answer.zip(asked.version) else {
        return Ok(None);
    };
    let request = &asked.signed.request;
    let id = VersionId {
        list: request.list,
        tag_epoch: request.tag_epoch,
        version,
    };
    let tree = obtainer.past_tree(id).await;
    let mut calls = Vec::with_capacity(places.len());
    for &place in places {
        let at = place as usize;
        let kept = records.calls.get(at).zip(answer.evaluated.get(at));
        let Some(((_, nonce, record), evaluated)) = kept else {
            continue;
        };
        let damaged = |_| StoreError::Damaged("audit record");
        let x = decode_field(&record.x).map_err(damaged)?;
        let subject = Entry::identifier(record.kind, x);
        let blind = Blind::from_secret_bytes(&record.blind)
            .map_err(|_| StoreError::Damaged("audit record"))?;
        let evaluated = Point::decode(evaluated).map_err(|_| StoreError::Damaged("answer"))?;
        let tag =
            call_tag(&subject, &blind, &evaluated).map_err(|_| StoreError::Damaged("answer"))?;
        calls.push(OpenedCall {
            place,
            nonce: *nonce,
            record: record.clone(),
            answer: tree.as_ref().map(|tree| tree.path(tag)),
        });
    }
    Ok(Some(OpenedCalls {
        context: records.context,
        version,
        calls,
    }))
}
