//! `tacit receipt verify`

use std::path::PathBuf;

use serde_json::json;
use tacit_circuits::receipt::SubjectCommitment;

use crate::error::ClientError;
use crate::output::{Format, Table, moment, print_json};
use crate::receipt::{MAX_RECEIPT_FILE_BYTES, ReceiptFile, Verified};
use crate::trust::{read_file, read_genesis};

/// Checks receipts without a node, from the file and the genesis alone.
///
/// Proofs, records and finality are checked by the same rules by which the ledger takes the receipts. Whether they were
/// submitted or used is not in the file; whether whom they are about is right is for whoever knows the commitment's
/// secret.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tacit receipt verify loan-17.receipts --genesis genesis.bin")]
pub struct Verify {
    /// The file, as `tacit receipt create` wrote it.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The genesis of the network. It is all that is taken on trust: get it from somebody you trust, not from whoever
    /// hands you the receipts.
    #[arg(long, value_name = "FILE")]
    genesis: PathBuf,
    /// They must be about the subject of this commitment, 64 hexadecimal digits.
    #[arg(long, value_name = "HEX", value_parser = commitment)]
    commitment: Option<SubjectCommitment>,
}

impl Verify {
    pub(super) fn run(&self, format: Format) -> Result<(), ClientError> {
        let (genesis, committee) = read_genesis(&self.genesis)?;
        let bytes = read_file(&self.file, MAX_RECEIPT_FILE_BYTES as u64)?;
        let file = ReceiptFile::from_bytes(&bytes).map_err(|error| ClientError::Invalid {
            path: self.file.clone(),
            reason: format!("is no set of receipts: {error}"),
        })?;
        let verified = file.verify(&genesis, committee);
        let verified = verified.map_err(|source| ClientError::NotVerified {
            path: self.file.clone(),
            source,
        })?;
        if self
            .commitment
            .is_some_and(|expected| expected != file.set.commitment)
        {
            return Err(ClientError::ProvesOther {
                path: self.file.clone(),
                proven: format!(
                    "something of commitment {}",
                    hex::encode(file.set.commitment.to_bytes())
                ),
            });
        }
        match format {
            Format::Json => print_json(&as_json(&file, &verified)),
            Format::Text => print(&file, &verified),
        }
    }
}

fn commitment(text: &str) -> Result<SubjectCommitment, String> {
    let refused = || "a commitment is 64 hexadecimal digits".to_owned();
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| refused())?;
    SubjectCommitment::from_bytes(&bytes).map_err(|_| refused())
}

fn print(file: &ReceiptFile, verified: &Verified) -> Result<(), ClientError> {
    let context = &file.set.context;
    println!(
        "clear       the {} in {}",
        file.set.kind.name(),
        hex::encode(file.set.commitment.to_bytes())
    );
    let mut table = Table::new(&["  list", "of", "name", "version"]);
    for (receipt, list) in file.set.receipts.iter().zip(&verified.lists) {
        let id = receipt.publication;
        table.row([
            format!("  {}", list.id),
            list.owner.to_string(),
            list.name.as_str().into(),
            format!("{}.{}", id.tag_epoch.0, id.version.0),
        ]);
    }
    table.print()?;
    println!("asked by    {}", file.submitter);
    println!(
        "only for    {} by {}, ledger {}, object {}",
        context.purpose, context.verifier, context.module, context.object
    );
    println!(
        "satisfies   policy {} version {}",
        context.policy, context.policy_version
    );
    println!("expires     at height {}", context.expiry_height);
    println!("key         {}", context.key);
    println!(
        "as of       height {}, {}",
        verified.height,
        moment(verified.time_ms)
    );
    println!("chain       {}", file.chain_id);
    Ok(())
}

fn as_json(file: &ReceiptFile, verified: &Verified) -> serde_json::Value {
    let context = &file.set.context;
    let receipts: Vec<_> = file
        .set
        .receipts
        .iter()
        .zip(&verified.lists)
        .map(|(receipt, list)| {
            json!({
                "list_id": list.id.0,
                "member_id": list.owner.0,
                "name": list.name.as_str(),
                "tag_epoch": receipt.publication.tag_epoch.0,
                "version": receipt.publication.version.0,
                "answer": "clear",
            })
        })
        .collect();
    json!({
        "verified": true,
        "chain_id": file.chain_id.to_string(),
        "commitment": hex::encode(file.set.commitment.to_bytes()),
        "type": file.set.kind.name(),
        "submitter": file.submitter.0,
        "verifier": context.verifier.0,
        "module": context.module.0,
        "object": context.object.to_string(),
        "purpose": context.purpose.as_str(),
        "policy": context.policy.0,
        "policy_version": context.policy_version.0,
        "expiry_height": context.expiry_height,
        "key_id": context.key.to_string(),
        "height": verified.height,
        "time_ms": verified.time_ms,
        "receipts": receipts,
    })
}
