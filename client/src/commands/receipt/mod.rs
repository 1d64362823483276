//! `tacit receipt …`

mod commit;
mod create;
mod show;
mod verify;

pub(super) use create::span;

use std::path::{Path, PathBuf};

use tacit_circuits::receipt::CommitmentSecret;
use tacit_proto::operator::{CallRef, ReceiptSubmitRequest};

use crate::Context;
use crate::error::ClientError;
use crate::exit::Exit;
use crate::output::{Format, print_json};
use crate::receipt::MAX_RECEIPT_FILE_BYTES;
use crate::trust::read_file;

/// The largest file with a secret: 64 hexadecimal digits and white space around them.
const MAX_SECRET_BYTES: u64 = 1_024;

/// Answers that others can rely on without learning whom they are about.
#[derive(Debug, clap::Subcommand)]
pub enum ReceiptCommand {
    /// Hides an identifier in a commitment, which an object holds in its place.
    Commit(commit::Commit),
    /// Turns calls about one subject into receipts.
    Create(create::Create),
    /// Puts receipts onto the ledger, where every validator checks them.
    #[command(after_help = "Example:\n  tacit receipt submit loan-17.receipts")]
    Submit {
        /// The file, as `tacit receipt create` wrote it.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Checks receipts without a node, from the file and the genesis alone.
    Verify(verify::Verify),
    /// Accepted sets that have not expired, and the key under which receipts are verified.
    List(show::List),
}

impl ReceiptCommand {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        match self {
            Self::Commit(command) => command.run(context.format())?,
            Self::Create(command) => command.run(context).await?,
            Self::Submit { file } => submit(context, file).await?,
            Self::Verify(command) => command.run(context.format())?,
            Self::List(command) => command.run(context).await?,
        }
        Ok(Exit::Clear)
    }
}

async fn submit(context: &Context, path: &Path) -> Result<(), ClientError> {
    let file = read_file(path, MAX_RECEIPT_FILE_BYTES as u64)?;
    let mut node = context.node().await?;
    let answer = node
        .receipt_submit(ReceiptSubmitRequest { file })
        .await?
        .into_inner();
    match context.format() {
        Format::Json => print_json(&serde_json::json!({
            "screening_id": answer.screening_id,
            "tx_id": hex::encode(&answer.tx_id),
            "height": answer.height,
        })),
        Format::Text => {
            println!(
                "accepted as screening {} at height {}; a business ledger relies on it once",
                answer.screening_id, answer.height
            );
            Ok(())
        }
    }
}

/// A call as `SESSION/SEQUENCE/INDEX`, which `screen` and `history` print.
pub(super) fn call_ref(text: &str) -> Result<CallRef, String> {
    let mut parts = text.split('/').map(str::parse::<u64>);
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(Ok(session)), Some(Ok(sequence)), Some(Ok(index)), None) => Ok(CallRef {
            session,
            sequence,
            index: u32::try_from(index).map_err(|_| "the index is too large")?,
        }),
        _ => Err("a call is SESSION/SEQUENCE/INDEX, such as 12/0/3".into()),
    }
}

/// The secret in a file that `tacit receipt commit` wrote.
fn read_secret(path: &Path) -> Result<CommitmentSecret, ClientError> {
    let invalid = || ClientError::Invalid {
        path: path.into(),
        reason: "is no secret of a commitment: 64 hexadecimal digits".into(),
    };
    let text = read_file(path, MAX_SECRET_BYTES)?;
    let mut bytes = [0; 32];
    hex::decode_to_slice(text.trim_ascii(), &mut bytes).map_err(|_| invalid())?;
    CommitmentSecret::from_secret_bytes(&bytes).map_err(|_| invalid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_three_numbers() {
        let call = call_ref("12/0/3").unwrap();
        assert_eq!((call.session, call.sequence, call.index), (12, 0, 3));
        for bad in [
            "",
            "12",
            "12/0",
            "12/0/3/4",
            "a/0/1",
            "1/2/4294967296",
            "1//2",
        ] {
            assert!(call_ref(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_secret_that_is_none_is_refused_without_being_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("subject.secret");
        std::fs::write(&path, format!("{}\n", "01".repeat(32))).unwrap();
        assert!(read_secret(&path).is_ok());
        for bad in ["", "01", &"zz".repeat(32), &"ff".repeat(32)] {
            std::fs::write(&path, bad).unwrap();
            let error = read_secret(&path).unwrap_err().to_string();
            assert!(
                bad.is_empty() || !error.contains(&bad[..2.min(bad.len())].repeat(3)),
                "{error}"
            );
        }
    }
}
