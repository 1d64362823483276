//! Opening, closing, and the window to settle.

use tacit_circuits::quota::transfer::Role as Place;
use tacit_circuits::scope::TagEpoch;
use tacit_ledger::kernel::Reject;
use tacit_ledger::network::record::SETTLEMENT_SPAN;
use tacit_ledger::network::session::{
    Unsettled, admission, collects_until_height, settles_until_height,
};
use tacit_ledger::network::{Action, Change, Event, SessionId, Settled, read};

use crate::support::*;

#[test]
fn an_opened_session_keeps_its_price_and_puts_its_escrow_aside() {
    let mut chain = Chain::with_session();
    let opened = chain.session(SESSION).expect("open");
    assert_eq!((opened.querier, opened.provider), (QUERIER, OWNER));
    assert_eq!(opened.price_minor, PRICE_MINOR);
    assert_eq!(escrow_left(&chain.state, SESSION), u64::from(ESCROW_MINOR));
    assert_eq!(
        chain.available(QUERIER),
        WELCOME_MINOR - u64::from(ESCROW_MINOR)
    );
    assert_eq!(chain.account(QUERIER).sessions, 1);
    let mut dearer = category(1);
    dearer.price_minor *= 2;
    chain
        .carry(Change::ChangeCategory(dearer))
        .expect("carried");
    let action = chain.batch(0, 1);
    chain.must(OWNER, action);
    let owed = chain.session(SESSION).expect("open").owed_public_minor();
    assert_eq!(owed, u64::from(PRICE_MINOR));
}

#[test]
fn an_escrow_opens_to_its_parties_and_the_supervisor_and_to_nobody_else() {
    let mut chain = Chain::with_list();
    let wish = opening(chain.height + 5);
    let action = chain.opened(QUERIER, &[wish]);
    let said = chain.must(QUERIER, action);
    let [Event::SessionOpened { escrow, .. }] = said[..] else {
        panic!("{said:?}");
    };
    assert_eq!(read::escrow(&chain.state, SESSION), Ok(escrow));
    let amount = u64::from(wish.escrow_minor);
    let places = [
        (QUERIER, Place::Querier),
        (OWNER, Place::Provider),
        (OBSERVER, Place::Supervisor),
    ];
    for (party, place) in places {
        let sealed = escrow.select([place as usize]);
        assert!(sealed.opens_to(&quota_key(party), amount), "{party}");
        for other in [THIRD, SISTER, NOBODY] {
            assert!(!sealed.opens_to(&quota_key(other), amount), "{other}");
        }
    }
    // The same amount, put aside again, looks like another.
    let action = chain.opened(QUERIER, &[opening(chain.height + 5)]);
    chain.must(QUERIER, action);
    let second = read::escrow(&chain.state, SessionId(2)).expect("a map");
    assert_ne!(second.commitment, escrow.commitment);
}

#[test]
fn sessions_of_one_transaction_are_opened_all_or_none() {
    let mut chain = Chain::with_list();
    let good = opening(chain.height + 5);
    let mut bad = good;
    bad.tag_epoch = TagEpoch(9);
    let refused = chain.refused(QUERIER, open(vec![good, bad]));
    assert_eq!(refused, Reject::EPOCH_UNKNOWN);
    assert_eq!(read::sessions(&chain.state, QUERIER, LIST), Ok(Vec::new()));
    chain.open(QUERIER, &[good, good]);
    let open = read::sessions(&chain.state, QUERIER, LIST).expect("a map");
    let numbers: Vec<_> = open.iter().map(|session| session.id).collect();
    assert_eq!(numbers, [1, 2].map(SessionId));
}

#[test]
fn a_sister_of_the_owner_may_ask_it() {
    let mut chain = Chain::with_list();
    chain.open_one(SISTER);
    assert!(chain.session(SESSION).is_some());
}

