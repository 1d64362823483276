//! A block is written whole, once, and in its turn.

use tacit_ledger::kernel::{BlockResult, Bytes, Digest, Event, ModuleId, Outcome, TxId, TxResult};
use tacit_ledger::network::Event as KnownEvent;
use tacit_readmodel::{Block, Gap, ReadModel, ReadModelError};

use super::{Story, everything};
use crate::support::chain::{Chain, START_MS, STEP_MS};
use crate::support::fresh::Engine;

pub async fn a_block_applied_twice_is_applied_once(engine: Engine) {
    let fresh = engine.fresh().await;
    let story = Story::new();
    let model = story.read(&fresh.url).await;
    let before = everything(&model).await;
    let position = model.position().await.unwrap();
    // Open again, as after a crash, and feed all from the beginning.
    let again = story.read(&fresh.url).await;
    assert_eq!(everything(&again).await, before);
    assert_eq!(again.position().await.unwrap(), position);
    model.close().await;
    again.close().await;
    fresh.remove().await;
}

pub async fn blocks_together_leave_the_same_rows_as_one_by_one(engine: Engine) {
    let (one, other) = (engine.fresh().await, engine.fresh().await);
    let story = Story::new();
    let model = story.read(&one.url).await;
    let together = ReadModel::open(&other.url, &story.chain.genesis)
        .await
        .unwrap();
    let blocks: Vec<Block<'_>> = story.blocks.iter().map(|block| block.block()).collect();
    together.apply_all(&blocks[..3]).await.unwrap();
    // Part of these stands already.
    together.apply_all(&blocks[1..]).await.unwrap();
    assert_eq!(everything(&together).await, everything(&model).await);
    model.close().await;
    together.close().await;
    one.remove().await;
    other.remove().await;
}

pub async fn a_block_that_cannot_be_read_leaves_nothing_behind(engine: Engine) {
    let fresh = engine.fresh().await;
    let mut chain = Chain::new("unreadable");
    let first = chain.block(Vec::new());
    let event = Event {
        module: ModuleId::NETWORK,
        body: Bytes::try_from(vec![0xff]).unwrap(),
    };
    let events = vec![event].try_into().unwrap();
    let broken = chain.invented(Vec::new(), vec![BlockResult::Block { height: 2, events }]);
    let model = ReadModel::open(&fresh.url, &chain.genesis).await.unwrap();
    let applied = model.apply_all(&[first.block(), broken.block()]).await;
    assert!(
        matches!(applied, Err(ReadModelError::Unreadable { height: 2, .. })),
        "{applied:?}"
    );
    assert_eq!(model.position().await.unwrap().height, 0);
    assert_eq!(model.block(1).await.unwrap(), None);
    model.apply(&first.block()).await.unwrap();
    assert_eq!(model.position().await.unwrap().height, 1);
    model.close().await;
    fresh.remove().await;
}

pub async fn a_block_whose_parts_do_not_fit_is_refused(engine: Engine) {
    let fresh = engine.fresh().await;
    let mut story = Story::new();
    let model = story.read(&fresh.url).await;
    let next = story.chain.block(Vec::new());
    let tx = |events: Vec<Event>| {
        let (tx_id, events) = (TxId(Digest([9; 32])), events.try_into().unwrap());
        BlockResult::Tx(TxResult {
            tx_id,
            outcome: Outcome::Applied,
            events,
        })
    };
    let own = || BlockResult::Block {
        height: 0,
        events: Vec::new().try_into().unwrap(),
    };
    let envelope = || story.blocks[0].envelopes[0].clone();
    let logged = story
        .blocks
        .iter()
        .flat_map(|block| &block.results[1..])
        .find_map(|result| {
            let first = result.events().first()?;
            matches!(
                KnownEvent::read(first),
                Some(Ok(KnownEvent::CallsLogged { .. }))
            )
            .then(|| first.clone())
        });
    let cases = [
        (vec![], vec![]),
        (vec![], vec![own(), tx(vec![])]),
        (vec![envelope()], vec![own()]),
        (vec![envelope()], vec![tx(vec![]), own()]),
        (vec![envelope()], vec![own(), own()]),
        (vec![vec![1, 2, 3]], vec![own(), tx(vec![])]),
        // The first transaction of the story creates a list.
        (
            vec![envelope()],
            vec![own(), tx(vec![logged.expect("calls")])],
        ),
    ];
    for (envelopes, results) in cases {
        let mut block = next.clone();
        (block.envelopes, block.results) = (envelopes, results);
        let applied = model.apply(&block.block()).await;
        assert!(
            matches!(applied, Err(ReadModelError::Unreadable { .. })),
            "{applied:?}"
        );
    }
    model.close().await;
    fresh.remove().await;
}

