//! `tacit screen`

mod bulk;
mod one;
mod sheet;

use std::collections::BTreeMap;
use std::path::PathBuf;

use tacit_proto::operator::{
    Answer, ErrorDetail, ListAllRequest, ListRef, ScreenHeader, ScreenPlanRequest,
    ScreenPlanResponse, Targets, TypeCount,
};

use crate::Context;
use crate::commands::confirmed;
use crate::connection::Node;
use crate::error::{ClientError, described};
use crate::exit::Exit;
use crate::output::{Format, quota};
use crate::rows::ColumnChoice;

/// Asks other members whether identifiers are on their lists.
///
/// Give values, or a CSV file with --from. The members that are asked do not learn about whom. A hit is an
/// allegation of the list's owner: a person should look at it. Clear says that a list does not hold the
/// identifier: it is no certificate of good standing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    tacit screen --type phone '138 0013 8000' --purpose credit-origination --lawful-basis consent\n  \
    tacit screen --from applicants.csv --column phone --type phone --column card --type card \\\n      \
    --out screened.csv --purpose credit-origination --lawful-basis consent --require 3\n\n\
    Exit codes: 0 all clear, 1 at least one hit, 3 incomplete, 2 usage, 4 could not run.")]
pub struct ScreenCommand {
    /// The identifiers, each of the type that --type names.
    #[arg(value_name = "VALUE", conflicts_with = "from")]
    values: Vec<String>,
    /// A CSV file with any columns.
    #[arg(long, value_name = "FILE", requires = "out")]
    from: Option<PathBuf>,
    /// Where the file goes, with result columns added.
    #[arg(long, value_name = "FILE", requires = "from")]
    out: Option<PathBuf>,
    #[command(flatten)]
    columns: ColumnChoice,
    /// Why it is asked, a code that the institution governs, such as credit-origination.
    #[arg(long, value_name = "CODE")]
    purpose: String,
    /// On what lawful basis, such as consent.
    #[arg(long, value_name = "CODE", default_value = "consent")]
    lawful_basis: String,
    /// Case or consent reference. Stays in the institution's own records.
    #[arg(
        long,
        value_name = "REFERENCE",
        default_value = "",
        hide_default_value = true
    )]
    case: String,
    /// Only lists of these members.
    #[arg(long = "member", value_name = "ID")]
    members: Vec<u32>,
    /// Only these lists.
    #[arg(long = "list", value_name = "ID")]
    lists: Vec<u32>,
    /// Only lists of these categories.
    #[arg(long = "category", value_name = "NAME")]
    categories: Vec<String>,
    /// A row is complete when at least so many members answered; without it, when all did.
    #[arg(long, value_name = "NUMBER")]
    require: Option<usize>,
    /// Refuse if it would cost more than this many quota.
    #[arg(long, value_name = "QUOTA")]
    cost_limit: Option<u64>,
    /// How long a member may take for one batch before it counts as unreachable.
    #[arg(
        long,
        value_name = "MILLISECONDS",
        default_value_t = 0,
        hide_default_value = true
    )]
    answer_timeout_ms: u64,
    /// Go on where an interrupted run of the same file stopped.
    #[arg(long, requires = "from")]
    resume: bool,
    /// Where rows that are not asked go, with line and reason; beside the file if none is given.
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Wait until every call is final on the ledger.
    #[arg(long)]
    wait_final: bool,
    /// Do not ask before paying.
    #[arg(long)]
    yes: bool,
}

impl ScreenCommand {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, ClientError> {
        match (&self.from, &self.out) {
            (Some(from), Some(out)) => bulk::run(self, context, from, out).await,
            _ if self.values.is_empty() => Err(ClientError::Usage(
                "give identifiers, or a file with --from".into(),
            )),
            _ => one::run(self, context).await,
        }
    }

    fn targets(&self) -> Targets {
        Targets {
            list_ids: self.lists.clone(),
            member_ids: self.members.clone(),
            categories: self.categories.clone(),
        }
    }

