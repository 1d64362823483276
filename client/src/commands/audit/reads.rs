//! `tacit audit reads`

use futures::StreamExt as _;
use serde_json::json;
use tacit_proto::operator::{AuditRead, AuditReadsRequest, ReadsVerified, audit_reads_response};

use crate::Context;
use crate::error::ClientError;
use crate::output::{Format, Table, moment, print_json};

/// Shows who looked at this institution's records, and verifies that nothing of the account was altered or removed.
///
/// Each read is one entry when it begins and one when it ends. The last line is the account's head: note it
/// elsewhere, and --noted shows later whether what came before it still stands.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tacit audit reads\n  tacit audit reads --from 100 --noted 96:5f0c…"
)]
pub struct ReadsCommand {
    /// Show entries from this number on; all are verified in any case.
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 0,
        hide_default_value = true
    )]
    from: u64,
    /// A head that was noted before, as NUMBER:DIGEST.
    #[arg(long, value_name = "HEAD", value_parser = head)]
    noted: Option<Head>,
}

/// Number and digest of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Head {
    number: u64,
    digest: Vec<u8>,
}

fn head(text: &str) -> Result<Head, String> {
    let parts = text.split_once(':');
    let parsed = parts.and_then(|(number, digest)| {
        let digest = hex::decode(digest)
            .ok()
            .filter(|digest| digest.len() == 32)?;
        Some(Head {
            number: number.parse().ok()?,
            digest,
        })
    });
    parsed.ok_or_else(|| "a head is NUMBER:DIGEST, as the last line of the account has it".into())
}

impl ReadsCommand {
    pub(super) async fn run(&self, context: &Context) -> Result<(), ClientError> {
        let mut node = context.node().await?;
        // A noted entry has to be among those that come.
        let noted = self.noted.as_ref().map_or(u64::MAX, |noted| noted.number);
        let request = AuditReadsRequest {
            from_number: self.from.min(noted),
        };
        let mut answers = node.audit_reads(request).await?.into_inner();
        let mut table = Table::new(&["entry", "time", "operator", "read", "of", "outcome", ""]);
        let (mut faults, mut found, mut verified) = (Vec::new(), None, None);
        while let Some(answer) = answers.next().await {
            match answer?.step {
                Some(audit_reads_response::Step::Read(read)) => {
                    if !read.fault.is_empty() {
                        faults.push(format!("entry {} {}", read.number, read.fault));
                    }
                    if read.number == noted {
                        found = Some(read.digest.clone());
                    }
                    if read.number >= self.from || !read.fault.is_empty() {
                        show(context.format(), &mut table, &read)?;
                    }
                }
                Some(audit_reads_response::Step::Verified(last)) => verified = Some(last),
                None => {}
            }
        }
        let verified = verified.ok_or(ClientError::Unexpected("an account without an end"))?;
        if !verified.fault.is_empty() {
            faults.push(verified.fault.clone());
        }
        if let Some(noted) = self
            .noted
            .as_ref()
            .filter(|noted| found.as_ref() != Some(&noted.digest))
        {
            faults.push(format!(
                "entry {} is not the one that was noted",
                noted.number
            ));
        }
        conclude(context.format(), &table, &verified, faults)
    }
}

fn show(format: Format, table: &mut Table, read: &AuditRead) -> Result<(), ClientError> {
    match format {
        Format::Json => print_json(&json!({
            "number": read.number,
            "time_ms": read.time_ms,
            "operator": read.operator,
            "certificate_spki_sha256": hex::encode(&read.certificate_spki_sha256),
            "action": read.action,
            "what": read.what,
            "outcome": read.outcome,
            "begun": Some(read.begun).filter(|begun| *begun > 0),
            "digest": hex::encode(&read.digest),
            "fault": Some(&read.fault).filter(|fault| !fault.is_empty()),
        })),
        Format::Text => {
            let of = match read.begun {
                0 => read.what.clone(),
                begun => format!("entry {begun}"),
            };
            table.row([
                read.number.to_string(),
                moment(read.time_ms),
                read.operator.clone(),
                read.action.clone(),
                of,
                read.outcome.clone(),
                read.fault.to_uppercase(),
            ]);
            Ok(())
        }
    }
}

fn conclude(
    format: Format,
    table: &Table,
    verified: &ReadsVerified,
    faults: Vec<String>,
) -> Result<(), ClientError> {
    let head = format!("{}:{}", verified.last_number, hex::encode(&verified.head));
    match format {
        Format::Json => print_json(&json!({ "head": head, "faults": faults }))?,
        Format::Text => {
            table.print()?;
            println!("head {head}");
        }
    }
    if faults.is_empty() {
        return Ok(());
    }
    Err(ClientError::AccountAltered(faults.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_a_number_and_a_digest() {
        let digest = "5f".repeat(32);
        let parsed = head(&format!("96:{digest}")).unwrap();
        assert_eq!((parsed.number, parsed.digest), (96, vec![0x5f; 32]));
        for wrong in ["", "96", "96:", "96:5f", &format!("x:{digest}")] {
            head(wrong).unwrap_err();
        }
    }

    #[test]
    fn an_account_with_a_fault_is_an_error_that_names_it() {
        let verified = ReadsVerified::default();
        let table = Table::new(&["entry"]);
        conclude(Format::Json, &table, &verified, Vec::new()).unwrap();
        let faults = vec!["entry 3 was altered".to_owned()];
        let error = conclude(Format::Json, &table, &verified, faults).unwrap_err();
        assert!(error.to_string().contains("entry 3 was altered"), "{error}");
        assert_eq!(error.exit(), crate::Exit::CouldNotRun);
    }
}
