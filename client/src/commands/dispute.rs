//! `tacit dispute …`

use std::path::PathBuf;

use serde_json::{Value, json};
use tacit_proto::operator::{
    CallRef, Dispute, DisputeAnswerRequest, DisputeOpenRequest, DisputeRecuseRequest,
    DisputeRuleRequest, DisputeShowRequest, DisputeStepResponse, DisputesRequest,
    dispute_answer_request::Answer, dispute_show_response::Shown,
};

use super::receipt::call_ref;
use crate::Context;
use crate::error::ClientError;
use crate::exit::Exit;
use crate::output::{Format, Table, print_json, quota};
use crate::subject::canonical;
use crate::trust::read_file;

/// Largest evidence: what the node takes.
const MAX_EVIDENCE_BYTES: u64 = 4 << 20;

/// Why an entry is disputed.
const REASONS: [&str; 5] = [
    "wrong-subject",
    "settled",
    "never-owed",
    "outdated",
    "other",
];

/// Entries of other members' lists that are said to be wrong.
#[derive(Debug, clap::Subcommand)]
pub enum DisputeCommand {
    /// Disputes the entry behind a call whose answer was a hit.
    ///
    /// The hit is proven to the list's owner and to a panel that the ledger draws; nobody else learns whom it is about.
    /// A stake is put aside until the dispute is decided: it returns unless the panel finds the entry right.
    #[command(after_help = "Example:\n  tacit dispute open --call 12/0/3 --reason settled")]
    Open {
        /// The call, as SESSION/SEQUENCE/INDEX.
        #[arg(long, value_name = "CALL", value_parser = call_ref)]
        call: CallRef,
        /// What is wrong.
        #[arg(long, value_parser = REASONS)]
        reason: String,
    },
    /// All disputes, newest first.
    List {
        /// Only those that can still be acted on.
        #[arg(long)]
        open: bool,
    },
    /// Whom a dispute is about, proven by the challenger's receipt; for the list's owner and the panel.
    Show {
        /// Its number.
        dispute: u64,
        /// Writes the owner's evidence to this file, which must not exist; for the panel.
        #[arg(long, value_name = "FILE")]
        evidence: Option<PathBuf>,
    },
    /// Answers a dispute about a list of this institution.
    ///
    /// With evidence, the panel rules. With a withdrawal, a version without the entry has to follow within the governed
    /// days. Silence loses.
    #[command(
        after_help = "Examples:\n  tacit dispute answer 7 --evidence judgment.pdf\n  tacit dispute answer 7 --withdraw"
    )]
    Answer {
        /// Its number.
        dispute: u64,
        /// A file that shows that the entry is right, at most 4 MiB; it goes to the panel and to nobody else.
        #[arg(
            long,
            value_name = "FILE",
            required_unless_present = "withdraw",
            conflicts_with = "withdraw"
        )]
        evidence: Option<PathBuf>,
        /// The entry comes off.
        #[arg(long)]
        withdraw: bool,
    },
    /// Rules on a dispute, once, as a member of its panel.
    Rule {
        /// Its number.
        dispute: u64,
        /// The entry is wrong.
        #[arg(
            long,
            required_unless_present = "dismissed",
            conflicts_with = "dismissed"
        )]
        upheld: bool,
        /// The entry is right.
        #[arg(long)]
        dismissed: bool,
    },
    /// Steps down from the panel of a dispute before ruling; another member takes the place.
    Recuse {
        /// Its number.
        dispute: u64,
    },
}

impl DisputeCommand {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let mut node = context.node().await?;
        let format = context.format();
        match self {
            Self::Open { call, reason } => {
                let request = DisputeOpenRequest {
                    call: Some(*call),
                    reason: reason.clone(),
                };
                let opened = node.dispute_open(request).await?.into_inner();
                match format {
                    Format::Json => print_json(&json!({
                        "dispute_id": opened.dispute_id,
                        "tx_id": hex::encode(&opened.tx_id),
                        "height": opened.height,
                    }))?,
                    Format::Text => println!(
                        "dispute {} is open since height {}; a panel is being drawn",
                        opened.dispute_id, opened.height
                    ),
                }
            }
            Self::List { open } => {
                let request = DisputesRequest { open_only: *open };
                let disputes = node.disputes(request).await?.into_inner().disputes;
                list(format, &disputes)?;
            }
            Self::Show { dispute, evidence } => {
                let request = DisputeShowRequest {
                    dispute_id: *dispute,
                    evidence: evidence.is_some(),
                };
                let answer = node.dispute_show(request).await?.into_inner();
                show(format, evidence.as_deref(), answer.shown)?;
            }
            Self::Answer {
                dispute,
                evidence,
                withdraw,
            } => {
                let answer = match evidence {
                    Some(path) if !withdraw => {
                        Answer::Evidence(read_file(path, MAX_EVIDENCE_BYTES)?)
                    }
                    _ => Answer::Withdraw(true),
                };
                let request = DisputeAnswerRequest {
                    dispute_id: *dispute,
                    answer: Some(answer),
                };
                stepped(format, &node.dispute_answer(request).await?.into_inner())?;
            }
            Self::Rule {
                dispute, upheld, ..
            } => {
                let request = DisputeRuleRequest {
                    dispute_id: *dispute,
                    upheld: *upheld,
                };
                stepped(format, &node.dispute_rule(request).await?.into_inner())?;
            }
            Self::Recuse { dispute } => {
                let request = DisputeRecuseRequest {
                    dispute_id: *dispute,
                };
                stepped(format, &node.dispute_recuse(request).await?.into_inner())?;
            }
        }
        Ok(Exit::Clear)
    }
}

