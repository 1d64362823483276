//! `tacit receipt create`

use std::path::PathBuf;
use std::time::Duration;

use futures::StreamExt as _;
use serde_json::json;
use tacit_ledger::kernel::ModuleId;
use tacit_proto::operator::{
    CallRef, ReceiptCreateRequest, ReceiptLine, ReceiptPurpose, ReceiptsCreated, StatusRequest,
    receipt_create_response::Step,
};

use super::{call_ref, read_secret};
use crate::Context;
use crate::commands::{bar, stage_words};
use crate::error::ClientError;
use crate::output::{Format, Table, print_json};

/// Below this many calls that a receipt could be of, whoever sees it may guess which.
const SMALL_SET: u64 = 64;

/// Names of objects are hashed to 32 bytes under this label where they are not 32 bytes already.
const OBJECT_LABEL: &str = "tacit v1 object name";

/// Turns calls about one subject into receipts.
///
/// The node proves that the identifier hidden in the commitment was clear on each list, from its own records of the
/// calls; the receipts hold for the purpose that is named here and for nothing else. Only "clear" becomes a receipt: a
/// hit is its owner's allegation, to be reviewed or disputed.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example, for calls that `tacit screen` or `tacit history --asked` named:\n  \
    tacit receipt create --call 12/0/0 --call 13/0/0 --for abs --object loan-17 --policy 1 --secret loan-17.secret \
    --purpose credit-origination --expires 7d --out loan-17.receipts"
)]
pub struct Create {
    /// A call, as SESSION/SEQUENCE/INDEX; one for each list.
    #[arg(long = "call", value_name = "CALL", value_parser = call_ref, required = true)]
    calls: Vec<CallRef>,
    /// The business ledger that relies on the receipts: its name or number.
    #[arg(long = "for", value_name = "LEDGER", value_parser = module)]
    module: ModuleId,
    /// The object there: 64 hexadecimal digits, or a name, which is hashed.
    #[arg(long, value_name = "NAME", value_parser = object)]
    object: [u8; 32],
    /// The policy that the receipts satisfy, as NUMBER or NUMBER@VERSION.
    #[arg(long, value_name = "POLICY", value_parser = policy)]
    policy: (u64, u32),
    /// The party that relies on them; this institution, if none is named.
    #[arg(long, value_name = "ID")]
    verifier: Option<u32>,
    /// What for, as a code; the profile's purpose, if none is named.
    #[arg(long, value_name = "CODE")]
    purpose: Option<String>,
    /// For how long they may be relied on: a number with s, m, h or d.
    #[arg(long, value_name = "SPAN", default_value = "7d", value_parser = span)]
    expires: Duration,
    /// The commitment's secret, as `tacit receipt commit` wrote it.
    #[arg(long, value_name = "FILE")]
    secret: PathBuf,
    /// Where the receipts are written; an existing file is not touched.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Create {
    pub(super) async fn run(&self, context: &Context) -> Result<(), ClientError> {
        let secret = read_secret(&self.secret)?;
        let profile = context.profile()?;
        let code = self.purpose.clone().or(profile.purpose).ok_or_else(|| {
            ClientError::Usage(
                "receipts are made for a purpose: name it with --purpose, or as `purpose` in the profile".into(),
            )
        })?;
        let mut node = context.node().await?;
        let verifier = match self.verifier {
            Some(verifier) => verifier,
            None => node.status(StatusRequest {}).await?.into_inner().member_id,
        };
        let (policy, policy_version) = self.policy;
        let request = ReceiptCreateRequest {
            calls: self.calls.clone(),
            commitment_secret: secret.to_secret_bytes().to_vec(),
            purpose: Some(ReceiptPurpose {
                module: u32::from(self.module.0),
                object: self.object.to_vec(),
                verifier,
                policy,
                policy_version,
                code,
            }),
            lifetime_ms: u64::try_from(self.expires.as_millis()).unwrap_or(u64::MAX),
        };
        let mut steps = node.receipt_create(request).await?.into_inner();
        let bar = bar(context.format());
        let mut created = None;
        while let Some(step) = steps.next().await {
            match step?.step {
                Some(Step::Progress(progress)) => {
                    bar.set_message(stage_words(progress.stage()));
                    bar.set_length(progress.total);
                    bar.set_position(progress.done);
                }
                Some(Step::Created(receipts)) => created = Some(receipts),
                None => {}
            }
        }
        bar.finish_and_clear();
        let created = created.ok_or(ClientError::Unexpected("no receipts at the end"))?;
        self.write(&created.file)?;
        self.print(context.format(), &created)
    }

