//! `tacit audit verify`

use std::path::PathBuf;

use serde_json::{Value, json};
use tacit_circuits::curve::encode_field;
use tacit_circuits::identifier::{IdentifierType, normalize};
use tacit_circuits::list::Presence;

use crate::audit::{AuditBundle, BundleFault, MAX_BUNDLE_BYTES, ProvenCall, Standing};
use crate::commands::identifier::spelling;
use crate::error::ClientError;
use crate::output::{Format, Table, moment, print_json};
use crate::subject::canonical;
use crate::trust::{read_file, read_genesis};

/// Checks a bundle of opened calls without a node, from the file and the genesis alone, and shows what it proves.
///
/// Each call's record is compared with the hash that stood on the ledger since it was made, its blinded point with the
/// subject, its evaluation with the list's registered key, its answer with the root of the list's version. Whether the
/// circumstances that were written down are true is not in the file; that they were written down then, and not since,
/// is.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tacit audit verify question-7.audit --genesis genesis.bin\n  \
    tacit audit verify question-7.audit --genesis genesis.bin --about phone +8613800138000"
)]
pub struct Verify {
    /// The file, as `tacit audit bundle` wrote it.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The genesis of the network. It is all that is taken on trust: get it from somebody you trust, not from whoever
    /// hands you the bundle.
    #[arg(long, value_name = "FILE")]
    genesis: PathBuf,
    /// All calls must be about this identifier.
    #[arg(long, num_args = 2, value_names = ["TYPE", "VALUE"])]
    about: Option<Vec<String>>,
    /// Country of a phone number without a country code, as two letters (ISO 3166-1 alpha-2).
    #[arg(long, value_name = "CODE")]
    region: Option<String>,
    /// The bank of an account number, the scheme of a device number, the namespace of free text.
    #[arg(long)]
    namespace: Option<String>,
}

impl Verify {
    pub(super) fn run(&self, format: Format) -> Result<(), ClientError> {
        let about = self.subject()?;
        let (genesis, committee) = read_genesis(&self.genesis)?;
        let bytes = read_file(&self.file, MAX_BUNDLE_BYTES as u64)?;
        let (bundle, whole) =
            AuditBundle::from_bytes(&bytes).map_err(|error| ClientError::Invalid {
                path: self.file.clone(),
                reason: format!("is no bundle of calls: {error}"),
            })?;
        let refused = |source| ClientError::BundleRefused {
            path: self.file.clone(),
            source,
        };
        // What was altered is named where a proof covers it.
        let calls = bundle.verify(&genesis, committee).map_err(refused)?;
        if !whole {
            return Err(refused(BundleFault::Altered));
        }
        if let Some((kind, x)) = about {
            let other = calls
                .iter()
                .find(|call| (call.subject.kind, call.subject.x) != (kind, x));
            if let Some(other) = other {
                return Err(ClientError::ProvesOther {
                    path: self.file.clone(),
                    proven: format!("that call {} was about somebody else", other.name),
                });
            }
        }
        match format {
            Format::Json => print_json(&json!({
                "verified": true,
                "chain_id": bundle.chain_id.to_string(),
                "member_id": bundle.member.0,
                "calls": calls.iter().map(as_json).collect::<Vec<_>>(),
            })),
            Format::Text => print(&bundle, &calls),
        }
    }

    fn subject(&self) -> Result<Option<(IdentifierType, [u8; 32])>, ClientError> {
        let Some([kind, value]) = self.about.as_deref() else {
            return Ok(None);
        };
        let (kind, conventions) =
            spelling(kind, self.region.as_deref(), self.namespace.as_deref())?;
        let identifier = normalize(kind, value, &conventions)
            .map_err(|refusal| ClientError::Usage(format!("the identifier: {refusal}")))?;
        Ok(Some((kind, encode_field(&identifier.field()))))
    }
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

fn subject(call: &ProvenCall) -> String {
    let value = canonical(&call.subject.x);
    let value = value.map_or_else(|| hex::encode(call.subject.x), ToOwned::to_owned);
    format!("{} {value}", call.subject.kind.name())
}

fn print(bundle: &AuditBundle, calls: &[ProvenCall]) -> Result<(), ClientError> {
    println!("asked by   {} on chain {}", bundle.member, bundle.chain_id);
    println!("verified   {} calls\n", calls.len());
    let mut table = Table::new(&[
        "call", "time", "about", "list", "version", "answer", "operator", "purpose", "basis",
        "case",
    ]);
    for call in calls {
        let context = &call.context;
        table.row([
            call.name.to_string(),
            moment(call.time_ms),
            subject(call),
            format!("{} {} of {}", call.list.id, call.list.name, call.list.owner),
            format!(
                "E{} v{}, {}",
                call.version.tag_epoch.0,
                call.version.version.0,
                standing(call)
            ),
            answer(call).into(),
            context.operator.clone(),
            context.purpose.clone(),
            context.lawful_basis.clone(),
            context.case_reference.clone(),
        ]);
    }
    table.print()
}

fn as_json(call: &ProvenCall) -> Value {
    let context = &call.context;
    json!({
        "call": call.name.to_string(),
        "height": call.height,
        "time_ms": call.time_ms,
        "list_id": call.list.id.0,
        "list": call.list.name.as_str(),
        "member_id": call.list.owner.0,
        "tag_epoch": call.version.tag_epoch.0,
        "version": call.version.version.0,
        "version_standing": standing(call),
        "type": call.subject.kind.name(),
        "subject": canonical(&call.subject.x),
        "subject_field": hex::encode(call.subject.x),
        "answer": call.answer.map(|_| answer(call)),
        "operator": context.operator,
        "role": context.role,
        "purpose": context.purpose,
        "lawful_basis": context.lawful_basis,
        "case_reference": context.case_reference,
        "approver": context.approver,
    })
}
