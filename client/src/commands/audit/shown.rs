//! Proven calls, for people and for programs.

use serde_json::{Value, json};
use tacit_circuits::list::Presence;
use tacit_ledger::network::audit::{AuditContext, AuditRecord};

use crate::audit::{Proven, ProvenCall, Standing, UnopenedCall};
use crate::error::ClientError;
use crate::output::{Table, moment, short};
use crate::subject::canonical;

pub(super) fn print(proven: &Proven) -> Result<(), ClientError> {
    if !proven.opened.is_empty() {
        let mut table = Table::new(&[
            "call", "time", "about", "list", "version", "answer", "operator", "purpose", "basis",
            "case",
        ]);
        for call in &proven.opened {
            let context = &call.context;
            table.row([
                call.name.to_string(),
                moment(call.time_ms),
                subject(&call.subject),
                format!("{} {} of {}", call.list.id, call.list.name, call.list.owner),
                version(call),
                answer(call).into(),
                context.operator.clone(),
                context.purpose.clone(),
                context.lawful_basis.clone(),
                context.case_reference.clone(),
            ]);
        }
        table.print()?;
    }
    if !proven.unopened.is_empty() {
        let mut table = Table::new(&[
            "call",
            "time",
            "list",
            "log leaf",
            "record's hash",
            "record",
        ]);
        for call in &proven.unopened {
            table.row([
                call.name.to_string(),
                moment(call.time_ms),
                format!("{} of {}", call.list, call.provider),
                call.leaf.to_string(),
                short(&call.audit.0),
                if call.is_padding {
                    "padding, about nobody".into()
                } else {
                    erasure(call)
                },
            ]);
        }
        table.print()?;
    }
    Ok(())
}

fn answer(call: &ProvenCall) -> &'static str {
    match call.answer {
        Some(Presence::Listed) => "hit",
        Some(Presence::NotListed) => "clear",
        None => "version not kept",
    }
}

fn standing(call: &ProvenCall) -> String {
    match call.standing {
        Standing::InForce => "in force".into(),
        Standing::SupersededBefore(blocks) => format!("superseded {blocks} blocks before"),
        Standing::TakenOff(why) => format!("taken off later: {why}"),
    }
}

pub(super) fn version(call: &ProvenCall) -> String {
    let (epoch, version) = (call.version.tag_epoch.0, call.version.version.0);
    format!("E{epoch} v{version}, {}", standing(call))
}

/// What came of a call, in a word.
pub(super) fn outcome(call: &ProvenCall) -> &'static str {
    answer(call)
}

pub(super) fn subject(record: &AuditRecord) -> String {
    let value = canonical(&record.x);
    let value = value.map_or_else(|| hex::encode(record.x), ToOwned::to_owned);
    format!("{} {value}", record.kind.name())
}

/// What became of a record that is not opened, in the member's words.
pub(super) fn erasure(call: &UnopenedCall) -> String {
    match &call.erasure {
        Some(erasure) => format!(
            "erased on {}: of class {} and {}, kept {} months",
            erasure.destroyed, erasure.period.class, erasure.period.month, erasure.keep_months
        ),
        None => "not opened".into(),
    }
}

pub(super) fn opened_json(call: &ProvenCall) -> Value {
    let mut shown = record_json(&call.context, &call.subject);
    let more = json!({
        "call": call.name.to_string(),
        "height": call.height,
        "time_ms": call.time_ms,
        "list_id": call.list.id.0,
        "list": call.list.name.as_str(),
        "member_id": call.list.owner.0,
        "tag_epoch": call.version.tag_epoch.0,
        "version": call.version.version.0,
        "version_standing": standing(call),
        "answer": call.answer.map(|_| answer(call)),
    });
    merge(&mut shown, more);
    shown
}

/// What a record holds.
pub(super) fn record_json(context: &AuditContext, record: &AuditRecord) -> Value {
    json!({
        "type": record.kind.name(),
        "subject": canonical(&record.x),
        "subject_field": hex::encode(record.x),
        "operator": context.operator,
        "role": context.role,
        "purpose": context.purpose,
        "lawful_basis": context.lawful_basis,
        "case_reference": context.case_reference,
        "approver": context.approver,
    })
}

/// Puts the fields of one object into another.
pub(super) fn merge(into: &mut Value, more: Value) {
    if let (Value::Object(into), Value::Object(more)) = (into, more) {
        into.extend(more);
    }
}

pub(super) fn unopened_json(call: &UnopenedCall) -> Value {
    json!({
        "call": call.name.to_string(),
        "height": call.height,
        "time_ms": call.time_ms,
        "list_id": call.list.0,
        "member_id": call.provider.0,
        "log_leaf": call.leaf,
        "audit_hash": call.audit.to_string(),
        "padding": call.is_padding,
        "erased": call.erasure.as_ref().map(|erasure| json!({
            "class": erasure.period.class.as_str(),
            "month": erasure.period.month.to_string(),
            "keep_months": erasure.keep_months,
            "destroyed_on": erasure.destroyed.to_string(),
        })),
    })
}
