//! Supervision: views, demands for disclosure, and what is disclosed.

use tacit_circuits::scope::{ListId, MemberId};
use tacit_frontend::disclosures::{self, DisclosureError};
use tacit_frontend::ports::{Applied, Ledger as _};
use tacit_ledger::kernel::{BusinessDate, Digest, Role};
use tacit_ledger::network::{
    Action, CallName, Disclosure, DisclosureCause, DisclosureId, DisclosureReason, DisclosureScope,
    DisclosureStatus, Event, SessionId, View, ViewScope, coverage, read,
};
use tacit_proto::operator as proto;

use super::Operator;
use super::disclosing::merged;
use super::error::ApiError;
use super::governance::key;
use super::lists::{Answers, gone};

/// Bytes of one message of a bundle: far below what a message may have.
const PART_BYTES: usize = 1 << 20;

/// Days of a tag epoch, where none are named.
const EPOCH_DAYS: u16 = 30;

/// The reasons of demands, as people say them.
const REASONS: [(&str, DisclosureReason); 5] = [
    ("examination", DisclosureReason::Examination),
    ("complaint", DisclosureReason::Complaint),
    ("suspected-misuse", DisclosureReason::SuspectedMisuse),
    ("legal-order", DisclosureReason::LegalOrder),
    ("other", DisclosureReason::Other),
];

impl Operator {
    pub(super) async fn grant_view(
        &self,
        request: proto::ViewGrantRequest,
    ) -> Result<proto::SupervisionStepResponse, ApiError> {
        let (from, until) = period("dates", request.dates)?;
        self.step(Action::GrantView {
            supervisor: MemberId(request.supervisor),
            scope: scope(request.scope)?,
            from,
            until,
        })
        .await
    }

    pub(super) async fn list_views(&self) -> Result<proto::ViewsResponse, ApiError> {
        let me = self.ledger.member_id();
        let views = self.read(|view| {
            let own = read::member(view, me)?;
            match own.map(|own| own.role) {
                Some(Role::Observer) => read::views_for(view, me),
                _ => read::views_of(view, me),
            }
        });
        let views = views.await?.iter().map(shown_view).collect();
        Ok(proto::ViewsResponse { views })
    }

    pub(super) async fn request_disclosure(
        &self,
        request: proto::DisclosureRequestRequest,
    ) -> Result<proto::SupervisionStepResponse, ApiError> {
        use proto::disclosure_request_request::Scope;
        let reason = REASONS.iter().find(|(name, _)| *name == request.reason);
        let (_, reason) = reason.ok_or_else(|| ApiError::unknown("reason", &request.reason))?;
        let scope = match request.scope {
            Some(Scope::Calls(calls)) => {
                let named = calls.calls.iter().map(|call| CallName {
                    session: SessionId(call.session),
                    sequence: call.sequence,
                    index: call.index,
                });
                let mut named: Vec<CallName> = named.collect();
                named.sort_unstable();
                named.dedup();
                let named = named.try_into();
                DisclosureScope::Calls(
                    named.map_err(|_| invalid("too many calls are named".into()))?,
                )
            }
            Some(Scope::Period(dates)) => {
                let (from, until) = period("period", Some(dates))?;
                DisclosureScope::Period { from, until }
            }
            None => {
                return Err(invalid(
                    "the demand names neither calls nor a period".into(),
                ));
            }
        };
        let days = u16::try_from(request.days);
        self.step(Action::RequestDisclosure {
            member: MemberId(request.member_id),
            scope,
            reason: *reason,
            days: days.map_err(|_| invalid("days must be below 65,536".into()))?,
        })
        .await
    }

    /// Says on the ledger what an operator asked for, and names what came of it.
    pub(super) async fn step(
        &self,
        action: Action,
    ) -> Result<proto::SupervisionStepResponse, ApiError> {
        Ok(stepped(&self.ledger.submit(action).await?))
    }

    pub(super) async fn answer_disclosure(
        &self,
        request: proto::DisclosureAnswerRequest,
    ) -> Result<proto::SupervisionStepResponse, ApiError> {
        let id = DisclosureId(request.disclosure_id);
        let found = self.read(|view| read::disclosure(view, id)).await?;
        let disclosure = found.ok_or(DisclosureError::Unknown(id))?;
        Ok(stepped(&self.disclose(&disclosure).await?))
    }

