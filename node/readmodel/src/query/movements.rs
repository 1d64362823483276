//! What moved a member's quota, row by row.
//!
//! Like a history, movements are read in pages, each a query of its own that starts behind the last row
//! read, and end at the position at which their reading began.

use std::collections::VecDeque;

use futures::Stream;
use sqlx::any::AnyRow;
use tacit_circuits::quota::Ciphertext;
use tacit_circuits::quota::transfer::Role;
use tacit_circuits::scope::MemberId;
use tacit_database::{ColumnError, Columns, Statement, Value};
use tacit_ledger::kernel::{Digest, TxId, decode};
use tacit_ledger::network::SessionId;
use tacit_ledger::network::movement::MovementKind;

use super::keys::{KeyChange, generation};
use super::{MAX_LISTED, Period, any};
use crate::amount::{Amount, SEALED_BYTES};
use crate::error::ReadModelError;
use crate::model::ReadModel;

/// Movements of one page. Adding up a page of sealed amounts takes some milliseconds, in which nothing else
/// runs on the thread.
const PAGE: u32 = 256;

/// Whose movements, and which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MovementFilter {
    /// Whose.
    pub member: MemberId,
    /// Only this period.
    pub period: Period,
    /// Only this kind.
    pub kind: Option<MovementKind>,
    /// Only with this other side.
    pub counterparty: Option<MemberId>,
    /// Only of this session.
    pub session: Option<SessionId>,
}

impl MovementFilter {
    /// All that moved a member's quota.
    pub const fn all(member: MemberId) -> Self {
        let (kind, counterparty, session) = (None, None, None);
        Self {
            member,
            period: Period::ALL,
            kind,
            counterparty,
            session,
        }
    }
}

/// One movement of a member's quota. The amount is the public part and the sealed one together; both go
/// the way that the kind says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Movement {
    /// When, in milliseconds since 1970-01-01 UTC.
    pub time_ms: u64,
    /// Height of the block; 0 is the genesis.
    pub height: u64,
    /// The transaction; absent where the genesis or a block did it by itself.
    pub tx_id: Option<TxId>,
    /// Why.
    pub kind: MovementKind,
    /// The part that everybody sees, in minor units.
    pub public_minor: u64,
    /// The part that is sealed to querier, provider and supervisor, as in the ledger's event; absent where
    /// all is public. The member is the [`role`](MovementKind::role) that the kind says.
    pub sealed: Option<Ciphertext<3>>,
    /// The other side, where there is one.
    pub counterparty: Option<MemberId>,
    /// The session, where there is one.
    pub session: Option<SessionId>,
    /// Under which of the member's keys it is sealed to it: how many it had given up before.
    pub generation: u32,
}

impl Movement {
    /// The public part with its sign: above zero where it came, below where it went. A roll-over is neither.
    #[must_use]
    pub fn signed_public_minor(&self) -> i64 {
        // What the tables hold has 63 bits.
        let public = i64::try_from(self.public_minor).unwrap_or(i64::MAX);
        match self.kind {
            MovementKind::RollOver => 0,
            kind if kind.incoming() => public,
            _ => -public,
        }
    }

    /// The amount without its sign, as its member and the supervisor see it.
    #[must_use]
    pub fn amount(&self) -> Amount {
        let role = self.kind.role();
        let sealed = self.sealed.zip(role).map(|(sealed, role)| {
            let places = [role as usize, Role::Supervisor as usize];
            sealed.select(places)
        });
        Amount {
            public_minor: i64::try_from(self.public_minor).unwrap_or(i64::MAX),
            sealed: sealed.unwrap_or_else(Ciphertext::zero),
        }
    }
}

/// Movements being read. See [`ReadModel::movements`].
#[derive(Debug)]
pub struct Movements {
    changes: Vec<KeyChange>,
    pages: Pages,
    page: VecDeque<Movement>,
}

/// Pages of rows, oldest first.
#[derive(Debug)]
pub(super) struct Pages {
    model: ReadModel,
    filter: MovementFilter,
    last_height: u64,
    /// Where the last page ended; absent where there is no further page.
    after: Option<Key>,
}

/// Place of a movement in the order of the ledger: time, height, leaf, place.
type Key = (i64, i64, i64, i64);

/// The columns of a [`Movement`], and its key.
macro_rules! select_movement {
    ($rest:literal) => {
        concat!(
            "SELECT m.time_ms, m.height, m.leaf, m.place, m.kind, m.amount_minor, m.sealed, \
             m.counterparty, m.session_id, t.tx_id FROM ledger_movement m \
             LEFT JOIN ledger_transaction t ON t.height = m.height AND t.leaf = m.leaf \
             WHERE m.member = $1 AND ($2 = -1 OR m.kind = $2) \
             AND ($3 = -1 OR m.counterparty = $3) AND ($4 = -1 OR m.session_id = $4) \
             AND m.time_ms <= $5 AND ",
            $rest
        )
    };
}

impl ReadModel {
    /// A member's movements, in the order of the ledger, without a cap on rows, up to the present position.
    pub async fn movements(&self, filter: MovementFilter) -> Result<Movements, ReadModelError> {
        Ok(Movements {
            changes: self.key_changes(filter.member).await?,
            pages: self.movement_pages(filter).await?,
            page: VecDeque::new(),
        })
    }

