//! This member's own answers that relied on an entry.
//!
//! Nothing beside the sealed records says which answers were hits, or by which tag: an index of either would show
//! that to whoever copies the database. So the requests of the list's epoch are gone through: answers are opened,
//! and records and tags of the hits alone. It happens when an entry was corrected, which is rare.

use std::sync::Arc;

use rayon::prelude::*;
use tacit_circuits::curve::{Point, decode_field};
use tacit_circuits::list::Tag;
use tacit_circuits::oprf::{Blind, Entry};
use tacit_circuits::receipt::call_tag;
use tacit_circuits::scope::{ListId, ListVersion, TagEpoch};
use tacit_ledger::kernel::{ChainId, codec};
use tacit_sealing::{OwnRecords, Period};
use zeroize::Zeroizing;

use super::{Cause, ReliedOn};
use crate::compute::compute;
use crate::screening::OwnAnswer;
use crate::store::{NewNotice, Receivers, SealedBatch, Store, StoreError};

/// Requests that are opened at a time.
const PAGE: u32 = 256;

/// Why an answer about a subject that relied on a tag is to be looked into; nothing where it is not.
pub(super) type Why = Arc<dyn Fn(&Entry, Tag) -> Option<Cause> + Send + Sync>;

/// Keeps a notice of each own hit in a list's epoch that is to be looked into. Answers with how many are new, by
/// whether they are certain.
pub(super) async fn tell(
    store: &Store,
    chain_id: ChainId,
    scope: (ListId, TagEpoch),
    why: &Why,
) -> Result<[u64; 2], StoreError> {
    let mut after = None;
    let mut new = [0, 0];
    loop {
        let page = store.answered_of(scope, after, PAGE).await?;
        let Some(last) = page.batches.last().map(|batch| batch.key) else {
            return Ok(new);
        };
        let more = page.batches.len() == PAGE as usize;
        let why = why.clone();
        let found = compute(move || {
            let receivers = page.receivers();
            let hits = |batch: &SealedBatch| hits(chain_id, scope, batch, &receivers, &why);
            let of_batch = |batch: &SealedBatch| match hits(batch) {
                Ok(hits) => hits,
                Err(error) => {
                    // One that is damaged holds up no other.
                    let [session, sequence] = batch.key;
                    tracing::error!(%error, session, sequence, "notices.relied_on: a request does not open");
                    Vec::new()
                }
            };
            page.batches.par_iter().flat_map_iter(of_batch).collect::<Vec<_>>()
        })
        .await;
        for (period, told) in found {
            let certain = matches!(told.cause, Cause::Marked { .. });
            let bytes = Zeroizing::new(codec::encode(&told));
            let notice = NewNotice {
                call: (told.session, told.sequence, told.index),
                certain,
                period: &period,
                told: &bytes,
            };
            if store.keep_notice(notice).await? {
                new[usize::from(!certain)] += 1;
            }
        }
        if !more {
            return Ok(new);
        }
        after = Some(last);
    }
}

/// The hits of a request that are to be looked into.
fn hits(
    chain_id: ChainId,
    (list, tag_epoch): (ListId, TagEpoch),
    batch: &SealedBatch,
    receivers: &Receivers<'_>,
    why: &Why,
) -> Result<Vec<(Period, ReliedOn)>, StoreError> {
    let Some(answer) = batch.open_answer(chain_id, receivers)? else {
        return Ok(Vec::new());
    };
    let damaged = |_| StoreError::Damaged("answer");
    let answer: OwnAnswer = codec::decode(&answer).map_err(damaged)?;
    // Where nobody was told the answer, nobody relied on it.
    let hits = answer.hits.as_deref().unwrap_or_default();
    if !hits.contains(&true) {
        return Ok(Vec::new());
    }
    let kept = batch.open(chain_id, receivers)?;
    let Some(sealed) = &kept.records else {
        return Ok(Vec::new());
    };
    let records = OwnRecords::from_padded(&sealed.records);
    let records = records.map_err(|_| StoreError::Damaged("audit record"))?;
    let calls = records.calls.iter().zip(answer.evaluated.iter()).zip(hits);
    let mut found = Vec::new();
    for (index, (((_, _, record), evaluated), _)) in (0..).zip(calls).filter(|(_, (_, hit))| **hit)
    {
        let broken = || StoreError::Damaged("audit record");
        let x = decode_field(&record.x).map_err(|_| broken())?;
        let subject = Entry::identifier(record.kind, x);
        let blind = Blind::from_secret_bytes(&record.blind).map_err(|_| broken())?;
        let evaluated = Point::decode(evaluated).map_err(|_| StoreError::Damaged("answer"))?;
        let tag = call_tag(&subject, &blind, &evaluated);
        let tag = tag.map_err(|_| StoreError::Damaged("answer"))?;
        let Some(cause) = why(&subject, tag) else {
            continue;
        };
        let version = kept.version.and_then(|version| u32::try_from(version).ok());
        let told = ReliedOn {
            session: kept.name.0,
            sequence: kept.name.1,
            index,
            list,
            tag_epoch,
            version: version.map(ListVersion),
            cause,
            asked_ms: kept.created_ms,
            operator: records.context.operator.clone(),
            purpose: records.context.purpose.clone(),
            case_reference: records.context.case_reference.clone(),
        };
        found.push((sealed.period.clone(), told));
    }
    Ok(found)
}
