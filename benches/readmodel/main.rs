//! How fast blocks become rows: blocks of a thousand call batches, the history that is read back, empty
//! blocks; and how fast sealed amounts add up.
//!
//! `cargo bench -p tacit-readmodel --bench readmodel`, on SQLite; on PostgreSQL where `TACIT_TEST_POSTGRES_URL`
//! names a server.

#![allow(
    unreachable_pub,
    missing_docs,
    reason = "the modules of a test are nobody else's"
)]

#[allow(dead_code, reason = "shared with the tests, which use all of it")]
#[path = "../../node/readmodel/tests/support/mod.rs"]
mod support;

use std::time::Instant;

use support::chain::{Chain, Finalized};
use support::fresh::Engine;
use support::quota::sealed;
use tacit_ledger::kernel::{
    BlockResult, BusinessDate, Envelope, Event as KernelEvent, MemberId, ModuleId, Outcome,
    TxResult, codec,
};
use tacit_ledger::network::{Action, Event, SessionId};
use tacit_readmodel::{HistoryFilter, MovementFilter, MovementKind, ReadModel};

const BLOCKS: u64 = 20;
const TRANSACTIONS: u64 = 1_000;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let engine = match std::env::var_os("TACIT_TEST_POSTGRES_URL") {
        Some(_) => Engine::Postgres,
        None => Engine::Sqlite,
    };
    let fresh = engine.fresh().await;
    let mut chain = Chain::new("speed");
    let (list, mut blocks) = chain.list(MemberId(1));
    let (opened, opening) = chain.open(MemberId(2), &list, 1_000);
    blocks.push(opening);
    let (_, action) = chain.calls(opened, &list, 0, 1);
    let settled = chain.block(vec![(MemberId(1), action.clone())]);
    let template = Envelope::from_bytes(&settled.envelopes[0]).expect("decodes");
    blocks.push(settled);
    for block in 0..BLOCKS {
        blocks.push(logged(&mut chain, &template, &action, block));
    }
    let model = ReadModel::open(&fresh.url, &chain.genesis)
        .await
        .expect("opens");
    let (first, rest) = blocks.split_at(blocks.len() - BLOCKS as usize);
    for block in first {
        model.apply(&block.block()).await.expect("applies");
    }
    let start = Instant::now();
    for block in rest {
        model.apply(&block.block()).await.expect("applies");
    }
    let seconds = start.elapsed().as_secs_f64();
    let transactions = BLOCKS * TRANSACTIONS;
    let rate = transactions as f64 / seconds;
    println!("apply/{engine:?}/block=1000 call batches of 1: {rate:.0} transactions a second");

    let start = Instant::now();
    let mut history = model
        .history(HistoryFilter::all(MemberId(2)))
        .await
        .expect("a history");
    let mut batches = 0;
    while history.next().await.expect("a batch").is_some() {
        batches += 1;
    }
    let rate = f64::from(batches) / start.elapsed().as_secs_f64();
    println!("history/{engine:?}/batches={batches}: {rate:.0} batches a second");

    let collected: Vec<_> = (0..BLOCKS).map(|_| collected(&mut chain)).collect();
    for block in &collected {
        model.apply(&block.block()).await.expect("applies");
    }
    let start = Instant::now();
    let filter = MovementFilter {
        kind: Some(MovementKind::Earning),
        ..MovementFilter::all(MemberId(1))
    };
    let sums = model.quota_sums(filter).await.expect("sums");
    let rows = BLOCKS * TRANSACTIONS;
    let sum = sums.of(MovementKind::Earning).public_minor;
    assert_eq!(sum, rows as i64 * 100, "rows are missing");
    let rate = rows as f64 / start.elapsed().as_secs_f64();
    println!("sums/{engine:?}/sealed movements={rows}: {rate:.0} movements a second");

    let empty: Vec<_> = (0..1_000).map(|_| chain.block(Vec::new())).collect();
    let start = Instant::now();
    for block in &empty {
        model.apply(&block.block()).await.expect("applies");
    }
    let rate = 1_000.0 / start.elapsed().as_secs_f64();
    println!("apply/{engine:?}/empty blocks one by one: {rate:.0} a second");
    model.close().await;
    fresh.remove().await;
}

/// A block that says by itself that charges were collected, all alike.
fn collected(chain: &mut Chain) -> Finalized {
    let (querier, provider) = (MemberId(2), MemberId(1));
    let event = Event::ChargesCollected {
        session: SessionId(1),
        querier,
        provider,
        requests: 1,
        public_minor: 100,
        charge: sealed(900, [querier, provider], 1),
        reward_minor: 40,
    };
    let body = codec::encode(&event).try_into().unwrap();
    let event = KernelEvent {
        module: ModuleId::NETWORK,
        body,
    };
    let events = vec![event; TRANSACTIONS as usize].try_into().unwrap();
    let own = BlockResult::Block { height: 0, events };
    chain.invented(Vec::new(), vec![own])
}

/// A block of batches of one call, all alike but for their numbers.
fn logged(chain: &mut Chain, template: &Envelope, action: &Action, block: u64) -> Finalized {
    let Action::CallBatch(batch) = action else {
        panic!("{action:?}")
    };
    let mut results = vec![BlockResult::Block {
        height: 0,
        events: Vec::new().try_into().unwrap(),
    }];
    let mut envelopes = Vec::new();
    for number in 1..=TRANSACTIONS {
        let sequence = block * TRANSACTIONS + number;
        let mut batch = batch.clone();
        batch.signed.request.sequence = sequence;
        let mut envelope = template.clone();
        envelope.sequence = 10 + sequence;
        envelope.action = codec::encode(&Action::CallBatch(batch.clone()))
            .try_into()
            .unwrap();
        let request = &batch.signed.request;
        let event = Event::CallsLogged {
            session: request.session,
            sequence,
            querier: request.querier,
            provider: request.provider,
            list: request.list,
            tag_epoch: request.tag_epoch,
            first_leaf: sequence,
            calls: 1,
            business_date: BusinessDate(20_000),
        };
        let body = codec::encode(&event).try_into().unwrap();
        let events = vec![KernelEvent {
            module: ModuleId::NETWORK,
            body,
        }];
        let events = events.try_into().unwrap();
        let tx_id = envelope.tx_id();
        results.push(BlockResult::Tx(TxResult {
            tx_id,
            outcome: Outcome::Applied,
            events,
        }));
        envelopes.push(envelope.to_bytes());
    }
    chain.invented(envelopes, results)
}
