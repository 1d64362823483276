//! What becomes of transactions, whatever they hold.

use std::collections::BTreeSet;

use tacit_ledger::kernel::{
    ChainId, Envelope, ModuleId, Outcome, Reject, StateKey, keys as kernel_keys,
};
use tacit_ledger::network::{Action, read};

use crate::support::*;

fn written(chain: &Chain) -> BTreeSet<StateKey> {
    let last = chain.last.as_ref().expect("a block was executed");
    last.writes.keys().cloned().collect()
}

/// Records that every block changes.
fn of_any_block() -> BTreeSet<StateKey> {
    [kernel_keys::clock(), kernel_keys::due_cursor()].into()
}

#[test]
fn an_envelope_that_stands_twice_in_a_block_is_applied_once() {
    let mut chain = Chain::new();
    let envelope = chain.envelope(OWNER, &create_list());
    let outcomes = chain.block(&[envelope.clone(), envelope]);
    let again = Outcome::Rejected(Reject::SEQUENCE_TOO_LOW);
    assert_eq!(outcomes, [Outcome::Applied, again]);
    assert_eq!(read::list_count(&chain.state), Ok(1));
}

#[test]
fn a_refused_action_changes_its_senders_sequence_number_alone() {
    // The second opening fails after the first one was written.
    let mut chain = Chain::with_list();
    let good = opening(chain.height + 5);
    let mut late = good;
    late.deadline_height = FAR;
    let action = chain.opened(QUERIER, &[good, late]);
    let refused = chain.refused(QUERIER, action);
    assert_eq!(refused, Reject::DEADLINE_OUT_OF_RANGE);
    let mut expected = of_any_block();
    expected.insert(kernel_keys::sequence(QUERIER));
    assert_eq!(written(&chain), expected);
    assert_eq!(chain.transaction_events(), []);
    assert_eq!(chain.available(QUERIER), WELCOME_MINOR);
}

#[test]
fn an_envelope_that_its_sender_did_not_authorise_changes_nothing() {
    let mut chain = Chain::new();
    let stranger = create_list().unsigned(chain.machine.chain_id(), OWNER, 0, FAR);
    let stranger = stranger.sign(&signer(QUERIER));
    let early = chain.envelope_numbered(OWNER, 3, &create_list());
    let outcomes = chain.block(&[stranger, early]);
    let refusals = [Reject::SENDER_KEY_MISMATCH, Reject::SEQUENCE_TOO_HIGH];
    assert_eq!(outcomes, refusals.map(Outcome::Rejected));
    assert_eq!(written(&chain), of_any_block());
    assert_eq!(read::next_sequence(&chain.state, OWNER), Ok(0));
}

#[test]
fn transactions_of_one_sender_take_effect_in_the_order_of_their_numbers() {
    let mut chain = Chain::new();
    let first = chain.envelope_numbered(OWNER, 0, &create_list());
    let second = chain.envelope_numbered(OWNER, 1, &Action::WithdrawList { list: LIST });
    assert_eq!(chain.block(&[first, second]), [Outcome::Applied; 2]);
}

#[test]
fn a_refused_number_is_spent_so_that_the_next_one_is_in_turn() {
    let mut chain = Chain::new();
    let bad = chain.envelope_numbered(OWNER, 0, &Action::WithdrawList { list: LIST });
    let good = chain.envelope_numbered(OWNER, 1, &create_list());
    let unknown = Outcome::Rejected(Reject::LIST_UNKNOWN);
    assert_eq!(chain.block(&[bad, good]), [unknown, Outcome::Applied]);
}

#[test]
fn an_envelope_may_stand_in_the_block_at_its_expiry_height() {
    let mut chain = Chain::new();
    let envelope = create_list()
        .unsigned(chain.machine.chain_id(), OWNER, 0, 1)
        .sign(&signer(OWNER));
    assert!(chain.submit(&envelope).is_ok());
}

