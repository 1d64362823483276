//! `tacit audit custodian open`

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::json;
use tacit_circuits::list::VersionId;
use tacit_circuits::scope::ListVersion;
use tacit_finality::Evidence;
use tacit_ledger::network::SessionId;
use tacit_proto::operator::{
    AuditBundleRequest, CallRef, LedgerProveRequest, ledger_prove_request::What,
};
use tacit_sealing::OwnRecords;
use tacit_sealing::custodian::{Copies, MAX_COPIES_BYTES, read_private};

use super::super::{fetch, shown};
use crate::Context;
use crate::audit::{AuditBundle, AuditedBatch, AuditedCallName};
use crate::commands::receipt::call_ref;
use crate::connection::Node;
use crate::error::ClientError;
use crate::output::{Format, Table, print_json, short};
use crate::record::RecordName;
use crate::trust::read_file;

/// Largest file of a private key: 64 digits and the end of the line, and white space around them.
const MAX_KEY_BYTES: u64 = 1_024;

/// What a copy holds of a request.
type Opened = BTreeMap<(SessionId, u64), (ListVersion, OwnRecords)>;

/// Opens copies without the institution that made them.
///
/// Without --out this takes the file and the key, and no node: it shows what the copies say, with the hash of each
/// record, which stands on the ledger if the call was made as the copy says. With --out the profile's node, of any
/// member or observer, adds the evidence, and `tacit audit verify` checks the bundle: a copy that is not of the call
/// that was made is refused there. Calls that never became final have no evidence and are left out.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tacit audit custodian open 12-0.copies --key standard-2026-11.key\n  \
    tacit audit custodian open 12-0.copies --key standard-2026-11.key --call 12/0/3 --out question-7.audit"
)]
pub struct Open {
    /// The file of copies, as the institution's node wrote it.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The custodian's private key of its class and month.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Only this call, as SESSION/SEQUENCE/INDEX; as often as there are calls.
    #[arg(long = "call", value_name = "CALL", value_parser = call_ref)]
    calls: Vec<CallRef>,
    /// Where a bundle is written; an existing file is not touched.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Open {
    pub(super) async fn run(&self, context: &Context) -> Result<(), ClientError> {
        let (copies, opened) = self.open()?;
        let calls = self.named(&opened)?;
        match &self.out {
            None => show(context.format(), &opened, &calls),
            Some(out) => {
                let mut node = context.node().await?;
                let bundle = complete(&mut node, &copies, &opened, calls, context.format()).await?;
                let proven: usize = bundle.batches.iter().map(|batch| batch.calls.len()).sum();
                let invalid = |error: crate::audit::BundleError| {
                    ClientError::Usage(format!("{error}: narrow the question down with --call"))
                };
                fetch::write_own(out, &bundle.to_bytes().map_err(invalid)?)?;
                match context.format() {
                    Format::Json => print_json(&json!({ "file": out, "calls": proven })),
                    Format::Text => {
                        println!(
                            "{proven} calls opened into {}; check it with `tacit audit verify`",
                            out.display()
                        );
                        Ok(())
                    }
                }
            }
        }
    }

    fn open(&self) -> Result<(Copies, Opened), ClientError> {
        let invalid = |path: &PathBuf, reason: String| ClientError::Invalid {
            path: path.clone(),
            reason,
        };
        let text = read_file(&self.key, MAX_KEY_BYTES)?;
        let text = zeroize::Zeroizing::new(text);
        let key = std::str::from_utf8(&text).ok().map(read_private);
        let key = key.and_then(Result::ok).ok_or_else(|| {
            invalid(
                &self.key,
                "is no private key of a custodian: 64 hexadecimal digits".into(),
            )
        })?;
        let bytes = read_file(&self.file, MAX_COPIES_BYTES as u64)?;
        let copies = Copies::from_bytes(&bytes);
        let copies = copies.map_err(|error| invalid(&self.file, error.to_string()))?;
        let mut opened = Opened::new();
        for copy in &copies.copies {
            let name = (copy.session, copy.sequence);
            let records = copies.open(copy, &key);
            let records = records.map_err(|error| {
                let period = &copies.period;
                invalid(&self.file, format!("{error}; it takes the key of {period}"))
            })?;
            opened.insert(name, records);
        }
        Ok((copies, opened))
    }