#[test]
fn a_provider_ends_a_session_at_once_and_the_escrow_returns() {
    let mut chain = Chain::with_session();
    let returned = read::escrow(&chain.state, SESSION).expect("a map");
    let events = chain.must(OWNER, close(SESSION));
    let closed = Event::SessionClosed {
        session: SESSION,
        querier: QUERIER,
        provider: OWNER,
        list: LIST,
        returned,
    };
    assert_eq!(events, [closed]);
    assert_eq!(chain.account(QUERIER).sessions, 0);
    assert_eq!(chain.available(QUERIER), WELCOME_MINOR);
    assert_eq!(read::sessions_with(&chain.state, LIST), Ok(Vec::new()));
}

#[test]
fn a_querier_that_ends_a_session_leaves_its_provider_the_window_to_settle() {
    let mut chain = Chain::with_session();
    let events = chain.must(QUERIER, close(SESSION));
    let settles_until_height = chain.height + WINDOW;
    let closing = Event::SessionClosing {
        session: SESSION,
        settles_until_height,
    };
    assert_eq!(events, [closing]);
    chain.pass_before(settles_until_height);
    let action = chain.batch(0, 1);
    chain.must(OWNER, action);
    let action = chain.batch(1, 1);
    assert_eq!(chain.refused(OWNER, action), Reject::SESSION_ENDED);
    chain.collect(SESSION);
    assert_eq!(chain.session(SESSION), None);
}

#[test]
fn the_window_of_a_former_epoch_is_not_lengthened_by_closing() {
    let mut chain = Chain::with_session();
    let second = TagEpoch(1);
    chain
        .register_epoch(OWNER, LIST, second)
        .expect("registered");
    chain.activate(OWNER, version(LIST, second, 0));
    let superseded = chain.height;
    chain.pass(3);
    let events = chain.must(QUERIER, close(SESSION));
    let closing = Event::SessionClosing {
        session: SESSION,
        settles_until_height: superseded + WINDOW,
    };
    assert_eq!(events, [closing]);
    chain.pass_before(superseded + WINDOW + 2);
    assert_eq!(chain.session(SESSION), None);
}

#[test]
fn a_session_that_owes_stands_for_its_collection_and_for_nothing_else() {
    let mut chain = Chain::with_session();
    // Its querier posts what the provider answered and did not settle.
    let action = chain.batch(0, 2);
    chain.must(QUERIER, action);
    let session = chain.session(SESSION).expect("open");
    let settles_until = session.deadline_height + WINDOW;
    let last = settles_until + COLLECTION_WINDOW;
    assert_eq!(
        collects_until_height(&chain.state, &session),
        Ok(Some(last))
    );
    chain.pass_before(settles_until + 1);
    let late = chain.batch(1, 1);
    assert_eq!(chain.refused(OWNER, late), Reject::SESSION_ENDED);
    assert_eq!(chain.refused(QUERIER, close(SESSION)), Reject::SESSION_OWES);
    let mut later = chain.clone();
    chain.pass_before(last);
    let collection = chain.collection(SESSION, false).expect("it is covered");
    let said = chain.must(OWNER, collection.clone());
    assert!(matches!(
        said[..],
        [Event::ChargesCollected { .. }, Event::SessionClosed { .. }]
    ));
    let spent = 2 * u64::from(PRICE_MINOR);
    assert_eq!(chain.available(QUERIER), WELCOME_MINOR - spent);
    let earned = spent + u64::from(REWARD_MINOR);
    assert_eq!(chain.available(OWNER), WELCOME_MINOR + earned);
    // A block later it has ended, and what nobody collected has returned.
    later.pass_before(last + 1);
    assert_eq!(later.refused(OWNER, collection), Reject::SESSION_UNKNOWN);
    assert_eq!(later.available(QUERIER), WELCOME_MINOR);
    assert_eq!(later.available(OWNER), WELCOME_MINOR);
}

#[test]
fn a_session_whose_charges_are_collected_does_not_stand_any_longer() {
    let mut chain = Chain::with_session();
    let action = chain.batch(0, 2);
    chain.must(OWNER, action);
    let session = chain.session(SESSION).expect("open");
    chain.pass_before(session.deadline_height + WINDOW);
    chain.collect(SESSION);
    let session = chain.session(SESSION).expect("it still settles");
    assert_eq!(collects_until_height(&chain.state, &session), Ok(None));
    chain.pass(1);
    assert_eq!(chain.session(SESSION), None);
}

