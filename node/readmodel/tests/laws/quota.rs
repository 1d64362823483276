//! What the rows say of quota is what the ledger holds, whether it is sealed or not.

use tacit_circuits::quota::Ciphertext;
use tacit_circuits::quota::transfer::Role;
use tacit_database::{Database, Durability, Schema, Statement};
use tacit_ledger::kernel::{BusinessDate, MemberId};
use tacit_ledger::network::{
    Action, DisputeId, DisputeOutcome, DisputeReason, Event, SessionId, read,
};
use tacit_readmodel::{
    Amount, HistoryFilter, Holdings, Movement, MovementFilter, MovementKind, Period, QuotaSums,
    ReadModel, ReadModelError,
};

use super::{ASKER, OBSERVER, OTHER, OWNER, Story, history, invented, movements};
use crate::support::chain::{Chain, PRICE_MINOR, REWARD_MINOR, START_MS, held, sealed, version};
use crate::support::fresh::{Engine, execute};

/// What every member of the tests has in its deposit from the beginning.
fn first_deposit(chain: &Chain) -> u64 {
    read::parameters(&chain.state).unwrap().deposit_minor
}

fn kinds(movements: &[Movement]) -> Vec<MovementKind> {
    movements.iter().map(|movement| movement.kind).collect()
}

fn public(amount: &Amount) -> u64 {
    assert!(amount.is_public());
    u64::try_from(amount.public_minor).unwrap()
}

/// Compares what the rows add up to with the records of the ledger, part by part.
fn assert_ledger_agrees(chain: &Chain, member: MemberId, holdings: &Holdings) {
    let account = read::account(&chain.state, member).unwrap();
    let in_account = account.available.plus(&account.pending);
    assert_eq!(
        holdings.account.total(),
        in_account.plus_public(account.granted_minor)
    );
    let sessions = read::sessions_of(&chain.state, member).unwrap();
    let in_escrow = sessions
        .iter()
        .map(|session| read::escrow(&chain.state, session.id).unwrap())
        .map(|escrow| escrow.select([Role::Querier as usize, Role::Supervisor as usize]))
        .fold(Ciphertext::zero(), |sum, escrow| sum.plus(&escrow));
    assert_eq!(holdings.escrow.total(), in_escrow);
    let deposit = read::deposit(&chain.state, member).unwrap();
    assert_eq!(
        (holdings.deposit_minor, holdings.staked_minor),
        (deposit.free_minor as i64, deposit.staked_minor as i64)
    );
}

pub async fn the_genesis_grants_stand_in_every_members_movements(engine: Engine) {
    let fresh = engine.fresh().await;
    let chain = Chain::new("grants");
    let model = ReadModel::open(&fresh.url, &chain.genesis).await.unwrap();
    let welcome = read::parameters(&chain.state).unwrap().welcome_grant_minor;
    for member in (1..=4).map(MemberId) {
        let filter = MovementFilter::all(member);
        let all = movements(&model, filter).await;
        assert_eq!(kinds(&all), [MovementKind::Grant, MovementKind::Deposit]);
        let deposit = first_deposit(&chain);
        let amounts = [all[0].public_minor, all[1].public_minor];
        assert_eq!(amounts, [welcome, deposit]);
        for one in &all {
            assert_eq!((one.height, one.time_ms, one.tx_id), (0, START_MS, None));
        }
        let statement = model.quota_statement(filter).await.unwrap();
        assert_ledger_agrees(&chain, member, &statement.closing);
    }
    assert_eq!(movements(&model, MovementFilter::all(OBSERVER)).await, []);
    model.close().await;
    fresh.remove().await;
}

pub async fn holdings_are_what_the_ledger_holds(engine: Engine) {
    let fresh = engine.fresh().await;
    let story = Story::new();
    let model = story.read(&fresh.url).await;
    let (date, price) = (BusinessDate::at(START_MS, 480), u64::from(PRICE_MINOR));
    let next = BusinessDate(date.0 + 1);
    for member in (1..=4).map(MemberId) {
        let filter = MovementFilter::all(member);
        let statement = model.quota_statement(filter).await.unwrap();
        assert_ledger_agrees(&story.chain, member, &statement.closing);
        assert_eq!(statement.sums, model.quota_sums(filter).await.unwrap());
        let counted = read::history(&story.chain.state, member).unwrap();
        let rewarded = statement.sums.of(MovementKind::Reward);
        assert_eq!(public(&rewarded), counted.rewarded_minor);
        let asked = model.calls_on(member, date).await.unwrap();
        assert_eq!(asked, counted.asked_calls);
        assert_eq!(model.calls_on(member, next).await.unwrap(), 0);
    }
    let statement = model.quota_statement(MovementFilter::all(OWNER)).await;
    let statement = statement.unwrap();
    let earned = statement.sums.of(MovementKind::Earning);
    // Three requests of seven calls together: one call's price of each is public.
    assert_eq!(earned.public_minor, 3 * i64::from(PRICE_MINOR));
    assert_eq!(held(OWNER, &earned.total()), 7 * price);
    let rewarded = statement.sums.of(MovementKind::Reward);
    assert_eq!(public(&rewarded), 3 * u64::from(REWARD_MINOR));
    let welcome = read::parameters(&story.chain.state)
        .unwrap()
        .welcome_grant_minor;
    let gained = 7 * price + 3 * u64::from(REWARD_MINOR);
    assert_eq!(
        held(OWNER, &statement.closing.account.total()),
        welcome - first_deposit(&story.chain) - 10 * price + gained
    );
    model.close().await;
    fresh.remove().await;
}

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