    /// The calls that are asked for: all of them where none is named.
    fn named(&self, opened: &Opened) -> Result<Vec<CallRef>, ClientError> {
        let all = opened
            .iter()
            .flat_map(|((session, sequence), (_, records))| {
                let calls = u32::try_from(records.calls.len()).unwrap_or(u32::MAX);
                (0..calls).map(|index| CallRef {
                    session: session.0,
                    sequence: *sequence,
                    index,
                })
            });
        let all: Vec<CallRef> = all.collect();
        if let Some(foreign) = self.calls.iter().find(|call| !all.contains(call)) {
            let CallRef {
                session,
                sequence,
                index,
            } = foreign;
            return Err(ClientError::Usage(format!(
                "{} holds no call {session}/{sequence}/{index}",
                self.file.display()
            )));
        }
        Ok(if self.calls.is_empty() {
            all
        } else {
            self.calls.clone()
        })
    }
}

fn show(format: Format, opened: &Opened, calls: &[CallRef]) -> Result<(), ClientError> {
    let mut table = Table::new(&[
        "call",
        "about",
        "version",
        "operator",
        "purpose",
        "basis",
        "case",
        "record's hash",
    ]);
    for call in calls {
        let name = AuditedCallName {
            session: SessionId(call.session),
            sequence: call.sequence,
            index: call.index,
        };
        let Some((version, records)) = opened.get(&(name.session, name.sequence)) else {
            continue;
        };
        let Some((_, nonce, record)) = records.calls.get(call.index as usize) else {
            continue;
        };
        let (context, hash) = (&records.context, record.commitment(nonce));
        if format == Format::Json {
            let mut shown = shown::record_json(context, record);
            shown::merge(
                &mut shown,
                json!({
                    "call": name.to_string(),
                    "version": version.0,
                    "audit_hash": hash.to_string(),
                }),
            );
            print_json(&shown)?;
            continue;
        }
        table.row([
            name.to_string(),
            shown::subject(record),
            version.to_string(),
            context.operator.clone(),
            context.purpose.clone(),
            context.lawful_basis.clone(),
            context.case_reference.clone(),
            short(&hash.0),
        ]);
    }
    match format {
        Format::Json => Ok(()),
        Format::Text => table.print(),
    }
}

/// Joins copies with the evidence that a node has of their calls.
async fn complete(
    node: &mut Node,
    copies: &Copies,
    opened: &Opened,
    calls: Vec<CallRef>,
    format: Format,
) -> Result<AuditBundle, ClientError> {
    let request = AuditBundleRequest {
        calls,
        approval: None,
        unopened: true,
    };
    let evidence = fetch::bundle(node, request, format).await?;
    if (evidence.chain_id, evidence.member) != (copies.chain_id, copies.member) {
        return Err(ClientError::Usage(format!(
            "the copies are of {} on chain {}, and the node's evidence of {} on chain {}",
            copies.member, copies.chain_id, evidence.member, evidence.chain_id
        )));
    }
    let mut bundle = AuditBundle {
        unopened: Vec::new(),
        ..evidence.clone()
    };
    let mut versions: Vec<VersionId> = Vec::new();
    for batch in evidence.unopened {
        let request = batch
            .request()
            .ok_or(ClientError::Unexpected("evidence of no calls"))?;
        let Some((version, records)) = opened.get(&(request.session, request.sequence)) else {
            return Err(ClientError::Unexpected("evidence of other calls"));
        };
        let id = VersionId {
            list: request.list,
            tag_epoch: request.tag_epoch,
            version: *version,
        };
        bundle
            .batches
            .push(AuditedBatch::from_copy(batch, *version, records));
        if !versions.contains(&id) {
            versions.push(id);
        }
    }
    for id in versions {
        for name in [RecordName::List(id.list), RecordName::Publication(id)] {
            let what = Some(What::Record(name.to_string()));
            let proven = node.ledger_prove(LedgerProveRequest { what }).await?;
            let proven = Evidence::from_bytes(&proven.into_inner().bundle);
            let proven = proven.map_err(|_| ClientError::Unexpected("a proof that is none"))?;
            if !bundle.records.contains(&proven) {
                bundle.records.push(proven);
            }
        }
    }
    Ok(bundle)
}
