//! A call of a batch, and the columns of histories.

use tacit_proto::operator::{Answer, CallRef, Direction, HistoryBatch, OwnRecord};

use crate::error::ClientError;

/// Bytes of a transaction's id and of an audit hash.
pub(super) const HASH_BYTES: usize = 32;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number of 32 bits without a sign.
    Number32,
    /// A number of 64 bits without a sign.
    Number64,
    /// Milliseconds since 1970-01-01 UTC.
    Moment,
    /// Text.
    Text,
    /// 32 bytes.
    Hash,
}

/// A column of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether a call may have none.
    pub optional: bool,
}

const fn column(name: &'static str, kind: Kind) -> Column {
    Column {
        name,
        kind,
        optional: false,
    }
}

const fn optional(name: &'static str, kind: Kind) -> Column {
    Column {
        name,
        kind,
        optional: true,
    }
}

/// The columns in their order. A later version adds some at the end and changes none. Those of this member's own
/// record are absent for what it served.
pub const COLUMNS: [Column; 20] = [
    column("direction", Kind::Text),
    column("time", Kind::Moment),
    column("height", Kind::Number64),
    column("tx_id", Kind::Hash),
    column("member_id", Kind::Number32),
    optional("list_id", Kind::Number32),
    optional("list", Kind::Text),
    column("tag_epoch", Kind::Number32),
    column("session", Kind::Number64),
    column("sequence", Kind::Number64),
    column("index", Kind::Number32),
    column("price_minor", Kind::Number64),
    column("audit_hash", Kind::Hash),
    optional("answer", Kind::Text),
    optional("operator", Kind::Text),
    optional("purpose", Kind::Text),
    optional("lawful_basis", Kind::Text),
    optional("case_reference", Kind::Text),
    optional("approver", Kind::Text),
    optional("version", Kind::Number64),
];

/// What stands in a column of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell<'a> {
    /// Nothing.
    Absent,
    /// A number.
    Number(u64),
    /// Milliseconds since 1970-01-01 UTC.
    Moment(u64),
    /// Text.
    Text(&'a str),
    /// 32 bytes.
    Hash(&'a [u8]),
}

/// A call of a batch.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    batch: &'a HistoryBatch,
    place: usize,
}

/// The calls of a batch, as far as its parts fit each other.
///
/// # Errors
/// [`ClientError::Unexpected`].
pub fn calls(batch: &HistoryBatch) -> Result<impl Iterator<Item = Call<'_>>, ClientError> {
    let count = batch.indexes.len();
    let own = batch.own_record.as_ref();
    let fits = batch.audit_hashes.len() == count * HASH_BYTES
        && batch.tx_id.len() == HASH_BYTES
        && own.is_none_or(|own| own.answers.len() == count);
    if !fits {
        return Err(ClientError::Unexpected(
            "a batch of a history whose parts do not fit each other",
        ));
    }
    Ok((0..count).map(move |place| Call { batch, place }))
}

impl<'a> Call<'a> {
    /// The batch that it stands in.
    pub fn batch(&self) -> &'a HistoryBatch {
        self.batch
    }

    /// Its place in the batch.
    pub fn index(&self) -> u32 {
        self.batch.indexes[self.place]
    }

    /// Its name.
    pub fn name(&self) -> CallRef {
        CallRef {
            session: self.batch.session,
            sequence: self.batch.sequence,
            index: self.index(),
        }
    }

    /// Whether it was asked or served.
    pub fn direction(&self) -> &'static str {
        match self.batch.direction() {
            Direction::Asked => "asked",
            Direction::Served => "served",
            Direction::Unspecified => "",
        }
    }

    /// What this member's own records hold of its batch.
    pub fn own(&self) -> Option<&'a OwnRecord> {
        self.batch.own_record.as_ref()
    }

    /// What the list said, where this member asked.
    pub fn answer(&self) -> Option<&'static str> {
        let answer = self.own()?.answers[self.place];
        Some(match Answer::try_from(answer) {
            Ok(Answer::Hit) => "hit",
            Ok(Answer::Clear) => "clear",
            Ok(Answer::Unreachable) => "unreachable",
            Ok(Answer::Unspecified) | Err(_) => "unknown",
        })
    }

    /// Hash of its sealed audit record.
    pub fn audit_hash(&self) -> &'a [u8] {
        &self.batch.audit_hashes[self.place * HASH_BYTES..][..HASH_BYTES]
    }

    /// Its cells, in the order of [`COLUMNS`].
    pub fn cells(&self) -> [Cell<'a>; COLUMNS.len()] {
        let (batch, own) = (self.batch, self.own());
        let list = batch.list.as_ref();
        let text = |of: fn(&OwnRecord) -> &String| {
            own.map_or(Cell::Absent, |own| Cell::Text(of(own).as_str()))
        };
        [
            Cell::Text(self.direction()),
            Cell::Moment(batch.time_ms),
            Cell::Number(batch.height),
            Cell::Hash(&batch.tx_id),
            Cell::Number(batch.member_id.into()),
            list.map_or(Cell::Absent, |list| Cell::Number(list.list_id.into())),
            list.map_or(Cell::Absent, |list| Cell::Text(&list.name)),
            Cell::Number(batch.tag_epoch.into()),
            Cell::Number(batch.session),
            Cell::Number(batch.sequence),
            Cell::Number(self.index().into()),
            Cell::Number(batch.price_minor),
            Cell::Hash(self.audit_hash()),
            self.answer().map_or(Cell::Absent, Cell::Text),
            text(|own| &own.operator),
            text(|own| &own.purpose),
            text(|own| &own.lawful_basis),
            text(|own| &own.case_reference),
            text(|own| &own.approver),
            own.map_or(Cell::Absent, |own| Cell::Number(own.version)),
        ]
    }
}
