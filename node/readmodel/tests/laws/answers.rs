//! What the rows answer is what the ledger did.

use tacit_circuits::scope::ListId;
use tacit_database::MAX_PAIRS;
use tacit_ledger::kernel::envelope::Unsigned;
use tacit_ledger::kernel::{BlockResult, BusinessDate, Envelope, ModuleId, Outcome, Reject};
use tacit_ledger::network::SessionId;
use tacit_readmodel::{CallBatch, Direction, HistoryFilter, Period, ReadModel};

use super::{ASKER, OBSERVER, OTHER, OWNER, Story, history, invented};
use crate::support::chain::{Chain, PRICE_MINOR, START_MS, STEP_MS, alarm, audit, version};
use crate::support::fresh::Engine;

pub async fn the_history_holds_each_call_once_in_the_order_of_the_ledger(engine: Engine) {
    let fresh = engine.fresh().await;
    let story = Story::new();
    let model = story.read(&fresh.url).await;
    let all = history(&model, HistoryFilter::all(ASKER)).await;
    let seen: Vec<_> = all
        .iter()
        .map(|batch| {
            (
                batch.direction,
                batch.counterparty,
                batch.sequence,
                batch.audit_hashes.len(),
            )
        })
        .collect();
    // The second request with number 1 was refused.
    use Direction::{Asked, Served};
    assert_eq!(
        seen,
        [
            (Asked, OWNER, 0, 3),
            (Served, OWNER, 0, 1),
            (Asked, OWNER, 1, 2)
        ]
    );
    for batch in &all {
        let expected: Vec<_> = (0..batch.audit_hashes.len() as u64)
            .map(|index| audit(batch.session, batch.sequence, index))
            .collect();
        assert_eq!(batch.audit_hashes, expected);
        assert_eq!(batch.price_minor, PRICE_MINOR);
        assert_eq!(batch.time_ms, START_MS + batch.height * STEP_MS);
    }
    assert_eq!(
        all.iter().map(|batch| batch.first_leaf).collect::<Vec<_>>(),
        [0, 5, 6]
    );

    let only = |change: fn(&mut HistoryFilter)| {
        let mut filter = HistoryFilter::all(OWNER);
        change(&mut filter);
        history(&model, filter)
    };
    let sequences = |batches: Vec<tacit_readmodel::CallBatch>| -> Vec<_> {
        batches
            .iter()
            .map(|batch| (batch.counterparty, batch.sequence))
            .collect()
    };
    assert_eq!(
        sequences(only(|filter| filter.direction = Some(Served)).await),
        [(ASKER, 0), (OTHER, 0), (ASKER, 1)]
    );
    assert_eq!(
        sequences(only(|filter| filter.counterparty = Some(OTHER)).await),
        [(OTHER, 0)]
    );
    assert_eq!(
        sequences(only(|filter| filter.list = Some(ListId(2))).await),
        [(ASKER, 0)]
    );
    assert_eq!(
        sequences(only(|filter| filter.list = Some(ListId(9))).await),
        []
    );
    assert_eq!(
        sequences(only(|filter| filter.period.from_ms = u64::MAX).await),
        []
    );
    assert_eq!(history(&model, HistoryFilter::all(OBSERVER)).await, []);
    model.close().await;
    fresh.remove().await;
}

pub async fn a_history_of_many_pages_loses_and_repeats_nothing(engine: Engine) {
    let fresh = engine.fresh().await;
    let mut chain = Chain::new("pages");
    let (list, mut blocks) = chain.list(OWNER);
    let (back, more) = chain.list(ASKER);
    blocks.extend(more);
    let (asked, opening) = chain.open(ASKER, &list, 1_000);
    blocks.push(opening);
    let (served, opening) = chain.open(OWNER, &back, 1_000);
    blocks.push(opening);
    // More than two pages of one side, and one of the other, both not whole.
    for block in 0..15_u64 {
        let mut calls: Vec<_> = (0..20)
            .map(|i| chain.calls(asked, &list, 20 * block + i, 1))
            .collect();
        calls.extend((0..9).map(|i| chain.calls(served, &back, 9 * block + i, 1)));
        blocks.push(chain.block(calls));
    }
    let model = ReadModel::open(&fresh.url, &chain.genesis).await.unwrap();
    for block in &blocks {
        model.apply(&block.block()).await.unwrap();
    }
    let all = history(&model, HistoryFilter::all(ASKER)).await;
    let places: Vec<_> = all
        .iter()
        .map(|batch| (batch.height, batch.index))
        .collect();
    assert!(places.is_sorted_by(|a, b| a < b));
    let side = |direction| all.iter().filter(move |batch| batch.direction == direction);
    let numbers = |direction| {
        side(direction)
            .map(|batch| batch.sequence)
            .collect::<Vec<_>>()
    };
    assert_eq!(numbers(Direction::Asked), (0..300).collect::<Vec<_>>());
    assert_eq!(numbers(Direction::Served), (0..135).collect::<Vec<_>>());

    // The latest of each side, and nothing else.
    for batches in [0, 1, 7, 140, 300, 1_000] {
        let mut latest = model
            .latest(HistoryFilter::all(ASKER), batches)
            .await
            .unwrap();
        let mut found = Vec::new();
        while let Some(batch) = latest.next().await.unwrap() {
            found.push(batch);
        }
        let among = |batch: &&CallBatch| {
            let of_side = match batch.direction {
                Direction::Asked => 300,
                Direction::Served => 135,
            };
            batch.sequence + batches >= of_side
        };
        let expected: Vec<_> = all.iter().filter(among).cloned().collect();
        assert_eq!(found, expected, "{batches}");
    }
    model.close().await;
    fresh.remove().await;
}