    fn write(&self, file: &[u8]) -> Result<(), ClientError> {
        use std::io::Write as _;
        let written = std::fs::File::create_new(&self.out).and_then(|mut out| out.write_all(file));
        written.map_err(|source| ClientError::File {
            path: self.out.clone(),
            source,
        })
    }

    fn print(&self, format: Format, created: &ReceiptsCreated) -> Result<(), ClientError> {
        for line in created
            .lines
            .iter()
            .filter(|line| line.hides_among < SMALL_SET)
        {
            let list = line.list.clone().unwrap_or_default();
            eprintln!(
                "tacit: the receipt for L{} hides among {} calls of this member: with fewer than {SMALL_SET} it may be \
                 guessed which one it is",
                list.list_id, line.hides_among
            );
        }
        if format == Format::Json {
            let line = |line: &ReceiptLine| {
                let list = line.list.clone().unwrap_or_default();
                json!({
                    "list_id": list.list_id,
                    "member_id": list.member_id,
                    "tag_epoch": line.tag_epoch,
                    "version": line.version,
                    "hides_among": line.hides_among,
                })
            };
            return print_json(&json!({
                "file": self.out,
                "commitment": hex::encode(&created.commitment),
                "object": hex::encode(self.object),
                "receipts": created.lines.iter().map(line).collect::<Vec<_>>(),
                "height": created.height,
                "expiry_height": created.expiry_height,
            }));
        }
        let mut table = Table::new(&["list", "of", "name", "version", "hides among"]);
        for line in &created.lines {
            let list = line.list.clone().unwrap_or_default();
            table.row([
                format!("L{}", list.list_id),
                format!("M{}", list.member_id),
                list.name,
                format!("{}.{}", line.tag_epoch, line.version),
                format!("{} calls", line.hides_among),
            ]);
        }
        table.print()?;
        println!("commitment  {}", hex::encode(&created.commitment));
        println!("expires     at height {}", created.expiry_height);
        println!("written to  {}", self.out.display());
        Ok(())
    }
}

fn module(text: &str) -> Result<ModuleId, String> {
    ModuleId::named(text).ok_or_else(|| {
        let names: Vec<_> = ModuleId::BUSINESSES.iter().map(|(_, name)| *name).collect();
        format!("name one of {}, or a number", names.join(", "))
    })
}

fn object(text: &str) -> Result<[u8; 32], String> {
    let mut bytes = [0; 32];
    if text.is_empty() {
        return Err("an object has a name".into());
    }
    if hex::decode_to_slice(text, &mut bytes).is_err() {
        bytes = blake3::derive_key(OBJECT_LABEL, text.as_bytes());
    }
    Ok(bytes)
}

fn policy(text: &str) -> Result<(u64, u32), String> {
    let (number, version) = text.split_once('@').unwrap_or((text, "0"));
    match (number.parse(), version.parse()) {
        (Ok(number), Ok(version)) => Ok((number, version)),
        _ => Err("a policy is NUMBER or NUMBER@VERSION".into()),
    }
}

/// A span such as `7d`.
pub(crate) fn span(text: &str) -> Result<Duration, String> {
    let refused = || "a span is a number with s, m, h or d, such as 7d".to_owned();
    let unit = text.chars().last().ok_or_else(refused)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(refused()),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| refused())?;
    let seconds = number.checked_mul(seconds).ok_or_else(refused)?;
    Ok(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_objects_and_policies_are_read_as_people_write_them() {
        assert_eq!(span("7d"), Ok(Duration::from_secs(604_800)));
        assert_eq!(span("90s"), Ok(Duration::from_secs(90)));
        for bad in [
            "",
            "7",
            "d",
            "7w",
            "-1d",
            "99999999999999999999d",
            "18446744073709551615d",
        ] {
            assert!(span(bad).is_err(), "{bad}");
        }
        assert_eq!(object(&"0a".repeat(32)), Ok([10; 32]));
        assert_ne!(object("loan-17"), object("loan-18"));
        assert!(object("").is_err());
        assert_eq!(policy("3"), Ok((3, 0)));
        assert_eq!(policy("3@2"), Ok((3, 2)));
        assert!(policy("3@").is_err());
        assert!(module("abs").is_ok() && module("2").is_ok() && module("nobody").is_err());
    }
}
