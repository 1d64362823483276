//! The log's roots, under which receipts are made.

use tacit_circuits::curve::Field;
use tacit_circuits::curve::Point;
use tacit_circuits::log::{LogTree, log_leaves};
use tacit_circuits::scope::Scope;
use tacit_ledger::kernel::{Outcome, Reject, codec};
use tacit_ledger::network::record::MAX_LOG_ROOTS;
use tacit_ledger::network::{Action, Root, keys, read};

use crate::support::*;

fn root_after(leaves: &[Field]) -> Root {
    let tree = LogTree::new(leaves.to_vec()).expect("there is room");
    tree.root().into()
}

#[test]
fn the_root_of_each_block_that_logs_calls_stays_recorded() {
    let state = &WORLD.chain.state;
    let heights: Vec<_> = [2, 4, 6]
        .map(|calls| read::log_root(state, &root_after(&WORLD.leaves[..calls])))
        .into_iter()
        .map(|height| height.expect("a map").expect("recorded"))
        .collect();
    assert!(heights.is_sorted_by(|a, b| a < b));
    let head = read::log_head(state)
        .expect("a map")
        .expect("calls were logged");
    assert_eq!(
        (head.root, head.height),
        (root_after(&WORLD.leaves), heights[2])
    );
    // Never a root: of a block's middle, of nothing, of more.
    for calls in [0, 1, 3, 5] {
        let none = read::log_root(state, &root_after(&WORLD.leaves[..calls]));
        assert_eq!(none, Ok(None));
    }
}

#[test]
fn a_receipt_may_be_made_under_any_recorded_root() {
    let hash = WORLD.hash(&WORLD.set.context);
    let older = LogTree::new(WORLD.leaves[..2].to_vec()).expect("there is room");
    let mut witness = WORLD.witness(0, Subject::Clear, hash);
    WORLD.move_to(&older, 0, Subject::Clear, &mut witness);
    let set = WORLD.changed_receipt(0, |receipt| {
        receipt.log_root = older.root().into();
        receipt.proof = prove(&witness);
    });
    WORLD.chain.clone().must(QUERIER, submit(set));
}

/// A batch of two calls more to the first list, with its leaves.
fn another_batch(chain: &Chain) -> (Action, Vec<Field>) {
    let batch = batch(chain.request(1, 2));
    let decode = |points: &[_]| Point::decode_batch(points).expect("points");
    let blinded = decode(&batch.signed.request.blinded());
    let evaluated = decode(&batch.evaluated);
    let scope = Scope {
        list: LIST,
        tag_epoch: EPOCH,
        querier: QUERIER,
    };
    let leaves = log_leaves(&scope, &blinded, &evaluated);
    (Action::CallBatch(Box::new(batch)), leaves)
}

#[test]
fn a_root_serves_from_the_block_after_the_one_that_made_it() {
    let mut chain = WORLD.chain.clone();
    let (batch, more) = another_batch(&chain);
    let log = LogTree::new([&WORLD.leaves[..], &more].concat()).expect("there is room");
    let hash = WORLD.hash(&WORLD.set.context);
    let mut witness = WORLD.witness(0, Subject::Clear, hash);
    WORLD.move_to(&log, 0, Subject::Clear, &mut witness);
    let set = WORLD.changed_receipt(0, |receipt| {
        receipt.log_root = log.root().into();
        receipt.proof = prove(&witness);
    });
    let early = [
        chain.envelope(OWNER, &batch),
        chain.envelope(QUERIER, &submit(set.clone())),
    ];
    let outcomes = chain.block(&early);
    let refused = Outcome::Rejected(Reject::LOG_ROOT_UNKNOWN);
    assert_eq!(outcomes, [Outcome::Applied, refused]);
    chain.must(QUERIER, submit(set));
}

#[test]
fn a_root_makes_place_for_the_one_a_ring_later() {
    let mut chain = WORLD.chain.clone();
    let old = root_after(&WORLD.leaves);
    assert!(read::log_root(&chain.state, &old).expect("a map").is_some());
    // As if the world's last root stood where the next block's will.
    let place = (chain.height + 1) % MAX_LOG_ROOTS;
    chain
        .state
        .insert(keys::log_root_place(place), codec::encode(&old));
    let (batch, more) = another_batch(&chain);
    chain.must(OWNER, batch);
    assert_eq!(read::log_root(&chain.state, &old), Ok(None));
    let new = root_after(&[&WORLD.leaves[..], &more].concat());
    assert_eq!(read::log_root(&chain.state, &new), Ok(Some(chain.height)));
    let gone = chain.refused(QUERIER, submit(WORLD.set.clone()));
    assert_eq!(gone, Reject::LOG_ROOT_UNKNOWN);
}
