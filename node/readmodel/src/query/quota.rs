//! Sums of what moved a member's quota: rows are read once and added up sealed as they are, so that whoever
//! has a key opens one ciphertext and not each row. See [`Amount`] for what opens.

use std::collections::BTreeMap;

use sqlx::any::AnyRow;
use tacit_circuits::quota::Ciphertext;
use tacit_circuits::scope::MemberId;
use tacit_database::{ColumnError, Columns, Statement};
use tacit_ledger::kernel::BusinessDate;
use tacit_ledger::network::SessionId;
use tacit_ledger::network::movement::{MovementKind, Part};

use super::Period;
use super::keys::generation;
use super::movements::{MovementFilter, kind};
use crate::amount::{Amount, SEALED_BYTES, seen_by};
use crate::error::ReadModelError;
use crate::model::ReadModel;

/// Sums of a member's movements, kind by kind. No sum is below zero: each kind goes one way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuotaSums {
    /// By kind, and by how many keys the member had given up before.
    sums: BTreeMap<(MovementKind, u32), Amount>,
}

impl QuotaSums {
    /// The sum of one kind. The supervisor opens it, and the member where it had one key all the time.
    #[must_use]
    pub fn of(&self, kind: MovementKind) -> Amount {
        let parts = self.parts(kind).map(|(_, part)| part);
        // Their sum was found not to exceed 63 bits when the last one came.
        let sum = |sum: Amount, part: &Amount| sum.plus(part).unwrap_or(sum);
        parts.fold(Amount::zero(), sum)
    }

    /// The sum of one kind in the parts that the member's successive keys open, by the generations of these.
    pub fn parts(&self, kind: MovementKind) -> impl Iterator<Item = (u32, &Amount)> {
        let parts = self.sums.range((kind, 0)..=(kind, u32::MAX));
        parts.map(|((_, generation), sum)| (*generation, sum))
    }

    /// The kinds that occurred, with their sums under each key.
    pub fn iter(&self) -> impl Iterator<Item = (MovementKind, &Amount)> {
        self.sums.iter().map(|((kind, _), sum)| (*kind, sum))
    }

    fn add(
        &mut self,
        kind: MovementKind,
        generation: u32,
        amount: &Amount,
    ) -> Result<(), ColumnError> {
        let public = |amount: &Amount| amount.public_minor;
        let all: i64 = self.parts(kind).map(|(_, part)| public(part)).sum();
        all.checked_add(amount.public_minor).ok_or_else(too_much)?;
        let part = self.sums.entry((kind, generation));
        let part = part.or_insert_with(Amount::zero);
        *part = part.plus(amount).ok_or_else(too_much)?;
        Ok(())
    }
}

/// What movements leave where: what came less what went.
///
/// Of all movements of a member from the beginning on this is what it holds, and all of it is zero or more.
/// Of chosen ones it is what they changed, and may be below zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holdings {
    /// In the account, whether available or waiting. Its sealed part alone is below zero where more went
    /// into sessions than came back, so its [`total`](Amount::total) is what opens.
    pub account: Amount,
    /// In the escrows of sessions that the member opened. As with the account, its total opens.
    pub escrow: Amount,
    /// In the deposit, bound by nothing, in minor units.
    pub deposit_minor: i64,
    /// In the deposit, put aside for disputes, in minor units.
    pub staked_minor: i64,
}

impl Holdings {
    fn after(sums: &QuotaSums) -> Result<Self, ColumnError> {
        let part = |part: Part| {
            sums.iter()
                .try_fold(Amount::zero(), |mut left, (kind, sum)| {
                    let (from, to) = kind.route();
                    if to == Some(part) {
                        left = left.plus(sum)?;
                    }
                    if from == Some(part) {
                        left = left.minus(sum)?;
                    }
                    Some(left)
                })
        };
        let part = |of: Part| part(of).ok_or_else(too_much);
        Ok(Self {
            account: part(Part::Account)?,
            escrow: part(Part::Escrow)?,
            deposit_minor: part(Part::Deposit)?.public_minor,
            staked_minor: part(Part::Stake)?.public_minor,
        })
    }
}

/// A period of a member's quota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaStatement {
    /// What there was before it.
    pub opening: Holdings,
    /// What moved within it.
    pub sums: QuotaSums,
    /// What there was after it: at its end, or at the position of the rows if that is earlier.
    pub closing: Holdings,
}

