//! Batches that are named, and how many calls a history has.
//!
//! Whoever knows from elsewhere which of its batches are wanted need not read through all of them: their places in
//! the order of the ledger are looked up, sorted, and the batches read in that order.

use std::collections::HashMap;

use tacit_database::{Columns, Statement};
use tacit_ledger::network::SessionId;

use super::history::{Key, batch, columns, key};
use super::{CallBatch, Direction, HistoryFilter};
use crate::error::ReadModelError;
use crate::model::ReadModel;

impl ReadModel {
    /// Those of these batches that the filter's member asked and that the filter lets through, in the order of the
    /// ledger. A name is session and sequence.
    ///
    /// # Errors
    /// [`ReadModelError`].
    pub async fn asked_among(
        &self,
        filter: &HistoryFilter,
        names: &[(u64, u64)],
    ) -> Result<Vec<(u64, u64)>, ReadModelError> {
        const SELECT: &str = "SELECT c.session_id, c.sequence, c.time_ms, c.height, c.leaf, \
             c.querier, c.provider, c.list_id FROM named n \
             JOIN ledger_calls c ON c.session_id = n.first AND c.sequence = n.second";
        let Some((first_ms, last_ms)) = filter.period.bounds() else {
            return Ok(Vec::new());
        };
        let mut found: Vec<(Key, (u64, u64))> = Vec::with_capacity(names.len());
        for statement in Statement::of_pairs(SELECT, names) {
            for row in self.database.rows(statement).await? {
                let place = key(&row)?;
                let other = filter.counterparty.map(|member| member.0);
                let list = filter.list.map(|list| list.0);
                let fits = row.number_32("querier")? == filter.member.0
                    && (first_ms..=last_ms).contains(&place.0)
                    && other
                        .is_none_or(|other| row.number_32("provider").is_ok_and(|p| p == other))
                    && list.is_none_or(|list| row.number_32("list_id").is_ok_and(|l| l == list));
                if fits {
                    found.push((place, (row.number("session_id")?, row.bits("sequence")?)));
                }
            }
        }
        found.sort_unstable();
        Ok(found.into_iter().map(|(_, name)| name).collect())
    }

    /// These batches, as the member that asked them sees them, in the order of the names.
    ///
    /// # Errors
    /// [`ReadModelError`].
    pub async fn asked_batches(
        &self,
        names: &[(u64, u64)],
    ) -> Result<Vec<CallBatch>, ReadModelError> {
        const SELECT: &str = concat!(
            columns!("provider"),
            "FROM named n JOIN ledger_calls c \
             ON c.session_id = n.first AND c.sequence = n.second \
             JOIN ledger_transaction t ON t.height = c.height AND t.leaf = c.leaf"
        );
        let mut found = HashMap::with_capacity(names.len());
        for statement in Statement::of_pairs(SELECT, names) {
            for row in self.database.rows(statement).await? {
                let batch = batch(&row, Direction::Asked)?;
                let SessionId(session) = batch.session;
                found.insert((session, batch.sequence), batch);
            }
        }
        Ok(names.iter().filter_map(|name| found.remove(name)).collect())
    }

    /// How many calls a history has.
    ///
    /// # Errors
    /// [`ReadModelError`].
    pub async fn history_calls(&self, filter: &HistoryFilter) -> Result<u64, ReadModelError> {
        let Some((first_ms, last_ms)) = filter.period.bounds() else {
            return Ok(0);
        };
        let last_height = self.position().await?.height;
        let directions = match filter.direction {
            None => vec![Direction::Asked, Direction::Served],
            Some(direction) => vec![direction],
        };
        let mut calls = 0;
        for direction in directions {
            let values = [
                filter.member.0.into(),
                first_ms.into(),
                last_ms.into(),
                last_height.into(),
                super::any(filter.counterparty.map(|member| member.0)),
                super::any(filter.list.map(|list| list.0)),
            ];
            let sql = match direction {
                Direction::Asked => ASKED_CALLS,
                Direction::Served => SERVED_CALLS,
            };
            let row = self.database.row(Statement::new(sql, values)).await?;
            calls += row.map_or(Ok(0), |row| row.number("calls"))?;
        }
        Ok(calls)
    }
}

/// The sum comes as a `BIGINT` from both databases.
macro_rules! calls {
    ($member:literal, $other:literal) => {
        concat!(
            "SELECT CAST(COALESCE(SUM(calls), 0) AS BIGINT) AS calls FROM ledger_calls WHERE ",
            $member,
            " = $1 AND time_ms >= $2 AND time_ms <= $3 AND height <= $4 AND ($5 = -1 OR ",
            $other,
            " = $5) AND ($6 = -1 OR list_id = $6)"
        )
    };
}

const ASKED_CALLS: &str = calls!("querier", "provider");
const SERVED_CALLS: &str = calls!("provider", "querier");
