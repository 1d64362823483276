//! `tacit supervision …`

mod read;

use std::path::{Path, PathBuf};

use futures::StreamExt as _;
use rand_core::{OsRng, RngCore as _};
use serde_json::{Value, json};
use tacit_proto::operator::{
    CallRef, Disclosure, DisclosureAnswerRequest, DisclosureRequestRequest, DisclosureShowRequest,
    DisclosuresRequest, NamedCalls, Period, SupervisionStepResponse, View, ViewGrantRequest,
    ViewRevokeRequest, ViewScope, ViewsRequest, disclosure::Scope as Shown,
    disclosure_request_request::Scope, view_scope::Of,
};

use super::receipt::call_ref;
use crate::Context;
use crate::cases;
use crate::error::ClientError;
use crate::exit::Exit;
use crate::output::{Format, Table, print_json};
use read::{ReadArgs, scope_words};

/// Why a supervisor demands a disclosure.
const REASONS: [&str; 5] = [
    "examination",
    "complaint",
    "suspected-misuse",
    "legal-order",
    "other",
];

/// What supervisors are shown. They hold no data of members.
#[derive(Debug, clap::Subcommand)]
pub enum SupervisionCommand {
    /// Lets a supervisor look at something of this institution's, between two dates.
    ///
    /// What the supervisor may look at, and each time that it does, stands on the ledger.
    #[command(
        after_help = "Examples:\n  tacit supervision grant --to 6 --history 2026-01-01..2026-03-31 --dates 2026-04-01..2026-04-30\n  tacit supervision grant --to 6 --list 3 --dates 2026-04-01..2026-04-30\n  tacit supervision grant --to 6 --cases q2.cases --dates 2026-04-01..2026-04-30"
    )]
    Grant {
        /// The supervisor.
        #[arg(long, value_name = "MEMBER")]
        to: u32,
        /// When it may look, as FROM..UNTIL.
        #[arg(long, value_name = "DATES", value_parser = period)]
        dates: Period,
        #[command(flatten)]
        scope: ScopeArgs,
    },
    /// Takes a view back.
    Revoke {
        /// Its number.
        view: u64,
    },
    /// Views that this institution granted, or that this supervisor was granted.
    Grants {},
    /// Makes a set of cases that can be granted: a file for the supervisor, and for nobody else.
    #[command(
        after_help = "Example:\n  tacit supervision cases --from references.txt --out q2.cases"
    )]
    Cases {
        /// References of the cases, one a line.
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
        /// The set, with the salt that hides it on the ledger; an existing file is not touched.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Looks through a view, as this supervisor.
    ///
    /// Records on the ledger that it looks, with the purpose and the digest of what it asks; then the member's node shows
    /// what lies within the view. A history goes into a file as `tacit history --to` writes it, calls of cases into a
    /// bundle for `tacit audit verify`, a statement of quota into a file for `tacit quota verify`; how a list is made is
    /// printed.
    #[command(
        after_help = "Examples:\n  tacit supervision read 4 --purpose examination --to march.parquet\n  tacit supervision read 5 --purpose complaint --cases q2.cases --to q2.audit"
    )]
    Read(ReadArgs),
    /// Demands that a member opens calls to this supervisor.
    #[command(
        after_help = "Examples:\n  tacit supervision request --of 2 --call 12/0/3 --reason complaint --days 5\n  tacit supervision request --of 2 --period 2026-03-01..2026-03-02 --reason examination --days 10"
    )]
    Request {
        /// The member.
        #[arg(long, value_name = "MEMBER")]
        of: u32,
        /// A call, as SESSION/SEQUENCE/INDEX; may be repeated.
        #[arg(
            long = "call",
            value_name = "CALL",
            value_parser = call_ref,
            required_unless_present = "period",
            conflicts_with = "period"
        )]
        calls: Vec<CallRef>,
        /// All calls of these dates, as FROM..UNTIL.
        #[arg(long, value_name = "DATES", value_parser = period)]
        period: Option<Period>,
        /// Why.
        #[arg(long, value_parser = REASONS)]
        reason: String,
        /// Business days that the member has.
        #[arg(long, value_name = "DAYS")]
        days: u32,
    },
    /// Answers a demand at once. The node does so by itself; this says why it could not.
    Answer {
        /// Its number.
        disclosure: u64,
    },
    /// Demands on this institution, or those that this supervisor may see; drawn calls as well.
    List {
        /// Only those that are not answered.
        #[arg(long)]
        open: bool,
    },
    /// Writes what was disclosed to a file, which must not exist. `tacit audit verify` checks it.
    Show {
        /// The demand's number.
        disclosure: u64,
        /// The file.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

/// What a view shows.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub struct ScopeArgs {
    /// The history of calls of these dates, as FROM..UNTIL.
    #[arg(long, value_name = "DATES", value_parser = period)]
    history: Option<Period>,
    /// How a list is made.
    #[arg(long, value_name = "ID")]
    list: Option<u32>,
    /// A set of cases, as `tacit supervision cases` makes it. Hand the file to the supervisor.
    #[arg(long, value_name = "FILE")]
    cases: Option<PathBuf>,
    /// The statement of quota for these dates, as FROM..UNTIL.
    #[arg(long, value_name = "DATES", value_parser = period)]
    quota: Option<Period>,
}