#[test]
fn without_a_collection_window_a_session_that_owes_ends_when_it_settles_no_more() {
    let mut chain = Chain::with(|network| network.parameters.collection_window_blocks = 0);
    chain.prepare_list();
    chain.open_one(QUERIER);
    let action = chain.batch(0, 2);
    chain.must(QUERIER, action);
    let deadline = chain.session(SESSION).expect("open").deadline_height;
    chain.pass_before(deadline + WINDOW + 1);
    assert!(chain.session(SESSION).is_some());
    chain.pass(1);
    assert_eq!(chain.session(SESSION), None);
    assert_eq!(chain.available(QUERIER), WELCOME_MINOR);
}

#[test]
fn what_was_settled_before_a_key_was_revoked_is_collected_within_the_window() {
    let mut chain = Chain::with_session();
    let action = chain.batch(0, 2);
    chain.must(OWNER, action);
    let tag_epoch = EPOCH;
    let revoke = Action::RevokeKey {
        list: LIST,
        tag_epoch,
    };
    chain.must(OWNER, revoke);
    let last = chain.height + COLLECTION_WINDOW;
    assert_eq!(chain.refused(QUERIER, close(SESSION)), Reject::SESSION_OWES);
    let mut late = chain.clone();
    chain.pass_before(last);
    chain.collect(SESSION);
    assert_eq!(chain.session(SESSION), None);
    let spent = 2 * u64::from(PRICE_MINOR);
    assert_eq!(chain.available(QUERIER), WELCOME_MINOR - spent);
    late.pass_before(last + 1);
    late.must(QUERIER, close(SESSION));
    assert_eq!(late.available(QUERIER), WELCOME_MINOR);
}

#[test]
fn a_session_settles_for_the_window_after_its_deadline() {
    let mut chain = Chain::with_session();
    let deadline = chain.session(SESSION).expect("open").deadline_height;
    chain.pass_before(deadline + WINDOW);
    let action = chain.batch(0, 1);
    chain.must(QUERIER, action);
    let action = chain.batch(1, 1);
    assert_eq!(chain.refused(OWNER, action), Reject::SESSION_ENDED);
}

#[test]
fn a_revoked_key_lets_the_querier_have_its_escrow_back_at_once() {
    let mut chain = Chain::with_session();
    let tag_epoch = EPOCH;
    chain.must(
        OWNER,
        Action::RevokeKey {
            list: LIST,
            tag_epoch,
        },
    );
    let session = chain.session(SESSION).expect("it stands on");
    assert_eq!(settles_until_height(&chain.state, &session), Ok(None));
    chain.must(QUERIER, close(SESSION));
    assert_eq!(chain.available(QUERIER), WELCOME_MINOR);
}

#[test]
fn a_window_that_was_lengthened_by_vote_is_waited_for() {
    let mut chain = Chain::with_session();
    let deadline = chain.session(SESSION).expect("open").deadline_height;
    let mut longer = parameters();
    longer.settlement_window_blocks = WINDOW + 5;
    chain.carry(Change::SetParameters(longer)).expect("carried");
    chain.pass_before(deadline + WINDOW + 2);
    assert!(chain.session(SESSION).is_some());
    let action = chain.batch(0, 1);
    chain.must(OWNER, action);
    chain.collect(SESSION);
    assert!(chain.session(SESSION).is_some());
    chain.pass_before(deadline + WINDOW + 5 + 2);
    assert_eq!(chain.session(SESSION), None);
}

/// Whether the owner may answer two calls now, on top of what is unsettled.
fn admitted(chain: &Chain, unsettled: &Unsettled) -> Result<(), Reject> {
    let signed = chain.request(0, 2).sign(&signer(QUERIER));
    let admitted = admission(&chain.state, OWNER, &signed, unsettled).expect("a map");
    admitted.map(|_| ())
}

