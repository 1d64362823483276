//! Each law is a test on any engine.

pub mod answers;
pub mod applying;
pub mod movements;
pub mod quota;

use tacit_ledger::kernel::{
    BlockResult, Envelope, Event as KernelEvent, MemberId, ModuleId, Outcome, TxResult, codec,
};
use tacit_ledger::network::{Event, read};
use tacit_readmodel::{
    Amount, CallBatch, HistoryFilter, Movement, MovementFilter, MovementKind, ReadModel,
};

use crate::support::chain::{Chain, Finalized, Opened, TestList};

pub const OWNER: MemberId = MemberId(1);
pub const ASKER: MemberId = MemberId(2);
pub const OTHER: MemberId = MemberId(3);
pub const OBSERVER: MemberId = MemberId(5);

/// Two lists; two members ask the first, one of them is asked; what the first is owed is collected, and a
/// session ends with it.
pub struct Story {
    pub chain: Chain,
    pub blocks: Vec<Finalized>,
    pub list: TestList,
    pub asked: Opened,
}

impl Story {
    pub fn new() -> Self {
        let mut chain = Chain::new("story");
        let (list, mut blocks) = chain.list(OWNER);
        let (back, more) = chain.list(ASKER);
        blocks.extend(more);
        let (asked, opening) = chain.open(ASKER, &list, 10);
        blocks.push(opening);
        let (others, opening) = chain.open(OTHER, &list, 10);
        blocks.push(opening);
        let (answered, opening) = chain.open(OWNER, &back, 10);
        blocks.push(opening);
        let first = vec![
            chain.calls(asked, &list, 0, 3),
            chain.calls(others, &list, 0, 2),
            chain.calls(answered, &back, 0, 1),
        ];
        blocks.push(chain.block(first));
        blocks.push(chain.block(Vec::new()));
        let second = vec![
            chain.calls(asked, &list, 1, 2),
            chain.calls(asked, &list, 1, 1),
        ];
        blocks.push(chain.block(second));
        let last = vec![
            chain.collection(asked.id, false),
            chain.collection(others.id, true),
        ];
        blocks.push(chain.block(last));
        Self {
            chain,
            blocks,
            list,
            asked,
        }
    }

    /// A model that has read the story.
    pub async fn read(&self, url: &str) -> ReadModel {
        let model = ReadModel::open(url, &self.chain.genesis)
            .await
            .expect("opens");
        for block in &self.blocks {
            model.apply(&block.block()).await.expect("applies");
        }
        model
    }
}

/// All that a filter lets through.
pub async fn history(model: &ReadModel, filter: HistoryFilter) -> Vec<CallBatch> {
    let mut history = model.history(filter).await.expect("a history");
    let mut batches = Vec::new();
    while let Some(batch) = history.next().await.expect("a batch") {
        batches.push(batch);
    }
    batches
}

/// All movements that a filter lets through.
pub async fn movements(model: &ReadModel, filter: MovementFilter) -> Vec<Movement> {
    let mut reading = model.movements(filter).await.expect("movements");
    let mut movements = Vec::new();
    while let Some(movement) = reading.next().await.expect("a movement") {
        movements.push(movement);
    }
    movements
}

/// A block with one applied transaction that says these events.
pub fn invented(chain: &mut Chain, envelope: &[u8], events: &[Event]) -> Finalized {
    let tx_id = Envelope::from_bytes(envelope).unwrap().tx_id();
    let events: Vec<_> = events
        .iter()
        .map(|event| KernelEvent {
            module: ModuleId::NETWORK,
            body: codec::encode(event).try_into().unwrap(),
        })
        .collect();
    let events = events.try_into().unwrap();
    let result = TxResult {
        tx_id,
        outcome: Outcome::Applied,
        events,
    };
    let own = BlockResult::Block {
        height: 0,
        events: Vec::new().try_into().unwrap(),
    };
    chain.invented(vec![envelope.to_vec()], vec![own, BlockResult::Tx(result)])
}

/// What every member of the tests has in its deposit from the beginning.
pub fn first_deposit(chain: &Chain) -> u64 {
    read::parameters(&chain.state).unwrap().deposit_minor
}

/// Their kinds, in their order.
pub fn kinds(movements: &[Movement]) -> Vec<MovementKind> {
    movements.iter().map(|movement| movement.kind).collect()
}

/// How much an amount is of which nothing is sealed.
pub fn public(amount: &Amount) -> u64 {
    assert!(amount.is_public());
    u64::try_from(amount.public_minor).unwrap()
}

/// All that the tables say about all members.
pub async fn everything(model: &ReadModel) -> (Vec<CallBatch>, Vec<Movement>, Vec<String>) {
    let (mut calls, mut movements, mut blocks) = (Vec::new(), Vec::new(), Vec::new());
    for member in (1..=5).map(MemberId) {
        calls.extend(history(model, HistoryFilter::all(member)).await);
        movements.extend(self::movements(model, MovementFilter::all(member)).await);
    }
    for height in 0..=model.position().await.expect("a position").height {
        blocks.push(format!("{:?}", model.block(height).await.expect("a block")));
        for tx in model.transactions(height).await.expect("transactions") {
            let events = model.events(height, Some(tx.index)).await.expect("events");
            blocks.push(format!("{tx:?} {events:?}"));
        }
    }
    (calls, movements, blocks)
}