fn list(format: Format, disputes: &[Dispute]) -> Result<(), ClientError> {
    if format == Format::Json {
        return disputes
            .iter()
            .try_for_each(|dispute| print_json(&as_json(dispute)));
    }
    if disputes.is_empty() {
        println!("no disputes");
        return Ok(());
    }
    let columns = [
        "dispute", "list", "version", "by", "reason", "status", "until", "panel", "outcome",
        "stake",
    ];
    let mut table = Table::new(&columns);
    for dispute in disputes {
        let list = dispute.list.clone().unwrap_or_default();
        let seats: Vec<String> = dispute
            .panel
            .iter()
            .map(|seat| match seat.ruling.as_str() {
                "" => format!("M{}", seat.member_id),
                ruling => format!("M{} {ruling}", seat.member_id),
            })
            .collect();
        table.row([
            dispute.dispute_id.to_string(),
            format!("L{} {} of M{}", list.list_id, list.name, list.member_id),
            format!("E{} v{}", dispute.tag_epoch, dispute.version),
            format!("M{}", dispute.challenger),
            dispute.reason.clone(),
            dispute.status.clone(),
            dispute.until.clone(),
            seats.join(", "),
            dispute.outcome.clone(),
            quota(dispute.stake_minor),
        ]);
    }
    table.print()
}

fn as_json(dispute: &Dispute) -> Value {
    let list = dispute.list.clone().unwrap_or_default();
    let word = |word: &str| (!word.is_empty()).then(|| word.to_owned());
    json!({
        "dispute_id": dispute.dispute_id,
        "list_id": list.list_id,
        "member_id": list.member_id,
        "tag_epoch": dispute.tag_epoch,
        "version": dispute.version,
        "challenger": dispute.challenger,
        "reason": dispute.reason,
        "status": dispute.status,
        "until": word(&dispute.until),
        "panel": dispute.panel.iter().map(|seat| json!({
            "member_id": seat.member_id,
            "ruling": word(&seat.ruling),
        })).collect::<Vec<_>>(),
        "outcome": word(&dispute.outcome),
        "stake_minor": dispute.stake_minor,
        "opened_height": dispute.opened_height,
        "evidence_given": dispute.evidence_given,
    })
}

fn show(
    format: Format,
    path: Option<&std::path::Path>,
    shown: Option<Shown>,
) -> Result<(), ClientError> {
    match (shown, path) {
        (Some(Shown::Subject(subject)), None) => {
            let x: Option<[u8; 32]> = subject.x.as_slice().try_into().ok();
            let value = x.as_ref().and_then(canonical);
            match format {
                Format::Json => print_json(&json!({
                    "type": subject.r#type,
                    "subject": value,
                    "subject_field": hex::encode(&subject.x),
                    "proven": true,
                })),
                Format::Text => {
                    let shown = value.map_or_else(|| hex::encode(&subject.x), ToOwned::to_owned);
                    println!(
                        "the list names the {} {shown}, as its receipt proves",
                        subject.r#type
                    );
                    Ok(())
                }
            }
        }
        (Some(Shown::Evidence(content)), Some(path)) => {
            use std::io::Write as _;
            let mut options = std::fs::File::options();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let written = options
                .open(path)
                .and_then(|mut file| file.write_all(&content));
            written.map_err(|source| ClientError::File {
                path: path.into(),
                source,
            })?;
            match format {
                Format::Json => print_json(&json!({ "file": path, "bytes": content.len() })),
                Format::Text => {
                    println!("{} bytes of evidence in {}", content.len(), path.display());
                    Ok(())
                }
            }
        }
        _ => Err(ClientError::Unexpected("something else than was asked for")),
    }
}

fn stepped(format: Format, step: &DisputeStepResponse) -> Result<(), ClientError> {
    let dispute = step
        .dispute
        .as_ref()
        .ok_or(ClientError::Unexpected("a step without its dispute"))?;
    if format == Format::Json {
        return print_json(&as_json(dispute));
    }
    let until = match dispute.until.as_str() {
        "" => String::new(),
        until => format!(" until {until}"),
    };
    let outcome = match dispute.outcome.as_str() {
        "" => String::new(),
        outcome => format!(", {outcome}"),
    };
    println!(
        "dispute {}: {}{until}{outcome}, at height {}",
        dispute.dispute_id, dispute.status, step.height
    );
    Ok(())
}
