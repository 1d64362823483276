//! For how long records are kept, and the holds that keep them longer.

use tacit_frontend::retention::{
    BadPeriod, ClassName, Month, Period, PeriodStatus, RetentionError,
};
use tacit_frontend::store::Hold;
use tacit_proto::operator as proto;

use super::Operator;
use super::error::ApiError;

impl Operator {
    pub(super) async fn show_retention(&self) -> Result<proto::RetentionResponse, ApiError> {
        let retention = &self.frontend()?.retention;
        let classes = retention.classes();
        let classes = classes.map(|(class, keep_months)| proto::RetentionClass {
            class: class.to_string(),
            keep_months,
        });
        let unreadable = |error| ApiError::from(RetentionError::from(error));
        let periods = retention.overview().await.map_err(unreadable)?;
        let holds = retention.holds().await.map_err(unreadable)?;
        Ok(proto::RetentionResponse {
            classes: classes.collect(),
            periods: periods.iter().map(period).collect(),
            holds: holds.into_iter().map(hold).collect(),
        })
    }

    pub(super) async fn hold(
        &self,
        caller: String,
        request: proto::RetentionHoldRequest,
    ) -> Result<proto::RetentionHoldResponse, ApiError> {
        let period = named(&request.class, &request.month)?;
        let retention = &self.frontend()?.retention;
        let hold_id = retention.hold(&period, &request.reason, &caller).await?;
        Ok(proto::RetentionHoldResponse { hold_id })
    }

    pub(super) async fn release_hold(
        &self,
        caller: String,
        request: proto::RetentionReleaseRequest,
    ) -> Result<proto::RetentionReleaseResponse, ApiError> {
        let retention = &self.frontend()?.retention;
        retention
            .release(request.hold_id, &request.reason, &caller)
            .await?;
        Ok(proto::RetentionReleaseResponse {})
    }
}

fn named(class: &str, month: &str) -> Result<Period, ApiError> {
    let bad = |error: BadPeriod| {
        let remedy = "`tacit audit retention` shows the periods that there are.";
        ApiError::caller("period-invalid", error.to_string(), remedy)
    };
    Ok(Period {
        class: class.parse::<ClassName>().map_err(bad)?,
        month: month.parse::<Month>().map_err(bad)?,
    })
}

fn period(status: &PeriodStatus) -> proto::RetentionPeriod {
    let summary = &status.summary;
    proto::RetentionPeriod {
        class: summary.period.class.to_string(),
        month: summary.period.month.to_string(),
        requests: summary.requests,
        calls: summary.calls,
        over_on: status.over_on.to_string(),
        destroyed_on: summary
            .destroyed
            .map_or_else(String::new, |date| date.to_string()),
        holds: status.holds.clone(),
    }
}

fn hold(hold: Hold) -> proto::RetentionHoldShown {
    let (released_by, release_reason, released_ms) = hold.released.unwrap_or_default();
    proto::RetentionHoldShown {
        hold_id: hold.id,
        class: hold.period.class.to_string(),
        month: hold.period.month.to_string(),
        reason: hold.reason,
        placed_by: hold.placed_by,
        placed_ms: hold.placed_ms,
        released_by,
        released_ms,
        release_reason,
    }
}

impl From<RetentionError> for ApiError {
    fn from(error: RetentionError) -> Self {
        let text = error.to_string();
        match error {
            RetentionError::NothingKept(_) => Self::caller(
                "period-unknown",
                text,
                "`tacit audit retention` shows the periods that there are.",
            ),
            RetentionError::NoHold(_) => Self::caller(
                "hold-unknown",
                text,
                "`tacit audit retention --holds` shows them.",
            ),
            RetentionError::Reason => Self::caller("reason-invalid", text, ""),
            RetentionError::Ledger(error) => error.into(),
            RetentionError::Store(_) | RetentionError::Custody(_) => {
                Self::node("records-unreadable", text, "See the node's log.")
            }
        }
    }
}