    pub(super) async fn list_disclosures(
        &self,
        request: proto::DisclosuresRequest,
    ) -> Result<proto::DisclosuresResponse, ApiError> {
        let me = self.ledger.member_id();
        let found = self.read(|view| {
            let own = read::member(view, me)?;
            match own.map(|own| own.role) {
                Some(Role::Observer) => read::disclosures_for(view, me),
                _ => read::disclosures_of(view, me),
            }
        });
        let found = found.await?;
        let wanted = found
            .iter()
            .filter(|demand| demand.is_open() || !request.open_only);
        Ok(proto::DisclosuresResponse {
            disclosures: wanted.map(shown).collect(),
        })
    }

    /// Hands out a bundle: this member's own, or fetched from the member that disclosed it.
    pub(super) async fn show_disclosure(
        &self,
        request: proto::DisclosureShowRequest,
        answers: Answers<proto::DisclosurePart>,
    ) -> Result<(), ApiError> {
        let id = DisclosureId(request.disclosure_id);
        let disclosed = match (&self.frontend, &self.peers) {
            (Some(frontend), _) => frontend.disclosures.show(id).await?,
            (None, Some(peers)) => disclosures::fetch(&*self.ledger, &**peers, id).await?,
            (None, None) => return Err(DisclosureError::NotForThisParty(id).into()),
        };
        let mut erased = disclosed.erased;
        let bundle = merged(disclosed)?.ok_or_else(|| {
            ApiError::caller(
                "bundle-erased",
                format!("the retention period of all calls that demand {id} opened is over"),
                "",
            )
        })?;
        for part in bundle.chunks(PART_BYTES) {
            let part = proto::DisclosurePart {
                part: part.to_vec(),
                erased: std::mem::take(&mut erased),
            };
            answers.send(Ok(part)).await.map_err(|_| gone())?;
        }
        Ok(())
    }

    pub(super) async fn coverage(
        &self,
        request: proto::CoverageRequest,
    ) -> Result<proto::CoverageResponse, ApiError> {
        let days = match u16::try_from(request.days) {
            Ok(0) => EPOCH_DAYS,
            Ok(days) => days,
            Err(_) => return Err(invalid("days must be below 65,536".into())),
        };
        let (found, categories) = self
            .read(|view| Ok((coverage::coverage(view, days)?, read::categories(view)?)))
            .await?;
        let coverage = found.iter().map(|found| {
            let mut named = categories.iter().filter(|of| of.id == found.category);
            let category = named.next().map(|of| of.name.as_str().to_owned());
            proto::Coverage {
                category: category.unwrap_or_default(),
                r#type: found.kind.name().into(),
                lists: found.lists,
                groups: found.groups,
                calls_of_group: found.calls_of_group,
                least_cost_minor: found.cost_minor.least,
                most_cost_minor: found.cost_minor.most,
                domain: found.domain.map(|domain| domain.identifiers),
                domain_source: found.domain.map_or("", |domain| domain.source).into(),
                group_millionths: found.group_millionths,
                all_millionths: found.all_millionths,
                warning: found.is_too_wide(),
            }
        });
        Ok(proto::CoverageResponse {
            coverage: coverage.collect(),
        })
    }
}

fn stepped(applied: &Applied) -> proto::SupervisionStepResponse {
    let id = applied.events.iter().find_map(|event| match event {
        Event::ViewGranted { view, .. } | Event::ViewUsed { view, .. } => Some(view.0),
        Event::DisclosureRequested { disclosure, .. }
        | Event::DisclosureAnswered { disclosure, .. } => Some(disclosure.0),
        _ => None,
    });
    proto::SupervisionStepResponse {
        tx_id: applied.tx_id.0.0.to_vec(),
        height: applied.height,
        id: id.unwrap_or_default(),
    }
}

pub(super) fn invalid(message: String) -> ApiError {
    ApiError::caller("field-invalid", message, "")
}

/// A date as YYYY-MM-DD.
fn date(field: &str, text: &str) -> Result<BusinessDate, ApiError> {
    let parts: Vec<&str> = text.split('-').collect();
    let date = match parts[..] {
        [year, month, day] if text.len() == 10 => {
            let numbers = (year.parse().ok(), month.parse().ok(), day.parse().ok());
            match numbers {
                (Some(year), Some(month), Some(day)) => BusinessDate::of(year, month, day),
                _ => None,
            }
        }
        _ => None,
    };
    date.ok_or_else(|| invalid(format!("{field} must be a date as YYYY-MM-DD")))
}

pub(super) fn period(
    field: &str,
    dates: Option<proto::Period>,
) -> Result<(BusinessDate, BusinessDate), ApiError> {
    let dates = dates.ok_or_else(|| invalid(format!("{field} are missing")))?;
    Ok((date(field, &dates.from)?, date(field, &dates.until)?))
}