impl ScopeArgs {
    fn of(&self) -> Result<Option<Of>, ClientError> {
        let cases = self.cases.as_deref().map(cases::read).transpose()?;
        let cases = cases.map(|set| Of::Cases(set.digest().0.to_vec()));
        let history = self.history.clone().map(Of::History);
        Ok(history
            .or(self.list.map(Of::ListId))
            .or(cases)
            .or(self.quota.clone().map(Of::Quota)))
    }
}

fn period(text: &str) -> Result<Period, String> {
    let dates = text.split_once("..");
    let (from, until) = dates.ok_or("dates are written as 2026-01-01..2026-03-31")?;
    Ok(Period {
        from: from.into(),
        until: until.into(),
    })
}

impl SupervisionCommand {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        let format = context.format();
        if let Self::Cases { from, out } = self {
            return make_cases(format, from, out);
        }
        let mut node = context.node().await?;
        match self {
            // Needs no node.
            Self::Cases { .. } => {}
            Self::Read(read) => read.run(context).await?,
            Self::Grant { to, dates, scope } => {
                let request = ViewGrantRequest {
                    supervisor: *to,
                    scope: Some(ViewScope { of: scope.of()? }),
                    dates: Some(dates.clone()),
                };
                let step = node.view_grant(request).await?.into_inner();
                stepped(format, &step, "view", "granted")?;
            }
            Self::Revoke { view } => {
                let request = ViewRevokeRequest { view_id: *view };
                let mut step = node.view_revoke(request).await?.into_inner();
                step.id = *view;
                stepped(format, &step, "view", "revoked")?;
            }
            Self::Grants {} => {
                let views = node.views(ViewsRequest {}).await?.into_inner().views;
                grants(format, &views)?;
            }
            Self::Request {
                of,
                calls,
                period,
                reason,
                days,
            } => {
                let scope = period.clone().map(Scope::Period).unwrap_or_else(|| {
                    Scope::Calls(NamedCalls {
                        calls: calls.clone(),
                    })
                });
                let request = DisclosureRequestRequest {
                    member_id: *of,
                    scope: Some(scope),
                    reason: reason.clone(),
                    days: *days,
                };
                let step = node.disclosure_request(request).await?.into_inner();
                stepped(format, &step, "demand", "made")?;
            }
            Self::Answer { disclosure } => {
                let request = DisclosureAnswerRequest {
                    disclosure_id: *disclosure,
                };
                let step = node.disclosure_answer(request).await?.into_inner();
                stepped(format, &step, "demand", "answered")?;
            }
            Self::List { open } => {
                let request = DisclosuresRequest { open_only: *open };
                let answer = node.disclosures(request).await?.into_inner();
                demands(format, &answer.disclosures)?;
            }
            Self::Show { disclosure, out } => {
                let request = DisclosureShowRequest {
                    disclosure_id: *disclosure,
                };
                let mut parts = node.disclosure_show(request).await?.into_inner();
                let (mut bundle, mut erased) = (Vec::new(), 0);
                while let Some(part) = parts.next().await {
                    let part = part?;
                    bundle.extend_from_slice(&part.part);
                    erased += part.erased;
                }
                write(out, &bundle)?;
                shown(format, out, bundle.len(), erased)?;
            }
        }
        Ok(Exit::Clear)
    }
}

/// What came of showing a bundle.
fn shown(format: Format, out: &Path, bytes: usize, erased: u32) -> Result<(), ClientError> {
    if format == Format::Json {
        return print_json(&json!({ "file": out, "bytes": bytes, "erased_parts": erased }));
    }
    let out = out.display();
    println!("{bytes} bytes in {out}; check them with tacit audit verify");
    if erased > 0 {
        println!("{erased} more parts were erased when the time of their calls was over");
    }
    Ok(())
}

