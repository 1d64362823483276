//! `tacit ledger …`

mod verify;

use std::path::{Path, PathBuf};

use serde_json::json;
use tacit_proto::operator::{
    BatchRef, LedgerBlockRequest, LedgerBlockResponse, LedgerProveRequest, LedgerTxRequest,
    LedgerTxResponse, TxSummary, ledger_prove_request::What,
};

use crate::Context;
use crate::error::ClientError;
use crate::exit::Exit;
use crate::output::{Format, Table, moment, print_json};
use crate::record::RecordName;

/// Blocks, transactions and proofs.
#[derive(Debug, clap::Subcommand)]
pub enum LedgerCommand {
    /// Shows a finalized block.
    Block {
        /// Its height; the last one if none is given.
        height: Option<u64>,
    },
    /// Shows a finalized transaction, its outcome and what it did.
    Tx {
        /// Its id, 64 hexadecimal digits.
        id: String,
    },
    /// Writes a bundle that proves something to somebody who runs no node.
    ///
    /// The bundle holds the claim, the way from it to a block, and the validators' signatures on that block. Whoever
    /// has the network's genesis checks it with `tacit ledger verify`.
    #[command(
        after_help = "Examples:\n  tacit ledger prove --batch 12/3 --out batch.proof\n  tacit ledger prove --record publication/2/1/1 --out root.proof"
    )]
    Prove {
        #[command(flatten)]
        what: Claim,
        /// Where to write the bundle.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Checks a bundle that `tacit ledger prove` wrote, without a node and without a network.
    ///
    /// Exits with 0 where the bundle proves what it says, and with 4 where it does not.
    #[command(
        after_help = "Examples:\n  tacit ledger verify batch.proof --genesis genesis.bin\n  tacit ledger verify batch.proof --genesis genesis.bin --batch 12/3"
    )]
    Verify(verify::Verify),
}

/// What is to be proven.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub struct Claim {
    /// That this transaction stands in a block, with its outcome.
    #[arg(long, value_name = "ID")]
    tx: Option<String>,
    /// That this batch of calls stands in a block, as SESSION/SEQUENCE.
    #[arg(long, value_name = "BATCH")]
    batch: Option<String>,
    /// What a record holds now: log, member/N, account/N, deposit/N, list/N, epoch/LIST/EPOCH or
    /// publication/LIST/EPOCH/VERSION.
    #[arg(long, value_name = "NAME")]
    record: Option<RecordName>,
}

impl LedgerCommand {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        match self {
            Self::Block { height } => {
                let mut node = context.node().await?;
                let request = LedgerBlockRequest { height: *height };
                let block = node.ledger_block(request).await?.into_inner();
                match context.format() {
                    Format::Json => print_json(&block_as_json(&block))?,
                    Format::Text => print_block(&block)?,
                }
            }
            Self::Tx { id } => {
                let request = LedgerTxRequest { tx_id: tx_id(id)? };
                let mut node = context.node().await?;
                let tx = node.ledger_tx(request).await?.into_inner();
                match context.format() {
                    Format::Json => print_json(&tx_as_json(&tx))?,
                    Format::Text => print_tx(&tx),
                }
            }
            Self::Prove { what, out } => prove(context, what, out).await?,
            Self::Verify(verify) => verify.run(context.format())?,
        }
        Ok(Exit::Clear)
    }
}

async fn prove(context: &Context, claim: &Claim, out: &Path) -> Result<(), ClientError> {
    let what = match claim {
        Claim { tx: Some(id), .. } => What::TxId(tx_id(id)?),
        Claim {
            batch: Some(batch), ..
        } => What::Batch(batch_ref(batch)?),
        Claim {
            record: Some(name), ..
        } => What::Record(name.to_string()),
        Claim { .. } => return Err(ClientError::Usage("name what is to be proven".into())),
    };
    let mut node = context.node().await?;
    let proof = node
        .ledger_prove(LedgerProveRequest { what: Some(what) })
        .await?
        .into_inner();
    std::fs::write(out, &proof.bundle).map_err(|source| ClientError::File {
        path: out.into(),
        source,
    })?;
    match context.format() {
        Format::Json => print_json(&json!({
            "height": proof.height, "file": out, "bytes": proof.bundle.len(),
        })),
        Format::Text => {
            println!(
                "wrote {}: {} bytes, proven by the block at height {}",
                out.display(),
                proof.bundle.len(),
                proof.height
            );
            Ok(())
        }
    }
}

