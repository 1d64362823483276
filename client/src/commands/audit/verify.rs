//! `tacit audit verify`

use std::path::PathBuf;

use serde_json::json;
use tacit_circuits::curve::encode_field;
use tacit_circuits::identifier::{IdentifierType, normalize};

use super::shown;
use crate::audit::{AuditBundle, BundleFault, MAX_BUNDLE_BYTES};
use crate::commands::identifier::spelling;
use crate::error::ClientError;
use crate::output::{Format, print_json};
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
        let proven = bundle.verify(&genesis, committee).map_err(refused)?;
        if !whole {
            return Err(refused(BundleFault::Altered));
        }
        if let Some((kind, x)) = about {
            // What is not opened is about nobody that the bundle could name.
            let other = proven
                .opened
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
                "calls": proven.opened.iter().map(shown::opened_json).collect::<Vec<_>>(),
                "unopened": proven.unopened.iter().map(shown::unopened_json).collect::<Vec<_>>(),
            })),
            Format::Text => {
                println!("asked by   {} on chain {}", bundle.member, bundle.chain_id);
                let (opened, unopened) = (proven.opened.len(), proven.unopened.len());
                println!("verified   {opened} calls, {unopened} more that are not opened\n");
                shown::print(&proven)
            }
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
