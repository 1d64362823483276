//! The end of a history, without what comes before it.

use tacit_database::Statement;

use super::history::{History, Side, key};
use super::{Direction, HistoryFilter, any};
use crate::error::ReadModelError;
use crate::model::ReadModel;

impl ReadModel {
    /// A history from where, on each side, the latest so many batches begin: at least so many of its calls, in the
    /// order of the ledger.
    ///
    /// # Errors
    /// [`ReadModelError`].
    pub async fn latest(
        &self,
        filter: HistoryFilter,
        batches: u64,
    ) -> Result<History, ReadModelError> {
        let mut history = self.history(filter).await?;
        for side in &mut history.sides {
            side.skip_to_latest(self, history.last_height, batches)
                .await?;
        }
        Ok(history)
    }
}

impl Side {
    /// Begins behind the last batch that is not among the latest ones.
    async fn skip_to_latest(
        &mut self,
        model: &ReadModel,
        last_height: u64,
        batches: u64,
    ) -> Result<(), ReadModelError> {
        let (Some(after), Some((_, last_ms))) = (self.after, self.filter.period.bounds()) else {
            return Ok(());
        };
        let values = [
            self.filter.member.0.into(),
            after.0.into(),
            last_ms.into(),
            last_height.into(),
            any(self.filter.counterparty.map(|member| member.0)),
            any(self.filter.list.map(|list| list.0)),
            batches.into(),
        ];
        let statement = Statement::new(last_before(&self.filter, self.direction), values);
        if let Some(row) = model.database.row(statement).await? {
            self.after = Some(key(&row)?);
        }
        Ok(())
    }
}

/// The statement whose conditions an index begins with, as for pages.
fn last_before(filter: &HistoryFilter, direction: Direction) -> &'static str {
    match (direction, filter.list, filter.counterparty) {
        (Direction::Asked, Some(_), _) => ASKED_OF_LIST,
        (Direction::Asked, None, Some(_)) => ASKED_WITH,
        (Direction::Asked, None, None) => ASKED,
        (Direction::Served, Some(_), _) => SERVED_OF_LIST,
        (Direction::Served, None, Some(_)) => SERVED_WITH,
        (Direction::Served, None, None) => SERVED,
    }
}

macro_rules! last_before {
    ($member:literal, $more:literal) => {
        concat!(
            "SELECT time_ms, height, leaf FROM ledger_calls WHERE ",
            $member,
            " = $1 AND time_ms >= $2 AND time_ms <= $3 AND height <= $4 AND ",
            $more,
            " ORDER BY time_ms DESC, height DESC, leaf DESC LIMIT 1 OFFSET $7"
        )
    };
}

const ASKED: &str = last_before!("querier", "$5 = -1 AND $6 = -1");
const ASKED_WITH: &str = last_before!("querier", "provider = $5 AND $6 = -1");
const ASKED_OF_LIST: &str = last_before!("querier", "($5 = -1 OR provider = $5) AND list_id = $6");
const SERVED: &str = last_before!("provider", "$5 = -1 AND $6 = -1");
const SERVED_WITH: &str = last_before!("provider", "querier = $5 AND $6 = -1");
const SERVED_OF_LIST: &str = last_before!("provider", "($5 = -1 OR querier = $5) AND list_id = $6");