fn shown_period(from: BusinessDate, until: BusinessDate) -> proto::Period {
    proto::Period {
        from: from.to_string(),
        until: until.to_string(),
    }
}

fn scope(scope: Option<proto::ViewScope>) -> Result<ViewScope, ApiError> {
    use proto::view_scope::Of;
    let of = scope.and_then(|scope| scope.of);
    Ok(
        match of.ok_or_else(|| invalid("the view shows nothing".into()))? {
            Of::History(dates) => {
                let (from, until) = period("history", Some(dates))?;
                ViewScope::History { from, until }
            }
            Of::ListId(list) => ViewScope::List(ListId(list)),
            Of::Cases(digest) => ViewScope::Cases(Digest(key("cases", &digest)?)),
            Of::Quota(dates) => {
                let (from, until) = period("quota", Some(dates))?;
                ViewScope::Quota { from, until }
            }
        },
    )
}

fn shown_view(view: &View) -> proto::View {
    use proto::view_scope::Of;
    let of = match view.scope {
        ViewScope::History { from, until } => Of::History(shown_period(from, until)),
        ViewScope::List(list) => Of::ListId(list.0),
        ViewScope::Cases(digest) => Of::Cases(digest.0.to_vec()),
        ViewScope::Quota { from, until } => Of::Quota(shown_period(from, until)),
    };
    proto::View {
        view_id: view.id.0,
        member_id: view.member.0,
        supervisor: view.supervisor.0,
        scope: Some(proto::ViewScope { of: Some(of) }),
        dates: Some(shown_period(view.from, view.until)),
        uses: view.uses,
        last_use: view
            .last_use
            .as_ref()
            .map_or(String::new(), |last| last.date.to_string()),
    }
}

fn shown(disclosure: &Disclosure) -> proto::Disclosure {
    use proto::disclosure::Scope;
    let (reason, scope) = match &disclosure.cause {
        DisclosureCause::Demanded { reason, scope, .. } => {
            let name = REASONS.iter().find(|(_, known)| known == reason);
            let scope = match scope {
                DisclosureScope::Calls(calls) => {
                    let calls = calls.iter().map(|call| proto::CallRef {
                        session: call.session.0,
                        sequence: call.sequence,
                        index: call.index,
                    });
                    Scope::Calls(proto::NamedCalls {
                        calls: calls.collect(),
                    })
                }
                DisclosureScope::Period { from, until } => {
                    Scope::Period(shown_period(*from, *until))
                }
            };
            (name.map_or("", |(name, _)| name), scope)
        }
        DisclosureCause::Drawn { date, calls } => {
            let drawn = proto::DrawnCalls {
                date: date.to_string(),
                calls: calls.to_vec(),
            };
            ("drawn", Scope::Drawn(drawn))
        }
    };
    let status = match disclosure.status {
        DisclosureStatus::Open => "open",
        DisclosureStatus::Answered { .. } => "answered",
        DisclosureStatus::Missed { .. } => "missed",
        DisclosureStatus::Lapsed { .. } => "lapsed",
    };
    proto::Disclosure {
        disclosure_id: disclosure.id.0,
        member_id: disclosure.member.0,
        supervisor: disclosure.cause.supervisor().map(|by| by.0),
        reason: reason.into(),
        scope: Some(scope),
        until: disclosure.until.to_string(),
        status: status.into(),
        opened_height: disclosure.opened_height,
    }
}

impl From<DisclosureError> for ApiError {
    fn from(error: DisclosureError) -> Self {
        let message = error.to_string();
        match error {
            DisclosureError::Unknown(_) => Self::caller("disclosure-unknown", message, ""),
            DisclosureError::NotAnswered(_) => Self::caller("not-answered", message, ""),
            DisclosureError::NotForThisParty(_) => Self::caller("not-for-this-party", message, ""),
            DisclosureError::TooLarge => Self::caller("bundle-size", message, ""),
            DisclosureError::NotTheBundle => Self::node(
                "bundle-invalid",
                message,
                "The member has not sent what it said: demand it again.",
            ),
            DisclosureError::Peer(_) => {
                Self::node("party-unreachable", message, "Try again later.")
            }
            DisclosureError::Store(_) => Self::node("records-unreadable", message, ""),
            DisclosureError::Ledger(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_they_are_written() {
        for text in ["1970-01-01", "2024-02-29", "2026-11-26", "2100-12-31"] {
            assert_eq!(date("date", text).expect(text).to_string(), text);
        }
        for text in [
            "",
            "2026-11-31",
            "2023-02-29",
            "2026-1-01",
            "26-11-2026",
            "2026-11-26x",
        ] {
            assert!(date("date", text).is_err(), "{text}");
        }
    }
}
