//! Views.

use tacit_circuits::scope::ListId;
use tacit_ledger::kernel::{Digest, Outcome, Reject};
use tacit_ledger::network::receipts::Purpose;
use tacit_ledger::network::record::*;
use tacit_ledger::network::{Action, Change, Event, read};

use crate::support::*;

fn granted(chain: &Chain) -> View {
    let view = read::view(&chain.state, VIEW).expect("a map");
    view.expect("granted")
}

#[test]
fn a_view_stands_until_it_is_revoked_and_each_use_is_recorded() {
    let mut chain = GRANTED.clone();
    let today = chain.today();
    assert_eq!(
        read::views_for(&chain.state, OBSERVER),
        Ok(vec![granted(&chain)])
    );
    assert_eq!(
        read::views_of(&chain.state, QUERIER),
        Ok(vec![granted(&chain)])
    );
    for number in 1..=2 {
        let events = chain.must(OBSERVER, use_view(VIEW));
        let used = Event::ViewUsed {
            view: VIEW,
            number,
            member: QUERIER,
            supervisor: OBSERVER,
            purpose: Purpose::new("examination").expect("a code"),
            query: Digest([0xe1; 32]),
        };
        assert_eq!(events, [used]);
    }
    let view = granted(&chain);
    assert_eq!(view.uses, 2);
    let last = ViewUse {
        date: today,
        height: chain.height,
        purpose: Purpose::new("examination").expect("a code"),
        query: Digest([0xe1; 32]),
    };
    assert_eq!(view.last_use, Some(last));
    let events = chain.must(QUERIER, revoke_view(VIEW));
    assert_eq!(events, [Event::ViewRevoked { view: VIEW }]);
    assert_eq!(read::views_for(&chain.state, OBSERVER), Ok(Vec::new()));
    assert_eq!(
        chain.refused(OBSERVER, use_view(VIEW)),
        Reject::VIEW_UNKNOWN
    );
    // The next has another number.
    let action = grant_view(&chain, 1);
    chain.must(QUERIER, action);
    assert!(
        read::view(&chain.state, ViewId(2))
            .expect("a map")
            .is_some()
    );
}

#[test]
fn a_view_begins_with_its_first_date_and_ends_with_its_last() {
    let mut chain = Chain::new();
    let today = chain.today();
    let (from, until) = (today.after(2), today.after(4));
    let action = Action::GrantView {
        supervisor: OBSERVER,
        scope: ViewScope::Cases(Digest([1; 32])),
        from,
        until,
    };
    chain.must(THIRD, action);
    chain.end_of_date(today.after(1));
    assert_eq!(
        chain.refused(OBSERVER, use_view(VIEW)),
        Reject::VIEW_NOT_YET
    );
    assert_eq!(chain.today(), today.after(1));
    chain.before_date(from);
    chain.must(OBSERVER, use_view(VIEW));
    chain.end_of_date(until);
    chain.must(OBSERVER, use_view(VIEW));
    assert_eq!(chain.today(), until);
    assert_eq!(
        chain.refused(OBSERVER, use_view(VIEW)),
        Reject::VIEW_EXPIRED
    );
    assert_eq!(chain.today(), until.after(1));
}

#[test]
fn a_use_that_is_sent_twice_is_recorded_once() {
    let mut chain = GRANTED.clone();
    let envelope = chain.envelope(OBSERVER, &use_view(VIEW));
    let outcomes = chain.block(&[envelope.clone(), envelope]);
    let replayed = Outcome::Rejected(Reject::SEQUENCE_TOO_LOW);
    assert_eq!(outcomes, [Outcome::Applied, replayed]);
    assert_eq!(granted(&chain).uses, 1);
}

#[test]
fn expired_views_make_room_and_no_record_of_them_stays() {
    let mut chain = Chain::new();
    let short = grant_view(&chain, 0);
    let long = grant_view(&chain, 9);
    for _ in 0..MAX_VIEWS_PER_MEMBER - 1 {
        chain.must(QUERIER, short.clone());
    }
    chain.must(QUERIER, long.clone());
    assert_eq!(chain.refused(QUERIER, long.clone()), Reject::TOO_MANY_VIEWS);
    // Another member's are its own.
    chain.must(THIRD, long.clone());
    chain.begin_date(chain.today().after(1));
    chain.must(QUERIER, long);
    let left = read::views_of(&chain.state, QUERIER).expect("a map");
    let numbers: Vec<_> = left.iter().map(|view| view.id.0).collect();
    let last = MAX_VIEWS_PER_MEMBER as u64;
    assert_eq!(numbers, [last, last + 2]);
    for gone in 1..last {
        assert_eq!(read::view(&chain.state, ViewId(gone)), Ok(None));
    }
}

#[test]
fn who_has_left_shows_nothing_any_more() {
    let mut chain = GRANTED.clone();
    chain
        .carry(Change::AddValidator { member: SISTER })
        .expect("carried");
    chain
        .carry(Change::Remove { member: QUERIER })
        .expect("carried");
    assert_eq!(chain.refused(OBSERVER, use_view(VIEW)), Reject::MEMBER_LEFT);
}

#[test]
fn a_list_is_shown_by_its_owner_alone() {
    let mut chain = Chain::with_list();
    let today = chain.today();
    let show = |list| Action::GrantView {
        supervisor: OBSERVER,
        scope: ViewScope::List(list),
        from: today,
        until: today,
    };
    assert_eq!(chain.refused(QUERIER, show(LIST)), Reject::NOT_THE_OWNER);
    assert_eq!(chain.refused(OWNER, show(ListId(9))), Reject::LIST_UNKNOWN);
    chain.must(OWNER, show(LIST));
    assert_eq!(granted(&chain).scope, ViewScope::List(LIST));
}
