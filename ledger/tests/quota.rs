//! What nobody can take who does not have it, whatever they claim.

use tacit_circuits::quota::{Ciphertext, OWNER as OWN, Opening as AmountOpening};
use tacit_ledger::kernel::{MemberId, Reject};
use tacit_ledger::network::quota::{Collection, Source, prove_deposit, prove_opening};
use tacit_ledger::network::{Action, read};

use crate::support::*;

/// More than anybody has here.
const MADE_UP: u32 = 1 << 30;

/// An amount that stands nowhere on the ledger, sealed to these parties.
fn made_up<const N: usize>(parties: [MemberId; N]) -> Ciphertext<N> {
    let keys = parties.map(|party| quota_key(party).public());
    AmountOpening::random(MADE_UP, &mut rng(4)).seal(&keys)
}

/// What a member has available, as it stands in its account.
fn there(chain: &Chain) -> u64 {
    opened(&quota_key(QUERIER), &chain.account(QUERIER).available, OWN)
}

#[test]
fn nobody_puts_more_into_escrow_than_is_available() {
    let mut chain = Chain::with_list();
    let key = quota_key(QUERIER);
    let available = chain.account(QUERIER).available;
    let wish = opening(chain.height + 5);
    let parties = read::quota_parties(&chain.state, QUERIER, OWNER);
    let parties = parties.expect("a map").expect("parties");
    let escrow_minor = u32::try_from(there(&chain)).expect("32 bits") + 1;
    let mut attempt = |available: &Ciphertext<2>, available_minor: u64| {
        let source = Source {
            key: &key,
            available,
            available_minor,
        };
        let proven = prove_opening(
            chain.machine.chain_id(),
            QUERIER,
            wish.terms(),
            &parties,
            &source,
            escrow_minor,
            &mut rng(1),
        );
        let openings = bounded(vec![proven.ok()?.0]);
        Some(chain.refused(QUERIER, Action::OpenSessions { openings }))
    };
    // Of what is there, it cannot even be said; of something else, it can.
    assert_eq!(attempt(&available, (escrow_minor - 1).into()), None);
    let refused = attempt(&made_up([QUERIER, OBSERVER]), MADE_UP.into());
    assert_eq!(refused, Some(Reject::TRANSFER_INVALID));
}

#[test]
fn nobody_deposits_more_than_is_available() {
    let mut chain = Chain::new();
    let key = quota_key(QUERIER);
    let amount_minor = there(&chain) + 1;
    assert!(chain.deposit_of(QUERIER, amount_minor).is_none());
    let source = Source {
        key: &key,
        available: &made_up([QUERIER, OBSERVER]),
        available_minor: MADE_UP.into(),
    };
    let chain_id = chain.machine.chain_id();
    let action = prove_deposit(chain_id, QUERIER, &source, amount_minor, &mut rng(1))
        .expect("of what is made up, it is true");
    assert_eq!(chain.refused(QUERIER, action), Reject::TRANSFER_INVALID);
    let all = chain.deposit_of(QUERIER, amount_minor - 1);
    chain.must(QUERIER, all.expect("it is there"));
    assert_eq!(there(&chain), 0);
}

/// How a collection is refused of so many calls in each of so many requests, out of an escrow that does not
/// cover them, by a provider that makes up one that does.
fn overdrawn(escrow_minor: u32, requests: &[usize]) -> Reject {
    let mut chain = Chain::with_list();
    let mut wish = opening(chain.height + 20);
    wish.escrow_minor = escrow_minor;
    chain.open(QUERIER, &[wish]);
    for (sequence, calls) in (0..).zip(requests) {
        let action = chain.batch(sequence, *calls);
        chain.must(OWNER, action);
    }
    assert_eq!(chain.collection(SESSION, false), None, "it cannot be said");
    let session = chain.session(SESSION).expect("open");
    let parties = read::quota_parties(&chain.state, QUERIER, OWNER);
    let owed = AmountOpening::sum(&chain.owed[&SESSION]).expect("it fits");
    let collection = Collection {
        session: &session,
        escrow: &made_up([QUERIER, OWNER, OBSERVER]),
        escrow_minor: MADE_UP.into(),
        owed: &owed,
    };
    let action = collection
        .prove(
            chain.machine.chain_id(),
            &parties.expect("a map").expect("parties"),
            &quota_key(OWNER),
            true,
            &mut rng(2),
        )
        .expect("of what is made up, it is true");
    let refused = chain.refused(OWNER, action);
    assert_eq!(escrow_left(&chain.state, SESSION), u64::from(escrow_minor));
    refused
}

