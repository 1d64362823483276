//! Proofs that an outcome stands in a block.

use tacit_ledger::kernel::results::{prove, root};
use tacit_ledger::kernel::{
    BlockResult, BoundedVec, Digest, Outcome, Reject, TxId, TxResult, codec,
};

fn results(count: usize) -> Vec<BlockResult> {
    let block = BlockResult::Block {
        height: 5,
        events: BoundedVec::new(),
    };
    let transactions = (1..count).map(|number| {
        BlockResult::Tx(TxResult {
            tx_id: TxId(Digest([number as u8; 32])),
            outcome: Outcome::Applied,
            events: BoundedVec::new(),
        })
    });
    std::iter::once(block).chain(transactions).collect()
}

#[test]
fn every_result_of_blocks_of_all_small_sizes_is_proven_at_its_place_alone() {
    for count in 1..=33 {
        let results = results(count);
        let root = root(&results);
        for (place, result) in results.iter().enumerate() {
            let proof = prove(&results, place as u32).expect("it stands there");
            assert!(proof.verify(&root, result), "{place} of {count}");
            for (other, another) in results.iter().enumerate() {
                let same = other == place;
                assert_eq!(
                    proof.verify(&root, another),
                    same,
                    "{other} as {place} of {count}"
                );
            }
        }
        assert_eq!(prove(&results, count as u32), None);
    }
}

#[test]
fn a_proof_changed_in_any_part_proves_nothing() {
    let results = results(11);
    let root = root(&results);
    for place in 0..11_u32 {
        let result = &results[place as usize];
        let proof = prove(&results, place).expect("it stands there");
        for other in (0..16).filter(|other| *other != place) {
            let mut moved = proof.clone();
            moved.index = other;
            assert!(!moved.verify(&root, result), "{place} moved to {other}");
        }
        for count in (0..40).filter(|count| *count != 11) {
            let mut counted = proof.clone();
            counted.count = count;
            assert!(!counted.verify(&root, result), "{place} among {count}");
        }
        for sibling in 0..proof.siblings.len() {
            let mut bent = proof.clone();
            bent.siblings.as_mut_slice()[sibling].0[0] ^= 1;
            assert!(!bent.verify(&root, result), "{place} with another sibling");
        }
        let mut longer = proof.clone();
        longer
            .siblings
            .push(Digest([1; 32]))
            .expect("there is room");
        assert!(
            !longer.verify(&root, result),
            "{place} with a sibling too many"
        );
    }
}

#[test]
fn another_outcome_gives_another_root() {
    let applied = results(3);
    let mut refused = applied.clone();
    if let BlockResult::Tx(tx) = &mut refused[2] {
        tx.outcome = Outcome::Rejected(Reject::LIST_UNKNOWN);
    }
    assert_ne!(root(&applied), root(&refused));
}

#[test]
fn a_block_without_transactions_is_not_taken_for_one_with_one() {
    assert_ne!(root(&results(1)), root(&results(2)));
    assert_ne!(root(&[]), root(&results(1)));
}

#[test]
fn a_proof_survives_the_wire() {
    let results = results(9);
    let proof = prove(&results, 8).expect("it stands there");
    let read = codec::decode(&codec::encode(&proof)).expect("it was written so");
    assert_eq!(proof, read);
}
