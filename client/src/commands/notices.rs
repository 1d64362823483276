//! `tacit notices`

use serde_json::{Value, json};
use tacit_proto::operator::{Notice, NoticeAcknowledgeRequest, NoticesRequest};

use crate::Context;
use crate::error::ClientError;
use crate::exit::Exit;
use crate::output::{Format, Table, moment, print_json};

/// What waits for somebody: corrected entries on which answers relied, and what this member has to do.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  tacit notices\n  tacit notices acknowledge 4"
)]
pub struct NoticesCommand {
    /// Those too that were acknowledged, with who took note of them and when.
    #[arg(long)]
    all: bool,
    #[command(subcommand)]
    step: Option<Step>,
}

#[derive(Debug, clap::Subcommand)]
enum Step {
    /// Takes note of a corrected entry: the decision that relied on it was looked into again.
    Acknowledge {
        /// Number of the notice.
        notice: u64,
    },
}

impl NoticesCommand {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let mut node = context.node().await?;
        if let Some(Step::Acknowledge { notice }) = self.step {
            let request = NoticeAcknowledgeRequest { notice_id: notice };
            node.notice_acknowledge(request).await?;
            match context.format() {
                Format::Json => print_json(&json!({ "notice_id": notice }))?,
                Format::Text => println!("notice {notice} is acknowledged"),
            }
            return Ok(Exit::Clear);
        }
        let request = NoticesRequest { all: self.all };
        let notices = node.notices(request).await?.into_inner().notices;
        match context.format() {
            Format::Json => notices
                .iter()
                .try_for_each(|notice| print_json(&as_json(notice)))?,
            Format::Text => print(&notices)?,
        }
        Ok(Exit::Clear)
    }
}

fn print(notices: &[Notice]) -> Result<(), ClientError> {
    if notices.is_empty() {
        println!("nothing waits");
        return Ok(());
    }
    let (told, duties): (Vec<_>, Vec<_>) = notices
        .iter()
        .partition(|notice| notice.relied_on.is_some());
    if !told.is_empty() {
        let columns = [
            "notice",
            "what",
            "list",
            "call",
            "case",
            "purpose",
            "asked by",
            "at",
            "because of",
            "seen by",
        ];
        let mut table = Table::new(&columns);
        told.into_iter().for_each(|notice| table.row(row(notice)));
        table.print()?;
    }
    if !duties.is_empty() {
        let mut table = Table::new(&["what", "of", "list", "until"]);
        for notice in duties {
            table.row([
                notice.kind.clone(),
                of(notice),
                list(notice),
                notice.until.clone(),
            ]);
        }
        table.print()?;
    }
    Ok(())
}

fn row(notice: &Notice) -> [String; 10] {
    let told = notice.relied_on.clone().unwrap_or_default();
    let call = told.call.unwrap_or_default();
    let because = match told.corrected_version {
        Some(version) => format!("E{} v{version}", told.tag_epoch),
        None => of(notice),
    };
    let seen = if told.acknowledged_by.is_empty() {
        String::new()
    } else {
        format!("{} {}", told.acknowledged_by, moment(told.acknowledged_ms))
    };
    [
        notice.notice_id.unwrap_or_default().to_string(),
        notice.kind.clone(),
        list(notice),
        format!("{}/{}/{}", call.session, call.sequence, call.index),
        told.case_reference,
        told.purpose,
        told.operator,
        moment(told.asked_ms),
        because,
        seen,
    ]
}

fn of(notice: &Notice) -> String {
    match (notice.dispute_id, notice.disclosure_id) {
        (Some(dispute), _) => format!("dispute {dispute}"),
        (None, Some(disclosure)) => format!("demand {disclosure}"),
        (None, None) => String::new(),
    }
}

fn list(notice: &Notice) -> String {
    notice.list.as_ref().map_or(String::new(), |list| {
        format!("L{} {} of M{}", list.list_id, list.name, list.member_id)
    })
}

fn as_json(notice: &Notice) -> Value {
    let word = |word: &str| (!word.is_empty()).then(|| word.to_owned());
    let mut shown = json!({
        "kind": notice.kind,
        "list_id": notice.list.as_ref().map(|list| list.list_id),
        "member_id": notice.list.as_ref().map(|list| list.member_id),
        "dispute_id": notice.dispute_id,
        "disclosure_id": notice.disclosure_id,
        "until": word(&notice.until),
    });
    if let Some(told) = &notice.relied_on {
        let call = told.call.unwrap_or_default();
        shown["notice_id"] = json!(notice.notice_id);
        shown["call"] = json!(format!("{}/{}/{}", call.session, call.sequence, call.index));
        shown["tag_epoch"] = json!(told.tag_epoch);
        shown["version"] = json!(told.version);
        shown["corrected_version"] = json!(told.corrected_version);
        shown["corrected_height"] = json!(told.corrected_height);
        shown["operator"] = json!(told.operator);
        shown["purpose"] = json!(told.purpose);
        shown["case"] = json!(told.case_reference);
        shown["asked_ms"] = json!(told.asked_ms);
        shown["told_ms"] = json!(told.told_ms);
        shown["acknowledged_by"] = json!(word(&told.acknowledged_by));
        let at = Some(told.acknowledged_ms).filter(|at| *at > 0);
        shown["acknowledged_ms"] = json!(at);
    }
    shown
}