impl ReadModel {
    /// Sums of a member's movements that a filter lets through, within its period.
    pub async fn quota_sums(&self, filter: MovementFilter) -> Result<QuotaSums, ReadModelError> {
        let mut sums = QuotaSums::default();
        let changes = self.key_changes(filter.member).await?;
        let mut pages = self.movement_pages(filter).await?;
        loop {
            let page = pages.next().await?;
            if page.is_empty() {
                return Ok(sums);
            }
            for row in &page {
                let generation = generation(&changes, row.number("height")?, row.number("leaf")?);
                sums.add(kind(row)?, generation, &amount(row)?)?;
            }
        }
    }

    /// What a member held before and after a period, and what moved within it, of the movements that a
    /// filter lets through. Reads all of them from the beginning to the period's end, in a time that grows
    /// with their number; for the present balance the ledger's own state is nearer.
    ///
    /// Heights that were passed over ([`gaps`](Self::gaps)) are missing: where there are any, holdings are
    /// not those of the ledger.
    pub async fn quota_statement(
        &self,
        filter: MovementFilter,
    ) -> Result<QuotaStatement, ReadModelError> {
        let before = Period {
            from_ms: 0,
            until_ms: Some(filter.period.from_ms),
        };
        let earlier = MovementFilter {
            period: before,
            ..filter
        };
        // A block that is applied between the two readings belongs to the second: time never runs backwards.
        let mut all = self.quota_sums(earlier).await?;
        let opening = Holdings::after(&all)?;
        let sums = self.quota_sums(filter).await?;
        for ((kind, generation), sum) in &sums.sums {
            all.add(*kind, *generation, sum)?;
        }
        let closing = Holdings::after(&all)?;
        Ok(QuotaStatement {
            opening,
            sums,
            closing,
        })
    }

    /// Calls that a member made on a business date, to all lists, as daily caps count them: padding
    /// included, which nobody but the two sides of a call can tell apart.
    pub async fn calls_on(
        &self,
        querier: MemberId,
        date: BusinessDate,
    ) -> Result<u64, ReadModelError> {
        let sql = "SELECT CAST(COALESCE(SUM(calls), 0) AS BIGINT) AS calls FROM ledger_calls \
                   WHERE querier = $1 AND business_date = $2";
        let values = [querier.0.into(), date.0.into()];
        let row = self.database.row(Statement::new(sql, values)).await?;
        Ok(row.map_or(Ok(0), |row| row.number("calls"))?)
    }

    /// The batches that a member asked on business dates, both included, in the order of the log: session, number
    /// and calls of each. At most so many, the first.
    pub async fn asked_between(
        &self,
        querier: MemberId,
        from: BusinessDate,
        until: BusinessDate,
        limit: u32,
    ) -> Result<Vec<(SessionId, u64, u32)>, ReadModelError> {
        let sql = "SELECT session_id, sequence, calls FROM ledger_calls \
                   WHERE querier = $1 AND business_date >= $2 AND business_date <= $3 \
                   ORDER BY first_leaf LIMIT $4";
        let values = [
            querier.0.into(),
            from.0.into(),
            until.0.into(),
            limit.into(),
        ];
        let rows = self.database.rows(Statement::new(sql, values)).await?;
        let batch = |row: &AnyRow| -> Result<_, ColumnError> {
            let session = SessionId(row.number("session_id")?);
            Ok((session, row.bits("sequence")?, row.number_32("calls")?))
        };
        Ok(rows.iter().map(batch).collect::<Result<_, _>>()?)
    }
}

/// The amount of a movement, as its member and the supervisor see it.
fn amount(row: &AnyRow) -> Result<Amount, ColumnError> {
    let sealed = row.optional_array::<SEALED_BYTES>("sealed")?;
    let sealed = match (sealed, kind(row)?.role()) {
        (None, _) => Ciphertext::zero(),
        (Some(bytes), Some(role)) => seen_by(role, &bytes)?,
        (Some(_), None) => return Err(ColumnError::Value("sealed".into())),
    };
    Ok(Amount {
        public_minor: row.signed("amount_minor")?,
        sealed,
    })
}

/// More public quota moved than was ever minted.
fn too_much() -> ColumnError {
    ColumnError::Value("amount_minor".into())
}