    fn header(&self, rows_expected: u64) -> ScreenHeader {
        ScreenHeader {
            targets: Some(self.targets()),
            default_type: self.columns.only_type().unwrap_or_default().into(),
            default_region: self.columns.region.clone().unwrap_or_default(),
            purpose: self.purpose.clone(),
            lawful_basis: self.lawful_basis.clone(),
            operator: String::new(),
            case_reference: self.case.clone(),
            approver: String::new(),
            cost_limit_minor: self.cost_limit.unwrap_or(0).saturating_mul(1_000),
            answer_timeout_ms: self.answer_timeout_ms,
            rows_expected: Some(rows_expected),
            wait_for_finality: self.wait_final,
        }
    }

    /// Whether the answers of so many of so many members are enough.
    fn is_enough(&self, answered: usize, asked: usize) -> bool {
        answered >= self.require.unwrap_or(asked)
    }

    /// Shows what it would cost, and asks where nobody said yes before.
    async fn agree_on_price(
        &self,
        context: &Context,
        node: &mut Node,
        rows: &BTreeMap<String, u64>,
    ) -> Result<bool, ClientError> {
        let types = rows.iter().map(|(kind, rows)| TypeCount {
            r#type: kind.clone(),
            rows: *rows,
        });
        let request = ScreenPlanRequest {
            targets: Some(self.targets()),
            types: types.collect(),
        };
        let plan = node.screen_plan(request).await?.into_inner();
        if plan.lists.is_empty() {
            return Err(ClientError::Usage(
                "no list of another member accepts these types; see: tacit list show".into(),
            ));
        }
        if context.format() == Format::Text {
            print_plan(&plan);
        }
        let limit = self.cost_limit.map(|limit| limit.saturating_mul(1_000));
        if limit.is_some_and(|limit| plan.cost_minor > limit) {
            return Err(ClientError::Usage(format!(
                "it would cost up to {}, more than the limit",
                quota(plan.cost_minor)
            )));
        }
        Ok(self.yes || confirmed("Ask?")?)
    }
}

fn print_plan(plan: &ScreenPlanResponse) {
    for planned in &plan.lists {
        let list = planned.list.clone().unwrap_or_default();
        match &planned.unreachable {
            None => println!(
                "L{} {} of M{}: up to {} calls at {}, {} in all",
                list.list_id,
                list.name,
                list.member_id,
                planned.calls,
                quota(planned.price_minor),
                quota(planned.cost_minor)
            ),
            Some(reason) => println!(
                "L{} {} of M{}: unreachable: {}",
                list.list_id,
                list.name,
                list.member_id,
                described(reason)
            ),
        }
    }
    println!(
        "up to {} of {} available quota",
        quota(plan.cost_minor),
        quota(plan.quota_available_minor)
    );
}

/// The lists that will answer, with the types that each accepts, by number.
#[derive(Clone, Debug, Default)]
struct AskedLists(BTreeMap<u32, AskedList>);

#[derive(Clone, Debug)]
struct AskedList {
    list: ListRef,
    types: Vec<String>,
}

impl AskedLists {
    /// Those of a plan.
    async fn of(node: &mut Node, plan: &ScreenPlanResponse) -> Result<Self, ClientError> {
        let all = node
            .list_all(ListAllRequest::default())
            .await?
            .into_inner()
            .lists;
        let planned = |id| {
            plan.lists
                .iter()
                .any(|list| list.list.as_ref().is_some_and(|l| l.list_id == id))
        };
        let asked = all.into_iter().filter_map(|summary| {
            let list = summary.list?;
            let asked = AskedList {
                list,
                types: summary.types,
            };
            planned(asked.list.list_id).then_some((asked.list.list_id, asked))
        });
        Ok(Self(asked.collect()))
    }

    fn accepting<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a AskedList> {
        self.0
            .values()
            .filter(move |list| list.types.iter().any(|accepted| accepted == kind))
    }
}

/// What a list said of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Hit,
    Clear,
    Unreachable,
}

impl Said {
    const fn word(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Clear => "clear",
            Self::Unreachable => "unreachable",
        }
    }
}

impl From<Answer> for Said {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Hit => Self::Hit,
            Answer::Clear => Self::Clear,
            Answer::Unreachable | Answer::Unspecified => Self::Unreachable,
        }
    }
}

/// Why a list is unreachable, for people.
fn reason(detail: Option<&ErrorDetail>) -> String {
    detail.map_or_else(|| "no reason was given".into(), described)
}
