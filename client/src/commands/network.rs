//! `tacit network …`

use std::path::{Path, PathBuf};

use serde_json::json;
use tacit_circuits::receipt::development_keys;
use tacit_proto::operator::{
    AddCategory, Alarm, AlarmsRequest, CoverageRequest, SetCodeVersion, SetParameter, SetPause,
    SetReceiptKey, propose_request::Change, set_pause::Of,
};

use super::member::propose;
use crate::Context;
use crate::error::ClientError;
use crate::exit::Exit;
use crate::output::{Format, Table, moment, print_json, quota};
use crate::trust::read_file;

/// Largest file that is read as a verifying key, which has less than a kilobyte.
const MAX_KEY_BYTES: u64 = 4_096;

/// Alarms, and votes on the network's rules.
#[derive(Debug, clap::Subcommand)]
pub enum NetworkCommand {
    /// Proposes another value of a parameter.
    #[command(
        after_help = "Examples:\n  tacit network propose-parameter welcome_grant_minor 50000000\n  tacit network propose-parameter transaction-fraud.price_minor 1500"
    )]
    ProposeParameter {
        /// Its name; one of a category as CATEGORY.FIELD.
        name: String,
        /// The new value.
        value: u64,
    },
    /// Proposes a new category of lists.
    ProposeCategory {
        /// Its name.
        name: String,
    },
    /// Proposes the key under which receipts are verified.
    ///
    /// Verify the ceremony's transcript before you vote for its key: whoever knows the secrets of a key can forge
    /// receipts under it.
    #[command(
        after_help = "Examples:\n  tacit network propose-receipt-key --key ceremony/verifying.key --transcript HEX\n  tacit network propose-receipt-key --development"
    )]
    ProposeReceiptKey {
        /// The verifying key that the ceremony made.
        #[arg(
            long,
            value_name = "FILE",
            required_unless_present = "development",
            requires = "transcript"
        )]
        key: Option<PathBuf>,
        /// Digest of the ceremony's transcript, as `tacit ceremony verify` prints it.
        #[arg(long, value_name = "HEX", value_parser = transcript)]
        transcript: Option<[u8; 32]>,
        /// The key of the development set-up, with which anybody can forge receipts. For demonstrations.
        #[arg(long, conflicts_with_all = ["key", "transcript"])]
        development: bool,
    },
    /// Proposes to stop a list or a member at once, or to let it go on.
    ///
    /// More than two thirds of the members carry it, whatever is governed, and it waits for no time-lock. A stopped list
    /// takes no sessions, answers nothing and gives no receipts; a stopped member opens no sessions, publishes and attests
    /// nothing, and its lists stop with it. Both settle what was answered, and the member votes.
    #[command(
        after_help = "Examples:\n  tacit network propose-pause --list 3\n  tacit network propose-pause --member 4 --off"
    )]
    ProposePause {
        /// The list.
        #[arg(
            long,
            value_name = "ID",
            required_unless_present = "member",
            conflicts_with = "member"
        )]
        list: Option<u32>,
        /// The member.
        #[arg(long, value_name = "ID")]
        member: Option<u32>,
        /// Lets it go on.
        #[arg(long)]
        off: bool,
    },
    /// Proposes that another version of the rules executes the blocks from a height on.
    ///
    /// Nodes that do not know the version stop before that height, and say so; `tacit status` warns ahead. Leave time for
    /// every member to install a release that knows it.
    #[command(
        after_help = "Example:\n  tacit network propose-code-version 2 --from-height 1500000"
    )]
    ProposeCodeVersion {
        /// The version, above the one in force.
        #[arg(value_name = "VERSION")]
        rules: u32,
        /// First height that it executes.
        #[arg(long, value_name = "HEIGHT")]
        from_height: u64,
    },
    /// Proposes by how many minutes the network's business day is ahead of UTC.
    ///
    /// Dates never run backwards: with a smaller offset the present date lasts longer.
    #[command(
        after_help = "Examples:\n  tacit network propose-utc-offset 480\n  tacit network propose-utc-offset -300"
    )]
    ProposeUtcOffset {
        /// From -1440 to 1440.
        #[arg(value_name = "MINUTES", allow_hyphen_values = true,
              value_parser = clap::value_parser!(i32).range(-1_440..=1_440))]
        minutes: i32,
    },
    /// How far each type of identifier could be walked through under the present caps.
    ///
    /// What one group can try in a tag epoch, and what all groups can try together, as shares of all identifiers of the
    /// type. Warns where all groups together see more than a hundredth: lower the daily cap of the category, or rotate
    /// keys more often.
    Coverage {
        /// Business days of a tag epoch.
        #[arg(long, default_value_t = 30)]
        days: u32,
    },
    /// What members have found wrong with others' publications: who raised it, and whom it is about.
    Alarms {
        /// Only the newest so many.
        #[arg(long, value_name = "NUMBER", default_value_t = 100)]
        limit: u32,
    },
}

