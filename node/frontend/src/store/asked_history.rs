//! This member's requests as its history finds them: by operator, purpose or case.

use std::collections::HashMap;

use sqlx::any::AnyRow;
use tacit_ledger::network::audit::AuditContext;

use super::database::{Statement, Store, StoreError, number};
use super::index::IndexedColumn;

/// Which requests. A field that is empty lets all through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AskedFilter<'a> {
    /// Name of the operator.
    pub operator: &'a str,
    /// Governed code of the purpose.
    pub purpose: &'a str,
    /// Case or consent reference.
    pub case: &'a str,
}

impl AskedFilter<'_> {
    /// Whether it lets everything through.
    pub fn is_empty(&self) -> bool {
        *self == AskedFilter::default()
    }

    /// Whether it lets a request of this context through.
    pub fn fits(&self, context: &AuditContext) -> bool {
        let fields = [
            (self.operator, &context.operator),
            (self.purpose, &context.purpose),
            (self.case, &context.case_reference),
        ];
        fields
            .iter()
            .all(|(wanted, found)| wanted.is_empty() || wanted == found)
    }
}

/// On which side of a request this member was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It asked.
    Asked,
    /// It answered.
    Served,
}

impl Store {
    /// How many calls of these requests are padding, of those that have any.
    pub(crate) async fn padding_of(
        &self,
        side: Side,
        names: &[(u64, u64)],
    ) -> Result<HashMap<(u64, u64), u64>, StoreError> {
        const ASKED: &str = "SELECT b.session_id, b.sequence, b.padding FROM named n \
             JOIN asked_batch b ON b.session_id = n.first AND b.sequence = n.second \
             WHERE b.padding > 0";
        const SERVED: &str = "SELECT b.session_id, b.sequence, b.padding FROM named n \
             JOIN served_batch b ON b.session_id = n.first AND b.sequence = n.second \
             WHERE b.padding > 0";
        let select = match side {
            Side::Asked => ASKED,
            Side::Served => SERVED,
        };
        let mut padding = HashMap::new();
        for statement in Statement::of_pairs(select, names) {
            for row in self.rows(statement).await? {
                let [session, sequence] = key_of(&row)?;
                padding.insert((session, sequence), number(&row, "padding")?);
            }
        }
        Ok(padding)
    }

    /// The names of the requests that a filter lets through, by their hashes alone, in no order. `None` where they
    /// are more than `limit`: then all rows are to be looked at.
    pub async fn asked_named(
        &self,
        filter: AskedFilter<'_>,
        limit: u32,
    ) -> Result<Option<Vec<(u64, u64)>>, StoreError> {
        let hash = |column, value: &str| {
            let hash = self.indexer.of(column, value);
            Some(hash).filter(|_| !value.is_empty())
        };
        let case = hash(IndexedColumn::Case, filter.case);
        let operator = hash(IndexedColumn::Operator, filter.operator);
        let purpose = hash(IndexedColumn::Purpose, filter.purpose);
        // A case is about fewer requests than a person makes, and a person makes fewer than have a purpose.
        let (sql, by) = if case.is_some() {
            (BY_CASE, [case, operator, purpose])
        } else if operator.is_some() {
            (BY_OPERATOR, [operator, purpose, None])
        } else {
            (BY_PURPOSE, [purpose, None, None])
        };
        let [first, second, third] = by.map(|hash| (hash.unwrap_or(0), u32::from(hash.is_some())));
        let values = [
            first.0.into(),
            second.0.into(),
            second.1.into(),
            third.0.into(),
            third.1.into(),
            (u64::from(limit) + 1).into(),
        ];
        let rows = self.rows(Statement::new(sql, values)).await?;
        if rows.len() > limit as usize {
            return Ok(None);
        }
        let names = rows
            .iter()
            .map(|row| key_of(row).map(|key| (key[0], key[1])));
        names.collect::<Result<_, _>>().map(Some)
    }
}

/// By one hash; a second and a third one only where the number after it is not 0.
macro_rules! by {
    ($first:literal, $second:literal, $third:literal) => {
        concat!(
            "SELECT session_id, sequence FROM asked_batch WHERE ",
            $first,
            " = $1 AND ($3 = 0 OR ",
            $second,
            " = $2) AND ($5 = 0 OR ",
            $third,
            " = $4) LIMIT $6"
        )
    };
}