pub async fn named_batches_are_those_of_the_history_and_calls_are_counted(engine: Engine) {
    let fresh = engine.fresh().await;
    let story = Story::new();
    let model = story.read(&fresh.url).await;
    let all = HistoryFilter::all(ASKER);
    let asked = HistoryFilter {
        direction: Some(Direction::Asked),
        ..all
    };
    let name = |batch: &CallBatch| (batch.session.0, batch.sequence);
    // Backwards, among some of another member's and many that are nobody's.
    let mut names: Vec<_> = history(&model, asked).await.iter().map(name).collect();
    names.reverse();
    let others = HistoryFilter {
        member: OTHER,
        ..asked
    };
    names.extend(history(&model, others).await.iter().map(name));
    names.extend((0..2 * MAX_PAIRS as u64).map(|number| (1_000, number)));
    let last_ms = history(&model, asked).await.last().unwrap().time_ms;
    let narrowed = [
        asked,
        HistoryFilter {
            counterparty: Some(OTHER),
            ..asked
        },
        HistoryFilter {
            list: Some(story.list.id),
            ..asked
        },
        HistoryFilter {
            list: Some(ListId(99)),
            ..asked
        },
        HistoryFilter {
            period: Period {
                from_ms: last_ms,
                until_ms: None,
            },
            ..asked
        },
    ];
    for filter in narrowed {
        let expected = history(&model, filter).await;
        let found = model.asked_among(&filter, &names).await.unwrap();
        assert_eq!(model.asked_batches(&found).await.unwrap(), expected);
    }
    for filter in narrowed.into_iter().chain([all, others]) {
        let batches = history(&model, filter).await;
        let calls: usize = batches.iter().map(|batch| batch.audit_hashes.len()).sum();
        assert_eq!(model.history_calls(&filter).await.unwrap(), calls as u64);
    }
    model.close().await;
    fresh.remove().await;
}

pub async fn a_history_ends_where_it_began_to_be_read(engine: Engine) {
    let fresh = engine.fresh().await;
    let mut story = Story::new();
    let model = story.read(&fresh.url).await;
    let mut reading = model.history(HistoryFilter::all(ASKER)).await.unwrap();
    let next = story.chain.calls(story.asked, &story.list, 2, 1);
    let block = story.chain.block(vec![next]);
    model.apply(&block.block()).await.unwrap();
    let mut read = 0;
    while reading.next().await.unwrap().is_some() {
        read += 1;
    }
    assert_eq!(read, 3);
    assert_eq!(history(&model, HistoryFilter::all(ASKER)).await.len(), 4);
    model.close().await;
    fresh.remove().await;
}

pub async fn a_period_holds_its_first_moment_and_not_its_last(engine: Engine) {
    let fresh = engine.fresh().await;
    let story = Story::new();
    let model = story.read(&fresh.url).await;
    let all = history(&model, HistoryFilter::all(ASKER)).await;
    let (first, last) = (all[0].time_ms, all[2].time_ms);
    for (from_ms, until_ms, expected) in [
        (first, Some(last), 2),
        (first, Some(last + 1), 3),
        (first + 1, None, 1),
        (last, None, 1),
        (last + 1, None, 0),
        (0, Some(first), 0),
    ] {
        let period = Period { from_ms, until_ms };
        let filter = HistoryFilter {
            period,
            ..HistoryFilter::all(ASKER)
        };
        assert_eq!(history(&model, filter).await.len(), expected, "{period:?}");
    }
    model.close().await;
    fresh.remove().await;
}

