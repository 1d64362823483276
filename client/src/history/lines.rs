//! Histories as JSON Lines: one object a call, the one that `--output json` prints.

use std::io::Write;

use serde_json::json;

use super::call::Call;
use super::export::Writer;
use crate::moment::precise;

pub(super) struct Lines<W: Write>(pub(super) W);

impl<W: Write> Writer<W> for Lines<W> {
    fn add(&mut self, call: &Call<'_>) -> std::io::Result<()> {
        serde_json::to_writer(&mut self.0, &as_json(call))?;
        self.0.write_all(b"\n")
    }

    fn finish(self: Box<Self>) -> std::io::Result<W> {
        Ok(self.0)
    }
}

/// A call as an object.
pub fn as_json(call: &Call<'_>) -> serde_json::Value {
    let batch = call.batch();
    let own = call.own().map(|own| {
        json!({
            "answer": call.answer(),
            "operator": own.operator,
            "lawful_basis": own.lawful_basis,
            "case_reference": own.case_reference,
            "approver": own.approver,
            "version": own.version,
        })
    });
    let list = batch.list.as_ref();
    json!({
        "direction": call.direction(),
        "time": precise(batch.time_ms),
        "time_ms": batch.time_ms,
        "height": batch.height,
        "tx_id": hex::encode(&batch.tx_id),
        "member_id": batch.member_id,
        "list_id": list.map(|list| list.list_id),
        "list": list.map(|list| &list.name),
        "tag_epoch": batch.tag_epoch,
        "call": format!("{}/{}/{}", batch.session, batch.sequence, call.index()),
        "session": batch.session,
        "sequence": batch.sequence,
        "index": call.index(),
        "price_minor": batch.price_minor,
        "purpose": call.own().map_or("", |own| own.purpose.as_str()),
        "audit_hash": hex::encode(call.audit_hash()),
        "own_record": own,
    })
}