#[test]
fn what_is_answered_and_not_settled_counts_before_the_next_answer() {
    let chain = Chain::with_session();
    let cases = [
        (Unsettled::default(), Ok(())),
        (
            Unsettled {
                session_calls: CAP - 1,
                ..Unsettled::default()
            },
            Err(Reject::SESSION_CAP_REACHED),
        ),
        (
            Unsettled {
                list_calls: DAILY_CAP - 1,
                ..Unsettled::default()
            },
            Err(Reject::DAILY_CAP_REACHED),
        ),
        (
            Unsettled {
                session_calls: u32::MAX,
                list_calls: u32::MAX,
            },
            Err(Reject::SESSION_CAP_REACHED),
        ),
    ];
    for (unsettled, expected) in cases {
        assert_eq!(admitted(&chain, &unsettled), expected, "{unsettled:?}");
    }
}

#[test]
fn nothing_is_answered_that_a_changed_state_would_not_pay_for() {
    let none = Unsettled::default();
    let tag_epoch = EPOCH;
    type Case = (Reject, fn(&mut Chain));
    let changes: [Case; 5] = [
        (Reject::SESSION_ENDED, |chain| {
            chain.must(QUERIER, close(SESSION));
            chain.pass(1);
        }),
        (Reject::EPOCH_NOT_ACTIVE, |chain| {
            chain.must(FOURTH, fraud_proof(first()));
        }),
        (Reject::EPOCH_SUPERSEDED, |chain| {
            chain.must(OWNER, Action::WithdrawList { list: LIST });
        }),
        (Reject::MEMBER_LEFT, |chain| {
            chain
                .carry(Change::AddValidator { member: SISTER })
                .expect("carried");
            chain
                .carry(Change::Remove { member: QUERIER })
                .expect("carried");
        }),
        (Reject::SEQUENCE_SETTLED, |chain| {
            let action = chain.batch(0, 2);
            chain.must(OWNER, action);
        }),
    ];
    for (expected, change) in changes {
        let mut chain = Chain::with_session();
        change(&mut chain);
        assert_eq!(admitted(&chain, &none), Err(expected));
    }
    let mut chain = Chain::with_session();
    chain.must(
        OWNER,
        Action::RevokeKey {
            list: LIST,
            tag_epoch,
        },
    );
    assert_eq!(admitted(&chain, &none), Err(Reject::EPOCH_REVOKED));
}

#[test]
fn requests_settle_in_any_order_within_the_span() {
    let mut chain = Chain::with_session();
    let span = SETTLEMENT_SPAN;
    for sequence in [5, 0, span + 4, 6, 5 + span] {
        let action = chain.batch(sequence, 1);
        chain.must(OWNER, action);
    }
    for (sequence, expected) in [
        (5, Reject::SEQUENCE_TOO_OLD),
        (6, Reject::SEQUENCE_SETTLED),
        (span + 4, Reject::SEQUENCE_SETTLED),
    ] {
        let action = chain.batch(sequence, 1);
        assert_eq!(chain.refused(OWNER, action), expected, "{sequence}");
    }
    let action = chain.batch(7, 1);
    chain.must(OWNER, action);
}

#[test]
fn a_fresh_window_takes_any_number() {
    for sequence in [0, 1, SETTLEMENT_SPAN, u64::MAX - 1] {
        assert_eq!(Settled::default().check(sequence), Ok(()));
    }
}

#[test]
fn a_leap_to_the_highest_number_settles_and_ends_there() {
    let mut chain = Chain::with_session();
    let action = chain.batch(u64::MAX - 1, 1);
    chain.must(OWNER, action);
    let action = chain.batch(u64::MAX - 1, 1);
    assert_eq!(chain.refused(OWNER, action), Reject::SEQUENCE_SETTLED);
    let action = chain.batch(u64::MAX - SETTLEMENT_SPAN, 1);
    chain.must(OWNER, action);
}