impl NetworkCommand {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let change = match self {
            Self::Alarms { limit } => return alarms(context, *limit).await,
            Self::Coverage { days } => return coverage(context, *days).await,
            Self::ProposeCodeVersion { rules, from_height } => {
                Change::SetCodeVersion(SetCodeVersion {
                    version: *rules,
                    from_height: *from_height,
                })
            }
            Self::ProposeUtcOffset { minutes } => Change::SetUtcOffsetMinutes(*minutes),
            Self::ProposeParameter { name, value } => Change::SetParameter(SetParameter {
                name: name.clone(),
                value: *value,
            }),
            Self::ProposeReceiptKey {
                key,
                transcript,
                development,
            } => Change::SetReceiptKey(receipt_key(key.as_deref(), *transcript, *development)?),
            Self::ProposePause { list, member, off } => Change::SetPause(SetPause {
                of: list.map(Of::ListId).or(member.map(Of::MemberId)),
                paused: !off,
            }),
            Self::ProposeCategory { name } => {
                Change::AddCategory(AddCategory { name: name.clone() })
            }
        };
        propose(context, change).await?;
        Ok(Exit::Clear)
    }
}

/// A key to be proposed, with the transcript that vouches for it; the development set-up has none.
fn receipt_key(
    key: Option<&Path>,
    transcript: Option<[u8; 32]>,
    development: bool,
) -> Result<SetReceiptKey, ClientError> {
    let verifying_key = match key {
        Some(path) if !development => read_file(path, MAX_KEY_BYTES)?,
        _ => development_keys().verifying_key().to_bytes().to_vec(),
    };
    Ok(SetReceiptKey {
        verifying_key,
        transcript: transcript.unwrap_or_default().to_vec(),
    })
}

fn transcript(text: &str) -> Result<[u8; 32], String> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| "a digest is 64 hexadecimal digits")?;
    Ok(bytes)
}

async fn coverage(context: &Context, days: u32) -> Result<Exit, ClientError> {
    let mut node = context.node().await?;
    let request = CoverageRequest { days };
    let found = node.coverage(request).await?.into_inner().coverage;
    if context.format() == Format::Json {
        for found in &found {
            print_json(&json!({
                "category": found.category,
                "type": found.r#type,
                "lists": found.lists,
                "groups": found.groups,
                "calls_of_group": found.calls_of_group,
                "least_cost_minor": found.least_cost_minor,
                "most_cost_minor": found.most_cost_minor,
                "domain": found.domain,
                "domain_source": (!found.domain_source.is_empty()).then_some(&found.domain_source),
                "group_millionths": found.group_millionths,
                "all_millionths": found.all_millionths,
                "warning": found.warning,
            }))?;
        }
        return Ok(Exit::Clear);
    }
    if found.is_empty() {
        println!("no lists");
        return Ok(Exit::Clear);
    }
    let mut table = Table::new(&[
        "category", "type", "lists", "of", "a group", "costs", "sees", "all", "",
    ]);
    let share = |millionths: Option<u64>| millionths.map_or("not known".to_owned(), percent);
    for found in &found {
        table.row([
            found.category.clone(),
            found.r#type.clone(),
            found.lists.to_string(),
            found.domain.map_or(String::new(), |size| size.to_string()),
            format!("{} calls", found.calls_of_group),
            quota(found.least_cost_minor),
            share(found.group_millionths),
            share(found.all_millionths),
            if found.warning { "above 1 %" } else { "" }.into(),
        ]);
    }
    table.print()?;
    Ok(Exit::Clear)
}

/// Millionths as hundredths, such as `0.0018 %`.
fn percent(millionths: u64) -> String {
    format!("{}.{:04} %", millionths / 10_000, millionths % 10_000)
}

async fn alarms(context: &Context, limit: u32) -> Result<Exit, ClientError> {
    let mut node = context.node().await?;
    let request = AlarmsRequest { from_ms: 0, limit };
    let alarms = node.alarms(request).await?.into_inner().alarms;
    if context.format() == Format::Json {
        alarms
            .iter()
            .try_for_each(|alarm| print_json(&as_json(alarm)))?;
        return Ok(Exit::Clear);
    }
    if alarms.is_empty() {
        println!("no alarms");
        return Ok(Exit::Clear);
    }
    let mut table = Table::new(&[
        "time",
        "height",
        "about",
        "list",
        "version",
        "what",
        "raised by",
    ]);
    for alarm in alarms {
        let list = alarm.list.unwrap_or_default();
        table.row([
            moment(alarm.time_ms),
            alarm.height.to_string(),
            format!("M{}", alarm.about),
            format!("L{} {}", list.list_id, list.name),
            alarm
                .version
                .map(|version| version.to_string())
                .unwrap_or_default(),
            alarm.kind,
            format!("M{}", alarm.raised_by),
        ]);
    }
    table.print()?;
    Ok(Exit::Clear)
}

fn as_json(alarm: &Alarm) -> serde_json::Value {
    json!({
        "time_ms": alarm.time_ms,
        "height": alarm.height,
        "tx_id": hex::encode(&alarm.tx_id),
        "kind": alarm.kind,
        "raised_by": alarm.raised_by,
        "about": alarm.about,
        "list_id": alarm.list.as_ref().map(|list| list.list_id),
        "version": alarm.version,
        "detail": alarm.detail,
    })
}