pub async fn blocks_out_of_order_are_refused(engine: Engine) {
    let fresh = engine.fresh().await;
    let story = Story::new();
    let model = ReadModel::open(&fresh.url, &story.chain.genesis)
        .await
        .unwrap();
    let applied = model.apply(&story.blocks[1].block()).await;
    let expected = ReadModelError::OutOfOrder {
        position: 0,
        given: 2,
    };
    assert_eq!(applied.unwrap_err().to_string(), expected.to_string());
    model.close().await;
    fresh.remove().await;
}

pub async fn a_block_of_another_history_is_refused(engine: Engine) {
    let fresh = engine.fresh().await;
    let mut story = Story::new();
    let model = story.read(&fresh.url).await;
    let mut replaced = story.blocks[1].clone();
    replaced.header.hash = Digest([9; 32]);
    let mut stranger = story.chain.block(Vec::new());
    stranger.header.parent = Digest([9; 32]);
    for block in [replaced, stranger] {
        let height = block.header.height;
        let applied = model.apply(&block.block()).await.unwrap_err();
        assert_eq!(
            applied.to_string(),
            ReadModelError::Contradiction { height }.to_string()
        );
    }
    model.close().await;
    fresh.remove().await;
}

pub async fn what_was_passed_over_is_listed(engine: Engine) {
    let fresh = engine.fresh().await;
    let story = Story::new();
    let model = ReadModel::open(&fresh.url, &story.chain.genesis)
        .await
        .unwrap();
    model.apply(&story.blocks[0].block()).await.unwrap();
    model.pass_over(5).await.unwrap();
    let gap = Gap {
        first_height: 2,
        last_height: 4,
    };
    assert_eq!(model.gaps().await.unwrap(), [gap]);
    // Nothing is passed over twice, and nothing that stands.
    model.pass_over(5).await.unwrap();
    model.pass_over(1).await.unwrap();
    assert_eq!(model.gaps().await.unwrap(), [gap]);
    for block in &story.blocks[4..] {
        model.apply(&block.block()).await.unwrap();
    }
    // A block of the gap that turns up late is not squeezed in.
    model.apply(&story.blocks[2].block()).await.unwrap();
    assert_eq!(model.block(3).await.unwrap(), None);
    let position = model.position().await.unwrap();
    assert_eq!(position.height, story.blocks.len() as u64);
    assert_eq!(position.time_ms, START_MS + position.height * STEP_MS);
    model.close().await;
    fresh.remove().await;
}

pub async fn another_chains_rows_are_refused(engine: Engine) {
    let fresh = engine.fresh().await;
    let (one, other) = (Chain::new("one").genesis, Chain::new("other").genesis);
    let model = ReadModel::open(&fresh.url, &one).await.unwrap();
    let refused = ReadModel::open(&fresh.url, &other).await;
    match refused {
        Err(ReadModelError::OtherChain { expected, found }) => {
            assert_eq!((expected, found), (other.chain_id(), one.chain_id()));
        }
        other => panic!("{other:?}"),
    }
    model.close().await;
    fresh.remove().await;
}

pub async fn two_feeders_write_each_block_once(engine: Engine) {
    let (fresh, calm) = (engine.fresh().await, engine.fresh().await);
    let story = Story::new();
    let expected = story.read(&calm.url).await;
    let one = ReadModel::open(&fresh.url, &story.chain.genesis)
        .await
        .unwrap();
    let two = ReadModel::open(&fresh.url, &story.chain.genesis)
        .await
        .unwrap();
    for block in &story.blocks {
        let block = block.block();
        let (first, second) = tokio::join!(one.apply(&block), two.apply(&block));
        first.unwrap();
        second.unwrap();
    }
    assert_eq!(everything(&one).await, everything(&expected).await);
    for model in [one, two, expected] {
        model.close().await;
    }
    fresh.remove().await;
    calm.remove().await;
}