pub async fn a_refused_transaction_is_found_with_its_refusal(engine: Engine) {
    let fresh = engine.fresh().await;
    let story = Story::new();
    let model = story.read(&fresh.url).await;
    for finalized in &story.blocks {
        let height = finalized.header.height;
        let block = model.block(height).await.unwrap().expect("a block");
        assert_eq!(block.header, finalized.header);
        assert_eq!(block.transactions, finalized.envelopes.len() as u64);
        let rows = model.transactions(height).await.unwrap();
        assert_eq!(rows.len(), finalized.envelopes.len());
        for (index, (row, result)) in rows.iter().zip(&finalized.results[1..]).enumerate() {
            let BlockResult::Tx(tx) = result else {
                panic!("{result:?}")
            };
            let envelope = Envelope::from_bytes(&finalized.envelopes[index]).unwrap();
            assert_eq!((row.tx_id, row.outcome), (tx.tx_id, tx.outcome));
            assert_eq!((row.height, row.index as usize), (height, index));
            assert_eq!(
                (row.sender, row.sequence),
                (envelope.sender, envelope.sequence)
            );
            assert_eq!(
                model.transaction(tx.tx_id).await.unwrap().as_ref(),
                Some(row)
            );
        }
    }
    let refused = &model
        .transactions(story.blocks.len() as u64 - 1)
        .await
        .unwrap()[1];
    assert_eq!(refused.outcome, Outcome::Rejected(Reject::SEQUENCE_SETTLED));
    assert_eq!(refused.action, "network/call-batch");
    model.close().await;
    fresh.remove().await;
}

pub async fn a_batch_leads_to_its_transaction(engine: Engine) {
    let fresh = engine.fresh().await;
    let story = Story::new();
    let model = story.read(&fresh.url).await;
    let row = model
        .batch(story.asked.id, 1)
        .await
        .unwrap()
        .expect("settled");
    assert_eq!(row.outcome, Outcome::Applied);
    assert_eq!((row.height, row.index), (story.blocks.len() as u64 - 1, 0));
    assert_eq!(model.batch(story.asked.id, 2).await.unwrap(), None);
    assert_eq!(model.batch(SessionId(99), 0).await.unwrap(), None);
    model.close().await;
    fresh.remove().await;
}

pub async fn events_read_as_json(engine: Engine) {
    let fresh = engine.fresh().await;
    let story = Story::new();
    let model = story.read(&fresh.url).await;
    let height = story.blocks.len() as u64 - 3;
    let events = model.events(height, Some(0)).await.unwrap();
    let [event] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!((event.index, event.kind.as_str()), (0, "calls-logged"));
    let json: serde_json::Value = serde_json::from_str(&event.json).unwrap();
    assert_eq!(json["session"], story.asked.id.0);
    assert_eq!(json["calls"], 3);
    assert_eq!(json.get("charge_minor"), None);
    assert_eq!(
        json["business_date"],
        BusinessDate::at(START_MS, 480).to_string()
    );
    let own = model.events(height, None).await.unwrap();
    assert_eq!(
        own.iter()
            .map(|event| event.kind.as_str())
            .collect::<Vec<_>>(),
        ["log-advanced"]
    );
    model.close().await;
    fresh.remove().await;
}

pub async fn alarms_come_oldest_first_and_the_newest_are_kept(engine: Engine) {
    let fresh = engine.fresh().await;
    let mut story = Story::new();
    let list = story.list.id;
    let one = story.chain.block(vec![(ASKER, alarm(list))]);
    let two = story.chain.block(vec![(OTHER, alarm(list))]);
    story.blocks.extend([one, two.clone()]);
    let model = story.read(&fresh.url).await;
    let alarms = model.alarms(0, 10).await.unwrap();
    let raised: Vec<_> = alarms.iter().map(|alarm| alarm.raised_by).collect();
    assert_eq!(raised, [ASKER, OTHER]);
    let newest = &alarms[1];
    assert_eq!(
        (newest.kind.as_str(), newest.about),
        ("snapshot-mismatch", OWNER)
    );
    assert_eq!(
        (newest.publication, newest.height),
        (version(list), two.header.height)
    );
    assert_eq!(
        model
            .transaction(newest.tx_id)
            .await
            .unwrap()
            .unwrap()
            .height,
        newest.height
    );
    assert_eq!(model.alarms(0, 1).await.unwrap(), alarms[1..]);
    assert_eq!(
        model.alarms(two.header.time_ms, 10).await.unwrap(),
        alarms[1..]
    );
    assert_eq!(model.alarms(two.header.time_ms + 1, 10).await.unwrap(), []);
    model.close().await;
    fresh.remove().await;
}

pub async fn the_largest_sequence_number_comes_back(engine: Engine) {
    let fresh = engine.fresh().await;
    let mut chain = Chain::new("large");
    let unsigned = Unsigned {
        chain_id: chain.machine.chain_id(),
        sender: OWNER,
        sequence: u64::MAX,
        expiry_height: u64::MAX,
        module: ModuleId(7),
        action: Vec::new().try_into().unwrap(),
    };
    let envelope = unsigned.sign(&ed25519_zebra::SigningKey::from([1; 32]));
    let block = invented(&mut chain, &envelope.to_bytes(), &[]);
    let model = ReadModel::open(&fresh.url, &chain.genesis).await.unwrap();
    model.apply(&block.block()).await.unwrap();
    let row = model
        .transaction(envelope.tx_id())
        .await
        .unwrap()
        .expect("stands");
    assert_eq!(
        (row.sequence, row.action.as_str()),
        (u64::MAX, "module-7/unknown")
    );
    model.close().await;
    fresh.remove().await;
}
