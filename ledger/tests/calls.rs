//! What a settled batch leaves behind, and what collecting its charge moves.

use tacit_circuits::curve::Point;
use tacit_circuits::log::{LogTree, log_leaf};
use tacit_circuits::quota::Element;
use tacit_circuits::quota::transfer::Role as Place;
use tacit_circuits::scope::Scope;
use tacit_ledger::kernel::{MemberId, Outcome, Reject};
use tacit_ledger::network::quota::charge_context;
use tacit_ledger::network::{Action, CallBatch, Change, Event, read};

use crate::support::*;

/// One call's price, and what is minted for a request.
const PRICE: u64 = PRICE_MINOR as u64;
const REWARD: u64 = REWARD_MINOR as u64;

fn minted(chain: &Chain) -> u64 {
    read::supply(&chain.state).expect("a map").minted_minor
}

#[test]
fn a_settled_batch_is_owed_and_moves_nothing_until_its_provider_collects() {
    let mut chain = Chain::with_session();
    let before = (chain.account(OWNER), chain.account(QUERIER), minted(&chain));
    let action = chain.batch(0, 3);
    chain.must(OWNER, action);
    let after = (chain.account(OWNER), chain.account(QUERIER), minted(&chain));
    assert_eq!(after, before);
    let session = chain.session(SESSION).expect("open");
    assert_eq!((session.calls, session.owed_requests), (3, 1));
    assert_eq!(session.owed_public_minor(), PRICE);
    let above = charged(&chain.request(0, 3));
    assert_eq!(u64::from(above.amount_minor()), 2 * PRICE);
    assert_eq!(session.owed, above.commitment());
}

#[test]
fn a_collection_pays_the_provider_out_of_the_escrow_and_mints_the_reward() {
    let mut chain = Chain::with_session();
    let before = (chain.account(OWNER), minted(&chain));
    let action = chain.batch(0, 3);
    chain.must(OWNER, action);
    let owed = chain.session(SESSION).expect("open").owed;
    let collection = chain.collection(SESSION, false).expect("it is covered");
    let said = chain.must(OWNER, collection);
    let [
        Event::ChargesCollected {
            session: SESSION,
            querier: QUERIER,
            provider: OWNER,
            requests: 1,
            public_minor,
            charge,
            reward_minor: REWARD,
        },
    ] = said[..]
    else {
        panic!("{said:?}");
    };
    assert_eq!(public_minor, PRICE);
    assert_eq!(charge.commitment, owed);
    assert_eq!(chain.available(OWNER), WELCOME_MINOR + 3 * PRICE + REWARD);
    assert_eq!(
        escrow_left(&chain.state, SESSION),
        u64::from(ESCROW_MINOR) - 3 * PRICE
    );
    assert_eq!(minted(&chain), before.1 + REWARD);
    let session = chain.session(SESSION).expect("open");
    assert_eq!((session.calls, session.owed_requests), (3, 0));
    assert_eq!(session.owed, Element::identity());
    // What was paid waits; nothing but the provider's own transactions changes what it proves from.
    let account = chain.account(OWNER);
    assert_eq!(account.available, before.0.available);
    assert_eq!(account.granted_minor, PRICE + REWARD);
    assert_eq!(account.additions, 1);
}

#[test]
fn requests_are_paid_the_same_one_by_one_and_all_at_once() {
    let sizes = [3, 1, 5];
    let paid = |each: bool| {
        let mut chain = Chain::with_session();
        for (sequence, calls) in (0..).zip(sizes) {
            let action = chain.batch(sequence, calls);
            chain.must(OWNER, action);
            if each {
                chain.collect(SESSION);
            }
        }
        if !each {
            chain.collect(SESSION);
        }
        (chain.available(OWNER), escrow_left(&chain.state, SESSION))
    };
    let charge = 9 * PRICE;
    let expected = (
        WELCOME_MINOR + charge + 3 * REWARD,
        u64::from(ESCROW_MINOR) - charge,
    );
    assert_eq!([paid(true), paid(false)], [expected; 2]);
}

#[test]
fn padding_is_logged_and_counted_and_costs_nothing() {
    // Five calls, of which two are asked for; nothing public says so.
    let mut chain = Chain::with_session();
    let mut asked = chain.request(0, 5);
    let secret = quota_key(QUERIER).agree(&quota_key(OWNER).public());
    let context = charge_context(chain.machine.chain_id(), SESSION, 0);
    let above = secret.opening(&context, PRICE_MINOR);
    asked.charge = above.commitment();
    chain.must(OWNER, Action::CallBatch(Box::new(batch(asked))));
    chain.owed.insert(SESSION, vec![above]);
    let session = chain.session(SESSION).expect("open");
    assert_eq!((session.calls, session.owed_public_minor()), (5, PRICE));
    chain.collect(SESSION);
    assert_eq!(chain.available(OWNER), WELCOME_MINOR + 2 * PRICE + REWARD);
}