const BY_CASE: &str = by!("case_key", "operator_key", "purpose_key");
const BY_OPERATOR: &str = by!("operator_key", "purpose_key", "case_key");
const BY_PURPOSE: &str = by!("purpose_key", "operator_key", "case_key");

pub(super) fn key_of(row: &AnyRow) -> Result<[u64; 2], StoreError> {
    Ok([number(row, "session_id")?, number(row, "sequence")?])
}

#[cfg(test)]
mod tests {
    use ed25519_zebra::SigningKey;
    use tacit_circuits::quota::Element;
    use tacit_ledger::kernel::envelope::ledger_key;
    use tacit_ledger::kernel::{BoundedVec, ChainId, Signature};
    use tacit_ledger::network::{Request, SessionId};
    use tacit_sealing::{OwnRecords, Period};

    use super::super::{MasterKey, NewAsked};
    use super::*;

    /// Keeps a request of session 1 that was made in this context.
    async fn insert(store: &Store, sequence: u64, context: AuditContext) {
        let period = Period {
            class: "standard".parse().expect("a class"),
            month: "2026-11".parse().expect("a month"),
        };
        let key = SigningKey::from([5; 32]);
        let request = Request {
            chain_id: ChainId([7; 32]),
            session: SessionId(1),
            sequence,
            querier: 1.into(),
            provider: 2.into(),
            list: 1.into(),
            tag_epoch: 0.into(),
            key: tacit_circuits::curve::WirePoint([0; 64]),
            price_minor: 100,
            charge: Element::identity(),
            calls: BoundedVec::default(),
        };
        let sign = |message: &[u8]| Signature(key.sign(message).into());
        let records = OwnRecords {
            context: context.clone(),
            calls: Vec::new(),
        };
        let asked = NewAsked {
            signed: &request.sign_with(ledger_key(&key), sign),
            records: &records.to_padded().expect("fits"),
            context: &context,
            padding: 0,
            charged_minor: 0,
            period: &period,
            keep_months: 12,
            copy: None,
        };
        store.insert_asked(asked).await.expect("kept");
    }

    async fn named(store: &Store, by: [&str; 3], limit: u32) -> Option<Vec<u64>> {
        let [operator, purpose, case] = by;
        let filter = AskedFilter {
            operator,
            purpose,
            case,
        };
        let named = store.asked_named(filter, limit).await.expect("read")?;
        let mut sequences: Vec<u64> = named.iter().map(|(_, sequence)| *sequence).collect();
        sequences.sort_unstable();
        Some(sequences)
    }

    #[tokio::test]
    async fn requests_are_found_by_operator_purpose_and_case_and_by_all_of_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.sqlite");
        let store = Store::open_file(&path, &MasterKey::from_bytes([7; 32])).await;
        let store = store.expect("a database");
        for sequence in 0..20 {
            let operator = if sequence % 2 == 0 { "alice" } else { "bob" };
            let context = AuditContext {
                operator: operator.into(),
                purpose: "review".into(),
                lawful_basis: "consent".into(),
                case_reference: format!("LOAN-{}", sequence / 3),
                ..AuditContext::default()
            };
            insert(&store, sequence, context).await;
        }
        for (by, found) in [
            (["", "", "LOAN-1"], vec![3, 4, 5]),
            (["alice", "review", "LOAN-1"], vec![4]),
            (["alice", "marketing", "LOAN-1"], vec![]),
            (["", "", "LOAN-10"], vec![]),
            (["carol", "", ""], vec![]),
            (["bob", "review", ""], (0..10).map(|n| 2 * n + 1).collect()),
            (["", "review", ""], (0..20).collect()),
        ] {
            assert_eq!(named(&store, by, 20).await, Some(found), "{by:?}");
        }
        assert_eq!(named(&store, ["bob", "", ""], 9).await, None, "more than 9");
        assert_eq!(named(&store, ["", "review", ""], 19).await, None);
    }
}
