//! Each movement of quota stands in a row, sealed where the ledger has it sealed.

use tacit_database::{Database, Durability, Schema, Statement};
use tacit_ledger::network::SessionId;
use tacit_readmodel::{
    HistoryFilter, Movement, MovementFilter, MovementKind, Period, QuotaSums, ReadModel,
    ReadModelError,
};

use super::{
    ASKER, OBSERVER, OTHER, OWNER, Story, first_deposit, history, kinds, movements, public,
};
use crate::support::chain::{Chain, PRICE_MINOR};
use crate::support::fresh::{Engine, execute};
use crate::support::quota::held;

pub async fn movements_come_newest_first_and_no_more_than_asked(engine: Engine) {
    let fresh = engine.fresh().await;
    let story = Story::new();
    let model = story.read(&fresh.url).await;
    let filter = MovementFilter::all(OTHER);
    let all = model.newest_movements(filter, 1_000).await.unwrap();
    use MovementKind::{Charge, Deposit, Escrow, Grant, Refund, RollOver};
    assert_eq!(
        kinds(&all),
        [Refund, Charge, Escrow, RollOver, Deposit, Grant]
    );
    let refund = all[0].amount();
    assert_eq!(refund.public_minor, 0);
    assert_eq!(held(OTHER, &refund.total()), u64::from(8 * PRICE_MINOR));
    assert_eq!(
        held(OTHER, &all[1].amount().total()),
        u64::from(2 * PRICE_MINOR)
    );
    let (price, deposit) = (i64::from(PRICE_MINOR), first_deposit(&story.chain) as i64);
    let signed: Vec<_> = all.iter().map(Movement::signed_public_minor).collect();
    assert_eq!(signed[..5], [0, -price, 0, 0, -deposit]);
    assert!(signed[5] > deposit);
    assert!(
        all[..3]
            .iter()
            .all(|one| one.counterparty == Some(OWNER) && one.session.is_some())
    );
    assert!(all[..4].iter().all(|one| one.tx_id.is_some()));
    assert!(all.is_sorted_by(|a, b| a.time_ms >= b.time_ms));
    let newest = model.newest_movements(filter, 2).await.unwrap();
    assert_eq!(newest, all[..2]);
    assert_eq!(model.newest_movements(filter, 0).await.unwrap(), []);
    let mut oldest_first = movements(&model, filter).await;
    oldest_first.reverse();
    assert_eq!(oldest_first, all);
    let nothing = MovementFilter {
        period: Period {
            from_ms: 0,
            until_ms: Some(0),
        },
        ..filter
    };
    let sums = model.quota_sums(nothing).await.unwrap();
    assert_eq!(sums, QuotaSums::default());
    model.close().await;
    fresh.remove().await;
}

pub async fn sealed_amounts_are_the_bytes_of_the_ledgers_events(engine: Engine) {
    let fresh = engine.fresh().await;
    let story = Story::new();
    let model = story.read(&fresh.url).await;
    let height = story.blocks.len() as u64;
    let events = model.events(height, Some(0)).await.unwrap();
    assert_eq!(events[0].kind, "charges-collected");
    let json: serde_json::Value = serde_json::from_str(&events[0].json).unwrap();
    for (member, kind) in [
        (ASKER, MovementKind::Charge),
        (OWNER, MovementKind::Earning),
    ] {
        let filter = MovementFilter {
            kind: Some(kind),
            session: Some(story.asked.id),
            ..MovementFilter::all(member)
        };
        let found = movements(&model, filter).await;
        let [one] = found.as_slice() else {
            panic!("{found:?}")
        };
        let bytes = one.sealed.expect("sealed").to_vec();
        assert_eq!(json["charge"], hex::encode(bytes));
        assert_eq!(json["public_minor"], one.public_minor);
        assert_eq!(
            held(member, &one.amount().total()),
            u64::from(5 * PRICE_MINOR)
        );
    }
    model.close().await;
    fresh.remove().await;
}