#[test]
fn a_request_of_one_call_charges_its_price_alone() {
    let mut chain = Chain::with_session();
    let action = chain.batch(0, 1);
    chain.must(OWNER, action);
    chain.collect(SESSION);
    assert_eq!(chain.available(OWNER), WELCOME_MINOR + PRICE + REWARD);
}

#[test]
fn a_provider_collects_and_ends_a_session_in_one_transaction() {
    let mut chain = Chain::with_session();
    let action = chain.batch(0, 3);
    chain.must(OWNER, action);
    let collection = chain.collection(SESSION, true).expect("it is covered");
    let said = chain.must(OWNER, collection);
    let Event::SessionClosed { returned, .. } = said[1] else {
        panic!("{said:?}");
    };
    let left = u64::from(ESCROW_MINOR) - 3 * PRICE;
    let seen = opened(&quota_key(QUERIER), &returned, Place::Querier as usize);
    assert_eq!(seen, left);
    assert_eq!(chain.session(SESSION), None);
    assert_eq!(chain.available(QUERIER), WELCOME_MINOR - 3 * PRICE);
    assert_eq!(chain.available(OWNER), WELCOME_MINOR + 3 * PRICE + REWARD);
}

#[test]
fn either_side_may_post_a_batch_and_the_provider_is_paid_the_same() {
    let paid = |poster: MemberId| {
        let mut chain = Chain::with_session();
        let action = chain.batch(0, 2);
        chain.must(poster, action);
        chain.collect(SESSION);
        (chain.available(OWNER), chain.available(QUERIER))
    };
    assert_eq!(paid(OWNER), paid(QUERIER));
}

#[test]
fn both_sides_posting_one_batch_in_one_block_is_owed_once() {
    let mut chain = Chain::with_session();
    let action = chain.batch(0, 2);
    let posted = [OWNER, QUERIER].map(|poster| chain.envelope(poster, &action));
    let settled = Outcome::Rejected(Reject::SEQUENCE_SETTLED);
    assert_eq!(chain.block(&posted), [Outcome::Applied, settled]);
    assert_eq!(read::log_frontier(&chain.state).expect("a map").len(), 2);
    assert_eq!(chain.session(SESSION).expect("open").owed_requests, 1);
}

#[test]
fn nothing_is_minted_within_a_group() {
    let mut chain = Chain::with_list();
    chain.open_one(SISTER);
    let before = minted(&chain);
    let action = chain.changed_batch(0, 3, |request| request.querier = SISTER);
    chain.must(OWNER, action);
    chain.collect(SESSION);
    assert_eq!(minted(&chain), before);
    assert_eq!(chain.available(OWNER), WELCOME_MINOR + 3 * PRICE);
}

#[test]
fn a_reward_stays_below_the_sessions_price_whatever_is_voted_since() {
    let mut chain = Chain::with_session();
    let mut dearer = category(1);
    dearer.price_minor = 10 * PRICE_MINOR;
    dearer.reward_minor = 9 * PRICE_MINOR;
    chain
        .carry(Change::ChangeCategory(dearer))
        .expect("carried");
    let action = chain.batch(0, 2);
    chain.must(OWNER, action);
    chain.collect(SESSION);
    // Two calls of one request.
    let earned = 2 * PRICE + (PRICE - 1);
    assert_eq!(chain.available(OWNER), WELCOME_MINOR + earned);
}

#[test]
fn a_list_that_is_not_kept_up_earns_no_reward_until_its_next_version_is_in_force() {
    let mut chain = Chain::with_session();
    let mut terms = category(1);
    terms.fresh_days = 2;
    chain.carry(Change::ChangeCategory(terms)).expect("carried");
    let published = read::publication(&chain.state, first()).expect("a map");
    let published = published.expect("published").published_date;
    let rewarded = |chain: &mut Chain, sequence| {
        let before = minted(chain);
        let action = chain.batch(sequence, 1);
        chain.must(OWNER, action);
        chain.collect(SESSION);
        minted(chain) - before
    };
    chain.begin_date(published.after(2));
    assert_eq!(rewarded(&mut chain, 0), REWARD, "on the last date");
    chain.begin_date(published.after(3));
    assert_eq!(rewarded(&mut chain, 1), 0);
    // One that is published and not in force changes nothing.
    let next = version(LIST, EPOCH, 1);
    chain.must(OWNER, publish(next));
    assert_eq!(rewarded(&mut chain, 2), 0);
    for attester in [QUERIER, THIRD] {
        chain.must(attester, attest(next));
    }
    assert_eq!(rewarded(&mut chain, 3), REWARD);
}

#[test]
fn histories_count_what_was_asked_and_served() {
    let mut chain = Chain::with_session();
    for (sequence, calls) in [(0, 3), (1, 4)] {
        let action = chain.batch(sequence, calls);
        chain.must(OWNER, action);
    }
    let asked = read::history(&chain.state, QUERIER).expect("a map");
    assert_eq!((asked.asked_calls, asked.asked_batches), (7, 2));
    let served = read::history(&chain.state, OWNER).expect("a map");
    assert_eq!((served.served_calls, served.served_batches), (7, 2));
    assert_eq!(served.rewarded_minor, 0);
    chain.collect(SESSION);
    let served = read::history(&chain.state, OWNER).expect("a map");
    assert_eq!(served.rewarded_minor, 2 * REWARD);
}

