//! Sets of receipts, and the key under which they are verified.

use tacit_circuits::receipt::VerifyingKey;

use crate::kernel::codec::Bytes;
use crate::kernel::context::{Context, require};
use crate::kernel::hash::{self, Digest, label};
use crate::kernel::party::Party;
use crate::kernel::{Missing, Reject, Stop, TxId};
use crate::network::event::Event;
use crate::network::execute::{Due, pauses};
use crate::network::receipts::{ReceiptSet, examine};
use crate::network::record::{
    MAX_RECEIPT_LIFETIME_BLOCKS, MAX_VERIFYING_KEY_BYTES, OwnScreenings, ReceiptKey, Screening,
    ScreeningId,
};
use crate::network::{keys, read};

/// Refuses bytes that are no verifying key; needs no state.
pub(super) fn check_key(bytes: &[u8]) -> Result<(), Reject> {
    let decoded = VerifyingKey::from_bytes(bytes);
    decoded.map(|_| ()).map_err(|_| Reject::RECEIPT_KEY_INVALID)
}

/// Puts a key in the place of the one before.
pub(super) fn set_key(
    context: &mut Context<'_>,
    bytes: &Bytes<MAX_VERIFYING_KEY_BYTES>,
    transcript: Digest,
) -> Result<(), Stop> {
    let key = VerifyingKey::from_bytes(bytes).map_err(|_| Reject::RECEIPT_KEY_INVALID)?;
    let record = ReceiptKey {
        id: key.id(),
        verifying_key: bytes.clone(),
        transcript,
        height: context.height(),
    };
    context.put(keys::receipt_key(), &record);
    context.emit(&Event::ReceiptKeySet { transcript });
    Ok(())
}

/// Accepts a set of receipts. Its form was checked without state; the proofs are verified last, since
/// they cost most and everything else is said by the set's own bytes.
pub(super) fn submit(
    context: &mut Context<'_>,
    sender: &Party,
    tx_id: TxId,
    set: ReceiptSet,
) -> Result<(), Stop> {
    let (chain_id, height) = (context.chain_id(), context.height());
    examine::parties(context, sender, &set)?;
    pauses::require_running(context, sender)?;
    let terms = examine::terms(context, height, &set)?;
    let expiry_height = set.context.expiry_height;
    let latest = height + MAX_RECEIPT_LIFETIME_BLOCKS;
    require(expiry_height <= latest, Reject::RECEIPTS_EXPIRE_TOO_LATE)?;
    // A proof can be turned into another one of the same statement, so it is the context that is used up.
    let used_key = keys::used_context(&set.context.hash(chain_id, sender.id));
    let used: Option<ScreeningId> = context.read(&used_key)?;
    require(used.is_none(), Reject::CONTEXT_USED)?;
    let own_key = keys::screenings_of(sender.id);
    let mut own: OwnScreenings = context.read(&own_key)?.unwrap_or_default();
    let id = ScreeningId(read::screening_count(context)? + 1);
    own.push(id).map_err(|_| Reject::TOO_MANY_SCREENINGS)?;
    let examined = examine::claims(context, chain_id, height, sender, &set, &terms)?;
    context.expect_due(&[expiry_height])?;
    let seed = hash::hash_encoded(&label::RECEIPT_WEIGHTS, &(chain_id, height, tx_id));
    require(examined.holds(&seed.0), Reject::RECEIPT_INVALID)?;

    let screening = Screening {
        id,
        submitter: sender.id,
        commitment: set.commitment,
        kind: set.kind,
        lists: set.publications(),
        context: set.context,
        accepted_height: height,
        consumed: None,
    };
    context.put(used_key, &id);
    context.put(own_key, &own);
    context.put(keys::screening_count(), &id.0);
    context.put(keys::screening(id), &screening);
    context.due_at(expiry_height, &Due::ScreeningExpiry(id))?;
    context.emit(&accepted(screening));
    Ok(())
}

fn accepted(screening: Screening) -> Event {
    let context = screening.context;
    Event::ReceiptsAccepted {
        screening: screening.id,
        submitter: screening.submitter,
        verifier: context.verifier,
        module: context.module,
        object: context.object,
        policy: context.policy,
        policy_version: context.policy_version,
        purpose: context.purpose,
        lists: screening.lists,
        expiry_height: context.expiry_height,
    }
}

/// Forgets a set that can no longer be relied on, and that its context was used: whoever submits it again
/// is refused for its expiry.
pub(super) fn expire(context: &mut Context<'_>, id: ScreeningId) -> Result<(), Missing> {
    let Some(screening) = read::screening(context, id)? else {
        return Ok(());
    };
    let own_key = keys::screenings_of(screening.submitter);
    let mut own: OwnScreenings = context.read(&own_key)?.unwrap_or_default();
    own.retain(|own| *own != id);
    if own.is_empty() {
        context.remove(own_key);
    } else {
        context.put(own_key, &own);
    }
    let hash = screening
        .context
        .hash(context.chain_id(), screening.submitter);
    context.remove(keys::used_context(&hash));
    context.remove(keys::screening(id));
    Ok(())
}