pub async fn a_filter_chooses_among_movements(engine: Engine) {
    use MovementKind::{Earning, Escrow, Grant, Reward};
    let fresh = engine.fresh().await;
    let story = Story::new();
    let model = story.read(&fresh.url).await;
    let all = MovementFilter::all(OWNER);
    let with = |counterparty| MovementFilter {
        counterparty: Some(counterparty),
        ..all
    };
    let of = |session| MovementFilter {
        session: Some(session),
        ..all
    };
    let only = |kind| MovementFilter {
        kind: Some(kind),
        ..all
    };
    for (filter, expected) in [
        (with(OTHER), vec![Earning, Reward]),
        (with(ASKER), vec![Escrow, Earning, Reward]),
        (with(OBSERVER), vec![]),
        (of(story.asked.id), vec![Earning, Reward]),
        (of(SessionId(u64::MAX)), vec![]),
        (only(Grant), vec![Grant]),
        (only(Reward), vec![Reward, Reward]),
    ] {
        let found = movements(&model, filter).await;
        assert_eq!(kinds(&found), expected, "{filter:?}");
        let newest = model.newest_movements(filter, 10).await.unwrap();
        assert_eq!(newest.len(), expected.len());
        let sums = model.quota_sums(filter).await.unwrap();
        for (kind, sum) in sums.iter() {
            let rows = found.iter().filter(|one| one.kind == kind);
            let one_by_one: u64 = rows.map(|one| held(OWNER, &one.amount().total())).sum();
            assert_eq!(held(OWNER, &sum.total()), one_by_one, "{kind:?}");
        }
    }
    model.close().await;
    fresh.remove().await;
}

pub async fn a_sealed_amount_that_was_never_written_is_damage(engine: Engine) {
    let fresh = engine.fresh().await;
    let story = Story::new();
    let model = story.read(&fresh.url).await;
    let filter = MovementFilter::all(OTHER);
    // A hash is no ciphertext, and a grant has nothing sealed.
    for kind in [MovementKind::Escrow, MovementKind::Grant] {
        let number = kind as u32;
        let sql = format!(
            "UPDATE ledger_movement SET sealed = \
             (SELECT block_hash FROM ledger_block WHERE height = 1) WHERE kind = {number}"
        );
        execute(&fresh.url, &sql).await;
        let sums = model.quota_sums(MovementFilter {
            kind: Some(kind),
            ..filter
        });
        let sums = sums.await;
        assert!(matches!(sums, Err(ReadModelError::Damaged(_))), "{sums:?}");
        let listed = model.newest_movements(filter, 10).await;
        assert!(
            matches!(listed, Err(ReadModelError::Damaged(_))),
            "{listed:?}"
        );
    }
    model.close().await;
    fresh.remove().await;
}

pub async fn rows_of_the_schema_before_are_kept(engine: Engine) {
    const BEFORE: Schema = Schema {
        migrations_table: "readmodel_migrations",
        migrations: &[(
            1,
            "finalized blocks",
            include_str!("../../migrations/0001_finalized_blocks.sql"),
        )],
        durability: Durability::ProcessEnd,
    };
    let fresh = engine.fresh().await;
    let chain = Chain::new("before");
    let database = Database::open(&fresh.url, &BEFORE).await.unwrap();
    let [id, hash] = [chain.genesis.chain_id().0, [7; 32]];
    for (sql, values) in [
        (
            "INSERT INTO ledger_position VALUES (1, $1, 2, 20, $2)",
            vec![id.into(), hash.into()],
        ),
        (
            "INSERT INTO ledger_transaction VALUES (2, 1, $1, 1, 0, 'network/call-batch', 0)",
            vec![hash.into()],
        ),
        (
            "INSERT INTO ledger_calls VALUES (3, 0, 2, 1, 20, 100, 2, 1, 1, 0, 0, 1, 100, 100, 40, $1)",
            vec![hash.into()],
        ),
        (
            "INSERT INTO ledger_movement VALUES (2, 1, 0, 20, 2, 4, 100, 1, 3)",
            vec![],
        ),
    ] {
        database.rows(Statement::new(sql, values)).await.unwrap();
    }
    database.close().await;
    let model = ReadModel::open(&fresh.url, &chain.genesis).await.unwrap();
    assert_eq!(model.position().await.unwrap().height, 2);
    let calls = history(&model, HistoryFilter::all(ASKER)).await;
    let [batch] = calls.as_slice() else {
        panic!("{calls:?}")
    };
    assert_eq!((batch.session, batch.price_minor), (SessionId(3), 100));
    // What the calls charged stands with the movements still.
    let all = movements(&model, MovementFilter::all(ASKER)).await;
    let [charge] = all.as_slice() else {
        panic!("{all:?}")
    };
    assert_eq!(
        (charge.kind, charge.public_minor, charge.sealed),
        (MovementKind::Charge, 100, None)
    );
    let sums = model.quota_sums(MovementFilter::all(ASKER)).await.unwrap();
    assert_eq!(public(&sums.of(MovementKind::Charge)), 100);
    model.close().await;
    fresh.remove().await;
}