#[test]
fn one_envelope_gives_the_same_refusal_wherever_it_is_asked_for() {
    let mut chain = Chain::new();
    chain.pass(3);
    let expired = create_list()
        .unsigned(chain.machine.chain_id(), OWNER, 7, 2)
        .sign(&signer(OWNER));
    let admitted = chain
        .machine
        .admit(&chain.state, chain.height + 1, &expired);
    assert_eq!(admitted, Ok(Err(Reject::EXPIRED)));
    assert_eq!(
        chain.block(&[expired]),
        [Outcome::Rejected(Reject::EXPIRED)]
    );
}

/// An envelope with a fault for each of `faults`, in the order of the refusals.
fn faulty(chain: &Chain, faults: usize) -> Envelope {
    let all: [fn(&mut Envelope); 4] = [
        |envelope| envelope.chain_id = ChainId([9; 32]),
        |envelope| envelope.module = ModuleId(99),
        |envelope| envelope.signature.0[40] ^= 1,
        |envelope| envelope.action = Default::default(),
    ];
    let mut envelope = chain.envelope(OWNER, &create_list());
    all[faults..].iter().for_each(|fault| fault(&mut envelope));
    envelope
}

#[test]
fn of_several_faults_without_state_the_first_phase_and_lowest_number_is_told() {
    let chain = Chain::new();
    let told = [
        Reject::WRONG_CHAIN,
        Reject::MODULE_UNKNOWN,
        Reject::SIGNATURE_INVALID,
        // The action is another than the signed one, so the signature fails first.
        Reject::SIGNATURE_INVALID,
    ];
    for (faults, expected) in told.into_iter().enumerate() {
        let envelope = faulty(&chain, faults);
        let checked = chain.machine.check_stateless(&[envelope]);
        assert_eq!(checked, [Err(expected)], "from fault {faults} on");
    }
}

#[test]
fn of_several_faults_with_state_the_lowest_number_is_told() {
    let mut chain = Chain::new();
    chain.must(OWNER, create_list());
    chain.pass(2);
    // Another's key, expired, and an old number.
    let unsigned = create_list().unsigned(chain.machine.chain_id(), OWNER, 0, 1);
    let by_another = unsigned.clone().sign(&signer(QUERIER));
    let by_itself = unsigned.sign(&signer(OWNER));
    let outcomes = chain.block(&[by_another, by_itself]);
    let told = [Reject::SENDER_KEY_MISMATCH, Reject::EXPIRED];
    assert_eq!(outcomes, told.map(Outcome::Rejected));
}

#[test]
fn one_bad_signature_among_many_is_found_and_no_good_one_with_it() {
    let chain = Chain::new();
    let mut envelopes: Vec<_> = (0..150)
        .map(|sequence| chain.envelope_numbered(OWNER, sequence, &create_list()))
        .collect();
    envelopes[77].sequence += 1;
    let checked = chain.machine.check_stateless(&envelopes);
    for (place, result) in checked.into_iter().enumerate() {
        let expected = if place == 77 {
            Err(Reject::SIGNATURE_INVALID)
        } else {
            Ok(())
        };
        assert_eq!(result, expected, "envelope {place}");
    }
}

#[test]
fn each_field_of_an_envelope_is_signed() {
    let chain = Chain::new();
    let envelope = chain.envelope(OWNER, &create_list());
    let changes: [fn(&mut Envelope); 6] = [
        |envelope| envelope.sender = QUERIER,
        |envelope| envelope.sequence += 1,
        |envelope| envelope.expiry_height -= 1,
        |envelope| envelope.sender_key.0[0] ^= 1,
        |envelope| {
            envelope.action = tacit_ledger::kernel::Bytes::try_from(vec![1]).expect("a byte fits");
        },
        |envelope| envelope.signature.0[0] ^= 1,
    ];
    for (number, change) in changes.iter().enumerate() {
        let mut changed = envelope.clone();
        change(&mut changed);
        let checked = chain.machine.check_stateless(&[changed]);
        assert_eq!(checked, [Err(Reject::SIGNATURE_INVALID)], "change {number}");
    }
}

#[test]
fn a_transaction_id_covers_the_signature_too() {
    let chain = Chain::new();
    let envelope = chain.envelope(OWNER, &create_list());
    let mut other = envelope.clone();
    other.signature.0[63] ^= 1;
    assert_ne!(envelope.tx_id(), other.tx_id());
}
