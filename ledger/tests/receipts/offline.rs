//! Whoever holds the records decides about a set as the ledger does.

use tacit_circuits::receipt::Proof;
use tacit_ledger::kernel::{Reject, StateView, Supplied};
use tacit_ledger::network::ReceiptSet;
use tacit_ledger::network::receipts::examine;

use crate::support::*;

fn examined(set: &ReceiptSet) -> Result<(bool, Vec<usize>), Reject> {
    let chain = &WORLD.chain;
    let (chain_id, height) = (chain.machine.chain_id(), chain.height);
    let examined = examine(&chain.state, chain_id, height, QUERIER, set).expect("a map")?;
    let seed = [9; 32];
    Ok((examined.holds(&seed), examined.culprits(&seed)))
}

#[test]
fn a_set_that_the_ledger_takes_holds() {
    assert_eq!(examined(&WORLD.set), Ok((true, Vec::new())));
}

#[test]
fn the_receipts_that_do_not_hold_are_named() {
    let set = WORLD.changed(|set| {
        let receipts = set.receipts.as_mut_slice();
        receipts[0].proof = receipts[1].proof;
        receipts[2].proof = Proof([0; 192]);
    });
    assert_eq!(examined(&set), Ok((false, vec![0, 2])));
}

#[test]
fn what_the_records_do_not_allow_is_refused_with_the_ledgers_number() {
    let set = WORLD.changed_receipt(1, |receipt| receipt.publication.version.0 = 3);
    assert_eq!(examined(&set), Err(Reject::PUBLICATION_UNKNOWN));
}

#[test]
fn records_are_asked_for_in_few_rounds_however_many_receipts_there_are() {
    let chain = &WORLD.chain;
    let mut held = Supplied::new();
    let mut rounds = 0;
    while let Err(missing) = examine(
        &held,
        chain.machine.chain_id(),
        chain.height,
        QUERIER,
        &WORLD.set,
    ) {
        for key in missing.into_keys() {
            let value = StateView::get(&chain.state, &key).expect("a map");
            held.supply(key, value);
        }
        rounds += 1;
    }
    assert!(rounds <= 8, "{rounds} rounds");
}
