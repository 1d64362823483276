//! What becomes of a set that holds.

use tacit_circuits::receipt::Proof;
use tacit_ledger::kernel::{Reject, codec, keys as kernel};
use tacit_ledger::network::parameters::CategoryId;
use tacit_ledger::network::{Action, Change, Event, Screening, ScreeningId, keys, read};

use super::ACCEPTED;
use crate::support::*;

#[test]
fn a_set_of_three_members_is_accepted_recorded_and_told() {
    let mut chain = WORLD.chain.clone();
    let events = chain.must(QUERIER, submit(WORLD.set.clone()));
    let said = &WORLD.set.context;
    let lists = bounded(LISTS.map(|list| version(list, EPOCH, 0)).to_vec());
    let id = ScreeningId(1);
    let told = Event::ReceiptsAccepted {
        screening: id,
        submitter: QUERIER,
        verifier: FOURTH,
        module: said.module,
        object: OBJECT,
        policy: POLICY,
        policy_version: FIRST_VERSION,
        purpose: said.purpose.clone(),
        lists: lists.clone(),
        expiry_height: said.expiry_height,
    };
    assert_eq!(events, [told]);
    let recorded = Screening {
        id,
        submitter: QUERIER,
        commitment: WORLD.set.commitment,
        kind: WORLD.set.kind,
        context: said.clone(),
        lists,
        accepted_height: chain.height,
        consumed: None,
    };
    let state = &chain.state;
    assert_eq!(read::screening(state, id), Ok(Some(recorded.clone())));
    assert_eq!(read::screenings_of(state, QUERIER, 9), Ok(vec![recorded]));
    assert_eq!(read::screenings_of(state, QUERIER, 0), Ok(Vec::new()));
    assert_eq!(read::screening_count(state), Ok(1));
}

/// A set that was refused leaves the state as an empty block does, but for the sender's sequence number.
#[test]
fn a_replay_changes_nothing() {
    let mut replayed = ACCEPTED.clone();
    let mut idle = ACCEPTED.clone();
    let refused = replayed.refused(QUERIER, submit(WORLD.set.clone()));
    assert_eq!(refused, Reject::CONTEXT_USED);
    idle.pass(1);
    let spent = kernel::sequence(QUERIER);
    assert_ne!(replayed.state.remove(&spent), idle.state.remove(&spent));
    assert_eq!(replayed.state, idle.state);
}

#[test]
fn a_replay_in_the_same_block_is_refused() {
    let mut chain = WORLD.chain.clone();
    let set = submit(WORLD.set.clone());
    let sequence = read::next_sequence(&chain.state, QUERIER).expect("a map");
    let twice: Vec<_> = [sequence, sequence + 1]
        .map(|sequence| chain.envelope_numbered(QUERIER, sequence, &set))
        .to_vec();
    let outcomes = chain.block(&twice);
    use tacit_ledger::kernel::Outcome::{Applied, Rejected};
    assert_eq!(outcomes, [Applied, Rejected(Reject::CONTEXT_USED)]);
}

#[test]
fn what_has_expired_is_forgotten_and_can_be_shown_anew() {
    let mut chain = ACCEPTED.clone();
    let expiry = WORLD.set.context.expiry_height;
    chain.pass_before(expiry);
    assert!(
        read::screening(&chain.state, ScreeningId(1))
            .expect("a map")
            .is_some()
    );
    chain.pass(1);
    assert_eq!(chain.height, expiry);
    assert_eq!(read::screening(&chain.state, ScreeningId(1)), Ok(None));
    let forgotten = [
        keys::used_context(&WORLD.hash(&WORLD.set.context)),
        keys::screenings_of(QUERIER),
    ];
    for key in forgotten {
        assert_eq!(chain.state.get(&key), None);
    }
    // The same set is refused for its expiry; the same calls serve a set that expires later.
    let old = chain.refused(QUERIER, submit(WORLD.set.clone()));
    assert_eq!(old, Reject::RECEIPTS_EXPIRED);
    let renewed = WORLD.set_for(context(&chain));
    chain.must(QUERIER, submit(renewed));
    assert_eq!(read::screening_count(&chain.state), Ok(2));
}

/// The proofs of one set, turned into others of the same statements.
fn randomised() -> tacit_ledger::network::ReceiptSet {
    WORLD.changed(|set| {
        for receipt in set.receipts.as_mut_slice() {
            let before = receipt.proof;
            receipt.proof = super::attacks::randomised(&before);
            assert_ne!(receipt.proof, before);
        }
    })
}

