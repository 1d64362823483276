//! `tacit screen`

mod answers;
mod bulk;
mod feed;
mod files;
mod one;
mod report;
mod sheet;

use std::collections::BTreeMap;
use std::path::PathBuf;

use tacit_proto::operator::{
    ScreenHeader, ScreenPlanRequest, ScreenPlanResponse, Targets, TypeCount,
};

use crate::Context;
use crate::commands::confirmed;
use crate::connection::Node;
use crate::error::{ClientError, described};
use crate::exit::Exit;
use crate::output::{Format, quota};
use crate::profile::Profile;
use crate::rows::ColumnChoice;

use answers::AskedLists;

/// Asks other members whether identifiers are on their lists.
///
/// Give values, or a CSV file with --from. The members that are asked do not learn about whom. A hit is an
/// allegation of the list's owner: a person should look at it. Clear says that a list does not hold the
/// identifier: it is no certificate of good standing.
///
/// Each call is recorded with its purpose and its lawful basis. Both are mandatory: name them here, or in the
/// profile where they are always the same.
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
    /// A CSV file with any columns, the first line of which names them.
    #[arg(long, value_name = "FILE", requires = "out")]
    from: Option<PathBuf>,
    /// Where the file goes, with result columns added.
    #[arg(long, value_name = "FILE", requires = "from")]
    out: Option<PathBuf>,
    #[command(flatten)]
    columns: ColumnChoice,
    /// Why it is asked, a code that the institution governs, such as credit-origination. Mandatory, unless the
    /// profile names one.
    #[arg(long, value_name = "CODE")]
    purpose: Option<String>,
    /// On what lawful basis, a code that the institution governs, such as consent. Mandatory, unless the profile
    /// names one.
    #[arg(long, value_name = "CODE")]
    lawful_basis: Option<String>,
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
    /// A row is complete when at least so many members answered; without it, when all did. A member has answered
    /// when each of its lists that are asked has.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    require: Option<u32>,
    /// Refuse if it would cost more than this many quota.
    #[arg(long, value_name = "QUOTA", value_parser = clap::value_parser!(u64).range(1..))]
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
    /// Replace --out where it exists, and begin an unfinished run anew unless --resume is given.
    #[arg(long, requires = "from")]
    overwrite: bool,
    /// Add a column with the call behind each answer, as `tacit receipt create` takes it.
    #[arg(long, requires = "from")]
    calls: bool,
    /// Where rows that are not asked go, with number and reason; beside the file if none is given.
    #[arg(long, value_name = "FILE", requires = "from")]
    rejects: Option<PathBuf>,
    /// Wait until every call is final on the ledger.
    #[arg(long)]
    wait_final: bool,
    /// Do not ask before paying.
    #[arg(long)]
    yes: bool,
    /// The approval of a second person, where the institution's rules demand one for so many rows.
    #[arg(long, value_name = "NUMBER")]
    approval: Option<u64>,
}

/// Why it is asked, and on what basis: what an examiner will want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Grounds {
    purpose: String,
    lawful_basis: String,
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

    /// Purpose and lawful basis as they were given here, else as the profile has them. There is no default: it
    /// would record something that nobody stated.
    fn grounds(&self, profile: &Profile) -> Result<Grounds, ClientError> {
        let stated = |given: &Option<String>, usual: &Option<String>, missing: &str| {
            let text = given.as_ref().or(usual.as_ref()).map(|text| text.trim());
            let text = text.filter(|text| !text.is_empty());
            text.map(str::to_owned)
                .ok_or_else(|| ClientError::Usage(missing.into()))
        };
        Ok(Grounds {
            purpose: stated(
                &self.purpose,
                &profile.purpose,
                "the purpose is mandatory, it is recorded with each call: name it with --purpose, such as \
                 credit-origination, or as `purpose` in the profile",
            )?,
            lawful_basis: stated(
                &self.lawful_basis,
                &profile.lawful_basis,
                "the lawful basis is mandatory, it is recorded with each call: name it with --lawful-basis, such \
                 as consent, or as `lawful_basis` in the profile",
            )?,
        })
    }

    fn header(
        &self,
        grounds: Grounds,
        rows_expected: u64,
        message_digests: Vec<Vec<u8>>,
    ) -> ScreenHeader {
        ScreenHeader {
            targets: Some(self.targets()),
            default_type: self.columns.only_type().unwrap_or_default().into(),
            default_region: self.columns.region.clone().unwrap_or_default(),
            purpose: grounds.purpose,
            lawful_basis: grounds.lawful_basis,
            case_reference: self.case.clone(),
            approval: self.approval,
            cost_limit_minor: self.cost_limit.unwrap_or(0).saturating_mul(1_000),
            answer_timeout_ms: self.answer_timeout_ms,
            rows_expected: Some(rows_expected),
            wait_for_finality: self.wait_final,
            message_digests,
        }
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
        if let Some(shortage) = shortage(&plan) {
            eprintln!("{shortage}");
        }
        let asked = AskedLists::of(node, &plan).await?;
        for shortfall in rows.keys().filter_map(|kind| self.shortfall(kind, &asked)) {
            eprintln!("{shortfall}");
        }
        let question = format!("Ask, for up to {} quota?", quota(plan.cost_minor));
        Ok(self.yes || confirmed(&question)?)
    }

    /// Why no value of a type can be complete, where none can.
    fn shortfall(&self, kind: &str, asked: &AskedLists) -> Option<String> {
        let members = asked.members(kind);
        match self.require {
            _ if members == 0 => Some(format!(
                "no list that is asked takes {kind}: these values will be incomplete"
            )),
            Some(required) if (members as u64) < u64::from(required) => Some(format!(
                "only {members} members are asked about {kind}: with --require {required}, these values will be \
                 incomplete"
            )),
            _ => None,
        }
    }
}