/// A set of cases under a fresh salt.
fn make_cases(format: Format, from: &Path, out: &Path) -> Result<Exit, ClientError> {
    let mut salt = [0; 32];
    OsRng.fill_bytes(&mut salt);
    let set = cases::read_list(from, salt)?;
    write(out, cases::to_text(&set).as_bytes())?;
    let (digest, count) = (set.digest(), set.cases().len());
    match format {
        Format::Json => print_json(&json!({
            "file": out,
            "cases": count,
            "digest": digest.to_string(),
        }))?,
        Format::Text => println!("{count} cases in {}, digest {digest}", out.display()),
    }
    Ok(Exit::Clear)
}

/// Of its owner's alone: it holds identifiers, or says whom a case is about.
fn write(path: &Path, bundle: &[u8]) -> Result<(), ClientError> {
    use std::io::Write as _;
    let mut options = std::fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options
        .open(path)
        .and_then(|mut file| file.write_all(bundle));
    written.map_err(|source| ClientError::File {
        path: path.into(),
        source,
    })
}

fn stepped(
    format: Format,
    step: &SupervisionStepResponse,
    what: &str,
    done: &str,
) -> Result<(), ClientError> {
    match format {
        Format::Json => print_json(&json!({
            "id": step.id,
            "tx_id": hex::encode(&step.tx_id),
            "height": step.height,
        })),
        Format::Text => {
            println!("{what} {} {done} at height {}", step.id, step.height);
            Ok(())
        }
    }
}

fn words(period: Option<&Period>) -> String {
    period.map_or(String::new(), |dates| {
        format!("{}..{}", dates.from, dates.until)
    })
}

fn grants(format: Format, views: &[View]) -> Result<(), ClientError> {
    if format == Format::Json {
        return views.iter().try_for_each(|view| {
            print_json(&json!({
                "view_id": view.view_id,
                "member_id": view.member_id,
                "supervisor": view.supervisor,
                "scope": scope_words(view),
                "dates": words(view.dates.as_ref()),
                "uses": view.uses,
                "last_use": (!view.last_use.is_empty()).then_some(&view.last_use),
            }))
        });
    }
    if views.is_empty() {
        println!("no views");
        return Ok(());
    }
    let mut table = Table::new(&["view", "of", "for", "shows", "dates", "used", "last"]);
    for view in views {
        table.row([
            view.view_id.to_string(),
            format!("M{}", view.member_id),
            format!("M{}", view.supervisor),
            scope_words(view),
            words(view.dates.as_ref()),
            view.uses.to_string(),
            view.last_use.clone(),
        ]);
    }
    table.print()
}

fn named(call: &CallRef) -> String {
    format!("{}/{}/{}", call.session, call.sequence, call.index)
}

fn demand_json(demand: &Disclosure) -> Value {
    let scope = match &demand.scope {
        Some(Shown::Calls(calls)) => {
            json!({ "calls": calls.calls.iter().map(named).collect::<Vec<_>>() })
        }
        Some(Shown::Period(dates)) => json!({ "period": words(Some(dates)) }),
        Some(Shown::Drawn(drawn)) => json!({ "date": drawn.date, "drawn": drawn.calls }),
        None => Value::Null,
    };
    json!({
        "disclosure_id": demand.disclosure_id,
        "member_id": demand.member_id,
        "supervisor": demand.supervisor,
        "reason": demand.reason,
        "scope": scope,
        "until": demand.until,
        "status": demand.status,
        "opened_height": demand.opened_height,
    })
}

fn demands(format: Format, demands: &[Disclosure]) -> Result<(), ClientError> {
    if format == Format::Json {
        return demands
            .iter()
            .try_for_each(|demand| print_json(&demand_json(demand)));
    }
    if demands.is_empty() {
        println!("no demands");
        return Ok(());
    }
    let columns = ["demand", "of", "by", "reason", "what", "until", "status"];
    let mut table = Table::new(&columns);
    for demand in demands {
        let what = match &demand.scope {
            Some(Shown::Calls(calls)) => match calls.calls.as_slice() {
                [call] => named(call),
                calls => format!("{} calls", calls.len()),
            },
            Some(Shown::Period(dates)) => words(Some(dates)),
            Some(Shown::Drawn(drawn)) => {
                format!("{} calls of {}", drawn.calls.len(), drawn.date)
            }
            None => String::new(),
        };
        let by = demand.supervisor.map(|by| format!("M{by}"));
        table.row([
            demand.disclosure_id.to_string(),
            format!("M{}", demand.member_id),
            by.unwrap_or_else(|| "the draw".into()),
            demand.reason.clone(),
            what,
            demand.until.clone(),
            demand.status.clone(),
        ]);
    }
    table.print()
}