#[test]
fn a_proof_that_somebody_randomised_holds_and_is_no_other_receipt() {
    let mut fresh = WORLD.chain.clone();
    fresh.must(QUERIER, submit(randomised()));
    let replayed = ACCEPTED.clone().refused(QUERIER, submit(randomised()));
    assert_eq!(replayed, Reject::CONTEXT_USED);
}

#[test]
fn a_superseded_version_counts_as_long_as_policy_and_category_both_allow() {
    // The policy allows two blocks, the category three.
    let mut chain = WORLD.chain.clone();
    chain.activate(OWNER, version(LIST, EPOCH, 1));
    chain.pass(1);
    chain.must(QUERIER, submit(WORLD.set.clone()));
    // Now the category allows one.
    let mut strict = WORLD.chain.clone();
    let mut terms = category(1);
    terms.grace_blocks = 1;
    strict
        .carry(Change::ChangeCategory(terms))
        .expect("carried");
    strict.activate(OWNER, version(LIST, EPOCH, 1));
    let mut late = strict.clone();
    strict.must(QUERIER, submit(WORLD.set.clone()));
    late.pass(1);
    let refused = late.refused(QUERIER, submit(WORLD.set.clone()));
    assert_eq!(refused, Reject::PUBLICATION_TOO_OLD);
}

#[test]
fn a_withdrawn_list_counts_as_its_last_version_does() {
    let mut chain = WORLD.chain.clone();
    chain.must(OWNER, Action::WithdrawList { list: LIST });
    let mut late = chain.clone();
    chain.must(QUERIER, submit(WORLD.set.clone()));
    late.pass(2);
    let refused = late.refused(QUERIER, submit(WORLD.set.clone()));
    assert_eq!(refused, Reject::PUBLICATION_TOO_OLD);
}

#[test]
fn a_key_that_is_voted_out_takes_its_receipts_with_it() {
    let mut chain = WORLD.chain.clone();
    let events = {
        chain.carry(set_other_receipt_key()).expect("carried");
        chain.transaction_events()
    };
    let said = |event: &Event| matches!(event, Event::ReceiptKeySet { .. });
    assert!(events.iter().any(said));
    let old = chain.refused(QUERIER, submit(WORLD.set.clone()));
    assert_eq!(old, Reject::RECEIPT_KEY_MISMATCH);
    // Named as if they were made under the new key, they do not hold.
    let new = read::receipt_key(&chain.state)
        .expect("a map")
        .expect("voted");
    let renamed = WORLD.changed(|set| set.context.key = new.id);
    assert_eq!(
        chain.refused(QUERIER, submit(renamed)),
        Reject::RECEIPT_INVALID
    );
    // The key that was voted back counts again.
    chain.carry(set_receipt_key()).expect("carried");
    chain.must(QUERIER, submit(WORLD.set.clone()));
}

#[test]
fn the_votes_record_names_the_key_by_its_hash() {
    let record = read::receipt_key(&WORLD.chain.state)
        .expect("a map")
        .expect("voted");
    let key = tacit_circuits::receipt::VerifyingKey::from_bytes(&record.verifying_key);
    assert_eq!(record.id, key.expect("a key").id());
    assert_eq!(record.id, WORLD.set.context.key);
}

#[test]
fn an_unused_category_does_not_hinder_a_policy() {
    let mut chain = WORLD.chain.clone();
    let mut wide = terms();
    wide.categories = bounded(vec![CategoryId(1), OTHER_CATEGORY]);
    wide.min_members = 2;
    chain.must(FOURTH, put_policy("lending", wide));
    let mut context = WORLD.set.context.clone();
    context.policy_version = tacit_ledger::network::PolicyVersion(2);
    let set = WORLD.set_for(context);
    // Two of the three receipts suffice for this version.
    let mut two = set.clone();
    two.receipts = bounded(set.receipts[1..].to_vec());
    chain.must(QUERIER, submit(two));
}

#[test]
fn the_weights_of_a_batch_do_not_decide_about_a_proof() {
    // Any wrong proof is refused, in any place, alone and with others.
    for place in 0..3 {
        let set = WORLD.changed_receipt(place, |receipt| {
            let mut bytes = receipt.proof.0;
            bytes[0] ^= 0x20; // the sign of A
            receipt.proof = Proof(bytes);
        });
        let refused = WORLD.chain.clone().refused(QUERIER, submit(set));
        assert_eq!(refused, Reject::RECEIPT_INVALID);
    }
}

#[test]
fn a_record_stays_small_with_the_most_of_everything() {
    let mut screening = read::screening(&ACCEPTED.state, ScreeningId(1))
        .expect("a map")
        .expect("accepted");
    screening.lists = bounded(vec![first(); 16]);
    assert!(codec::encode(&screening).len() < 512);
}