fn tx_id(digits: &str) -> Result<Vec<u8>, ClientError> {
    match hex::decode(digits) {
        Ok(bytes) if bytes.len() == 32 => Ok(bytes),
        _ => Err(ClientError::Usage(format!(
            "{digits} is not 64 hexadecimal digits"
        ))),
    }
}

fn batch_ref(text: &str) -> Result<BatchRef, ClientError> {
    let parts = text.split_once('/').and_then(|(session, sequence)| {
        Some(BatchRef {
            session: session.parse().ok()?,
            sequence: sequence.parse().ok()?,
        })
    });
    parts.ok_or_else(|| ClientError::Usage(format!("{text} is not SESSION/SEQUENCE")))
}

fn summary_as_json(tx: &TxSummary) -> serde_json::Value {
    let outcome = tx.outcome.clone().unwrap_or_default();
    json!({
        "tx_id": hex::encode(&tx.tx_id),
        "index": tx.index,
        "sender": tx.sender,
        "sequence": tx.sequence,
        "action": tx.action,
        "applied": outcome.applied,
        "reject": outcome.reject,
        "reason": outcome.reason,
    })
}

fn block_as_json(block: &LedgerBlockResponse) -> serde_json::Value {
    json!({
        "height": block.height,
        "epoch": block.epoch,
        "view": block.view,
        "time_ms": block.time_ms,
        "block_hash": hex::encode(&block.block_hash),
        "parent_hash": hex::encode(&block.parent_hash),
        "state_root": hex::encode(&block.state_root),
        "transactions_root": hex::encode(&block.transactions_root),
        "proposer": block.proposer,
        "transactions": block.transactions.iter().map(summary_as_json).collect::<Vec<_>>(),
        "certificate": hex::encode(&block.certificate),
    })
}

fn print_block(block: &LedgerBlockResponse) -> Result<(), ClientError> {
    println!("block {} of {}", block.height, moment(block.time_ms));
    println!("hash      {}", hex::encode(&block.block_hash));
    println!("parent    {}", hex::encode(&block.parent_hash));
    println!("state     {}", hex::encode(&block.state_root));
    println!(
        "proposer  M{}, epoch {}, view {}",
        block.proposer, block.epoch, block.view
    );
    println!(
        "final     by a certificate of {} bytes",
        block.certificate.len()
    );
    if block.transactions.is_empty() {
        println!("no transactions");
        return Ok(());
    }
    let mut table = Table::new(&["", "action", "sender", "seq", "outcome", "id"]);
    for tx in &block.transactions {
        table.row([
            tx.index.to_string(),
            tx.action.clone(),
            format!("M{}", tx.sender),
            tx.sequence.to_string(),
            outcome(tx),
            hex::encode(&tx.tx_id),
        ]);
    }
    table.print()
}

fn outcome(tx: &TxSummary) -> String {
    match &tx.outcome {
        Some(outcome) if outcome.applied => "applied".into(),
        Some(outcome) => format!("refused: {}", outcome.reason),
        None => "unknown".into(),
    }
}

fn tx_as_json(tx: &LedgerTxResponse) -> serde_json::Value {
    let events: Vec<_> = tx
        .events
        .iter()
        .map(|event| {
            // What is no JSON is shown as it came.
            let fields = serde_json::from_str(&event.json)
                .unwrap_or_else(|_| serde_json::Value::String(event.json.clone()));
            json!({ "index": event.index, "kind": event.kind, "fields": fields })
        })
        .collect();
    json!({
        "transaction": tx.transaction.as_ref().map(summary_as_json),
        "height": tx.height,
        "time_ms": tx.time_ms,
        "envelope": hex::encode(&tx.envelope),
        "events": events,
    })
}

fn print_tx(tx: &LedgerTxResponse) {
    if let Some(summary) = &tx.transaction {
        println!("transaction {}", hex::encode(&summary.tx_id));
        println!("action      {}", summary.action);
        println!(
            "sender      M{}, sequence {}",
            summary.sender, summary.sequence
        );
        println!("outcome     {}", outcome(summary));
    }
    println!("block       {} of {}", tx.height, moment(tx.time_ms));
    println!("size        {} bytes", tx.envelope.len());
    for event in &tx.events {
        println!("event       {} {}", event.kind, event.json);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_named_by_session_and_sequence() {
        assert_eq!(
            batch_ref("12/3").unwrap(),
            BatchRef {
                session: 12,
                sequence: 3
            }
        );
        for bad in ["", "12", "12/", "/3", "a/b", "1/2/3"] {
            assert!(batch_ref(bad).is_err(), "{bad}");
        }
    }
}
