//! `tacit network …`

use serde_json::json;
use tacit_proto::operator::{
    AddCategory, Alarm, AlarmsRequest, SetParameter, propose_request::Change,
};

use super::member::propose;
use crate::Context;
use crate::error::ClientError;
use crate::exit::Exit;
use crate::output::{Format, Table, moment, print_json};

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
            Self::ProposeParameter { name, value } => Change::SetParameter(SetParameter {
                name: name.clone(),
                value: *value,
            }),
            Self::ProposeCategory { name } => {
                Change::AddCategory(AddCategory { name: name.clone() })
            }
        };
        propose(context, change).await?;
        Ok(Exit::Clear)
    }
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