pub async fn a_statement_opens_without_its_rows(engine: Engine) {
    let fresh = engine.fresh().await;
    let story = Story::new();
    let model = story.read(&fresh.url).await;
    let price = u64::from(PRICE_MINOR);
    let last_ms = story.blocks.last().unwrap().header.time_ms;
    let within = |member, from_ms, until_ms| MovementFilter {
        period: Period { from_ms, until_ms },
        ..MovementFilter::all(member)
    };
    // Only what the last block moved.
    let asker = within(ASKER, last_ms, None);
    let statement = model.quota_statement(asker).await.unwrap();
    let charged = statement.sums.of(MovementKind::Charge);
    assert_eq!(charged.public_minor, 2 * i64::from(PRICE_MINOR));
    assert_eq!(held(ASKER, &charged.total()), 5 * price);
    assert_eq!(statement.sums.iter().count(), 1);
    assert_eq!(held(ASKER, &statement.opening.escrow.total()), 10 * price);
    assert_eq!(held(ASKER, &statement.closing.escrow.total()), 5 * price);
    assert_eq!(statement.opening.account, statement.closing.account);

    let owner = model.quota_statement(within(OWNER, last_ms, None)).await;
    let owner = owner.unwrap();
    let before = held(OWNER, &owner.opening.account.total());
    let after = held(OWNER, &owner.closing.account.total());
    assert_eq!(after - before, 7 * price + 3 * u64::from(REWARD_MINOR));

    // One period ends where the next begins.
    let earlier = model.quota_statement(within(ASKER, 0, Some(last_ms))).await;
    let earlier = earlier.unwrap();
    assert_eq!(earlier.closing, statement.opening);
    assert_eq!(earlier.sums.of(MovementKind::Charge), Amount::zero());
    assert_eq!(earlier.opening.account, Amount::zero());
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

pub async fn movements_of_many_pages_are_all_in_their_sum(engine: Engine) {
    const SESSIONS: u64 = 600;
    let fresh = engine.fresh().await;
    let mut chain = Chain::new("pages of movements");
    let (list, mut blocks) = chain.list(OWNER);
    let opened = |number| Event::SessionOpened {
        session: SessionId(number),
        querier: ASKER,
        provider: OWNER,
        list: list.id,
        tag_epoch: version(list.id).tag_epoch,
        lane: 0,
        price_minor: PRICE_MINOR,
        escrow: sealed(number as u32, [ASKER, OWNER], number),
        cap_calls: 1,
        deadline_height: 9,
    };
    let events: Vec<_> = (1..=SESSIONS).map(opened).collect();
    let envelope = blocks[0].envelopes[0].clone();
    blocks.push(invented(&mut chain, &envelope, &events));
    let model = ReadModel::open(&fresh.url, &chain.genesis).await.unwrap();
    for block in &blocks {
        model.apply(&block.block()).await.unwrap();
    }
    let filter = MovementFilter {
        kind: Some(MovementKind::Escrow),
        ..MovementFilter::all(ASKER)
    };
    let all = movements(&model, filter).await;
    let numbers = all.iter().filter_map(|one| one.session);
    assert!(numbers.eq((1..=SESSIONS).map(SessionId)));
    let sum = model.quota_sums(filter).await.unwrap();
    let sum = sum.of(MovementKind::Escrow);
    assert_eq!(held(ASKER, &sum.total()), SESSIONS * (SESSIONS + 1) / 2);
    model.close().await;
    fresh.remove().await;
}

pub async fn deposits_and_withdrawals_stand_in_the_plain(engine: Engine) {
    let fresh = engine.fresh().await;
    let mut chain = Chain::new("deposits");
    let mut blocks = vec![chain.block(vec![(ASKER, Action::RollOver)])];
    let deposit = chain.deposit(ASKER, 5_000);
    blocks.push(chain.block(vec![deposit]));
    let withdraw = Action::Withdraw {
        amount_minor: 3_000,
    };
    blocks.push(chain.block(vec![(ASKER, withdraw)]));
    let model = ReadModel::open(&fresh.url, &chain.genesis).await.unwrap();
    for block in &blocks {
        model.apply(&block.block()).await.unwrap();
    }
    let filter = MovementFilter::all(ASKER);
    let all = movements(&model, filter).await;
    use MovementKind::{Deposit, Grant, RollOver, Withdrawal};
    assert_eq!(kinds(&all), [Grant, Deposit, RollOver, Deposit, Withdrawal]);
    let waited = all[0].public_minor - all[1].public_minor;
    let amounts: Vec<_> = all[2..].iter().map(|one| one.public_minor).collect();
    assert_eq!(amounts, [waited, 5_000, 3_000]);
    let signed: Vec<_> = all[2..].iter().map(Movement::signed_public_minor).collect();
    assert_eq!(signed, [0, -5_000, 3_000]);
    let statement = model.quota_statement(filter).await.unwrap();
    assert_ledger_agrees(&chain, ASKER, &statement.closing);
    assert!(statement.closing.account.is_public());
    let free = first_deposit(&chain) + 2_000;
    assert_eq!(statement.closing.deposit_minor, free as i64);
    model.close().await;
    fresh.remove().await;
}

pub async fn penalties_stand_with_those_who_paid(engine: Engine) {
    let fresh = engine.fresh().await;
    let mut story = Story::new();
    let publication = version(story.list.id);
    let events = [
        Event::Penalised {
            member: OWNER,
            amount_minor: 700,
        },
        Event::Penalised {
            member: ASKER,
            amount_minor: 30,
        },
        // It had nothing to pay with.
        Event::Penalised {
            member: OTHER,
            amount_minor: 0,
        },
        Event::FraudProven {
            publication,
            owner: OWNER,
            proven_by: OTHER,
            burnt_minor: 730,
        },
    ];
    let block = invented(&mut story.chain, &story.blocks[0].envelopes[0], &events);
    let model = story.read(&fresh.url).await;
    model.apply(&block.block()).await.unwrap();
    for (member, paid) in [(OWNER, 700), (ASKER, 30), (OTHER, 0)] {
        let statement = model.quota_statement(MovementFilter::all(member)).await;
        let statement = statement.unwrap();
        let sum = statement.sums.of(MovementKind::Penalty);
        assert_eq!(public(&sum), paid, "{member}");
        let kept = first_deposit(&story.chain) - paid;
        assert_eq!(statement.closing.deposit_minor, kept as i64);
    }
    let alarms = model.alarms(0, 10).await.unwrap();
    let [alarm] = alarms.as_slice() else {
        panic!("{alarms:?}")
    };
    assert_eq!(
        (alarm.kind.as_str(), alarm.raised_by, alarm.about),
        ("fraud-proven", OTHER, OWNER)
    );
    model.close().await;
    fresh.remove().await;
}

pub async fn stakes_go_back_or_are_lost(engine: Engine) {
    let fresh = engine.fresh().await;
    let mut story = Story::new();
    let publication = version(story.list.id);
    let opened = |number| Event::DisputeOpened {
        dispute: DisputeId(number),
        publication,
        owner: OWNER,
        challenger: ASKER,
        reason: DisputeReason::Outdated,
        stake_minor: 500,
    };
    let decided = |number, outcome, paid_minor, burnt_minor| Event::DisputeDecided {
        dispute: DisputeId(number),
        owner: OWNER,
        challenger: ASKER,
        stake_minor: 500,
        outcome,
        paid_minor,
        burnt_minor,
        correct_until: None,
    };
    let envelope = story.blocks[0].envelopes[0].clone();
    let model = story.read(&fresh.url).await;
    let mut seen = Vec::new();
    for events in [
        vec![opened(1), opened(2), opened(3)],
        vec![decided(1, DisputeOutcome::Dismissed, 200, 300)],
        vec![decided(2, DisputeOutcome::Upheld, 100, 40)],
        vec![decided(3, DisputeOutcome::Undecided, 0, 0)],
    ] {
        let block = invented(&mut story.chain, &envelope, &events);
        model.apply(&block.block()).await.unwrap();
        let statement = model.quota_statement(MovementFilter::all(ASKER)).await;
        let closing = statement.unwrap().closing;
        seen.push((closing.deposit_minor, closing.staked_minor));
    }
    let first = first_deposit(&story.chain) as i64;
    assert_eq!(
        seen,
        [
            (first - 1_500, 1_500),
            (first - 1_500, 1_000),
            (first - 1_000, 500),
            (first - 500, 0)
        ]
    );
    let sums = model.quota_sums(MovementFilter::all(ASKER)).await.unwrap();
    assert_eq!(public(&sums.of(MovementKind::StakeLost)), 500);
    assert_eq!(public(&sums.of(MovementKind::Compensation)), 100);
    let statement = model.quota_statement(MovementFilter::all(OWNER)).await;
    let statement = statement.unwrap();
    assert_eq!(public(&statement.sums.of(MovementKind::Compensation)), 200);
    assert_eq!(statement.closing.deposit_minor, first - 140);
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
