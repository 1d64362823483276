//! What the rows say of quota is what the ledger holds, whether it is sealed or not.

use tacit_circuits::quota::Ciphertext;
use tacit_circuits::quota::transfer::Role;
use tacit_ledger::kernel::{BusinessDate, MemberId};
use tacit_ledger::network::{
    Action, DisputeId, DisputeOutcome, DisputeReason, Event, SessionId, read,
};
use tacit_readmodel::{
    Amount, Holdings, Movement, MovementFilter, MovementKind, Period, ReadModel,
};

use super::{
    ASKER, OBSERVER, OTHER, OWNER, Story, first_deposit, invented, kinds, movements, public,
};
use crate::support::chain::{Chain, PRICE_MINOR, REWARD_MINOR, START_MS, version};
use crate::support::fresh::Engine;
use crate::support::quota::{held, sealed};

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

pub async fn what_is_not_collected_is_what_sessions_owe(engine: Engine) {
    let fresh = engine.fresh().await;
    let story = Story::new();
    let model = ReadModel::open(&fresh.url, &story.chain.genesis)
        .await
        .unwrap();
    let (last, before) = story.blocks.split_last().unwrap();
    let sequences = async |session| {
        let owed = model.uncollected(session).await.unwrap();
        assert!(owed.is_sorted_by_key(|batch| (batch.height, batch.leaf)));
        owed.iter().map(|batch| batch.sequence).collect::<Vec<_>>()
    };
    for block in before {
        model.apply(&block.block()).await.unwrap();
    }
    assert_eq!(sequences(story.asked.id).await, [0, 1]);
    model.apply(&last.block()).await.unwrap();
    for member in [ASKER, OTHER, OWNER] {
        for session in read::sessions_of(&story.chain.state, member).unwrap() {
            let owed = sequences(session.id).await;
            assert_eq!(owed.len() as u64, u64::from(session.owed_requests));
        }
    }
    assert_eq!(sequences(story.asked.id).await, [0_u64; 0]);
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