#[test]
fn no_escrow_is_overdrawn() {
    // By what is hidden, by one unit; by the public part alone; by the public parts of several requests.
    assert_eq!(
        overdrawn(3 * PRICE_MINOR - 1, &[3]),
        Reject::TRANSFER_INVALID
    );
    assert_eq!(overdrawn(PRICE_MINOR - 1, &[1]), Reject::TRANSFER_INVALID);
    assert_eq!(
        overdrawn(2 * PRICE_MINOR, &[1, 1, 1]),
        Reject::TRANSFER_INVALID
    );
}

#[test]
fn what_arrives_spoils_no_proof_and_what_its_own_member_spends_does() {
    let mut chain = Chain::with_session();
    chain.open_one(QUERIER);
    let deposit = chain.deposit_of(QUERIER, 5).expect("it is there");
    let open = chain.opened(QUERIER, &[opening(chain.height + 20)]);
    // One escrow returns whole, the other less what was collected.
    chain.must(OWNER, close(SESSION));
    let other = tacit_ledger::network::SessionId(2);
    let action = chain.changed_batch(0, 2, |request| request.session = other);
    chain.must(OWNER, action);
    let collection = chain.collection(other, true).expect("it is covered");
    chain.must(OWNER, collection);
    assert_eq!(chain.account(QUERIER).additions, 2);
    for action in [&deposit, &open] {
        chain.clone().must(QUERIER, action.clone());
    }
    chain.must(QUERIER, Action::RollOver);
    for action in [deposit, open] {
        assert_eq!(chain.refused(QUERIER, action), Reject::TRANSFER_INVALID);
    }
}

#[test]
fn a_member_goes_on_with_its_next_key_and_its_former_one_moves_nothing() {
    let mut chain = Chain::with_session();
    let action = chain.batch(0, 3);
    chain.must(OWNER, action);
    let collection = chain.collection(SESSION, true).expect("it is covered");
    chain.must(OWNER, collection);
    let before = [QUERIER, OWNER].map(|member| chain.available(member));
    let late = chain.deposit_of(QUERIER, 5).expect("it is there");
    for member in [QUERIER, OWNER] {
        let change = chain.key_change(member);
        chain.must(member, change);
        assert_eq!(
            key_in(&chain.state, member).public(),
            quota_key_of(member, 1).public()
        );
    }
    // Nothing moved, and both see it by their new keys; the supervisor sees it as ever.
    assert_eq!(
        [QUERIER, OWNER].map(|member| chain.available(member)),
        before
    );
    let sealed = chain.account(QUERIER).available;
    let value = opened(&quota_key_of(QUERIER, 1), &sealed, OWN);
    assert!(!sealed.select([OWN]).opens_to(&quota_key(QUERIER), value));
    // What was proven by the former key is refused.
    assert_eq!(chain.refused(QUERIER, late), Reject::TRANSFER_INVALID);
    let old = quota_key(QUERIER);
    let back = chain.key_change_between(QUERIER, &old, &quota_key_of(QUERIER, 2));
    assert_eq!(chain.refused(QUERIER, back), Reject::TRANSFER_INVALID);
    // Sessions are opened, settled and collected between the new keys.
    chain.must(QUERIER, Action::RollOver);
    chain.open_one(QUERIER);
    let next = tacit_ledger::network::SessionId(2);
    let action = chain.changed_batch(0, 2, |request| request.session = next);
    chain.must(OWNER, action);
    let collection = chain.collection(next, true).expect("it is covered");
    chain.must(OWNER, collection);
    chain.must(OWNER, Action::RollOver);
    let deposit = chain.deposit_of(OWNER, 7).expect("it is there");
    chain.must(OWNER, deposit);
}
