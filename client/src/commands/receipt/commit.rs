//! `tacit receipt commit`

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use rand_core::OsRng;
use serde_json::json;
use tacit_circuits::identifier::normalize;
use tacit_circuits::receipt::{CommitmentSecret, commit};

use super::read_secret;
use crate::commands::identifier::spelling;
use crate::error::ClientError;
use crate::output::{Format, print_json};
use crate::rows::IdentifierTypes;

/// Hides an identifier in a commitment, which an object holds in its place.
///
/// Prints the commitment and writes its secret to a file of the owner's alone. Who knows the secret can show whom the
/// object is about, or test a guess. Each object gets a secret of its own, so that nobody sees that two objects are
/// about one subject. With an existing secret, recomputes the commitment: that is how whoever certifies an object
/// checks it.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tacit receipt commit --type phone --region CN '138 0013 8000' --new-secret loan-17.secret\n  \
    tacit receipt commit --type phone +8613800138000 --secret loan-17.secret"
)]
pub struct Commit {
    /// The type of the identifier.
    #[arg(long = "type", value_name = "TYPE", value_parser = IdentifierTypes)]
    kind: String,
    /// Country of phone numbers without a country code, as two letters (ISO 3166-1 alpha-2).
    #[arg(long, value_name = "CODE")]
    region: Option<String>,
    /// The bank of account numbers, the scheme of device numbers, the namespace of free text.
    #[arg(long)]
    namespace: Option<String>,
    /// Makes a secret and writes it to this file, which must not exist.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "secret",
        required_unless_present = "secret"
    )]
    new_secret: Option<PathBuf>,
    /// Takes the secret from this file.
    #[arg(long, value_name = "FILE")]
    secret: Option<PathBuf>,
    /// The identifier.
    #[arg(value_name = "VALUE")]
    value: String,
}

impl Commit {
    pub(super) fn run(&self, format: Format) -> Result<(), ClientError> {
        let (kind, conventions) = spelling(
            &self.kind,
            self.region.as_deref(),
            self.namespace.as_deref(),
        )?;
        // The value itself does not come back in the error.
        let identifier = normalize(kind, &self.value, &conventions)
            .map_err(|refusal| ClientError::Usage(format!("the identifier: {refusal}")))?;
        let secret = match (&self.secret, &self.new_secret) {
            (Some(path), _) => read_secret(path)?,
            (None, Some(path)) => new_secret(path)?,
            (None, None) => {
                return Err(ClientError::Usage("name --secret or --new-secret".into()));
            }
        };
        let commitment = hex::encode(commit(kind, identifier.field(), &secret).to_bytes());
        match format {
            Format::Json => print_json(&json!({ "commitment": commitment, "type": kind.name() })),
            Format::Text => {
                println!("{commitment}");
                Ok(())
            }
        }
    }
}

/// A fresh secret, on the disk before it is used.
fn new_secret(path: &Path) -> Result<CommitmentSecret, ClientError> {
    let secret = CommitmentSecret::random(&mut OsRng);
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| {
        writeln!(file, "{}", hex::encode(*secret.to_secret_bytes()))?;
        file.sync_all()
    });
    written.map_err(|source| ClientError::File {
        path: path.into(),
        source,
    })?;
    Ok(secret)
}