/// The leaves that a batch must leave in the log.
fn leaves(action: &Action) -> Vec<tacit_circuits::curve::Field> {
    let Action::CallBatch(batch) = action else {
        panic!("not a batch");
    };
    let CallBatch {
        signed, evaluated, ..
    } = &**batch;
    let scope = Scope {
        list: LIST,
        tag_epoch: EPOCH,
        querier: QUERIER,
    };
    let blinded = Point::decode_batch(&signed.request.blinded()).expect("points");
    let evaluated = Point::decode_batch(evaluated).expect("points");
    let pairs = blinded.iter().zip(&evaluated);
    pairs
        .map(|(blinded, evaluated)| log_leaf(&scope, blinded, evaluated))
        .collect()
}

#[test]
fn leaves_enter_the_log_in_the_order_of_transactions_and_calls() {
    let mut chain = Chain::with_session();
    let batches = [(4, 2), (1, 3)].map(|(sequence, calls)| chain.batch(sequence, calls));
    let posted = [OWNER, QUERIER].map(|poster| {
        let place = usize::from(poster == QUERIER);
        chain.envelope(poster, &batches[place])
    });
    assert_eq!(chain.block(&posted), [Outcome::Applied; 2]);
    let expected: Vec<_> = batches.iter().flat_map(leaves).collect();
    let tree = LogTree::new(expected).expect("it fits");
    let head = read::log_head(&chain.state)
        .expect("a map")
        .expect("calls were logged");
    assert_eq!((head.length, head.height), (5, chain.height));
    assert_eq!(head.root, tree.root().into());
    let first_leaves: Vec<_> = chain
        .transaction_events()
        .iter()
        .filter_map(|event| match event {
            Event::CallsLogged { first_leaf, .. } => Some(*first_leaf),
            _ => None,
        })
        .collect();
    assert_eq!(first_leaves, [0, 2]);
}

#[test]
fn the_log_advances_once_in_a_block_that_logs_calls_and_in_no_other() {
    let mut chain = Chain::with_session();
    let batches = [0, 1].map(|sequence| chain.batch(sequence, 1));
    let first = read::next_sequence(&chain.state, OWNER).expect("a map");
    let posted: Vec<_> = (first..)
        .zip(&batches)
        .map(|(sequence, batch)| chain.envelope_numbered(OWNER, sequence, batch))
        .collect();
    chain.block(&posted);
    let head = read::log_head(&chain.state)
        .expect("a map")
        .expect("calls were logged");
    let (root, length) = (head.root, 2);
    assert_eq!(chain.block_events(), [Event::LogAdvanced { root, length }]);
    chain.pass(1);
    assert_eq!(chain.block_events(), []);
    // A refused batch logs nothing.
    let again = chain.batch(0, 1);
    assert_eq!(chain.refused(OWNER, again), Reject::SEQUENCE_SETTLED);
    assert_eq!(chain.block_events(), []);
}

#[test]
fn the_daily_cap_begins_anew_with_the_business_date() {
    let mut chain = Chain::with_session();
    chain.open_one(QUERIER);
    let calls = CAP as usize;
    let action = chain.batch(0, calls);
    chain.must(OWNER, action);
    let rest = chain.changed_batch(0, calls, |request| request.session.0 = 2);
    assert_eq!(
        chain.refused(OWNER, rest.clone()),
        Reject::DAILY_CAP_REACHED
    );
    assert_eq!(read::calls_today(&chain.state, QUERIER, LIST), Ok(CAP));
    chain.time_ms += DAY_MS;
    chain.must(OWNER, rest);
    assert_eq!(read::calls_today(&chain.state, QUERIER, LIST), Ok(CAP));
    let logged = chain.transaction_events();
    let clock = read::clock(&chain.state).expect("a map").expect("a block");
    assert!(logged.iter().any(|event| matches!(event,
        Event::CallsLogged { business_date, .. } if *business_date == clock.business_date)));
}

#[test]
fn the_daily_cap_is_each_groups_own() {
    let mut chain = Chain::with_session();
    chain.open_one(THIRD);
    let action = chain.batch(0, CAP as usize);
    chain.must(OWNER, action);
    let action = chain.changed_batch(0, CAP as usize, |request| {
        request.session.0 = 2;
        request.querier = THIRD;
    });
    chain.must(OWNER, action);
}

#[test]
fn a_session_takes_exactly_its_cap() {
    let mut chain = Chain::with_session();
    let action = chain.batch(0, CAP as usize);
    chain.must(OWNER, action);
    let action = chain.batch(1, 1);
    assert_eq!(chain.refused(OWNER, action), Reject::SESSION_CAP_REACHED);
}