    /// A member's newest movements, newest first: at most `limit`, and at most [`MAX_LISTED`].
    pub async fn newest_movements(
        &self,
        filter: MovementFilter,
        limit: u32,
    ) -> Result<Vec<Movement>, ReadModelError> {
        let Some((first, last)) = filter.period.bounds() else {
            return Ok(Vec::new());
        };
        let sql = select_movement!(
            "m.time_ms >= $6 \
             ORDER BY m.time_ms DESC, m.height DESC, m.leaf DESC, m.place DESC LIMIT $7"
        );
        let mut values = filter.values(last).to_vec();
        values.extend([first.into(), limit.min(MAX_LISTED).into()]);
        let rows = self.database.rows(Statement::new(sql, values)).await?;
        let changes = self.key_changes(filter.member).await?;
        let movement = |row: &AnyRow| movement(row, &changes);
        Ok(rows.iter().map(movement).collect::<Result<_, _>>()?)
    }

    /// Results of blocks above a height and up to another that moved a member's quota, in the order of the chain:
    /// height, and place among the results of the block. At most so many, the first.
    pub async fn moved_results(
        &self,
        member: MemberId,
        after_height: u64,
        until_height: u64,
        limit: u32,
    ) -> Result<Vec<(u64, u32)>, ReadModelError> {
        let sql = "SELECT DISTINCT height, leaf FROM ledger_movement \
                   WHERE member = $1 AND height > $2 AND height <= $3 \
                   ORDER BY height, leaf LIMIT $4";
        let values = [
            member.0.into(),
            after_height.into(),
            until_height.into(),
            limit.into(),
        ];
        let rows = self.database.rows(Statement::new(sql, values)).await?;
        let place = |row: &AnyRow| -> Result<_, ColumnError> {
            Ok((row.number("height")?, row.number_32("leaf")?))
        };
        Ok(rows.iter().map(place).collect::<Result<_, _>>()?)
    }

    pub(super) async fn movement_pages(
        &self,
        filter: MovementFilter,
    ) -> Result<Pages, ReadModelError> {
        let last_height = self.position().await?.height;
        let from = filter.period.bounds();
        Ok(Pages {
            model: self.clone(),
            filter,
            last_height,
            after: from.map(|(first, _)| (first, -1, -1, -1)),
        })
    }
}

impl MovementFilter {
    /// `$1` to `$5` of [`select_movement`].
    fn values(&self, last_ms: i64) -> [Value; 5] {
        // Sessions are counted, so one beyond 63 bits is none.
        let session = |id: SessionId| i64::try_from(id.0).unwrap_or(i64::MAX);
        [
            self.member.0.into(),
            any(self.kind.map(|kind| kind as u32)),
            any(self.counterparty.map(|member| member.0)),
            any(self.session.map(session)),
            last_ms.into(),
        ]
    }
}

impl Movements {
    /// The next movement; `None` after the last one.
    pub async fn next(&mut self) -> Result<Option<Movement>, ReadModelError> {
        if self.page.is_empty() {
            let rows = self.pages.next().await?;
            let movement = |row: &AnyRow| movement(row, &self.changes);
            self.page = rows.iter().map(movement).collect::<Result<_, _>>()?;
        }
        Ok(self.page.pop_front())
    }

    /// The movements as a stream, which ends after its first error.
    pub fn into_stream(self) -> impl Stream<Item = Result<Movement, ReadModelError>> + Send {
        futures::stream::try_unfold(self, |mut movements| async move {
            let next = movements.next().await?;
            Ok(next.map(|movement| (movement, movements)))
        })
    }
}

impl Pages {
    /// The next page; empty after the last one.
    pub(super) async fn next(&mut self) -> Result<Vec<AnyRow>, ReadModelError> {
        let (Some(after), Some((_, last))) = (self.after, self.filter.period.bounds()) else {
            return Ok(Vec::new());
        };
        let sql = select_movement!(
            "(m.time_ms, m.height, m.leaf, m.place) > ($6, $7, $8, $9) AND m.height <= $10 \
             ORDER BY m.time_ms, m.height, m.leaf, m.place LIMIT $11"
        );
        let mut values = self.filter.values(last).to_vec();
        values.extend([after.0, after.1, after.2, after.3].map(Value::from));
        values.extend([self.last_height.into(), PAGE.into()]);
        let rows = self
            .model
            .database
            .rows(Statement::new(sql, values))
            .await?;
        self.after = match rows.last() {
            Some(last) if rows.len() == PAGE as usize => Some(key(last)?),
            _ => None,
        };
        Ok(rows)
    }
}

fn key(row: &AnyRow) -> Result<Key, ColumnError> {
    Ok((
        row.signed("time_ms")?,
        row.signed("height")?,
        row.signed("leaf")?,
        row.signed("place")?,
    ))
}

pub(super) fn kind(row: &AnyRow) -> Result<MovementKind, ColumnError> {
    MovementKind::numbered(row.number("kind")?).ok_or_else(|| ColumnError::Value("kind".into()))
}

fn movement(row: &AnyRow, changes: &[KeyChange]) -> Result<Movement, ColumnError> {
    let damaged = |column: &str| ColumnError::Value(column.into());
    let counterparty = row
        .optional_number("counterparty")?
        .map(u32::try_from)
        .transpose();
    let sealed = row.optional_array::<SEALED_BYTES>("sealed")?;
    let sealed = sealed.map(|bytes| decode(&bytes)).transpose();
    Ok(Movement {
        time_ms: row.number("time_ms")?,
        height: row.number("height")?,
        tx_id: row.optional_array("tx_id")?.map(|id| TxId(Digest(id))),
        kind: kind(row)?,
        public_minor: row.number("amount_minor")?,
        sealed: sealed.map_err(|_| damaged("sealed"))?,
        counterparty: counterparty
            .map_err(|_| damaged("counterparty"))?
            .map(MemberId),
        session: row.optional_number("session_id")?.map(SessionId),
        generation: generation(changes, row.number("height")?, row.number("leaf")?),
    })
}