/// Why not all of a plan can be asked today. The rest would come back as unreachable.
fn shortage(plan: &ScreenPlanResponse) -> Option<String> {
    let reachable = plan.lists.iter().filter(|list| list.unreachable.is_none());
    let calls: u64 = reachable.map(|list| list.calls).sum();
    if plan.cost_minor > plan.quota_available_minor {
        Some(format!(
            "only {} quota are available: what they do not cover will be unreachable",
            quota(plan.quota_available_minor)
        ))
    } else if calls > plan.calls_left_today {
        Some(format!(
            "today's caps leave {} of {calls} calls: the rest will be unreachable",
            plan.calls_left_today
        ))
    } else {
        None
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

#[cfg(test)]
mod tests {
    use super::answers::tests::asked;
    use super::*;
    use clap::Parser as _;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        screen: ScreenCommand,
    }

    /// A command line, after `tacit screen`.
    pub(super) fn parsed(words: &[&str]) -> Result<ScreenCommand, clap::Error> {
        let words = std::iter::once("screen").chain(words.iter().copied());
        Line::try_parse_from(words).map(|line| line.screen)
    }

    fn profile(purpose: Option<&str>, lawful_basis: Option<&str>) -> Profile {
        Profile {
            operator_address: "127.0.0.1:7103".into(),
            ca_file: "ca.pem".into(),
            certificate_file: "operator.pem".into(),
            key_file: "operator.key.pem".into(),
            purpose: purpose.map(str::to_owned),
            lawful_basis: lawful_basis.map(str::to_owned),
        }
    }

    #[test]
    fn a_requirement_and_a_cost_limit_of_nothing_are_refused() {
        for words in [["--require", "0"], ["--cost-limit", "0"]] {
            assert!(parsed(&[words[0], words[1], "1"]).is_err(), "{words:?}");
            assert!(parsed(&[words[0], "1", "1"]).is_ok(), "{words:?}");
        }
    }

    #[test]
    fn purpose_and_lawful_basis_are_never_made_up() {
        let command = parsed(&["--purpose", "credit-origination", "1"]).unwrap();
        let error = command.grounds(&profile(None, None)).unwrap_err();
        assert!(error.to_string().contains("--lawful-basis"), "{error}");
        assert_eq!(error.exit(), Exit::Usage);
        let blank = parsed(&["--purpose", " ", "--lawful-basis", "consent", "1"]).unwrap();
        let error = blank.grounds(&profile(None, None)).unwrap_err();
        assert!(error.to_string().contains("--purpose"), "{error}");
    }

    #[test]
    fn what_is_stated_here_outranks_the_profile() {
        let command = parsed(&["--purpose", "review", "1"]).unwrap();
        let usual = profile(Some("credit-origination"), Some("contract"));
        let grounds = command.grounds(&usual).unwrap();
        assert_eq!(grounds.purpose, "review");
        assert_eq!(grounds.lawful_basis, "contract");
    }

    #[test]
    fn a_plan_that_quota_or_caps_do_not_cover_is_announced_before_paying() {
        let planned = tacit_proto::operator::PlannedList {
            calls: 10,
            ..Default::default()
        };
        let plan = |quota_available_minor, calls_left_today| ScreenPlanResponse {
            lists: vec![planned.clone()],
            cost_minor: 10_000,
            quota_available_minor,
            calls_left_today,
        };
        assert_eq!(shortage(&plan(10_000, 10)), None);
        assert!(shortage(&plan(9_999, 10)).unwrap().contains("9.999 quota"));
        assert!(
            shortage(&plan(10_000, 9))
                .unwrap()
                .contains("9 of 10 calls")
        );
    }

    #[test]
    fn a_type_that_too_few_members_take_is_announced_before_paying() {
        let lists = asked(&[(1, 2, &["phone"]), (2, 2, &["phone"]), (3, 3, &["card"])]);
        let any = parsed(&["1"]).unwrap();
        assert_eq!(any.shortfall("phone", &lists), None);
        assert!(any.shortfall("iban", &lists).is_some());
        let two = parsed(&["--require", "2", "1"]).unwrap();
        let words = two.shortfall("phone", &lists).unwrap();
        assert!(words.contains("only 1 members"), "{words}");
    }
}
